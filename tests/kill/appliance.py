"""The real server as a process: set up by its API, started, killed and started again."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app.platform.migrate import prepare_schema
from app.platform.runtime import build_runtime
from app.platform.settings import Settings
from app.usecases import people
from tests.kill.calls import Caller, NoAnswer, NotSent, basic

ROOT = Path(__file__).resolve().parents[2]
ADMIN_EMAIL = "admin@example.com"
ADMIN_PASSWORD = "a-long-enough-passphrase"
BOOT_SECONDS = 60.0
POLL_SECONDS = 0.02


class ServerFailed(Exception):
    """The server did not come up; the message ends with the last lines of its log."""


@dataclass
class Server:
    """One server process on one port; the database outlives it."""

    port: int
    environment: Mapping[str, str]
    log: Path
    process: subprocess.Popen[bytes] | None = None
    launcher: Sequence[str] = (sys.executable, "-m", "app")

    def begin(self, *, failpoints: str = "") -> None:
        """Start the process and wait for nothing."""
        environment = {**self.environment, "PAGERPAL_FAILPOINTS": failpoints} if failpoints else dict(self.environment)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*self.launcher, "serve", "--host", "127.0.0.1", "--port", str(self.port)],
                cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip

    def start(self) -> float:
        """Start and wait until `/health` answers 200; returns the seconds it took. Raises ServerFailed."""
        begun = time.monotonic()
        self.begin()
        if not self.wait_for_health_or_death():
            if self.is_alive():
                self.kill()
            tail = self.log.read_bytes()[-4000:].decode("utf-8", "replace")
            raise ServerFailed(f"the server on port {self.port} did not become healthy; its log ends:\n{tail}")
        return time.monotonic() - begun

    def is_alive(self) -> bool:
        """Whether the process still runs."""
        return self.process is not None and self.process.poll() is None

    def wait_for_death(self, seconds: float) -> bool:
        """Whether it died by itself within this time."""
        try:
            self._running().wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def kill(self) -> int:
        """SIGKILL, and wait until it is gone; returns the exit status (-9 unless it was dead before)."""
        process = self._running()
        process.kill()
        return process.wait()

    def stop(self) -> int:
        """SIGTERM, and wait; returns the exit status. SIGKILL after 20 seconds."""
        process = self._running()
        process.send_signal(signal.SIGTERM)
        try:
            return process.wait(20)
        except subprocess.TimeoutExpired:
            return self.kill()

    def health(self) -> dict[str, Any] | None:
        """The body of `/health` whatever its status, or None when nobody answers."""
        caller = Caller(self.port, timeout_seconds=5)
        try:
            body = caller.get("/health").body
        except (NotSent, NoAnswer):
            return None
        finally:
            caller.close()
        return body if isinstance(body, dict) else None

    def wait_for_health_or_death(self) -> bool:
        """Whether `/health` came to answer 200; False when the process died first or took too long."""
        deadline = time.monotonic() + BOOT_SECONDS
        caller = Caller(self.port, timeout_seconds=5)
        try:
            while time.monotonic() < deadline and self.is_alive():
                try:
                    if caller.get("/health").status == 200:
                        return True
                except (NotSent, NoAnswer):
                    pass
                time.sleep(POLL_SECONDS)
        finally:
            caller.close()
        return False

    def _running(self) -> subprocess.Popen[bytes]:
        assert self.process is not None, "the server was never started"
        return self.process


@dataclass(frozen=True, slots=True)
class Duty:
    """A person, the policy that pages them and the source whose alerts lead there."""

    user_id: int
    email: str
    policy_id: int
    source_id: int
    api_key: str = field(repr=False)


class Desk:
    """The administrator's hands: the first set-up of a fresh appliance over its API."""

    def __init__(self, port: int) -> None:
        self.port = port

    def person(self, name: str) -> tuple[int, str]:
        """A responder who cannot log in and is reached by email; returns id and address."""
        email = f"{name}@example.com"
        body = {"email": email, "name": name, "role": "responder", "login_enabled": False}
        return int(self._make("users", body)["id"]), email

    def policy(self, name: str, *levels: tuple[int, Sequence[int]], repeat: int = 0) -> int:
        """A policy of (delay in minutes, user ids) levels; returns its id."""
        body = {
            "name": name,
            "repeat": repeat,
            "levels": [
                {"level": number, "delay_minutes": delay, "assignees": [{"type": "user", "id": i} for i in user_ids]}
                for number, (delay, user_ids) in enumerate(levels, 1)
            ],
        }
        return int(self._make("escalation-policies", body)["id"])

    def source(self, name: str, policy_id: int, *, grouping: str = "fingerprint", driver: str = "alertmanager") -> Any:
        """An alert source without a rate limit; returns the answer, its key in `api_key`."""
        places = {"driver": driver, "escalation_policy_id": policy_id, "grouping": grouping}
        # Checks and analysis have kill tests of their own.
        body = {"name": name, **places, "pipeline": "direct"}
        return self._make("alert-sources", body)

    def duty(
        self, name: str, *, grouping: str = "fingerprint", then: Sequence[int] = (), delay_minutes: int = 30
    ) -> Duty:
        """A person with a policy and a source of their own; `then` are the users of level 2."""
        user_id, email = self.person(name)
        levels: list[tuple[int, Sequence[int]]] = [(delay_minutes, [user_id])]
        if then:
            levels.append((30, then))
        policy_id = self.policy(f"{name} first", *levels)
        source = self.source(f"{name} tool", policy_id, grouping=grouping)
        return Duty(user_id, email, policy_id, int(source["id"]), str(source["api_key"]))

    def _make(self, what: str, body: dict[str, Any]) -> Any:
        with closing(Caller(self.port, basic(ADMIN_EMAIL, ADMIN_PASSWORD))) as caller:
            return caller.post(f"/api/v1/{what}", body).expect(201)


