"""Takes secrets out of what is told to a provider (F-115).

Harder than what keeps logs clean: a prompt leaves the house, and a model loses little when a word too many is hidden.
Nets, one behind the other: the name of a key, the name in front of a value, well-known shapes, and chance itself.
"""

import math
import re
from collections import Counter
from collections.abc import Mapping

from app.platform.redact import HIDDEN, is_secret_name, redact_text
from app.platform.types import JsonValue

_WORDS = (
    r"pass(?:word|wd|phrase|code|wort)?|pwd|pw|secrets?|token|credentials?|authorization|auth|bearer|cookie|session"
    r"|dsn|(?:api|access|private|secret|signing|account|license|encryption|shared|ssh|client)[ _.-]?(?:key|id)|apikey"
    r"|jwt|otp|pin|sid|signature|sig"
)
# `password=x`, `"api_key": "x"`, `db.password is x`, `--token x`: the value up to the next blank, or its quotes.
_NAMED = re.compile(
    rf"(?P<name>(?<![\w.-])[\w.-]{{0,80}}?(?:{_WORDS})[\w.-]{{0,40}}[\"']?\s*(?:[:=]+>?|\bis\b|\bwas\b)\s*)"
    r"(?P<value>\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|(?:(?:Bearer|Basic|Token|Digest)\s+)?[^\s,;&\"']+)",
    re.IGNORECASE,
)
_OPTION = re.compile(
    rf"(?P<name>(?<![\w-])--?[\w-]{{0,40}}?(?:{_WORDS})[\w-]{{0,40}}[ =]+)(?P<value>[^\s\"']+|\"[^\"]*\"|'[^']*')",
    re.IGNORECASE,
)
_USER = re.compile(r"(?P<name>\s(?:-u|--user)[ =]?)(?P<value>[^\s:]+:\S+)")
_SHORT_OPTION = re.compile(
    r"(?P<name>\b(?:mysql|mysqldump|mariadb|sshpass|redis-cli)\b[^\n]{0,200}?\s-[pa] ?)(?P<value>\S+)"
)
_PEM = re.compile(r"-----BEGIN [A-Z0-9 ]+-----.*?(?:-----END [A-Z0-9 ]+-----|\Z)", re.DOTALL)
_UUID = re.compile(r"\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b", re.IGNORECASE)
_CHUNK = re.compile(r"[A-Za-z0-9+/=_~.%-]{12,}")
_RUN = re.compile(r"[A-Za-z0-9]+")
_HASH = re.compile(r"\b(?:sha256:)?[0-9a-f]{16,}\b", re.IGNORECASE)

# More than is ever told of one text; the patterns take their time.
READ_LIMIT = 4000
RUN_LENGTH = 14
CHUNK_LENGTH = 20
# Bits per character: random base64 of 20 characters has about 4, words joined by dots and dashes 3.5.
CHANCE_BITS = 3.9


def scrub(value: JsonValue, limit: int = READ_LIMIT) -> JsonValue:
    """A copy of `value` without anything that is, or might be, a secret; keys are looked at like texts."""
    if isinstance(value, str):
        return scrub_text(value, limit)
    if isinstance(value, Mapping):
        return {scrub_text(name, limit): _under(name, inner, limit) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [scrub(inner, limit) for inner in value]
    return value


def scrub_text(text: str, limit: int = READ_LIMIT) -> str:
    """The first `limit` characters of `text`, with `***` in place of all that is, or might be, a secret."""
    if len(text) > limit:
        # Not in the middle of a word: half a secret has no shape any more.
        text = "".join(text[:limit].rsplit(maxsplit=1)[:1])
    text = _PEM.sub(HIDDEN, text)
    text = redact_text(text)
    for pattern in (_SHORT_OPTION, _USER, _OPTION, _NAMED):
        text = pattern.sub(rf"\g<name>{HIDDEN}", text)
    text = _HASH.sub(HIDDEN, _UUID.sub(HIDDEN, text))
    return _CHUNK.sub(lambda found: HIDDEN if _is_chance(found[0]) else found[0], text)


def _under(name: str, value: JsonValue, limit: int) -> JsonValue:
    if value in (None, "", [], {}) or isinstance(value, bool):
        return value
    return HIDDEN if is_secret_name(name) or _NAMED.fullmatch(f"{name[:80]}: x") else scrub(value, limit)


def _is_chance(chunk: str) -> bool:
    """Whether nobody would have written this by hand: a long run of mixed letters and digits, or much surprise."""
    if any(len(run) >= RUN_LENGTH and _is_mixed(run) for run in _RUN.findall(chunk)):
        return True
    return len(chunk) >= CHUNK_LENGTH and _is_mixed(chunk) and chunk.lower() != chunk and _bits(chunk) >= CHANCE_BITS


def _is_mixed(text: str) -> bool:
    return any(each.isdigit() for each in text) and any(each.isalpha() for each in text)


def _bits(text: str) -> float:
    return -sum(count / len(text) * math.log2(count / len(text)) for count in Counter(text).values())
