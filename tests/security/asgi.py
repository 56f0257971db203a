"""Calls the application without a socket: raw bytes in path, query and headers, bodies in pieces, callers who leave."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import quote, unquote

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
App = Callable[[Scope, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Reply:
    """What the application answered; status 0 means nothing at all, `error` what it raised."""

    status: int
    headers: dict[bytes, bytes]
    body: bytes
    error: BaseException | None = None


class Direct:
    """An application whose lifespan is running."""

    def __init__(self, app: App, state: dict[str, Any]) -> None:
        self.app = app
        self.state = state

    async def call(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        *,
        query: bytes = b"",
        headers: Headers | None = None,
        chunks: int = 1,
        cut_off: bool = False,
    ) -> Reply:
        """One request; with `cut_off` the caller leaves after the first piece of the body."""
        raw = quote(path, safe="/%").encode()
        scope: Scope = {
            "type": "http", "asgi": {"version": "3.0", "spec_version": "2.4"}, "http_version": "1.1", "scheme": "http",
            "method": method, "path": unquote(raw.decode(), errors="replace"), "raw_path": raw, "query_string": query,
            "root_path": "", "headers": [(b"host", b"testserver"), *(headers or [])], "client": ("127.0.0.1", 50000),
            "server": ("127.0.0.1", 80), "state": dict(self.state),
        }  # fmt: skip
        pieces = _pieces(body, chunks, cut_off=cut_off)
        sent: list[Message] = []

        async def receive() -> Message:
            if pieces:
                return pieces.pop(0)
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            sent.append(message)

        error: BaseException | None = None
        try:
            await self.app(scope, receive, send)
        except Exception as raised:  # noqa: BLE001  whatever comes out here would be a 500
            error = raised
        return _reply(sent, error)


@asynccontextmanager
async def running(app: App) -> AsyncIterator[Direct]:
    """The application between its start and its end (ASGI lifespan). Raises RuntimeError when it does not start."""
    state: dict[str, Any] = {}
    to_app: asyncio.Queue[Message] = asyncio.Queue()
    from_app: asyncio.Queue[Message] = asyncio.Queue()
    scope: Scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": state}
    task = asyncio.ensure_future(app(scope, to_app.get, from_app.put))
    try:
        await to_app.put({"type": "lifespan.startup"})
        await _expect(from_app, task, "lifespan.startup.complete")
        yield Direct(app, state)
        await to_app.put({"type": "lifespan.shutdown"})
        await _expect(from_app, task, "lifespan.shutdown.complete")
    finally:
        if not task.done():
            task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _expect(queue: asyncio.Queue[Message], task: "asyncio.Future[None]", kind: str) -> None:
    getter = asyncio.ensure_future(queue.get())
    await asyncio.wait(
        cast("set[asyncio.Future[Any]]", {getter, task}), return_when=asyncio.FIRST_COMPLETED, timeout=60
    )
    if not getter.done():
        getter.cancel()
        raise RuntimeError(f"no {kind}: {task.exception() if task.done() else 'it hangs'}")
    message = getter.result()
    if message["type"] != kind:
        raise RuntimeError(f"{kind} expected, got {message}")


def _pieces(body: bytes, chunks: int, *, cut_off: bool) -> list[Message]:
    size = max(1, -(-len(body) // chunks))
    parts = [body[at : at + size] for at in range(0, len(body), size)] or [b""]
    if cut_off:
        parts = [parts[0][: len(parts[0]) // 2]]
    last = len(parts) - 1
    return [
        {"type": "http.request", "body": part, "more_body": number < last or cut_off}
        for number, part in enumerate(parts)
    ]  # fmt: skip


def _reply(sent: list[Message], error: BaseException | None) -> Reply:
    start = next((message for message in sent if message["type"] == "http.response.start"), None)
    if start is None:
        return Reply(0, {}, b"", error)
    body = b"".join(message.get("body", b"") for message in sent if message["type"] == "http.response.body")
    headers = {bytes(name).lower(): bytes(value) for name, value in start["headers"]}
    return Reply(start["status"], headers, body, error)
