"""What Infobip's SMS and WhatsApp have in common (https://www.infobip.com/docs/api).

The quirk that cost time: a message that was refused is answered 200, with the group REJECTED in its status.
"""

from pydantic import Field

from app.notify.channels._base import ChannelConfig, DeliveryFailed, JsonObject, Outside, Secret, answered, post_json

TAKEN = frozenset({"ACCEPTED", "PENDING", "DELIVERED"})
# Refused for now; every other refusal stays one.
TEMPORARY = frozenset({"REJECTED_SYSTEM_ERROR", "REJECTED_FLOODING_FILTER", "REJECTED_NOT_ENOUGH_CREDITS"})


class InfobipConfig(ChannelConfig):
    """An account: its own base URL and key."""

    base_url: str = Field(min_length=8, description="The account's own URL, https://….api.infobip.com")
    api_key: Secret = Field(min_length=1, description="API key with the right to send.")
    sender: str = Field(min_length=1, description="Registered sender: a number or a name.")
    to: str = Field(default="", description="The number to write to; a person's contact method brings its own.")


async def post(path: str, body: JsonObject, *, config: InfobipConfig, outside: Outside) -> str:
    """Send one message and give Infobip's id of it. Raises DeliveryFailed, also for one that was refused with 200."""
    answer = await post_json(
        outside,
        f"{config.base_url.rstrip('/')}{path}",
        body,
        config=config,
        headers={"Authorization": f"App {config.api_key}", "Accept": "application/json"},
    )
    said = answered(answer)
    messages = said.get("messages")
    sent = messages[0] if isinstance(messages, list) and messages and isinstance(messages[0], dict) else said
    status = sent.get("status")
    known: JsonObject = status if isinstance(status, dict) else {}
    group, name = str(known.get("groupName") or ""), str(known.get("name") or "")
    if group and group not in TAKEN:
        raise DeliveryFailed(f"Infobip refused it: {group} {name}".strip(), permanent=name not in TEMPORARY)
    if not sent.get("messageId"):
        raise DeliveryFailed("Infobip's answer names no message", outcome_unknown=True)
    return str(sent["messageId"])
