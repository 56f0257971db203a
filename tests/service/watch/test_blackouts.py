"""Blackouts: a hole between two beats is kept, and told to every incident that waited in it."""

import pytest

from app.platform import pulse
from app.platform.runtime import Runtime
from app.usecases import watch
from app.usecases.watch.blackouts import length_of
from tests.service.watch.conftest import Opener, Story
from tests.support.clock import FrozenClock


async def test_beats_in_time_are_no_blackout(rt: Runtime, clock: FrozenClock) -> None:
    assert await watch.beat(rt, clock.now()) is None
    for _ in range(20):
        assert await watch.beat(rt, clock.advance(seconds=watch.BEAT_SECONDS)) is None


async def test_a_take_over_within_a_minute_is_no_blackout(rt: Runtime, clock: FrozenClock) -> None:
    await watch.beat(rt, clock.now())
    assert await watch.beat(rt, clock.advance(seconds=15)) is None


async def test_a_hole_is_recorded_with_its_length(rt: Runtime, clock: FrozenClock) -> None:
    start = clock.now()
    await watch.beat(rt, start)
    blackout = await watch.beat(rt, clock.advance(minutes=12))
    assert blackout is not None
    assert (blackout.started_at, blackout.ended_at, blackout.seconds) == (start, clock.now(), 720)
    assert await watch.beat(rt, clock.advance(seconds=5)) is None


async def test_each_incident_that_waited_says_so(
    rt: Runtime, clock: FrozenClock, admin: int, opener: Opener, story: Story
) -> None:
    await watch.beat(rt, clock.now())
    waiting = opener(paged_to=admin)
    await watch.beat(rt, clock.advance(minutes=12))
    assert story(waiting)[-1] == (
        "PagerPal could not page anybody from 2026-03-02 09:00:00 to 2026-03-02 09:12:00 UTC (12 min); "
        "what came due meanwhile is done now, late"
    )


async def test_an_incident_with_nothing_due_says_nothing(
    rt: Runtime, clock: FrozenClock, opener: Opener, story: Story
) -> None:
    await watch.beat(rt, clock.now())
    quiet = opener()
    await watch.beat(rt, clock.advance(minutes=12))
    assert story(quiet) == []


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(50, "50 s"), (61, "1 min"), (3599, "59 min"), (3 * 3600 + 300, "3 h 5 min"), (2 * 86400 + 4 * 3600, "2 d 4 h")],
)
def test_a_length_is_told_in_the_units_that_matter(seconds: int, text: str) -> None:
    assert length_of(seconds) == text


def test_the_probe_writes_and_the_leader_is_found(rt: Runtime, clock: FrozenClock) -> None:
    rt.db.write(lambda tx: pulse.probe(tx, owner="one", now=clock.now()))
    rt.db.write(lambda tx: pulse.probe(tx, owner="two", now=clock.now()))
    assert rt.db.read(lambda tx: pulse.leader_of(tx, now=clock.now())) is None
