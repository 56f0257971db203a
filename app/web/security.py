"""Pure ASGI layers around the application: headers, proxies, trace ids, body limits, one spelling per path.

No layer here knows a route. `harden` puts them in order, outermost first: Headers, Proxies, Trace, LastResort, Cors,
Body, TrailingSlash.
"""

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from ipaddress import IPv4Network, IPv6Network, ip_address
from urllib.parse import urlsplit

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.platform.errors import Malformed, PagerPalError, TooLarge
from app.platform.logs import bind
from app.platform.settings import Settings
from app.web.errors import LastResort, answer_error

MAX_BODY_BYTES = 1024 * 1024
# Of a body that is refused, so much is read and dropped before the answer: a connection that is closed on a caller who
# still sends is reset, and the caller never sees why.
DRAINED_BYTES = 32 * 1024 * 1024
DRAIN_SECONDS = 3.0

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; object-src 'none'; "
    "manifest-src 'self'; worker-src 'self'; report-uri /csp-report"
)

# `same-origin` and not `no-referrer`: with the latter browsers send `Origin: null` with our own forms.
HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (b"content-security-policy", CONTENT_SECURITY_POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    (b"x-frame-options", b"DENY"),
)
NO_STORE = (b"cache-control", b"no-store")
STRICT_TRANSPORT = (b"strict-transport-security", b"max-age=31536000; includeSubDomains")


def harden(app: FastAPI, settings: Settings) -> None:
    """Put every layer around the application; call once, before it serves."""
    app.add_middleware(TrailingSlash)
    app.add_middleware(BodyLimit, max_bytes=MAX_BODY_BYTES)
    if settings.allowed_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(settings.allowed_origins),
            allow_credentials=True,
            allow_methods=["GET", "POST", "PATCH", "DELETE"],
            allow_headers=["authorization", "content-type", "x-csrf-token"],
            max_age=600,
        )
    app.add_middleware(LastResort)
    app.add_middleware(Trace)
    app.add_middleware(Proxies, trusted=settings.trusted_proxies)
    app.add_middleware(SecurityHeaders, always_https=urlsplit(settings.pagerpal_base_url).scheme == "https")


class SecurityHeaders:
    """The same protective headers on every answer; what is not a static file is never kept by a cache."""

    def __init__(self, app: ASGIApp, *, always_https: bool) -> None:
        self.app = app
        self.always_https = always_https

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and add the headers to the start of the answer."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *self._missing(scope, message)]
            await send(message)

        await self.app(scope, receive, with_headers)

    def _missing(self, scope: Scope, message: Message) -> Iterable[tuple[bytes, bytes]]:
        present = {name.lower() for name, _ in message.get("headers", ())}
        wanted = [*HEADERS]
        if not scope["path"].startswith("/static/"):
            wanted.append(NO_STORE)
        if scope["scheme"] == "https" or self.always_https:
            wanted.append(STRICT_TRANSPORT)
        return (header for header in wanted if header[0] not in present)


class Proxies:
    """Believe `X-Forwarded-For` and `X-Forwarded-Proto` only when a trusted proxy sent them."""

    def __init__(self, app: ASGIApp, *, trusted: Iterable[IPv4Network | IPv6Network]) -> None:
        self.app = app
        self.trusted = tuple(trusted)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on as the outermost trusted proxy saw it."""
        client = scope.get("client")
        if scope["type"] == "http" and self.trusted and client and is_in(client[0], self.trusted):
            scope = self._as_seen_outside(scope, client[0])
        await self.app(scope, receive, send)

    def _as_seen_outside(self, scope: Scope, peer: str) -> Scope:
        headers = [(name.lower(), value.decode("latin-1")) for name, value in scope["headers"]]
        hops = [hop.strip() for name, value in headers if name == b"x-forwarded-for" for hop in value.split(",")]
        protocols = [value for name, value in headers if name == b"x-forwarded-proto"]
        address = peer
        # From the right: each hop was written by the one before it, so the first untrusted one is the caller.
        for hop in reversed(hops):
            if not is_address(hop):
                break
            address = hop
            if not is_in(hop, self.trusted):
                break
        seen = {**scope, "client": (address, 0)}
        if protocols and protocols[-1].strip().lower() in ("http", "https"):
            seen["scheme"] = protocols[-1].strip().lower()
        return seen


def is_address(text: str) -> bool:
    """Whether this is an IPv4 or IPv6 address."""
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def is_in(text: str, networks: Iterable[IPv4Network | IPv6Network]) -> bool:
    """Whether this is an address within one of the networks."""
    if not is_address(text):
        return False
    address = ip_address(text)
    return any(address in network for network in networks)


class Trace:
    """One trace id per request: in the log lines, in `scope["state"]["trace_id"]` and in the answer's headers."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with its trace id."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        trace_id = scope["app"].state.runtime.ids.hex32()
        scope.setdefault("state", {})["trace_id"] = trace_id

        async def with_trace_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), (b"x-trace-id", trace_id.encode())]
            await send(message)

        # The server makes a task for each request, so nothing has to be taken back.
        bind(trace_id=trace_id)
        await self.app(scope, receive, with_trace_id)


