"""SMS by Twilio (https://www.twilio.com/docs/messaging/api/message-resource).

The quirk that cost time: 201 only says «queued»; whether it arrived is told to the status callback, and a callback
address that Twilio cannot reach makes it refuse the message.
"""

from app.notify.channels._base import Channel, Message, Outside, Receipt, Sample, callback
from app.notify.channels._phone import number_of
from app.notify.channels._twilio import TwilioConfig, from_settings, post


class TwilioSmsConfig(TwilioConfig):
    """A Twilio account that sends SMS."""


async def send(message: Message, config: TwilioSmsConfig, outside: Outside) -> Receipt:
    """Send one text message of at most two segments. Raises DeliveryFailed."""
    by = "MessagingServiceSid" if config.sender.startswith("MG") else "From"
    form = {"To": number_of(message.to or config.to), by: config.sender, "Body": message.short}
    receipts_url = callback(message.receipts_url, config.base_url)
    if receipts_url:
        form["StatusCallback"] = receipts_url
    return Receipt(provider_message_id=await post("Messages", form, config=config, outside=outside))


SAMPLES = (
    Sample(
        name="a person's phone",
        config={"account_sid": "AC0example", "auth_token": "s3cret-token", "from": "+15005550006"},
        to="+491511234567",
        answer='{"sid": "SM0example", "status": "queued", "error_code": null}',
        status=201,
        expect={
            "method": "POST",
            "url": "https://api.twilio.com/2010-04-01/Accounts/AC0example/Messages.json",
            "form": {"To": "+491511234567", "From": "+15005550006", "Body": "CRITICAL #7 Disk full. Reply ACK 7"},
        },
    ),
    Sample(
        name="a team's phone, by a messaging service",
        config={
            "account_sid": "AC0example", "auth_token": "s3cret-token", "from": "MG0example", "to": "0049 151 1234567",
        },
        answer='{"sid": "SM0example", "status": "accepted"}',
        status=201,
        expect={"form": {"To": "+491511234567", "MessagingServiceSid": "MG0example"}},
    ),
)  # fmt: skip

PLUGIN = Channel(
    label="SMS (Twilio)",
    config_model=TwilioSmsConfig,
    send=send,
    address_label="Phone number, such as +4915112345678",
    from_settings=from_settings,
    needs=("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "TWILIO_FROM"),
    receipts_path="/integrations/twilio_status/",
    wakes=True,
    samples=SAMPLES,
    setup="For people: set TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN and TWILIO_FROM. For answers by SMS give the number's "
    "«a message comes in» at Twilio the inbound address that Settings shows.",
)
