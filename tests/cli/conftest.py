"""The real command line in an empty folder, with nothing of this machine's environment; servers are processes."""

import io
import logging
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

import pytest
import structlog

from app.cli import main
from app.platform import failpoints
from app.platform.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
SECRET_KEY = "kX3vq8Zb1nLr5TyWm0cJd7fGh2sPa9Ue"
BOOT_SECONDS = 30.0


@dataclass(frozen=True)
class Done:
    """How a command ended, and what it said."""

    returncode: int
    stdout: str
    stderr: str


Run = Callable[..., Done]


def environment(folder: Path, **variables: str) -> dict[str, str]:
    """The environment of a test process over the database `pagerpal.db` in `folder`."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    return {
        **kept,
        "PYTHONPATH": str(ROOT),
        "PAGERPAL_ENV": "test",
        "SECRET_KEY": SECRET_KEY,
        "DATABASE_URL": f"sqlite:///{folder / 'pagerpal.db'}",
        **variables,
    }


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Iterator[Run]:
    """Runs one command to its end, in this process; `given` is its standard input, further names are variables."""
    root = logging.getLogger()
    before = root.handlers[:], root.level
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
        monkeypatch.delenv(f"{name.upper()}_FILE", raising=False)
    monkeypatch.chdir(tmp_path)

    def command(*arguments: str, given: str = "", **variables: str) -> Done:
        with monkeypatch.context() as patch:
            for name, value in environment(tmp_path, **variables).items():
                patch.setenv(name, value)
            patch.setattr(sys, "stdin", io.StringIO(given))
            try:
                status = main(arguments)
            except SystemExit as left:
                status = int(left.code or 0)
        return Done(status, *capfd.readouterr())

    yield command
    failpoints.disarm()
    root.handlers[:], root.level = before
    structlog.reset_defaults()


class Served:
    """A running server process and what it has said so far."""

    def __init__(self, process: subprocess.Popen[str], port: int, output: Path) -> None:
        self.process = process
        self.port = port
        self._output = output

    @property
    def said(self) -> str:
        """Both streams of the process."""
        return self._output.read_text()

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> tuple[int, str]:
        """The status and body that a GET is answered."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request("GET", path, headers=dict(headers or {}))
        response = connection.getresponse()
        answer = response.status, response.read().decode()
        connection.close()
        return answer

    def wait_until(self, words: str) -> None:
        """Returns once the process has said `words`; fails with everything that it said instead."""
        deadline = time.monotonic() + BOOT_SECONDS
        while words not in self.said:
            assert self.process.poll() is None, self.said
            assert time.monotonic() < deadline, self.said
            time.sleep(0.02)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Served]]:
    """Starts a server on a free port, by `launcher` if given; killed at the end of the test."""
    running: list[subprocess.Popen[str]] = []

    def begin(*arguments: str, launcher: tuple[str, ...] = ("-m", "app", "serve"), **variables: str) -> Served:
        port = free_port()
        output = tmp_path / f"{port}.log"
        with output.open("w") as stream:
            process = subprocess.Popen(
                [sys.executable, *launcher, *arguments, "--port", str(port)],
                cwd=tmp_path, env=environment(tmp_path, **variables), stdin=subprocess.DEVNULL,
                stdout=stream, stderr=stream, text=True,
            )  # fmt: skip
        running.append(process)
        return Served(process, port, output)

    yield begin
    for process in running:
        process.kill()
        process.wait()


def free_port() -> int:
    """A loopback port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
