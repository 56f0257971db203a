"""What Twilio's SMS and voice have in common (https://www.twilio.com/docs/usage/api)."""

from base64 import b64encode
from collections.abc import Mapping
from urllib.parse import urlencode

from pydantic import Field

from app.notify.channels._base import (
    ChannelConfig,
    DeliveryFailed,
    JsonObject,
    Outside,
    Secret,
    Settings,
    answered,
    call,
    clip,
)

LOST = frozenset({"failed", "undelivered", "canceled"})


class TwilioConfig(ChannelConfig):
    """An account, and who writes or calls."""

    account_sid: Secret = Field(min_length=2, description="Account SID (AC…).")
    auth_token: Secret = Field(min_length=1, description="Auth token of the account.")
    sender: str = Field(alias="from", min_length=2, description="Number that sends, or a messaging service (MG…).")
    base_url: str = Field(default="https://api.twilio.com", description="Twilio's API; another one only for tests.")
    to: str = Field(default="", description="The number to reach; a person's contact method brings its own.")


async def post(resource: str, form: Mapping[str, str], *, config: TwilioConfig, outside: Outside) -> str:
    """Make one message or call and give its SID. Raises DeliveryFailed: for good for 4xx, not for 429 and 5xx."""
    login = b64encode(f"{config.account_sid}:{config.auth_token}".encode()).decode("ascii")
    answer = await call(
        outside,
        "POST",
        f"{config.base_url.rstrip('/')}/2010-04-01/Accounts/{config.account_sid}/{resource}.json",
        config=config,
        headers={"Authorization": f"Basic {login}", "Content-Type": "application/x-www-form-urlencoded"},
        content=urlencode(form).encode(),
    )
    made = answered(answer)
    if made.get("status") in LOST or made.get("error_code"):
        what = made.get("error_message") or made.get("error_code") or made.get("status")
        raise DeliveryFailed(f"Twilio refused it: {clip(str(what), 200)}", permanent=True)
    if not made.get("sid"):
        raise DeliveryFailed("Twilio's answer names no message", outcome_unknown=True)
    return str(made["sid"])


def from_settings(settings: Settings) -> JsonObject:
    """The configuration for people."""
    return {
        "account_sid": settings.twilio_account_sid,
        "auth_token": settings.twilio_auth_token,
        "from": settings.twilio_from,
        "base_url": settings.twilio_base_url,
    }
