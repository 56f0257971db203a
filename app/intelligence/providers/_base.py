"""What a provider is, and what its file may use: a typed configuration, one `complete`, samples that are its tests.

A provider only translates. It asks once, never logs, and raises `AskFailed` for every answer that is none; the core
tries again, keeps the deadline, reads the text and records.
"""

import json
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator

from app.intelligence.types import AskFailed, Completion, Ending, Fault, Prompt, Usage
from app.platform import strictjson
from app.platform.answers import excerpt, retry_after_seconds
from app.platform.configs import Secret, secrets_in
from app.platform.ports import HttpAnswer, HttpFailed, Outside
from app.platform.types import JsonObject, JsonValue

__all__ = [
    "AskFailed", "Completion", "Ending", "Fault", "JsonObject", "JsonValue", "KeyedConfig", "Outside", "Prompt",
    "Provider", "ProviderConfig", "ProviderKind", "Sample", "Usage", "ask", "at", "count", "endpoint", "parts_text",
    "text_at",
]  # fmt: skip

ANSWER_LIMIT = 256 * 1024
EXCERPT_BYTES = 4096
TRY_AGAIN = frozenset({408, 409, 429})
# A 429 of these is about money, not about time.
NO_MORE_MONEY = frozenset({"insufficient_quota", "billing_error", "billing_hard_limit_reached"})
_VISIBLE = re.compile(r"[\x21-\x7e]*")
_MODEL = re.compile(r"[\w.:@+-]+(?:/[\w.:@+-]+)*")
_DELAY = re.compile(r"(\d+(?:\.\d+)?)s")


class ProviderConfig(BaseModel):
    """The configuration of one provider; a key that it does not know is an error, not a surprise."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, str_strip_whitespace=True)

    api_key: Secret = Field(default="", max_length=1000, description="The key that the provider gave you.")
    model: str = Field(default="", min_length=1, max_length=200, description="The model's name at the provider.")
    base_url: str = Field(
        default="",
        max_length=500,
        description="Where the provider is called; change it for a proxy or your own server.",
    )
    timeout_seconds: float = Field(
        default=20.0,
        gt=0,
        le=300,
        description="Seconds to wait for an answer; all tries together have 20, or this where it is more.",
    )
    max_tokens: int = Field(default=1024, ge=64, le=32768, description="The longest answer that is paid for.")

    @field_validator("api_key")
    @classmethod
    def _fits_a_header(cls, value: str) -> str:
        if not _VISIBLE.fullmatch(value):
            raise ValueError("a key has only visible ASCII characters and no blanks")
        return value

    @field_validator("model")
    @classmethod
    def _is_a_name(cls, value: str) -> str:
        if not _MODEL.fullmatch(value):
            raise ValueError("a model's name has letters, digits, and . _ : @ + - /")
        return value

    @field_validator("base_url")
    @classmethod
    def _is_a_base(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("the URL must begin with https:// or http:// and name a host")
        if parts.username is not None or parts.query or parts.fragment or not _VISIBLE.fullmatch(value):
            raise ValueError("the URL holds no credentials, no query and no blanks; the key has a field of its own")
        return value.rstrip("/")


class KeyedConfig(ProviderConfig):
    """The configuration of a provider that answers nobody without a key."""

    api_key: Secret = Field(min_length=1, max_length=1000, description="The key that the provider gave you.")


@dataclass(frozen=True, slots=True)
class Sample:
    """One question for the contract test: with this configuration, this is what the provider is asked.

    `answer` is what the provider says in its own format when its text is `{TEXT}`, `completion` what must be read.
    `cut` and `refused` are answers of a model that stopped early, or would not.
    """

    name: str
    config: JsonObject
    expect: JsonObject
    answer: JsonObject
    usage: Usage
    cut: JsonObject
    refused: JsonObject | None
    error: JsonObject


Complete: TypeAlias = Callable[[Prompt, Any, Outside], Awaitable[Completion]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderKind:
    """What every kind of provider has, also the one that asks nobody."""

    label: str
    config_model: type[BaseModel]
    setup: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider(ProviderKind):
    """A kind of provider that is asked; its name is the file's."""

    config_model: type[ProviderConfig]
    complete: Complete
    samples: tuple[Sample, ...]


