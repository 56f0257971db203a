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
# `password "x"`, `the new password x1`: what follows a password, if it is quoted or nobody's word. The names of things
# that are called secrets and tokens stay: `secret "web-tls" not found` is worth knowing.
_TOLD = r"\b(?:pass(?:word|wd|phrase|code|wort)|pwd)\b"
_QUOTED = r"\"[^\"\n]+\"|'[^'\n]+'|`[^`\n]+`|\([^()\s]+\)|<[^<>\s]+>"
_NOBODYS_WORD = r"(?=[^\s,;]*[0-9]|[^\s,;]*[!@#$%^&*?]\w)[^\s,;\"'`()<>]{4,}"
_SAID = re.compile(rf"(?P<name>{_TOLD}\s+)(?P<value>{_QUOTED}|{_NOBODYS_WORD})", re.IGNORECASE)
_SAID_KEY = re.compile(
    r"(?P<name>\b(?:secret|token|credentials?|(?:api|access|private|signing|license)[ _]?key|otp|pin)\s+[\"'`(<]?)"
    r"(?P<value>(?=[\w+=/]*[0-9])(?=[\w+=/]*[a-z])[\w+=/]{6,}(?![\w-])|(?<=(?:otp|pin)\s)[0-9]{4,})",
    re.IGNORECASE,
)
# `password for app is x`, `credentials of bob: x`, `password was set to x`.
_OF = re.compile(
    rf"(?P<name>(?:{_TOLD}|\bcredentials?\b)\s+"
    r"(?:(?:for|of)\s+(?:[\w.@-]+\s+){0,3}?[\w.@-]+\s*(?:[:=]|\bis\b)"
    r"|(?:is\s+now|(?:was\s+|has\s+been\s+)?(?:re)?(?:set|changed)\s+to))\s*)(?P<value>[^\s,;]+)",
    re.IGNORECASE,
)
_OPTION = re.compile(
    rf"(?P<name>(?<![\w-])--?[\w-]{{0,40}}?(?:{_WORDS})[\w-]{{0,40}}[ =]+)(?P<value>[^\s\"']+|\"[^\"]*\"|'[^']*')",
    re.IGNORECASE,
)
_USER = re.compile(r"(?P<name>\s(?:-u|--user)[ =]?)(?P<value>[^\s:]+:\S+)")
# The letters by which programs take a password; elsewhere they mean a port, a path or a process.
_LETTERS = (
    ("p", r"mysql|mysqldump|mysqladmin|mariadb|sshpass|mongo\w*|rabbitmqadmin|(?:docker|podman|helm registry) login"),
    ("a", "redis-cli"),
    ("w", r"ldap(?:search|modify|add|delete|whoami|passwd)"),
    ("P", "sqlcmd|bcp|zip|unzip"),
    *((letter, r"snmp\w+") for letter in "cAX"),
)
_SHORT_OPTIONS = [
    re.compile(rf"(?P<name>\b(?:{programs})\b[^\n]{{0,200}}?\s-{letter} ?)(?P<value>\S+)")
    for letter, programs in _LETTERS
]
_SQL = re.compile(
    r"(?P<name>\bidentified\s+(?:with\s+\S+\s+)?(?:by|as)\s+(?:password\s+)?)(?P<value>\"[^\"]+\"|'[^']+'|[^\s;]+)",
    re.IGNORECASE,
)
_LITERAL = re.compile(r"(?P<name>--from-literal[= ][\w.-]+=)(?P<value>\S+)")
# `bob:x@db.example.com` and `bob%x`, without a scheme in front of them.
_LOGIN = re.compile(
    r"(?P<name>(?<![\w/.:-])(?!mailto:|sip:|xmpp:)[\w.-]{1,64}:)(?P<value>[^\s:@/]{3,100})(?=@[\w-]+[.:/\s]|@[\w-]+\Z)"
)
_SMB = re.compile(r"(?P<name>\s-U ?[\w.\\-]{1,64}%)(?P<value>\S+)")
_PEM = re.compile(r"-----BEGIN [A-Z0-9 ]+-----.*?(?:-----END [A-Z0-9 ]+-----|\Z)", re.DOTALL)
_UUID = re.compile(r"\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b", re.IGNORECASE)
_CHUNK = re.compile(r"[A-Za-z0-9+/=_~.%-]{12,}")
_RUN = re.compile(r"[A-Za-z0-9]+")
_HASH = re.compile(r"\b(?:sha256:)?[0-9a-f]{16,}\b", re.IGNORECASE)

# The order matters: what is told more closely comes first, and what hides a name with its value last.
_NETS = (
    *_SHORT_OPTIONS, _SMB, _LITERAL, _SQL, _USER, _OPTION, _OF, _NAMED, _SAID, _SAID_KEY, _LOGIN,
)  # fmt: skip

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
    for pattern in _NETS:
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