def free_port() -> int:
    """A loopback port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment_for(database_url: str, *, port: int, smtp_port: int, **more: str) -> dict[str, str]:
    """The settings of a test appliance: its own database and mail server, nothing of the caller's."""
    kept = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG", "TMPDIR", "TZ"}}
    return {
        **kept,
        "PAGERPAL_ENV": "test",
        "DATABASE_URL": database_url,
        "SECRET_KEY": "kill-test-secret-key-0123456789abcdef0123456789abcdef",
        "PAGERPAL_BASE_URL": f"http://127.0.0.1:{port}",
        "SMTP_HOST": "127.0.0.1",
        "SMTP_PORT": str(smtp_port),
        "SMTP_FROM": "pagerpal@example.com",
        "SMTP_STARTTLS": "false",
        "OUTBOUND_ALLOWED_NETWORKS": "127.0.0.0/8",
        **more,
    }


def prepare(server: Server) -> None:
    """Migrate the empty database and make the first admin, here: a command line takes as long as a server's start."""
    settings = Settings(pagerpal_env="test", database_url=server.environment["DATABASE_URL"])
    prepare_schema(settings.database_url, auto_migrate=False)
    rt = build_runtime(settings)
    # Whoever asks may be on an event loop.
    rt.db.inline = True
    try:
        people.create_admin(rt, email=ADMIN_EMAIL, name="Admin", password=ADMIN_PASSWORD, now=rt.clock.now())
    finally:
        rt.db.dispose()


@contextmanager
def fresh_server(folder: Path, database_url: str, smtp_port: int, **more: str) -> Iterator[Server]:
    """A server with an admin on an empty database, not yet started; killed at the end of the block."""
    port = free_port()
    server = Server(port, environment_for(database_url, port=port, smtp_port=smtp_port, **more), folder / f"{port}.log")
    prepare(server)
    try:
        yield server
    finally:
        if server.is_alive():
            server.kill()