async def ask(
    outside: Outside, url: str, body: JsonObject, *, config: ProviderConfig, headers: Mapping[str, str]
) -> JsonObject:
    """One POST of JSON and the JSON object of its answer, or AskFailed."""
    try:
        answer = await outside.http.request(
            "POST",
            url,
            headers={"Content-Type": "application/json; charset=utf-8", **headers},
            content=json.dumps(body, ensure_ascii=False).encode("utf-8", "replace"),
            timeout_seconds=config.timeout_seconds,
            max_bytes=ANSWER_LIMIT + 1,
        )
    except HttpFailed as failed:
        fault = Fault.TIMED_OUT if isinstance(failed.__cause__, TimeoutError) else Fault.UNREACHABLE
        raise AskFailed(fault, failed.reason, permanent=failed.permanent) from failed
    if answer.status != 200:
        raise _refusal(answer, config, outside.now())
    if len(answer.body) > ANSWER_LIMIT:
        raise AskFailed(Fault.TOO_LARGE, f"the provider's answer is larger than {ANSWER_LIMIT // 1024} KiB")
    found = _json(answer.body)
    if not isinstance(found, dict):
        raise AskFailed(Fault.UNREADABLE, "the provider answered 200 with something that is no JSON object")
    return found


def endpoint(base_url: str, prefix: str, tail: str) -> str:
    """The URL that is called: `prefix` stands in where the base has no path, so both ways to write a base work."""
    return f"{base_url}{tail if urlsplit(base_url).path.strip('/') else prefix + tail}"


def at(value: JsonValue, *path: str | int) -> JsonValue:
    """What stands at a path of somebody else's JSON; None where there is nothing."""
    for step in path:
        if isinstance(value, dict) and isinstance(step, str):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            return None
    return value


def text_at(value: JsonValue, *path: str | int) -> str:
    """The text at a path; empty where there is none."""
    found = at(value, *path)
    return found if isinstance(found, str) else ""


def count(value: JsonValue, *path: str | int) -> int | None:
    """The number of tokens at a path; None where the provider does not say."""
    found = at(value, *path)
    return found if isinstance(found, int) and not isinstance(found, bool) and 0 <= found < 2**31 else None


def parts_text(parts: JsonValue, *, only: str | None = None) -> str:
    """The texts of a list of parts, joined; of parts whose `type` is `only`, where that is given."""
    if not isinstance(parts, list):
        return ""
    return "".join(text_at(part, "text") for part in parts if only is None or text_at(part, "type") == only)


def _refusal(answer: HttpAnswer, config: ProviderConfig, now: datetime) -> AskFailed:
    """What an answer other than 200 means: 408, 409, 429 and 5xx may be tried again, unless the money is spent."""
    status, body = answer.status, _json(answer.body[:ANSWER_LIMIT])
    said = excerpt(_message(body, answer.body)[:EXCERPT_BYTES], secrets=secrets_in(config))
    what = f"the provider answered {status}{f': {said}' if said else ''}"
    if status in (401, 403):
        return AskFailed(Fault.UNAUTHORIZED, f"the provider does not accept the API key; {what}")
    if status == 404:
        return AskFailed(Fault.NO_SUCH_MODEL, f"the provider knows no model {config.model!r} at this URL; {what}")
    if NO_MORE_MONEY & {text_at(_error(body), "code"), text_at(_error(body), "type")}:
        return AskFailed(Fault.OUT_OF_QUOTA, f"the account's quota is used up; {what}")
    fault = (
        Fault.RATE_LIMITED
        if status == 429
        else Fault.SERVER_ERROR
        if status >= 500 or status == 408
        else Fault.REJECTED
    )
    is_final = status not in TRY_AGAIN and status < 500
    return AskFailed(fault, what, permanent=is_final, retry_after_seconds=_wait_asked_for(answer.headers, body, now))


def _wait_asked_for(headers: Mapping[str, str], body: JsonValue, now: datetime) -> float | None:
    in_ms = headers.get("retry-after-ms", "").strip()
    if in_ms.isdigit() and len(in_ms) < 10:
        return int(in_ms) / 1000
    in_seconds = retry_after_seconds(headers.get("retry-after", "")[:64], now)
    if in_seconds is not None:
        return in_seconds
    details = at(_error(body), "details")
    for detail in details if isinstance(details, list) else ():
        delay = _DELAY.fullmatch(text_at(detail, "retryDelay"))
        if delay:
            return float(delay[1])
    return None


def _message(body: JsonValue, raw: bytes) -> bytes:
    """What the provider says about it: in their own place if we find one, else the beginning of the body."""
    error = _error(body)
    places: Iterable[JsonValue] = (at(error, "message"), error, at(body, "message"), at(body, "detail"))
    said = next((place for place in places if isinstance(place, str) and place), "")
    return said.encode("utf-8", "replace") if said else raw


def _error(body: JsonValue) -> JsonValue:
    # Gemini sometimes wraps its error in a list.
    return at(body[0] if isinstance(body, list) and body else body, "error")


def _json(body: bytes) -> JsonValue:
    try:
        return strictjson.loads(body)
    except strictjson.MalformedJson:
        return None
