"""What a channel is, and what its file may use: a typed configuration, one `send`, samples that are its tests.

A channel only translates. It never tries again by itself, never logs, and raises `DeliveryFailed` for every send that
did not succeed; the core retries, times, redacts and records.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Annotated, Any, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from app.notify.types import DeliveryFailed, Message, Receipt
from app.platform.ports import HttpAnswer, HttpFailed, MailFailed, MailServer, Outside, TemplateFailed
from app.platform.redact import HIDDEN, redact_text
from app.platform.settings import Settings
from app.platform.types import JsonObject, JsonValue

__all__ = [
    "Channel", "ChannelConfig", "DeliveryFailed", "HttpAnswer", "JsonObject", "JsonValue", "MailFailed", "MailServer",
    "Message", "Outside", "Receipt", "Sample", "Secret", "SecretMap", "Settings", "TemplateFailed", "call",
    "refusal_of", "secret_fields", "secrets_in",
]  # fmt: skip

# Longer than any provider should need, shorter than the lease that is renewed while a send is under way.
SEND_SECONDS = 20.0
EXCERPT_LIMIT = 200
TOO_EARLY_OR_TOO_MANY = frozenset({408, 425, 429})

_SECRET: JsonObject = {"secret": True}
Secret: TypeAlias = Annotated[str, Field(repr=False, json_schema_extra=dict(_SECRET))]
SecretMap: TypeAlias = Annotated[dict[str, str], Field(repr=False, json_schema_extra=dict(_SECRET))]


class ChannelConfig(BaseModel):
    """The configuration of one channel; a key that the kind does not know is an error, not a surprise."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        str_strip_whitespace=True,
        coerce_numbers_to_str=True,  # a password of digits is a number in hand-written JSON
    )

    timeout: float = Field(default=30.0, gt=0, le=300, description="Seconds to wait for the receiver, at most 20.")

    @property
    def timeout_seconds(self) -> float:
        """How long one send may take."""
        return min(self.timeout, SEND_SECONDS)


@dataclass(frozen=True, slots=True)
class Sample:
    """One send for the contract test: with this configuration and address, this is what the outside world is asked."""

    name: str
    config: JsonObject
    expect: JsonObject
    to: str = ""


Send: TypeAlias = Callable[[Message, Any, Outside], Awaitable[Receipt]]


@dataclass(frozen=True, slots=True)
class Channel:
    """A kind of channel; its name is the file's.

    `address_label` says what a contact method's address is (None: this kind reaches no single person).
    `from_settings` makes the configuration for people out of the process's settings, of which `needs` must be set.
    """

    label: str
    config_model: type[ChannelConfig]
    send: Send
    setup: str
    samples: tuple[Sample, ...]
    address_label: str | None = None
    from_settings: Callable[[Settings], JsonObject] | None = None
    needs: tuple[str, ...] = field(default=())


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


def refusal_of(answer: HttpAnswer, *, secrets: Iterable[str], now: datetime) -> DeliveryFailed:
    """What an answer that is not accepted means: 4xx is final, 5xx is not, and neither is «too many, try later».

    The beginning of the answer is told, without the `secrets`: a receiver may send back what it was sent.
    """
    excerpt = " ".join(_scrubbed(answer.body.decode("utf-8", "replace"), secrets).split())[:EXCERPT_LIMIT]
    what = "a redirect, which is not followed" if 300 <= answer.status < 400 else excerpt
    return DeliveryFailed(
        f"the receiver answered {answer.status}{f': {what}' if what else ''}",
        permanent=300 <= answer.status < 500 and answer.status not in TOO_EARLY_OR_TOO_MANY,
        retry_after_seconds=_retry_after(answer.headers.get("retry-after", ""), now),
    )


def secret_fields(model: type[ChannelConfig]) -> frozenset[str]:
    """The fields of a configuration that are secret."""
    return frozenset(
        name
        for name, info in model.model_fields.items()
        if isinstance(info.json_schema_extra, dict) and info.json_schema_extra.get("secret")
    )


def secrets_in(config: ChannelConfig) -> list[str]:
    """The secret texts of a configuration."""
    found: list[str] = []
    for name in secret_fields(type(config)):
        value = getattr(config, name)
        found += value.values() if isinstance(value, dict) else [value]
    return [secret for secret in found if secret]


def _scrubbed(text: str, secrets: Iterable[str]) -> str:
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
        # «Bearer abc»: the part after the word is the secret, wherever it turns up alone.
        _, _, last = secret.rpartition(" ")
        text = text.replace(last, HIDDEN) if len(last) >= 6 else text
    return redact_text(text)


def _retry_after(value: str, now: datetime) -> float | None:
    """`Retry-After` as seconds from now (RFC 9110 §10.2.3): a number or a date."""
    if value.strip().isdigit():
        return float(value)
    try:
        at = parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(0.0, (at - now).total_seconds()) if at.tzinfo else None
