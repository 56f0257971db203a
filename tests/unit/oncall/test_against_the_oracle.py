"""The resolver against an oracle that shares no line with it: 100,000 schedules made up, in every zone there is.

Each is compared in full: an answer can change only at edges, and the oracle is asked at every one of its own. Here and
there it is asked at every minute, and its clocks are held against a walk over every minute of a year.
"""

from datetime import UTC, date, datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings, strategies as st

from app.oncall.resolver import Duty, slots
from app.oncall.types import Absence, Activity, Cadence, Interval, Rotation, RotationPlan, Window
from app.platform.zones import instant_of
from tests.support.duties import ALWAYS, LONG_AGO, SCHEDULE_ID, USERS, made_up
from tests.support.duty_check import faults
from tests.support.handoffs import daily_slots, handoff_faults, length_faults
from tests.support.oracle import MINUTE, Oracle, instant, minute_of, wall_clock

ZONES = sorted(available_timezones())
CASES = 100_000
PARTS = 20
ODD_ZONES = (
    "America/New_York",
    "Europe/London",
    "Australia/Lord_Howe",
    "Africa/Casablanca",
    "America/St_Johns",
    "Antarctica/Troll",
    "Asia/Kathmandu",
    "Pacific/Chatham",
)


in_parts = pytest.mark.parametrize("part", range(PARTS))


@pytest.mark.slow
@pytest.mark.timeout(300)
@in_parts
def test_schedules_in_every_zone_are_as_the_oracle_says(part: int) -> None:
    wrong = []
    zones = ZONES[part::PARTS]
    for number in range(CASES // PARTS):
        seed = number * PARTS + part
        case = made_up(zones[number % len(zones)], seed)
        wrong += [(case.zone, seed, each) for each in faults(case.duty, case.start, case.end, seed=seed)]
    assert wrong == []


@pytest.mark.slow
@in_parts
def test_local_time_is_where_the_clocks_showed_it_first_around_every_jump_of_every_zone(part: int) -> None:
    wrong = []
    for zone in ZONES[part::PARTS]:
        clock = wall_clock(zone)
        for jump in clock.jumps[1:]:
            for local in (clock.latest_shown(jump - 1) + apart for apart in (-60, -1, 0, 1, 30, 60, 61)):
                found = minute_of(instant_of(instant(local).replace(tzinfo=None), ZoneInfo(zone)))
                if not clock.latest_shown(found - 1) < local <= clock.latest_shown(found):
                    wrong.append((zone, instant(local), instant(found)))
    assert wrong == []


@pytest.mark.parametrize("zone", ODD_ZONES)
def test_schedules_in_odd_zones_are_as_the_oracle_says(zone: str) -> None:
    cases = [made_up(zone, seed) for seed in range(CASES, CASES + 100)]
    assert [(case.seed, found) for case in cases for found in faults(case.duty, case.start, case.end, seed=1)] == []


@pytest.mark.parametrize("zone", ODD_ZONES)
def test_every_minute_is_held_by_whom_the_oracle_names(zone: str) -> None:
    for seed in range(4):
        case = made_up(zone, seed)
        oracle = Oracle(case.duty)
        found = slots(case.duty, instant(case.start), instant(case.end))
        held = {
            minute: slot for slot in found for minute in range(minute_of(slot.start_time), minute_of(slot.end_time))
        }
        for minute in range(case.start, case.end):
            slot, expected = held.get(minute), oracle.at(minute)
            assert (slot and (slot.source, slot.user_id)) == (expected and (expected.source, expected.user_id)), minute


@pytest.mark.parametrize("zone", ["America/New_York", "Australia/Lord_Howe", "Africa/Casablanca"])
def test_clocks_of_the_oracle_are_those_of_a_walk_over_every_minute_of_a_year(zone: str) -> None:
    clock = wall_clock(zone)
    at = datetime(2027, 1, 1, tzinfo=UTC)
    latest = at.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    while at.year == 2027:
        latest = max(latest, at.astimezone(ZoneInfo(zone)).replace(tzinfo=None))
        assert datetime(1970, 1, 1) + clock.latest_shown(minute_of(at)) * MINUTE == latest  # noqa: DTZ001
        at += MINUTE


@in_parts
def test_daily_rotation_keeps_its_handoffs_in_every_zone(part: int) -> None:
    chance = Random(part)
    for zone in ZONES[part::PARTS]:
        at = time(chance.randrange(4), chance.choice((0, 30)))
        first = date(chance.randrange(2024, 2044), chance.randrange(1, 13), 1)
        found = daily_slots(zone, at, first, 200)
        assert len(found) == 200
        assert [*handoff_faults(zone, at, first, found), *length_faults(zone, at, found)] == [], zone


_users = st.sampled_from(USERS[:3])
_minutes = st.integers(-3000, 3000)


@st.composite
def _small_duties(draw: st.DrawFn) -> tuple[Duty, int]:
    """A small schedule and the minute around which it happens: one at which the clocks of its zone are set."""
    zone = draw(st.sampled_from(ODD_ZONES))
    jumps = wall_clock(zone).jumps
    middle = jumps[len(jumps) // 2]

    def at(offset: int) -> datetime:
        return instant(middle + offset)

    def windows() -> list[Window]:
        made = st.tuples(_users, _minutes, st.integers(1, 3000), st.integers(0, 2), st.none() | _minutes)
        return [
            Window(
                number,
                SCHEDULE_ID,
                user,
                at(start),
                at(start + length),
                "",
                at(age),
                None if voided is None else at(voided),
            )
            for number, (user, start, length, age, voided) in enumerate(draw(st.lists(made, max_size=3)), 1)
        ]

    plan = RotationPlan(
        zone,
        draw(st.sampled_from(Cadence)),
        time(draw(st.integers(0, 23)), draw(st.sampled_from((0, 30)))),
        at(0).date() + timedelta(days=draw(st.integers(-9, 2))),
        tuple(draw(st.lists(_users, max_size=3))),
        handoff_weekday=draw(st.none() | st.integers(0, 6)),
        shift_length_hours=draw(st.integers(1, 40)),
        skips_absent=draw(st.booleans()),
    )
    left = draw(st.lists(st.tuples(_users, _minutes), max_size=3))
    away = draw(st.lists(st.tuples(_users, _minutes, st.integers(1, 3000)), max_size=2))
    since = draw(st.lists(_minutes, max_size=2))
    duty = Duty(
        SCHEDULE_ID,
        windows(),
        windows(),
        [Activity(user, LONG_AGO, next((at(when) for who, when in left if who == user), None)) for user in USERS],
        [Rotation(version, SCHEDULE_ID, version, at(start), LONG_AGO, plan) for version, start in enumerate(since, 1)],
        draw(st.sampled_from((ALWAYS, (Interval(at(-500), at(500)),)))),
        [Absence(1, user, at(start), at(start + length), "") for user, start, length in away],
    )
    return duty, middle


@settings(max_examples=400, deadline=None)
@given(made=_small_duties(), start=_minutes, length=st.integers(1, 4000), seed=st.integers(0, 99))
def test_small_schedules_are_as_the_oracle_says(made: tuple[Duty, int], start: int, length: int, seed: int) -> None:
    duty, middle = made
    assert faults(duty, middle + start, middle + start + length, seed=seed) == []
