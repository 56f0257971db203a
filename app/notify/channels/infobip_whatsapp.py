"""WhatsApp by Infobip (https://www.infobip.com/docs/api/channels/whatsapp).

The quirk that cost time: free text arrives only within 24 h after the person wrote to the sender; a page at any other
time needs a template that WhatsApp has approved. Its placeholders are number, severity, title and link.
"""

from pydantic import Field

from app.notify.channels._base import (
    Channel,
    JsonObject,
    Message,
    Outside,
    Receipt,
    Sample,
    Settings,
    callback,
    clip,
)
from app.notify.channels._infobip import InfobipConfig, post
from app.notify.channels._phone import number_of

PLACEHOLDER_LIMIT = 500


class InfobipWhatsappConfig(InfobipConfig):
    """An Infobip account with a WhatsApp sender."""

    template_name: str = Field(
        default="",
        description="Approved template with the placeholders number, severity, title, link; empty: free text.",
    )
    language: str = Field(default="en", max_length=10, description="Language of the template.")


async def send(message: Message, config: InfobipWhatsappConfig, outside: Outside) -> Receipt:
    """Send one message: the approved template where there is one, else free text. Raises DeliveryFailed."""
    one: JsonObject = {
        "from": config.sender.lstrip("+"),
        "to": number_of(message.to or config.to).lstrip("+"),
        "messageId": message.idempotency_key,
        "callbackData": str(message.notification_id),
    }
    receipts_url = callback(message.receipts_url, config.base_url)
    if receipts_url:
        one["notifyUrl"] = receipts_url
    if config.template_name and message.incident_id is not None:
        body: JsonObject = {"messages": [one | {"content": _template(message, config)}]}
        path = "/whatsapp/1/message/template"
    else:
        body, path = one | {"content": {"text": message.short}}, "/whatsapp/1/message/text"
    return Receipt(provider_message_id=await post(path, body, config=config, outside=outside))


def _template(message: Message, config: InfobipWhatsappConfig) -> JsonObject:
    title = str(message.facts.get("title") or message.subject)
    link = next((each.url for each in message.actions if each.url), message.link)
    placeholders = [str(message.incident_id), message.severity, clip(" ".join(title.split()), PLACEHOLDER_LIMIT), link]
    return {
        "templateName": config.template_name,
        "templateData": {"body": {"placeholders": placeholders}},
        "language": config.language,
    }


def _from_settings(settings: Settings) -> JsonObject:
    return {
        "base_url": settings.infobip_base_url,
        "api_key": settings.infobip_api_key,
        "sender": settings.infobip_whatsapp_sender,
        "template_name": settings.infobip_whatsapp_template,
        "language": settings.infobip_whatsapp_language,
    }


SAMPLES = (
    Sample(
        name="free text",
        config={"base_url": "https://x1.api.infobip.com", "api_key": "s3cret-api-key", "sender": "+441134960000"},
        to="+491511234567",
        answer='{"to": "491511234567", "messageCount": 1, "messageId": "0123456789abcdef", '
        '"status": {"groupId": 1, "groupName": "PENDING", "id": 7, "name": "PENDING_ENROUTE"}}',
        expect={
            "url": "https://x1.api.infobip.com/whatsapp/1/message/text",
            "headers": {"Authorization": "App s3cret-api-key"},
            "json": {
                "from": "441134960000",
                "to": "491511234567",
                "messageId": "0123456789abcdef",
                "content": {"text": "CRITICAL #7 Disk full. Reply ACK 7"},
            },
        },
    ),
    Sample(
        name="an approved template",
        config={
            "base_url": "https://x1.api.infobip.com", "api_key": "s3cret-api-key", "sender": "441134960000",
            "template_name": "page", "language": "en_GB",
        },
        to="+491511234567",
        answer='{"messages": [{"to": "491511234567", "messageId": "0123456789abcdef", '
        '"status": {"groupName": "PENDING", "name": "PENDING_ENROUTE"}}], "bulkId": "b1"}',
        expect={
            "url": "https://x1.api.infobip.com/whatsapp/1/message/template",
            "json": {
                "messages": [
                    {
                        "from": "441134960000",
                        "to": "491511234567",
                        "messageId": "0123456789abcdef",
                        "callbackData": "42",
                        "content": {
                            "templateName": "page",
                            "templateData": {
                                "body": {"placeholders": ["7", "critical", "Disk full", "https://pager.example.com/incidents/7"]}
                            },
                            "language": "en_GB",
                        },
                    }
                ]
            },
        },
    ),
)  # fmt: skip

PLUGIN = Channel(
    label="WhatsApp (Infobip)",
    config_model=InfobipWhatsappConfig,
    send=send,
    address_label="Phone number, such as +4915112345678",
    from_settings=_from_settings,
    needs=("INFOBIP_BASE_URL", "INFOBIP_API_KEY", "INFOBIP_WHATSAPP_SENDER"),
    receipts_path="/integrations/infobip_reports/{secret}/",
    wakes=True,
    samples=SAMPLES,
    setup="For people: set INFOBIP_BASE_URL, INFOBIP_API_KEY, INFOBIP_WHATSAPP_SENDER and INFOBIP_WHATSAPP_TEMPLATE "
    "(an approved template): free text arrives only within 24 h after the person wrote.",
)
