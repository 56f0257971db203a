"""Takes secrets out of what people and files will see: logs, snapshots, API answers, prompts, audit entries.

Three nets, one behind the other: the name of a key, the shape of a value, and credentials inside URLs.
Plug-ins mark their secret fields by type as well; this module is for what has no type.
"""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

from app.platform.types import JsonValue

HIDDEN = "***"

SECRET_WORDS = frozenset({
    "password", "passwd", "passphrase", "pwd", "secret", "secrets", "credential", "credentials", "authorization",
    "apikey", "cookie", "dsn",
})  # fmt: skip
SECRET_LAST_WORDS = frozenset({"token", "sid", "signature", "auth", "pin", "otp", "p256dh", "jwt", "bearer"})
SECRET_NAMES = frozenset({"webhook_url", "heartbeat_url", "ping_url", "action_url", "subscribe_url", "calendar_url"})
KEYS_THAT_ARE_SECRET = frozenset({
    "api", "app", "application", "access", "account", "private", "secret", "signing", "routing", "integration",
    "service", "encryption", "auth", "license", "ingest", "master", "session", "vapid", "ssh", "host", "shared",
    "client",
})  # fmt: skip

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+")
_USERINFO = re.compile(r"(?P<scheme>\b[a-z][a-z0-9+.-]*://)[^\s/?#@\"'<>]+@", re.IGNORECASE)
_QUERY = re.compile(
    r"(?P<name>[?&;](?:[a-z0-9_.-]*(?:api_?key|token|secret|password|passwd|signature)|key|sig|auth|sid|code)=)"
    r"[^&#;\s\"'<>]+",
    re.IGNORECASE,
)
_HEADER = re.compile(r"\b(?P<scheme>Bearer|Basic|Token|GenieKey)\s+[A-Za-z0-9+/=._~:-]{8,}", re.IGNORECASE)
_SHAPES = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"
    r"|\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*"
    r"|\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"
    r"|\bxox[abeoprs]-[A-Za-z0-9-]{8,}|\bxapp-[A-Za-z0-9-]{8,}"
    r"|\bsk-[A-Za-z0-9_-]{16,}"
    r"|\bgh[opsur]_[A-Za-z0-9]{20,}|\bgithub_pat_[A-Za-z0-9_]{20,}|\bglpat-[A-Za-z0-9_-]{16,}"
    r"|\bAIza[A-Za-z0-9_-]{30,}"
    r"|\b(?:AC|SK)[0-9a-f]{32}\b",
    re.DOTALL,
)
_HOOK_PATH = re.compile(r"(?P<head>https://hooks\.slack\.com/|https://[^\s/\"'<>]+/hooks/)[^\s\"'<>]+", re.IGNORECASE)
_SUSPECT = re.compile(r"://|[?&;=]|-----|eyJ|AKIA|ASIA|xox|xapp-|sk-|gh[opsur]_|github_|glpat|AIza|AC|SK|\s")


def redact(value: JsonValue) -> JsonValue:
    """A copy of `value` without secrets: whole values under secret names, secret shapes inside texts."""
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, Mapping):
        return {name: HIDDEN if _hides(name, inner) else redact(inner) for name, inner in value.items()}
    if isinstance(value, Sequence):
        return [redact(inner) for inner in value]
    return value


def redact_text(text: str) -> str:
    """`text` with credentials in URLs, authorization headers and well-known secret shapes replaced by `***`."""
    if len(text) < 8 or not _SUSPECT.search(text):
        return text
    text = _USERINFO.sub(rf"\g<scheme>{HIDDEN}@", text)
    text = _QUERY.sub(rf"\g<name>{HIDDEN}", text)
    text = _HOOK_PATH.sub(rf"\g<head>{HIDDEN}", text)
    text = _HEADER.sub(rf"\g<scheme> {HIDDEN}", text)
    return _SHAPES.sub(HIDDEN, text)


@lru_cache(maxsize=4096)
def is_secret_name(name: str) -> bool:
    """True when a field of this name holds a secret: `smtp_password`, `X-API-Key`, `webhookUrl`, `account_sid`.

    `group_key` and `page_key` are identities, `token_count` is a number: these stay readable.
    """
    words = [word.lower() for word in _WORDS.findall(name)]
    if not words:
        return False
    if "_".join(words[-2:]) in SECRET_NAMES or SECRET_WORDS.intersection(words):
        return True
    if words[-1] in ("key", "keys"):
        return len(words) > 1 and words[-2] in KEYS_THAT_ARE_SECRET
    return words[-1] in SECRET_LAST_WORDS


def _hides(name: str, value: JsonValue) -> bool:
    """Empty values and switches under a secret name say that nothing is there, which is worth knowing."""
    return value not in (None, "", [], {}) and not isinstance(value, bool) and is_secret_name(name)
