"""The application in this very thread: its event loop runs while a request is answered, and only then."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any, Self, TypeVar
from urllib.parse import unquote

from anyio import to_thread
from httpx2 import BaseTransport, Request, Response
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Message, Scope

T = TypeVar("T")
PORTS = {"http": 80, "https": 443}


class Client(TestClient):
    """Starlette's client without its thread, of which a request costs a millisecond in hand-overs.

    In a `with` the application is started and stopped, as by a server; outside, each request has a loop of its own.
    """

    def __init__(self, app: ASGIApp, **options: Any) -> None:
        super().__init__(app, **options)
        self._runner: asyncio.Runner | None = None
        peer = options.get("client", ("testclient", 50000))
        self._transport = _InThisThread(self, peer, options.get("raise_server_exceptions", True))

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            runner = stack.enter_context(_new_runner())
            life = _Life(self.app, self.app_state)
            _run(runner, life.start())
            stack.callback(lambda: _run(runner, life.stop()))
            self._runner = runner
            stack.callback(setattr, self, "_runner", None)
            self.exit_stack = stack.pop_all()
        return self

    def answer(self, asked: Coroutine[Any, Any, Response]) -> Response:
        """Let the loop run until this is done."""
        if self._runner is not None:
            return _run(self._runner, asked)
        with _new_runner() as runner:
            return _run(runner, asked)


class _InThisThread(BaseTransport):
    def __init__(self, client: Client, peer: tuple[str, int], raises: bool) -> None:
        self._client = client
        self._peer = peer
        self._raises = raises

    def handle_request(self, request: Request) -> Response:
        request.read()
        return self._client.answer(self._answer(request))

    async def _answer(self, request: Request) -> Response:
        talk = _Talk(request.content)
        task = asyncio.ensure_future(self._client.app(self._scope(request), talk.receive, talk.send))
        await asyncio.wait([task])
        error = task.exception()
        if error is not None and self._raises:
            raise error
        return Response(talk.status, headers=talk.headers, content=bytes(talk.body), request=request)

    def _scope(self, request: Request) -> Scope:
        url = request.url
        path, _, query = url.raw_path.partition(b"?")
        return {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": request.method,
            "scheme": url.scheme,
            "path": unquote(path.decode()),
            "raw_path": path,
            "root_path": "",
            "query_string": query,
            "headers": [(name.lower(), value) for name, value in request.headers.raw],
            "client": self._peer,
            "server": (url.host, url.port or PORTS[url.scheme]),
            "state": self._client.app_state.copy(),
        }


class _Talk:
    """One request's messages; without an answer it is a 500, as at a server."""

    def __init__(self, content: bytes) -> None:
        self._content: bytes | None = content
        self._ended = asyncio.Event()
        self.status = 500
        self.headers: list[tuple[bytes, bytes]] = []
        self.body = bytearray()

    async def receive(self) -> Message:
        if self._content is None:
            await self._ended.wait()
            return {"type": "http.disconnect"}
        content, self._content = self._content, None
        return {"type": "http.request", "body": content, "more_body": False}

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], list(message.get("headers", ()))
            return
        self.body += message.get("body", b"")
        if not message.get("more_body"):
            self._ended.set()


class _Life:
    """The application's start and stop."""

    def __init__(self, app: ASGIApp, state: dict[str, Any]) -> None:
        self._app = app
        self._state = state
        self._said: asyncio.Queue[Message] = asyncio.Queue()
        self._heard: asyncio.Queue[Message] = asyncio.Queue()

    async def start(self) -> None:
        self._task = asyncio.ensure_future(self._live())
        await self._say("startup")

    async def stop(self) -> None:
        await self._say("shutdown")
        await self._task

    async def _live(self) -> None:
        # The thread that does this waits for the work of all requests, as long as the application lives.
        await to_thread.run_sync(int)
        await self._app({"type": "lifespan", "state": self._state}, self._said.get, self._heard.put)

    async def _say(self, what: str) -> None:
        await self._said.put({"type": f"lifespan.{what}"})
        answer = asyncio.ensure_future(self._heard.get())
        await asyncio.wait([self._task, answer], return_when=asyncio.FIRST_COMPLETED)
        if self._task.done():
            self._task.result()
        assert (await answer)["type"] == f"lifespan.{what}.complete"


@contextmanager
def _new_runner() -> Iterator[asyncio.Runner]:
    runner = asyncio.Runner()
    try:
        yield runner
    finally:
        _unhindered(runner.close)


def _run(runner: asyncio.Runner, work: Coroutine[Any, Any, T]) -> T:
    return _unhindered(lambda: _drive(runner.get_loop(), work))


def _drive(loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, T]) -> T:
    # Not by run_until_complete: AnyIO ends the threads of what was begun by it, and each request would start its own.
    task = loop.create_task(work)
    task.add_done_callback(lambda _: loop.stop())
    loop.run_forever()
    return task.result()


def _unhindered(work: Callable[[], T]) -> T:
    """Do this here, or, where a test runs on a loop of its own, in a thread that has none."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return work()
    with ThreadPoolExecutor(max_workers=1) as pool:
        return pool.submit(work).result()
