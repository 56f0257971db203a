"""A real Redis on loopback for the tests that need a broker: its own port and folder, nothing kept."""

import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

START_SECONDS = 20.0
POLL_SECONDS = 0.02


class RedisUnavailable(Exception):
    """There is no Redis on this machine, or it did not start."""


@contextmanager
def running_redis() -> Iterator[str]:
    """The address of a server for the time of the context. Raises RedisUnavailable."""
    program = shutil.which("redis-server")
    if program is None:
        raise RedisUnavailable("there is no redis-server on PATH")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    with tempfile.TemporaryDirectory(prefix="pagerpal-redis-") as folder:
        command = [
            program,
            "--port",
            str(port),
            "--bind",
            "127.0.0.1",
            "--dir",
            folder,
            "--save",
            "",
            "--appendonly",
            "no",
        ]
        server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            _wait_until_ready(server, port)
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            server.terminate()
            server.wait(10)


def _wait_until_ready(server: "subprocess.Popen[bytes]", port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(POLL_SECONDS)
    raise RedisUnavailable("redis-server did not start")
