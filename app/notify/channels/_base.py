"""What a channel is, and what its file may use: a typed configuration, one `send`, samples that are its tests.

A channel only translates. It never tries again by itself, never logs, and raises `DeliveryFailed` for every send that
did not succeed; the core retries, times, redacts and records.
"""

import json
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator

from app.notify.severity import COLORS, EMOJIS, PRIORITIES
from app.notify.types import DeliveryFailed, Message, Receipt, message_ref
from app.platform.answers import excerpt, retry_after_seconds
from app.platform.configs import Secret, SecretMap, key_of, secret_fields, secrets_in
from app.platform.ports import HttpAnswer, HttpFailed, MailFailed, MailServer, Outside
from app.platform.settings import Settings
from app.platform.types import JsonObject, JsonValue

__all__ = [
    "COLORS", "EMOJIS", "PRIORITIES", "Channel", "ChannelConfig", "DeliveryFailed", "HttpAnswer", "HttpFailed",
    "JsonObject", "JsonValue", "MailFailed", "MailServer", "Message", "Outside", "Receipt", "Sample", "Secret",
    "SecretMap", "Settings", "answered", "call", "callback", "clip", "is_public", "is_within", "key_of",
    "message_ref", "post_json", "refusal_of", "secret_fields", "secrets_in", "template_source",
]  # fmt: skip

# Longer than any provider should need, shorter than the lease that is renewed while a send is under way.
SEND_SECONDS = 20.0
FILE_PREFIX = "file:"
_TEMPLATE_NAME = re.compile(r"[a-z0-9_.-]+\.j2")
UNAUTHORIZED = 401
TOO_EARLY_OR_TOO_MANY = frozenset({408, 425, 429})
TEMPLATE_LIMIT = 65536

Network: TypeAlias = IPv4Network | IPv6Network


