"""TwiML, what Twilio is answered: a text message, or what is said in a call. Values in, XML out."""

from collections.abc import Iterable
from xml.sax.saxutils import escape, quoteattr

from starlette.responses import Response

MESSAGE_LIMIT = 1600
DIGIT_SECONDS = 8
LANGUAGE = "en-US"


def message(text: str) -> Response:
    """The text as an answer to the sender's message; an empty one sends nothing."""
    return _xml(f"<Message>{_safe(text[:MESSAGE_LIMIT])}</Message>" if text else "")


def call(says: Iterable[str], *, answer_url: str | None) -> Response:
    """What is said; where there is an address, one digit is waited for and posted there, and so is silence."""
    said = "".join(f'<Say language="{LANGUAGE}">{_safe(each)}</Say>' for each in says)
    if answer_url is None:
        return _xml(f"{said}<Hangup/>")
    gather = f'<Gather action={quoteattr(answer_url)} method="POST" numDigits="1" timeout="{DIGIT_SECONDS}">'
    return _xml(f'{gather}{said}</Gather><Redirect method="POST">{_safe(answer_url)}</Redirect>')


def _safe(text: str) -> str:
    # XML has no place for most control characters, not even escaped, nor for halves of a character.
    shown = "".join(each for each in text if each == "\n" or (each.isprintable() and not "\ud800" <= each <= "\udfff"))
    return escape(shown)


def _xml(inside: str) -> Response:
    content = f'<?xml version="1.0" encoding="UTF-8"?><Response>{inside}</Response>'
    return Response(content, media_type="text/xml")