class BodyLimit:
    """Refuse bodies that are compressed or larger than the limit, counted as they stream in (B11)."""

    def __init__(self, app: ASGIApp, *, max_bytes: int) -> None:
        self.app = app
        self.max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 413 or 415 before reading where the headers tell; else raise TooLarge at the byte too many."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        body = _Body(receive, self.max_bytes)

        async def after_the_body(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] in (413, 415):
                await body.drain()
            await send(message)

        refusal = self._refusal(scope)
        if refusal is None:
            await self.app(scope, body.receive, after_the_body)
        elif _waits_for_leave(scope):
            await answer_error(scope, receive, send, refusal)
        else:
            await answer_error(scope, receive, after_the_body, refusal)

    def _refusal(self, scope: Scope) -> PagerPalError | None:
        for name, value in scope["headers"]:
            if name == b"content-encoding" and value.strip().lower() not in (b"", b"identity"):
                return UnsupportedEncoding("Only uncompressed bodies are taken (Content-Encoding: identity).")
            if name == b"content-length" and (not value.isdigit() or int(value[:20]) > self.max_bytes):
                return TooLarge(f"The body is larger than {self.max_bytes} bytes.")
        if b"%00" in scope.get("raw_path", b"") or b"%00" in scope.get("query_string", b""):
            return Malformed("The address holds a character that cannot be stored.")
        return None


class _Body:
    """A request's body as it comes in, counted."""

    def __init__(self, receive: Receive, max_bytes: int) -> None:
        self._receive = receive
        self._max_bytes = max_bytes
        self._seen = 0
        self._is_over = False

    async def receive(self) -> Message:
        """The next message. Raises TooLarge at the byte too many."""
        message = await self._next()
        if self._seen > self._max_bytes:
            raise TooLarge(f"The body is larger than {self._max_bytes} bytes.")
        return message

    async def drain(self) -> None:
        """Read the rest and drop it, within reason."""
        with suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_SECONDS):
                while not self._is_over and self._seen < DRAINED_BYTES:
                    await self._next()

    async def _next(self) -> Message:
        message = await self._receive()
        self._seen += len(message.get("body", b""))
        self._is_over = not message.get("more_body", False)
        return message


def _waits_for_leave(scope: Scope) -> bool:
    """Whether the caller sends its body only after a «100 Continue» (RFC 9110, 10.1.1), which reading it would send."""
    return any(name == b"expect" and value.lower() == b"100-continue" for name, value in scope["headers"])


class UnsupportedEncoding(PagerPalError):
    """The body is compressed; an answer of 415."""

    def __init__(self, message: str) -> None:
        super().__init__(message, status=415, code="unsupported_encoding")


class TrailingSlash:
    """`/incidents/` is `/incidents`: both spellings reach the same route, without a redirect that would lose a POST."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on under the path without its last slash."""
        if scope["type"] == "http" and len(scope["path"]) > 1 and scope["path"].endswith("/"):
            scope = {**scope, "path": scope["path"][:-1]}
        await self.app(scope, receive, send)
