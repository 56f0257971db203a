"""`/health` and `/health/ready`: what a load balancer reads off them."""

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient, Response

from app import __version__
from app.platform import lease
from app.platform.bus import Bus
from app.platform.db import Db
from app.platform.runtime import Runtime
from app.platform.settings import Settings
from app.usecases import watch
from app.usecases.watch import vitals
from app.web.routes import mount
from tests.support.clock import FrozenClock
from tests.support.world import World

Ask = Callable[[str], Any]


@pytest.fixture
def ask(rt: Runtime) -> Ask:
    """Asks the application over this runtime."""
    return asker(rt)


def asker(rt: Runtime) -> Ask:
    """A function that asks a path of an application over `rt`."""
    app = FastAPI()
    app.state.runtime = rt
    mount(app)

    async def ask(path: str) -> Response:
        async with AsyncClient(transport=ASGITransport(app), base_url="http://pager.example.com") as client:
            return await client.get(path)

    return ask


async def test_a_leader_that_can_write_is_ok(rt: Runtime, clock: FrozenClock, ask: Ask) -> None:
    rt.db.write(lambda tx: lease.take(tx, lease.LEADER, owner=rt.owner, now=clock.now()))
    response = await ask("/health")
    assert response.status_code == 200
    assert response.json() == {
        "status": "ok",
        "service": "pagerpal",
        "version": __version__,
        "database": "ok",
        "sending": True,
        "workers": "leader",
    }
    assert (await ask("/health/ready")).status_code == 200


async def test_who_does_not_lead_stands_by(rt: Runtime, clock: FrozenClock, ask: Ask) -> None:
    rt.db.write(lambda tx: lease.take(tx, lease.LEADER, owner="another", now=clock.now()))
    assert (await ask("/health")).json()["workers"] == "standby"


async def test_switched_off_workers_and_safe_mode_are_told(rt: Runtime) -> None:
    off = {
        "escalation_worker_enabled": False,
        "notification_retry_worker_enabled": False,
        "notification_sending_enabled": False,
    }
    body = (await asker(replace(rt, settings=rt.settings.model_copy(update=off)))("/health")).json()
    assert (body["status"], body["workers"], body["sending"]) == ("ok", "off", False)


async def test_a_stalled_worker_is_degraded_and_not_ready(rt: Runtime, clock: FrozenClock, ask: Ask) -> None:
    await watch.beat(rt, clock.now())
    clock.advance(minutes=2)
    response = await ask("/health")
    assert (response.status_code, response.json()["status"]) == (200, "degraded")
    assert (await ask("/health/ready")).status_code == 503


async def test_a_standby_that_may_not_write_sends_webhooks_elsewhere(rt: Runtime, ask: Ask) -> None:
    rt.db.standby = True
    response = await ask("/health")
    assert (response.status_code, response.json()["database"]) == (503, "unavailable")
    assert int(response.headers["retry-after"]) > 0
    assert (await ask("/health/ready")).status_code == 503


@pytest.fixture
def locked(sqlite_url: str, world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Runtime]:
    """A runtime whose database another program holds locked."""
    monkeypatch.setattr(vitals, "PROBE_SECONDS", 0.05)
    settings = Settings(pagerpal_env="test", database_url=sqlite_url)
    db = Db(sqlite_url, bus=Bus())
    other = sqlite3.connect(db.url.database or "", isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    yield world.runtime(settings, db)
    other.execute("ROLLBACK")
    other.close()
    db.dispose()


async def test_a_locked_database_is_told_quickly(locked: Runtime) -> None:
    response = await asker(locked)("/health")
    assert (response.status_code, response.json()["status"]) == (503, "unavailable")


async def test_the_database_is_asked_at_most_once_a_second(rt: Runtime, clock: FrozenClock, ask: Ask) -> None:
    assert (await ask("/health")).status_code == 200
    rt.db.standby = True
    assert (await ask("/health")).status_code == 200
    clock.advance(seconds=1)
    assert (await ask("/health")).status_code == 503
