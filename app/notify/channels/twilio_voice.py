"""Calls by Twilio (https://www.twilio.com/docs/voice/api/call-resource) that read the incident and take a digit.

What is said goes along as TwiML, so a call speaks even where Twilio cannot reach this installation; only the digit has
to come back. The quirk that cost time: «142» is read as a number, so digits are said one by one.
"""

from xml.sax.saxutils import escape, quoteattr

from pydantic import Field

from app.notify.channels._base import Channel, Message, Outside, Receipt, Sample, callback, clip
from app.notify.channels._phone import number_of
from app.notify.channels._twilio import TwilioConfig, from_settings, post

RING_SECONDS = 40
DIGIT_SECONDS = 8
SAID_LIMIT = 800
DIGITS = "Press 1 to acknowledge, 2 to escalate, 3 to resolve."


class TwilioVoiceConfig(TwilioConfig):
    """A Twilio account that calls."""

    language: str = Field(default="en-US", max_length=12, description="Language of the voice, as in en-GB.")
    voice: str = Field(default="", max_length=60, description="One of Twilio's voices; empty: its usual one.")


async def send(message: Message, config: TwilioVoiceConfig, outside: Outside) -> Receipt:
    """Start one call. Raises DeliveryFailed."""
    form = {
        "To": number_of(message.to or config.to),
        "From": config.sender,
        "Twiml": _spoken(message, config),
        "Timeout": str(RING_SECONDS),
    }
    receipts_url = callback(message.receipts_url, config.base_url)
    if receipts_url:
        form["StatusCallback"] = receipts_url
    return Receipt(provider_message_id=await post("Calls", form, config=config, outside=outside))


def _spoken(message: Message, config: TwilioVoiceConfig) -> str:
    """The call as TwiML: said twice, with a digit taken at any time."""
    answer_url = callback(message.answer_url, config.base_url)
    voice = f" voice={quoteattr(config.voice)}" if config.voice else ""
    text = clip(message.spoken, SAID_LIMIT)
    said = f"{text} {DIGITS}" if answer_url else text
    say = f"<Say language={quoteattr(config.language)}{voice}>{escape(_speakable(said))}</Say>"
    twice = f'{say}<Pause length="1"/>{say}'
    if answer_url:
        gather = f'<Gather action={quoteattr(answer_url)} method="POST" numDigits="1" timeout="{DIGIT_SECONDS}">'
        twice = f"{gather}{twice}</Gather>"
    return f"<Response>{twice}</Response>"


def _speakable(text: str) -> str:
    # XML has no place for control characters, not even escaped.
    return "".join(each for each in text if each.isprintable())


SAMPLES = (
    Sample(
        name="a person's phone",
        config={"account_sid": "AC0example", "auth_token": "s3cret-token", "from": "+15005550006"},
        to="+491511234567",
        answer='{"sid": "CA0example", "status": "queued"}',
        status=201,
        expect={
            "method": "POST",
            "url": "https://api.twilio.com/2010-04-01/Accounts/AC0example/Calls.json",
            "form": {"To": "+491511234567", "From": "+15005550006"},
        },
    ),
)

PLUGIN = Channel(
    label="Call (Twilio)",
    config_model=TwilioVoiceConfig,
    send=send,
    address_label="Phone number, such as +4915112345678",
    from_settings=from_settings,
    needs=("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "TWILIO_FROM"),
    receipts_path="/integrations/twilio_status/",
    answers_path="/integrations/twilio_voice/?token={token}",
    wakes=True,
    samples=SAMPLES,
    setup="For people: set TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN and TWILIO_FROM (a number that may call). Digits come "
    "back to PAGERPAL_BASE_URL, which Twilio must be able to reach.",
)
