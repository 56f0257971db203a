"""SMS by Infobip, API version 3 (https://www.infobip.com/docs/api/channels/sms).

The quirk that cost time: numbers stand without their «+», and the id of a message may be ours, so that the receipt of
one that was sent twice finds the same row.
"""

from app.notify.channels._base import Channel, JsonObject, Message, Outside, Receipt, Sample, Settings, callback
from app.notify.channels._infobip import InfobipConfig, post
from app.notify.channels._phone import number_of


class InfobipSmsConfig(InfobipConfig):
    """An Infobip account that sends SMS."""


async def send(message: Message, config: InfobipSmsConfig, outside: Outside) -> Receipt:
    """Send one text message of at most two segments. Raises DeliveryFailed."""
    to = number_of(message.to or config.to)
    one: JsonObject = {
        "sender": config.sender,
        "destinations": [{"to": to.lstrip("+"), "messageId": message.idempotency_key}],
        "content": {"text": message.short},
    }
    receipts_url = callback(message.receipts_url, config.base_url)
    if receipts_url:
        one["webhooks"] = {
            "delivery": {"url": receipts_url},
            "contentType": "application/json",
            "callbackData": str(message.notification_id),
        }
    return Receipt(
        provider_message_id=await post("/sms/3/messages", {"messages": [one]}, config=config, outside=outside)
    )


def _from_settings(settings: Settings) -> JsonObject:
    return {
        "base_url": settings.infobip_base_url,
        "api_key": settings.infobip_api_key,
        "sender": settings.infobip_sms_sender,
    }


SAMPLES = (
    Sample(
        name="a person's phone",
        config={"base_url": "https://x1.api.infobip.com", "api_key": "s3cret-api-key", "sender": "PagerPal"},
        to="+49 151 1234567",
        answer='{"bulkId": "b1", "messages": [{"messageId": "0123456789abcdef", "status": {"groupId": 1, '
        '"groupName": "PENDING", "id": 26, "name": "PENDING_ACCEPTED"}, "destination": "491511234567"}]}',
        expect={
            "method": "POST",
            "url": "https://x1.api.infobip.com/sms/3/messages",
            "headers": {"Authorization": "App s3cret-api-key"},
            "json": {
                "messages": [
                    {
                        "sender": "PagerPal",
                        "destinations": [{"to": "491511234567", "messageId": "0123456789abcdef"}],
                        "content": {"text": "CRITICAL #7 Disk full. Reply ACK 7"},
                    }
                ]
            },
        },
    ),
)

PLUGIN = Channel(
    label="SMS (Infobip)",
    config_model=InfobipSmsConfig,
    send=send,
    address_label="Phone number, such as +4915112345678",
    from_settings=_from_settings,
    needs=("INFOBIP_BASE_URL", "INFOBIP_API_KEY", "INFOBIP_SMS_SENDER"),
    receipts_path="/integrations/infobip_reports/{secret}/",
    wakes=True,
    samples=SAMPLES,
    setup="For people: set INFOBIP_BASE_URL, INFOBIP_API_KEY and INFOBIP_SMS_SENDER. For answers by SMS give Infobip "
    "the inbound address that Settings shows.",
)
