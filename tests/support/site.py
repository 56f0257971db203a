"""The whole application in a thread, on a free loopback port: what a real browser talks to."""

import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import uvicorn

from app.main import create_app
from app.platform.runtime import Runtime, build_runtime
from app.platform.settings import Settings
from app.web.live import end_streams

T = TypeVar("T")

START_SECONDS = 20.0
STOP_SECONDS = 10.0


class Site:
    """A running server and the runtime behind it."""

    def __init__(self, rt: Runtime, port: int) -> None:
        self.rt = rt
        self.url = f"http://127.0.0.1:{port}"
        config = uvicorn.Config(
            create_app(rt=rt), host="127.0.0.1", port=port, log_config=None, timeout_graceful_shutdown=1
        )
        self._server = _Server(config, rt)
        self._thread = threading.Thread(target=self._server.run, name="site", daemon=True)

    def do(self, work: Callable[[Runtime], T]) -> T:
        """Run a use case beside the server, off this thread: a browser's driver has an event loop in it."""
        with ThreadPoolExecutor(max_workers=1) as pool:
            return pool.submit(work, self.rt).result()

    def start(self) -> None:
        """Begin to answer. Raises RuntimeError when it does not within START_SECONDS."""
        self._thread.start()
        waited = threading.Event()
        for _ in range(int(START_SECONDS / 0.05)):
            if self._server.started:
                return
            waited.wait(0.05)
        raise RuntimeError("the server did not start")

    def stop(self) -> None:
        """Let go of the port."""
        self._server.should_exit = True
        self._thread.join(STOP_SECONDS)


class _Server(uvicorn.Server):
    """Ends the streams of open pages as a signal would; none arrives outside the main thread."""

    def __init__(self, config: uvicorn.Config, rt: Runtime) -> None:
        super().__init__(config)
        self._rt = rt

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        end_streams(self._rt.bus)
        await super().shutdown(sockets)


def free_port() -> int:
    """A loopback port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running_site(settings: Settings, port: int) -> Iterator[Site]:
    """The application over these settings while the context lasts."""
    site = Site(build_runtime(settings), port)
    site.start()
    try:
        yield site
    finally:
        site.stop()
