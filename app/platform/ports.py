"""The outside world as plug-ins see it: HTTP, mail, blocking work and the time, each replaceable in tests."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.message import EmailMessage
from ipaddress import IPv4Network, IPv6Network
from typing import Protocol, TypeVar, runtime_checkable

from app.platform.types import JsonObject

T = TypeVar("T")


class HttpFailed(Exception):
    """No usable HTTP answer: refused, timed out, cut off, or an address that may not be called.

    `permanent` says that trying again cannot help; `outcome_unknown` that the request may have been acted upon.
    """

    def __init__(self, reason: str, *, permanent: bool = False, outcome_unknown: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.permanent = permanent
        self.outcome_unknown = outcome_unknown


class MailFailed(Exception):
    """The mail server did not take the message; `code` is its SMTP reply code where it gave one (RFC 5321).

    `outcome_unknown` is set when the connection died after the message had been handed over.
    """

    def __init__(
        self, reason: str, *, code: int | None = None, permanent: bool = False, outcome_unknown: bool = False
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code
        self.permanent = permanent
        self.outcome_unknown = outcome_unknown


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """One HTTP answer; header names are lower-case, the body is cut at the caller's `max_bytes`."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where to hand over mail: `use_tls` is TLS from the first byte, `starttls` an upgrade that must succeed."""

    host: str
    port: int
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    starttls: bool = True
    use_tls: bool = False


class Http(Protocol):
    """Outgoing HTTP without redirects, with a total deadline and an address filter."""

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        timeout_seconds: float,
        max_bytes: int = 65536,
    ) -> HttpAnswer:
        """One request, one answer of any status. Raises HttpFailed when there is none."""
        ...


class Mail(Protocol):
    """Outgoing mail over SMTP."""

    async def send(self, message: EmailMessage, *, server: MailServer, timeout_seconds: float) -> str:
        """Hand the message over and return the server's reply. Raises MailFailed."""
        ...


class TemplateFailed(Exception):
    """A template of the operator's could not be rendered: wrong, too slow or too large. The message says which."""


class Templates(Protocol):
    """Renders templates that operators wrote, walled off from everything but the values they are given."""

    async def render(self, source: str, values: JsonObject) -> str:
        """The text that Jinja `source` makes of `values`. Raises TemplateFailed."""
        ...


class NoTemplates:
    """Where nothing is walled off nothing is rendered: whoever asks falls back to the built-in text."""

    async def render(self, source: str, values: JsonObject) -> str:
        """Always raises TemplateFailed."""
        raise TemplateFailed("templates are not available here")


class Blocking(Protocol):
    """Runs a blocking function in a thread, so that the event loop goes on."""

    def __call__(self, fn: Callable[[], T], /) -> Awaitable[T]:
        """The function's result, awaited."""
        ...


@runtime_checkable
class Closable(Protocol):
    """A port that keeps something open."""

    async def close(self) -> None:
        """Let go of it."""
        ...


@dataclass(frozen=True, slots=True)
class Outside:
    """What a plug-in may touch, and nothing else.

    `allowed_networks` are those that the operator lets through, for what cannot go through `http` and `mail`.
    """

    http: Http
    mail: Mail
    blocking: Blocking
    now: Callable[[], datetime]
    templates: Templates = field(default_factory=NoTemplates)
    allowed_networks: tuple[IPv4Network | IPv6Network, ...] = ()

    async def close(self) -> None:
        """Close what the ports keep open, at the end of the process."""
        for port in (self.http, self.mail, self.templates):
            if isinstance(port, Closable):
                await port.close()
