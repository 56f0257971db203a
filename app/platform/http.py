"""Outgoing HTTP: no redirects, a total deadline, a size cap, and the address filter on what is connected to.

The only module that knows the HTTP client library.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any

import httpcore
import httpx

from app.platform.addresses import AddressFilter, AddressRefused, NameNotResolved
from app.platform.ports import HttpAnswer, HttpFailed

MAX_CONNECTIONS = 100
IDLE_CONNECTIONS = 20
IDLE_SECONDS = 15.0


class OutboundHttp:
    """The `Http` port over one connection pool; open until `close`."""

    def __init__(self, filter: AddressFilter, *, user_agent: str = "PagerPal") -> None:
        context = httpx.create_ssl_context(trust_env=False)
        # The operator's own certificate authorities live in the system's store, the bundled ones are not enough.
        context.load_default_certs()
        pool = httpcore.AsyncConnectionPool(
            ssl_context=context,
            max_connections=MAX_CONNECTIONS,
            max_keepalive_connections=IDLE_CONNECTIONS,
            keepalive_expiry=IDLE_SECONDS,
            network_backend=_CheckedBackend(filter),
        )
        self._client = httpx.AsyncClient(
            transport=_PoolTransport(pool),
            timeout=None,  # noqa: S113 - one deadline over everything, in `request`
            follow_redirects=False,
            trust_env=False,
            # Answers are read as they come: a compressed one could unfold to any size.
            headers={"User-Agent": user_agent, "Accept-Encoding": "identity"},
        )

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
        """One request, one answer of any status. Raises HttpFailed; its reason never holds the URL or a header."""
        progress = _Progress()
        try:
            async with asyncio.timeout(timeout_seconds):
                request = self._client.build_request(
                    method, url, headers=headers, content=content, extensions={"trace": progress.note}
                )
                return await self._exchange(request, max_bytes)
        except TimeoutError as error:
            what = "no answer" if progress.sent else "no connection"
            raise HttpFailed(f"{what} within {timeout_seconds:g} s", outcome_unknown=progress.sent) from error
        except AddressRefused as error:
            raise HttpFailed(str(error), permanent=True) from error
        except NameNotResolved as error:
            raise HttpFailed(str(error)) from error
        except (httpcore.UnsupportedProtocol, httpcore.LocalProtocolError, httpx.InvalidURL, UnicodeError) as error:
            raise HttpFailed("the URL or a header is not valid", permanent=True) from error
        except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
            raise HttpFailed(f"could not connect: {error}") from error
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException, httpcore.ProxyError) as error:
            raise HttpFailed("the connection broke before the answer", outcome_unknown=progress.sent) from error

    async def close(self) -> None:
        """Close every connection."""
        await self._client.aclose()

    async def _exchange(self, request: httpx.Request, max_bytes: int) -> HttpAnswer:
        response = await self._client.send(request, stream=True)
        try:
            body = bytearray()
            async for chunk in response.aiter_raw():
                body += chunk
                if len(body) >= max_bytes:
                    break
            return HttpAnswer(response.status_code, dict(response.headers.items()), bytes(body[:max_bytes]))
        finally:
            await response.aclose()


class _Progress:
    """Remembers whether a request has begun to leave, which decides whether a lost answer is an unknown outcome."""

    def __init__(self) -> None:
        self.sent = False

    async def note(self, name: str, _info: Mapping[str, Any]) -> None:
        if name.endswith(".send_request_headers.started"):
            self.sent = True


class _CheckedBackend(httpcore.AsyncNetworkBackend):
    """Opens sockets to judged addresses only; TLS is still checked against the name."""

    def __init__(self, filter: AddressFilter) -> None:
        self._filter = filter
        self._inner = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        failure: httpcore.ConnectError | None = None
        for address in await self._filter.addresses(host, port):
            try:
                return await self._inner.connect_tcp(address, port, timeout, local_address, socket_options)
            except httpcore.ConnectError as error:
                failure = error
        raise failure or httpcore.ConnectError("no address")

    async def sleep(self, seconds: float) -> None:
        await self._inner.sleep(seconds)


class _PoolTransport(httpx.AsyncBaseTransport):
    """The client over our own pool: its built-in transport does not let the network backend be chosen."""

    def __init__(self, pool: httpcore.AsyncConnectionPool) -> None:
        self._pool = pool

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        url = httpcore.URL(
            scheme=request.url.raw_scheme, host=request.url.raw_host, port=request.url.port, target=request.url.raw_path
        )
        answer = await self._pool.handle_async_request(
            httpcore.Request(
                method=request.method,
                url=url,
                headers=request.headers.raw,
                content=request.stream,
                extensions=request.extensions,
            )
        )
        return httpx.Response(answer.status, headers=answer.headers, stream=_Body(answer), extensions=answer.extensions)

    async def aclose(self) -> None:
        await self._pool.aclose()


class _Body(httpx.AsyncByteStream):
    """An answer's bytes as the connection delivers them."""

    def __init__(self, answer: httpcore.Response) -> None:
        self._answer = answer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._answer.aiter_stream():
            yield chunk

    async def aclose(self) -> None:
        await self._answer.aclose()
