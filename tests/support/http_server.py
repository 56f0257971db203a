"""A real HTTP server on a free loopback port that keeps every request and gives the answers a test has scripted."""

import json
import threading
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

WAIT_SECONDS = 10
DRIP_SECONDS = 0.02


@dataclass(frozen=True)
class Request:
    """One request as it arrived; header names are lower-case, `path` includes the query."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


@dataclass(frozen=True)
class Answer:
    """What to answer; `hangs` answers nothing until the server stops, `breaks` cuts the connection instead.

    `drips` begins an answer and goes on byte by byte without end.
    """

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    hangs: bool = False
    breaks: bool = False
    drips: bool = False


class HttpServer:
    """The server: answers 200 to everything unless told otherwise."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self._answers: deque[Answer] = deque()
        self._rule: Callable[[Request], Answer] = lambda _request: Answer()
        self._arrived = threading.Condition()
        self._stopping = threading.Event()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.owner = self
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), name="http-server", daemon=True
        )

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stop(self) -> None:
        """Close the port and let go of whoever hangs."""
        self._stopping.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def url(self) -> str:
        """The base URL, without a slash at the end."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def answer(self, *answers: Answer) -> None:
        """Give these answers to the next requests, one each; then the rule again."""
        self._answers.extend(answers)

    def answer_by(self, rule: Callable[[Request], Answer]) -> None:
        """From now on let `rule` decide."""
        self._rule = rule

    def wait_for(self, count: int, *, timeout_seconds: float = WAIT_SECONDS) -> list[Request]:
        """The requests once there are `count` of them. Raises AssertionError after the time-out."""
        with self._arrived:
            if not self._arrived.wait_for(lambda: len(self.requests) >= count, timeout_seconds):
                raise AssertionError(f"{len(self.requests)} of {count} requests within {timeout_seconds:g} s")
            return list(self.requests)

    def take(self, request: Request) -> Answer:
        """Note a request and choose its answer; called by the connection's thread."""
        with self._arrived:
            self.requests.append(request)
            answer = self._answers.popleft() if self._answers else self._rule(request)
            self._arrived.notify_all()
        if answer.hangs:
            self._stopping.wait()
        return answer

    def may_drip(self) -> bool:
        """Wait a moment between two bytes; False when the server stops."""
        return not self._stopping.wait(DRIP_SECONDS)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    owner: HttpServer


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.command, self.path, headers, self.rfile.read(length))
        answer = self.server.owner.take(request)
        if answer.hangs or answer.breaks:
            self.close_connection = True
            return
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "100000" if answer.drips else str(len(answer.body)))
        self.end_headers()
        # Whoever has read enough hangs up.
        with suppress(OSError):
            self.wfile.write(answer.body)
        if answer.drips:
            self._drip()

    def _drip(self) -> None:
        self.close_connection = True
        with suppress(OSError):
            while self.server.owner.may_drip():
                self.wfile.write(b" ")
                self.wfile.flush()

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve

    def log_message(self, format: str, *args: object) -> None:
        """Keep the test output clean."""
