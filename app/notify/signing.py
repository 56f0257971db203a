"""What vendors sign, checked over what came in: the signatures of Twilio and Slack. Values in, a verdict out."""

import base64
import hashlib
import hmac
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from urllib.parse import urlsplit, urlunsplit

from app.platform.secrets import same

SLACK_WINDOW_SECONDS = 300
SLACK_VERSION = "v0"
STANDARD_PORTS = {"https": 443, "http": 80}


def is_twilio_signature(signature: str, *, url: str, form: Sequence[tuple[str, str]], tokens: Iterable[str]) -> bool:
    """Whether Twilio signed this form, posted to this public address, with one of these auth tokens.

    HMAC-SHA1 over the address and every name and value, sorted; some of Twilio's products sign it with the standard
    port, some without (https://www.twilio.com/docs/usage/webhooks/webhooks-security).
    """
    values: dict[str, set[str]] = {}
    for name, value in form:
        values.setdefault(name, set()).add(value)
    said = "".join(f"{name}{value}" for name in sorted(values) for value in sorted(values[name]))
    made = [
        base64.b64encode(hmac.new(token.encode(), f"{each}{said}".encode(), hashlib.sha1).digest()).decode("ascii")
        for token in tokens
        if token
        for each in _spellings(url)
    ]
    return any([same(each, signature) for each in made])


def is_slack_signature(signature: str, *, timestamp: str, body: bytes, secret: str, now: datetime) -> bool:
    """Whether Slack signed this body with this secret within the last five minutes
    (https://api.slack.com/authentication/verifying-requests-from-slack)."""
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
        return False
    said = f"{SLACK_VERSION}:{timestamp}:".encode() + body
    made = f"{SLACK_VERSION}={hmac.new(secret.encode(), said, hashlib.sha256).hexdigest()}"
    is_fresh = abs(now.timestamp() - int(timestamp)) <= SLACK_WINDOW_SECONDS
    return same(made, signature) and is_fresh


def _spellings(url: str) -> Iterator[str]:
    """The address as it is, and with its scheme's standard port the other way round."""
    yield url
    parts = urlsplit(url)
    port = STANDARD_PORTS.get(parts.scheme)
    host = parts.netloc
    if port is not None:
        other = host.removesuffix(f":{port}") if host.endswith(f":{port}") else f"{host}:{port}"
        yield urlunsplit(parts._replace(netloc=other))
