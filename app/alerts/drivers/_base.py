"""What a driver is: a pure translation from one tool's request body to `ParsedPayload`.

A driver file holds a docstring (the tool, its format's source, the quirk that cost time), constants, `detects` and
`parse`, `SAMPLES` and `PLUGIN`. It sees the body, the headers and the source's options, and nothing else.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias

from app.alerts.types import Control, ParsedAlert, ParsedPayload, SourceOptions
from app.platform.errors import FieldError, Invalid, Unauthenticated

__all__ = [
    "CertificateCheck", "Control", "Driver", "Headers", "ParsedAlert", "ParsedPayload", "Payload", "PayloadRejected",
    "Sample", "SignatureInvalid", "SourceOptions",
]  # fmt: skip

Payload: TypeAlias = dict[str, Any]


class PayloadRejected(Invalid):
    """The body is JSON, but not what this driver reads; `path` and `reason` say where and why."""

    default_code = "payload_rejected"

    def __init__(self, path: str, message: str, others: Sequence[FieldError] = ()) -> None:
        super().__init__(f"{path}: {message}" if path else message, [FieldError(path, message), *others])
        self.path = path
        self.reason = message


class SignatureInvalid(Unauthenticated):
    """The sender's signature is missing, too old or wrong; the message never holds the secret or the digest."""

    default_code = "signature_invalid"


class Headers(Mapping[str, str]):
    """Request headers whose names are compared without case; a repeated one is joined with commas (RFC 9110 §5.3)."""

    __slots__ = ("_values",)

    def __init__(self, items: Mapping[str, str] | Iterable[tuple[str, str]] = ()) -> None:
        values: dict[str, str] = {}
        for name, value in items.items() if isinstance(items, Mapping) else items:
            key = name.lower()
            values[key] = f"{values[key]}, {value}" if key in values else value
        self._values = values

    def __getitem__(self, name: str) -> str:
        return self._values[name.lower()]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._values

    def get(self, name: str, default: Any = None) -> Any:
        """The header, or `default`."""
        return self._values.get(name.lower(), default)

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


@dataclass(frozen=True, slots=True)
class Sample:
    """A body as the tool posts it, and the fields that must come out of it: test and documentation in one."""

    name: str
    given: Payload
    expect: list[dict[str, Any]]
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CertificateCheck:
    """A signature that needs the vendor's certificate. The driver names the address, the caller fetches and caches.

    `url(payload, headers)`: where the certificate is, or None when this body carries no signature by design.
    `verify(payload, pem, options, now)`: both raise SignatureInvalid.
    """

    url: Callable[[Payload, Headers], str | None]
    verify: Callable[[Payload, bytes, SourceOptions, datetime], None]


@dataclass(frozen=True, slots=True)
class Driver:
    """The record that a driver file offers as PLUGIN; its name is the file's name.

    `specificity`: detection asks the driver with the highest figure first. `parse` raises PayloadRejected and nothing
    else. `verify(body, headers, options, now)` gets the raw bytes and raises SignatureInvalid; it passes when the
    source has no signing secret. `setup` tells an operator what to enter at the tool; see `setup_for`.
    """

    label: str
    specificity: int
    detects: Callable[[Payload, Headers], bool]
    parse: Callable[[Payload, Headers, datetime, SourceOptions], ParsedPayload]
    samples: tuple[Sample, ...]
    setup: str
    verify: Callable[[bytes, Headers, SourceOptions, datetime], None] | None = None
    certificate: CertificateCheck | None = None

    def setup_for(self, *, webhook_url: str, api_key: str) -> str:
        """The set-up text with this source's address and key in it."""
        return self.setup.replace("{webhook_url}", webhook_url).replace("{api_key}", api_key)