class ChannelConfig(BaseModel):
    """The configuration of one channel; a key that the kind does not know is an error, not a surprise."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        str_strip_whitespace=True,
        coerce_numbers_to_str=True,  # a password of digits is a number in hand-written JSON
        serialize_by_alias=True,  # «from» is a word of the vendors and of Python
    )

    timeout: float = Field(default=30.0, gt=0, le=300, description="Seconds to wait for the receiver, at most 20.")
    template: str = Field(
        default="",
        max_length=TEMPLATE_LIMIT,
        description="Jinja template of the text, or `file:name.j2` in the template folder; empty: the built-in text.",
    )

    @field_validator("template", mode="before")
    @classmethod
    def _of_file(cls, value: object) -> object:
        """Document 001 also writes a file as `{"type": "file", "template": "name.j2"}`."""
        return template_source(value)

    @property
    def timeout_seconds(self) -> float:
        """How long one send may take."""
        return min(self.timeout, SEND_SECONDS)


@dataclass(frozen=True, slots=True)
class Sample:
    """One send for the contract test: with this configuration and address, this is what the outside world is asked.

    `answer` is what a receiver that takes the message says; `calls` how often it is asked then. `message` are fields
    of the message that matter to this sample.
    """

    name: str
    config: JsonObject
    expect: JsonObject
    to: str = ""
    answer: str = "{}"
    status: int = 200
    calls: int = 1
    message: JsonObject = field(default_factory=dict)


Send: TypeAlias = Callable[[Message, Any, Outside], Awaitable[Receipt]]


@dataclass(frozen=True, slots=True)
class Channel:
    """A kind of channel; its name is the file's.

    `address_label` says what a contact method's address is (None: this kind reaches no single person).
    `from_settings` makes the configuration for people out of the process's settings, of which `needs` must be set.
    `for_teams`: a team can have one too.
    `payload_field` is the field of the configuration that holds a template for the whole body. `follows_people`: a
    person who was paged this way also hears here what became of it. `wakes`: a message of a team's wakes somebody by
    itself, so a flapping incident is told there no more often than people are paged. `receipts_path` and
    `answers_path` are called back by the vendor; the core fills in `{secret}` and `{token}`. `check` looks at what only
    the settings can decide and gives a sentence per field.
    """

    label: str
    config_model: type[ChannelConfig]
    send: Send
    setup: str
    samples: tuple[Sample, ...]
    address_label: str | None = None
    from_settings: Callable[[Settings], JsonObject] | None = None
    needs: tuple[str, ...] = field(default=())
    for_teams: bool = True
    payload_field: str = ""
    follows_people: bool = False
    wakes: bool = False
    receipts_path: str = ""
    answers_path: str = ""
    check: Callable[[Any, Settings], Mapping[str, str]] | None = None


async def call(
    outside: Outside,
    method: str,
    url: str,
    *,
    config: ChannelConfig,
    headers: Mapping[str, str],
    content: bytes | None,
    accepts: Callable[[int], bool] = lambda status: 200 <= status < 300,
) -> HttpAnswer:
    """One HTTP call whose answer is accepted, or DeliveryFailed."""
    try:
        answer = await outside.http.request(
            method, url, headers=headers, content=content, timeout_seconds=config.timeout_seconds
        )
    except HttpFailed as failed:
        raise DeliveryFailed(
            failed.reason, permanent=failed.permanent, outcome_unknown=failed.outcome_unknown
        ) from failed
    if accepts(answer.status):
        return answer
    raise refusal_of(answer, secrets=[url, *secrets_in(config)], now=outside.now())


async def post_json(
    outside: Outside, url: str, body: JsonObject, *, config: ChannelConfig, headers: Mapping[str, str] | None = None
) -> HttpAnswer:
    """One POST of JSON whose answer is accepted, or DeliveryFailed."""
    return await call(
        outside,
        "POST",
        url,
        config=config,
        headers={"Content-Type": "application/json; charset=utf-8", **(headers or {})},
        content=json.dumps(body, ensure_ascii=False).encode(),
    )


def answered(answer: HttpAnswer) -> JsonObject:
    """An accepted answer's JSON object.

    Raises DeliveryFailed for one that cannot be read: the receiver may have taken the message.
    """
    try:
        body = json.loads(answer.body)
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise DeliveryFailed(
            f"the receiver answered {answer.status} with something that is no JSON object", outcome_unknown=True
        )
    return body


def refusal_of(answer: HttpAnswer, *, secrets: Iterable[str], now: datetime) -> DeliveryFailed:
    """What an answer that is not accepted means: 4xx is final, 5xx is not, and neither is «too many, try later».

    The beginning of the answer is told, without the `secrets`: a receiver may send back what it was sent.
    """
    is_redirect = 300 <= answer.status < 400
    what = "a redirect, which is not followed" if is_redirect else excerpt(answer.body, secrets=secrets)
    return DeliveryFailed(
        f"the receiver answered {answer.status}{f': {what}' if what else ''}",
        permanent=300 <= answer.status < 500 and answer.status not in TOO_EARLY_OR_TOO_MANY,
        unauthorized=answer.status == UNAUTHORIZED,
        retry_after_seconds=retry_after_seconds(answer.headers.get("retry-after", ""), now),
    )


def template_source(value: object) -> object:
    """A template as it is stored: a file of the template folder is `file:name.j2`. Raises ValueError for a bad name."""
    if isinstance(value, dict) and value.keys() == {"type", "template"}:
        value = f"{FILE_PREFIX}{value['template']}" if value["type"] == "file" else value["template"]
    if isinstance(value, str) and value.startswith(FILE_PREFIX) and not is_template_name(value):
        raise ValueError("a file is named as in file:name.j2: small letters, digits, dots, hyphens and underscores")
    return value


def is_template_name(source: str) -> bool:
    """Whether `file:…` names a file that may be in the template folder (F-107)."""
    return bool(_TEMPLATE_NAME.fullmatch(source.removeprefix(FILE_PREFIX)))


def is_public(url: str) -> bool:
    """Whether a vendor on the internet could call this address: it is not on this very host."""
    host = urlsplit(url).hostname or ""
    return host != "localhost" and not host.startswith("127.") and host != "::1"


def is_within(host: str, networks: Iterable[Network]) -> bool:
    """Whether a host is an address in one of these networks; names are not looked up, but for this very host's."""
    try:
        address = ip_address("127.0.0.1" if host == "localhost" else host)
    except ValueError:
        return False
    return any(address in network for network in networks if network.version == address.version)


def callback(url: str, vendor_url: str) -> str:
    """`url`, where the vendor can call it; else empty: Twilio refuses a message whose callback is on this host."""
    return url if url and (is_public(url) or not is_public(vendor_url)) else ""


def clip(text: str, limit: int) -> str:
    """At most `limit` characters of a text."""
    return text if len(text) <= limit else f"{text[: limit - 1].rstrip()}…"
