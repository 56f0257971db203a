"""The outbound heartbeat: an outside watchdog hears only while pages really move."""

from dataclasses import replace

import pytest

from app.platform.ports import HttpAnswer, HttpFailed
from app.platform.runtime import Runtime
from app.usecases import watch
from tests.service.watch.conftest import Opener
from tests.support.clock import FrozenClock
from tests.support.world import World

URL = "https://watchdog.example.com/beat"


@pytest.fixture
def beating(rt: Runtime) -> Runtime:
    """The runtime with HEARTBEAT_URL set."""
    return replace(rt, settings=rt.settings.model_copy(update={"heartbeat_url": URL}))


async def test_it_calls_while_all_is_well(beating: Runtime, world: World, clock: FrozenClock) -> None:
    assert await watch.heartbeat_out(beating, clock.now()) is None
    assert [(call.method, call.url) for call in world.http.calls] == [("GET", URL)]


async def test_it_stays_at_home_without_a_url(rt: Runtime, world: World, clock: FrozenClock) -> None:
    assert await watch.heartbeat_out(rt, clock.now()) is None
    assert world.http.calls == []


async def test_it_is_silent_while_messages_wait(
    beating: Runtime, world: World, clock: FrozenClock, admin: int, opener: Opener
) -> None:
    opener(paged_to=admin)
    assert await watch.heartbeat_out(beating, clock.advance(minutes=3)) == "messages wait too long"
    assert world.http.calls == []


async def test_it_is_silent_when_nothing_can_be_written(beating: Runtime, world: World, clock: FrozenClock) -> None:
    beating.db.standby = True
    assert await watch.heartbeat_out(beating, clock.now()) == "the database cannot be written"
    assert world.http.calls == []


async def test_an_unreachable_watchdog_is_told(beating: Runtime, world: World, clock: FrozenClock) -> None:
    world.http.next += [HttpFailed("connection refused"), HttpAnswer(404, {}, b"")]
    assert await watch.heartbeat_out(beating, clock.now()) == "the watchdog could not be reached: connection refused"
    assert await watch.heartbeat_out(beating, clock.now()) == "the watchdog answered 404"
