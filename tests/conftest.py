"""What every test may ask for: settings, a clock, a fresh database of either kind, servers on loopback, a browser.

Nothing here replaces our own code; only the edges are stood in for. No test leaves this machine.
"""

import gc
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from app.accounts import passwords
from app.platform.db import Db
from app.platform.memory import settle_memory
from app.platform.runtime import Runtime
from app.platform.settings import Settings
from tests.support import offline
from tests.support.clock import FrozenClock
from tests.support.databases import PostgresTemplate, SqliteTemplate, TestDb, fast_temporary_folder
from tests.support.http_server import HttpServer
from tests.support.postgres import PostgresUnavailable, running_cluster
from tests.support.redis import RedisUnavailable, running_redis
from tests.support.smtp import SmtpServer
from tests.support.world import World

offline.install()
# Drawn with frames and locals a traceback costs a second; tests log hundreds of them on purpose.
structlog.configure(
    processors=[
        *structlog.get_config()["processors"][:-1],
        structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
    ]
)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests by the folder they are in and by what they ask for, before -m selects."""
    tests = Path(__file__).parent
    for item in items:
        if {"postgres_template", "postgresql_url"} & set(getattr(item, "fixturenames", ())):
            item.add_marker("postgresql")
        folder = item.path.relative_to(tests).parts[0] if item.path.is_relative_to(tests) else ""
        if folder == "browser":
            item.add_marker("browser")
    _spread(items)


def pytest_sessionstart() -> None:
    """Look for no garbage while tests are collected: there is none."""
    gc.disable()


def pytest_collection_finish() -> None:
    """Treat memory as a real process does: six thousand tests and what they import are no garbage to look through."""
    settle_memory()
    gc.enable()


def _spread(items: list[pytest.Item]) -> None:
    """Put tests that mostly wait far from each other, so that not every process waits at once."""
    waiting = [item for item in items if item.get_closest_marker("waits")]
    if waiting:
        others = [item for item in items if item not in waiting]
        for number, item in enumerate(waiting):
            others.insert(len(others) * number // len(waiting), item)
        items[:] = others


FULL_COST = passwords._context.to_dict()


@pytest.fixture(scope="session", autouse=True)
def cheap_password_hashes() -> None:
    """Hash the passwords of tests at the least cost that the algorithm has: they protect nothing."""
    passwords._context.update(argon2__memory_cost=8, argon2__time_cost=1)


@pytest.fixture
def full_cost_password_hashes() -> Iterator[None]:
    """Hash passwords as a real process does; ask for it before anything that makes an account."""
    cheap = passwords._context.to_dict()
    passwords._context.load(FULL_COST)
    yield
    passwords._context.load(cheap)


@pytest.fixture(autouse=True)
def stays_on_this_machine() -> Iterator[None]:
    """Fails the test that tried to reach another address, even if the code under test swallowed the refusal."""
    offline.take_attempts()
    yield
    attempts = offline.take_attempts()
    assert not attempts, f"tests stay on loopback: {attempts}"


@pytest.fixture
def world(clock: FrozenClock) -> World:
    """What is around the product: its clock, its ids, and outgoing HTTP and mail that are only written down."""
    return World(clock=clock)


@pytest.fixture
def rt(world: World, settings: Settings, db: Db) -> Runtime:
    """A runtime in this test's world, on this test's database; the test runs once on each kind."""
    return world.runtime(settings, db)


@pytest.fixture
def clock() -> FrozenClock:
    """A clock that stands at 2 March 2026, 09:00 UTC until it is moved."""
    return FrozenClock()


@pytest.fixture
def settings(database_url: str) -> Settings:
    """Settings of a test process over this test's database; mail and all other providers unset."""
    return Settings(pagerpal_env="test", database_url=database_url)


# --- databases ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def sqlite_template() -> Iterator[SqliteTemplate]:
    """The migrated SQLite file that tests copy."""
    with fast_temporary_folder() as folder:
        yield SqliteTemplate(Path(folder))


@pytest.fixture(scope="session")
def postgres_template() -> Iterator[PostgresTemplate]:
    """The migrated PostgreSQL database that tests copy; skips, or fails where PAGERPAL_REQUIRE_POSTGRES=1."""
    try:
        with running_cluster() as cluster:
            template = PostgresTemplate(cluster)
            yield template
            template.close()
    except PostgresUnavailable as error:
        _skip_or_fail(f"PostgreSQL: {error}", required="PAGERPAL_REQUIRE_POSTGRES")


@pytest.fixture
def sqlite_url(sqlite_template: SqliteTemplate) -> str:
    """The address of a fresh, migrated SQLite database."""
    return sqlite_template.copy()


@pytest.fixture
def postgresql_url(postgres_template: PostgresTemplate) -> Iterator[str]:
    """The address of a fresh, migrated PostgreSQL database."""
    url = postgres_template.copy()
    yield url
    postgres_template.give_back(url)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def database_url(request: pytest.FixtureRequest) -> str:
    """The address of a fresh, migrated database; the test runs once on each kind."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
def db(database_url: str) -> Iterator[Db]:
    """An open, fresh, migrated database that writes in the caller's thread; the test runs once on each kind."""
    opened = TestDb(database_url)
    yield opened
    opened.dispose()


# --- servers and browser ------------------------------------------------------------------------------------------


@pytest.fixture
def smtp_server() -> Iterator[SmtpServer]:
    """A real SMTP server on loopback that keeps what it is sent."""
    server = SmtpServer()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def http_server() -> Iterator[HttpServer]:
    """A real HTTP server on loopback that keeps what it is asked."""
    server = HttpServer()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def redis_url() -> Iterator[str]:
    """The address of a real, empty Redis on loopback; skips, or fails where PAGERPAL_REQUIRE_REDIS=1."""
    try:
        with running_redis() as url:
            yield url
    except RedisUnavailable as error:
        _skip_or_fail(f"Redis: {error}", required="PAGERPAL_REQUIRE_REDIS")


def _skip_or_fail(reason: str, *, required: str) -> None:
    if os.environ.get(required) == "1":
        pytest.fail(f"{reason} ({required}=1)")
    pytest.skip(reason)
