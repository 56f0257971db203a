"""What an HTTP answer says besides its body: when to come again, and what may be told of a refusal."""

from collections.abc import Iterable
from datetime import datetime
from email.utils import parsedate_to_datetime

from app.platform.redact import HIDDEN, redact_text

EXCERPT_LIMIT = 200


def retry_after_seconds(value: str, now: datetime) -> float | None:
    """`Retry-After` as seconds from now (RFC 9110 §10.2.3): a number or a date."""
    if value.strip().isdigit():
        return float(value)
    try:
        at = parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(0.0, (at - now).total_seconds()) if at.tzinfo else None


def excerpt(body: bytes, *, secrets: Iterable[str]) -> str:
    """The beginning of an answer in one line, without the `secrets`: a receiver may send back what it was sent."""
    return " ".join(without(body.decode("utf-8", "replace"), secrets).split())[:EXCERPT_LIMIT]


def without(text: str, secrets: Iterable[str]) -> str:
    """`text` with these secrets, and whatever looks like one, replaced by `***`."""
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
        # «Bearer abc»: the part after the word is the secret, wherever it turns up alone.
        _, _, last = secret.rpartition(" ")
        text = text.replace(last, HIDDEN) if len(last) >= 6 else text
    return redact_text(text)
