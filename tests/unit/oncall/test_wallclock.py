"""Hand-offs in wall-clock time, at the moments at which clocks are set (B18)."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from app.oncall.types import Cadence, RotationPlan
from app.oncall.wallclock import turns_between
from app.platform.zones import instant_of


@pytest.mark.parametrize(
    ("zone", "missing", "first_after"),
    [
        ("America/New_York", "2027-03-14T02:30", "2027-03-14T07:00"),
        ("America/New_York", "2027-03-14T02:00", "2027-03-14T07:00"),
        ("Europe/London", "2027-03-28T01:59:59.999999", "2027-03-28T01:00"),
        ("Australia/Lord_Howe", "2027-10-03T02:15", "2027-10-02T15:30"),
        ("Africa/Casablanca", "2027-03-14T02:30", "2027-03-14T02:00"),
        ("Pacific/Apia", "2011-12-30T00:00", "2011-12-30T10:00"),
        ("Pacific/Apia", "2011-12-30T23:59", "2011-12-30T10:00"),
    ],
)
def test_local_time_that_does_not_exist_is_the_first_instant_after_the_gap(
    zone: str, missing: str, first_after: str
) -> None:
    assert instant_of(datetime.fromisoformat(missing), ZoneInfo(zone)) == utc(first_after)


@pytest.mark.parametrize(
    ("zone", "ambiguous", "first"),
    [
        ("America/New_York", "2027-11-07T01:30", "2027-11-07T05:30"),
        ("America/New_York", "2027-11-07T01:00", "2027-11-07T05:00"),
        ("Europe/London", "2027-10-31T01:30", "2027-10-31T00:30"),
        ("Australia/Lord_Howe", "2027-04-04T01:45", "2027-04-03T14:45"),
        ("Africa/Casablanca", "2027-02-07T02:30", "2027-02-07T01:30"),
    ],
)
def test_ambiguous_local_time_is_its_first_occurrence(zone: str, ambiguous: str, first: str) -> None:
    assert instant_of(datetime.fromisoformat(ambiguous), ZoneInfo(zone)) == utc(first)


def test_hour_that_comes_twice_belongs_to_one_turn() -> None:
    plan = RotationPlan("America/New_York", Cadence.CUSTOM, time(0), date(2027, 11, 7), (1, 2), shift_length_hours=1)
    turns = list(turns_between(plan, utc("2027-11-07T04:00"), utc("2027-11-07T08:00")))
    # 00:00, 01:00 (twice, so two hours) and 02:00 in New York.
    assert [(turn.start, turn.end) for turn in turns] == [
        (utc("2027-11-07T04:00"), utc("2027-11-07T05:00")),
        (utc("2027-11-07T05:00"), utc("2027-11-07T07:00")),
        (utc("2027-11-07T07:00"), utc("2027-11-07T08:00")),
    ]


def test_turn_whose_hour_is_jumped_over_has_no_length_and_is_left_out() -> None:
    plan = RotationPlan("America/New_York", Cadence.CUSTOM, time(0), date(2027, 3, 14), (1, 2, 3), shift_length_hours=1)
    turns = list(turns_between(plan, utc("2027-03-14T05:00"), utc("2027-03-14T08:00")))
    assert [turn.number for turn in turns] == [0, 1, 3]
    assert turns[1].end == turns[2].start == utc("2027-03-14T07:00")


def test_turns_do_not_depend_on_where_one_begins_to_look() -> None:
    plan = RotationPlan("Europe/London", Cadence.CUSTOM, time(1, 30), date(2027, 10, 29), (1, 2), shift_length_hours=5)
    all_of_them = list(turns_between(plan, utc("2027-10-29T00:00"), utc("2027-11-02T00:00")))
    at = utc("2027-10-29T00:30")
    while at < utc("2027-11-02T00:00"):
        (turn,) = turns_between(plan, at, at + timedelta(microseconds=1))
        assert turn in all_of_them
        at += timedelta(minutes=10)


def test_nobody_plans_beyond_the_calendar() -> None:
    plan = RotationPlan("UTC", Cadence.WEEKLY, time(9), date(2027, 1, 1), (1,))
    assert list(turns_between(plan, utc("9999-12-01T00:00"), utc("9999-12-31T23:59"))) == []


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
