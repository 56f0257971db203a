"""Rotations by the one pure function: whose turn it is, in every kind of week that clocks and people make."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from app.oncall.resolver import gaps, next_boundary, oncall_at, slots
from app.oncall.types import Absence, Activity, Cadence, Interval, Rotation, RotationPlan, Slot, SlotSource, Window
from tests.support.handoffs import plain_duty
from tests.support.oracle import Oracle, minute_of

RAVI, NOOR, LIN = 1, 2, 3
NAMES = {RAVI: "Ravi", NOOR: "Noor", LIN: "Lin"}
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
LONG_AGO = datetime(2001, 1, 1, tzinfo=UTC)


def daily(zone: str, start: str, at: str = "09:00", members: Sequence[int] = (RAVI, NOOR, LIN)) -> RotationPlan:
    return RotationPlan(zone, Cadence.DAILY, time.fromisoformat(at), date.fromisoformat(start), tuple(members))


def weekly(zone: str, start: str, weekday: int | None = None, at: str = "09:00") -> RotationPlan:
    return replace(daily(zone, start, at), cadence=Cadence.WEEKLY, handoff_weekday=weekday)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def local(text: str, zone: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def version(number: int, plan: RotationPlan, since: str) -> Rotation:
    return Rotation(number, 7, number, utc(since), LONG_AGO, plan)


def window(number: int, user_id: int, start: str, end: str, made: str = "2027-01-01") -> Window:
    return Window(number, 7, user_id, utc(start), utc(end), "", utc(made), None)


def away(user_id: int, start: str, end: str) -> Absence:
    return Absence(1, user_id, utc(start), utc(end), "leave")


def said(found: Sequence[Slot], zone: str = "UTC") -> list[str]:
    """Each slot as «who from until», in local time."""
    return [
        f"{NAMES[slot.user_id]} {slot.start_time.astimezone(ZoneInfo(zone)):%d %H:%M}"
        f"-{slot.end_time.astimezone(ZoneInfo(zone)):%d %H:%M}"
        for slot in found
    ]


def hours(found: Sequence[Slot]) -> list[float]:
    return [(slot.end_time - slot.start_time) / HOUR for slot in found]


# What clocks do.


@pytest.mark.parametrize(
    ("zone", "short_day", "short", "long_day", "long"),
    [
        ("America/New_York", "2027-03-13", 23, "2027-11-06", 25),
        ("Europe/London", "2027-03-27", 23, "2027-10-30", 25),
        ("Australia/Lord_Howe", "2027-10-02", 23.5, "2027-04-03", 24.5),
        ("Africa/Casablanca", "2027-03-13", 23, "2027-02-06", 25),
    ],
)
def test_day_is_as_long_as_the_clocks_make_it_and_handoffs_keep_their_time(
    zone: str, short_day: str, short: float, long_day: str, long: float
) -> None:
    duty = plain_duty(daily(zone, "2027-01-01"))
    for day, length in ((short_day, short), (long_day, long)):
        start = local(f"{day}T09:00", zone)
        found = slots(duty, start - DAY, start + 2 * DAY)
        assert hours(found)[:4] == [24, length, 24, 24][: len(found)]
        assert {slot.start_time.astimezone(ZoneInfo(zone)).time() for slot in found} == {time(9)}


def test_handoff_at_a_time_that_does_not_exist_is_the_first_instant_after() -> None:
    duty = plain_duty(daily("America/New_York", "2027-03-12", at="02:30"))
    found = slots(duty, utc("2027-03-13T12:00"), utc("2027-03-15T05:00"))
    assert said(found, "America/New_York") == ["Noor 13 02:30-14 03:00", "Lin 14 03:00-15 02:30"]
    assert hours(found) == [23.5, 23.5]


def test_handoff_at_a_time_that_comes_twice_happens_at_the_first() -> None:
    duty = plain_duty(daily("America/New_York", "2027-11-05", at="01:30"))
    found = slots(duty, utc("2027-11-06T12:00"), utc("2027-11-08T05:00"))
    assert [slot.start_time for slot in found] == [utc("2027-11-06T05:30"), utc("2027-11-07T05:30")]
    assert hours(found) == [24, 25]


def test_ramadan_in_morocco_moves_no_handoff() -> None:
    duty = plain_duty(daily("Africa/Casablanca", "2027-01-01", at="02:30"))
    back = slots(duty, utc("2027-02-06T12:00"), utc("2027-02-08T01:00"))
    assert said(back, "Africa/Casablanca") == ["Ravi 06 02:30-07 02:30", "Noor 07 02:30-08 02:30"]
    assert hours(back) == [24, 25]
    forward = slots(duty, utc("2027-03-13T12:00"), utc("2027-03-15T01:00"))
    assert said(forward, "Africa/Casablanca") == ["Lin 13 02:30-14 03:00", "Ravi 14 03:00-15 02:30"]
    assert hours(forward) == [23.5, 23.5]


def test_day_that_samoa_left_out_takes_nobody_s_turn_but_its_own() -> None:
    duty = plain_duty(daily("Pacific/Apia", "2011-12-28", at="00:00"))
    found = slots(duty, utc("2011-12-28T10:00"), utc("2012-01-01T09:00"))
    # The turn of 30 December, Lin's, was never; 31 December is Ravi's as it would have been.
    assert said(found, "Pacific/Apia") == [
        "Ravi 28 00:00-29 00:00",
        "Noor 29 00:00-31 00:00",
        "Ravi 31 00:00-01 00:00",
        "Noor 01 00:00-02 00:00",
    ]
    assert hours(found) == [24, 24, 24, 24]


def test_samoa_in_the_middle_of_a_turn() -> None:
    duty = plain_duty(daily("Pacific/Apia", "2011-12-28"))
    found = slots(duty, utc("2011-12-29T20:00"), utc("2011-12-31T18:00"))
    assert said(found, "Pacific/Apia") == ["Noor 29 09:00-31 00:00", "Lin 31 00:00-31 09:00", "Ravi 31 09:00-01 09:00"]
    assert hours(found) == [15, 9, 24]


@pytest.mark.parametrize("cadence", [Cadence.WEEKLY, Cadence.CUSTOM])
def test_week_of_604800_seconds_in_chicago_has_neither_gap_nor_overlap(cadence: Cadence) -> None:
    plan = replace(weekly("America/Chicago", "2027-01-04"), cadence=cadence, shift_length_hours=7 * 24)
    found = slots(plain_duty(plan), utc("2027-01-05"), utc("2028-01-01"))
    seconds = [int((slot.end_time - slot.start_time).total_seconds()) for slot in found]
    assert sorted(set(seconds)) == [604800 - 3600, 604800, 604800 + 3600]
    assert (len(seconds), seconds.count(604800)) == (52, 50)
    assert gaps(found, utc("2027-01-05"), utc("2028-01-01")) == []
    assert all(one.end_time == other.start_time for one, other in pairwise(found))
    assert {f"{slot.start_time.astimezone(ZoneInfo('America/Chicago')):%a %H:%M}" for slot in found} == {"Mon 09:00"}


def test_leap_day_is_a_day_as_any_other() -> None:
    found = slots(plain_duty(daily("Europe/London", "2028-02-27")), utc("2028-02-27T12:00"), utc("2028-03-01T12:00"))
    assert said(found) == [
        "Ravi 27 09:00-28 09:00",
        "Noor 28 09:00-29 09:00",
        "Lin 29 09:00-01 09:00",
        "Ravi 01 09:00-02 09:00",
    ]


# Where a rotation begins.


def test_nobody_is_on_call_before_the_start_date() -> None:
    duty = plain_duty(daily("UTC", "2027-05-10"))
    assert oncall_at(duty, utc("2027-05-10T08:59:59.999999")) is None
    assert said(slots(duty, utc("2027-05-01"), utc("2027-05-11"))) == ["Ravi 10 09:00-11 09:00"]
    assert gaps(slots(duty, utc("2027-05-01"), utc("2027-05-11")), utc("2027-05-01"), utc("2027-05-11")) == [
        (utc("2027-05-01"), utc("2027-05-10T09:00"))
    ]


def test_rotation_that_began_long_ago_is_still_in_order() -> None:
    duty = plain_duty(daily("UTC", "2003-02-01"))
    days = (date(2027, 5, 10) - date(2003, 2, 1)).days
    slot = oncall_at(duty, utc("2027-05-10T12:00"))
    assert slot is not None
    assert slot.user_id == (RAVI, NOOR, LIN)[days % 3]


def test_week_of_another_day_than_the_start_date_s_begins_with_a_part_of_a_week() -> None:
    # 5 May 2027 is a Wednesday; hand-offs are on Mondays.
    duty = plain_duty(weekly("UTC", "2027-05-05", weekday=0))
    assert said(slots(duty, utc("2027-05-01"), utc("2027-05-20"))) == [
        "Ravi 05 09:00-10 09:00",
        "Noor 10 09:00-17 09:00",
        "Lin 17 09:00-24 09:00",
    ]


def test_week_without_a_weekday_begins_on_that_of_the_start_date() -> None:
    found = slots(plain_duty(weekly("UTC", "2027-05-05")), utc("2027-05-01"), utc("2027-05-13"))
    assert said(found) == ["Ravi 05 09:00-12 09:00", "Noor 12 09:00-19 09:00"]


def test_rotation_without_members_is_nobody() -> None:
    duty = plain_duty(daily("UTC", "2027-05-10", members=()))
    assert slots(duty, utc("2027-05-11"), utc("2027-05-12")) == []
    assert next_boundary(duty, utc("2027-05-11")) is None


def test_one_member_has_every_turn_as_a_slot_of_its_own() -> None:
    duty = plain_duty(daily("UTC", "2027-05-10", members=[RAVI]))
    found = slots(duty, utc("2027-05-11T10:00"), utc("2027-05-13"))
    assert said(found) == ["Ravi 11 09:00-12 09:00", "Ravi 12 09:00-13 09:00"]


# Versions.


def test_change_takes_effect_from_its_moment_and_leaves_the_past() -> None:
    first, second = daily("UTC", "2027-05-01"), daily("UTC", "2027-05-05", at="17:00", members=[LIN, NOOR])
    duty = replace(
        plain_duty(first), rotations=[version(2, second, "2027-05-05T20:00"), version(1, first, "2027-01-01")]
    )
    assert said(slots(duty, utc("2027-05-04T12:00"), utc("2027-05-06T18:00"))) == [
        "Ravi 04 09:00-05 09:00",
        "Noor 05 09:00-05 20:00",
        "Lin 05 20:00-06 17:00",
        "Noor 06 17:00-07 17:00",
    ]


def test_highest_version_rules_whatever_became_effective_last() -> None:
    first, second, third = (daily("UTC", "2027-05-01", members=[user_id]) for user_id in (RAVI, NOOR, LIN))
    duty = replace(
        plain_duty(first),
        rotations=[
            version(1, first, "2027-01-01"),
            version(2, second, "2027-05-20T09:00"),
            version(3, third, "2027-05-10T09:00"),
        ],
    )
    assert {slot.user_id for slot in slots(duty, utc("2027-05-05"), utc("2027-05-10"))} == {RAVI}
    assert {slot.user_id for slot in slots(duty, utc("2027-05-10T09:00"), utc("2027-06-10"))} == {LIN}


def test_version_without_members_ends_the_rotation() -> None:
    first, none = daily("UTC", "2027-05-01"), daily("UTC", "2027-05-01", members=[])
    duty = replace(plain_duty(first), rotations=[version(1, first, "2027-01-01"), version(2, none, "2027-05-03T12:00")])
    assert said(slots(duty, utc("2027-05-03"), utc("2027-06-01"))) == [
        "Noor 02 09:00-03 09:00",
        "Lin 03 09:00-03 12:00",
    ]
    assert next_boundary(duty, utc("2027-05-03T10:00")) == utc("2027-05-03T12:00")
    assert next_boundary(duty, utc("2027-05-03T12:00")) is None


# People.


def test_person_deactivated_in_the_middle_of_a_turn_is_followed_by_the_next_until_they_are_back() -> None:
    duty = replace(
        plain_duty(daily("UTC", "2027-05-10")),
        activity=[
            Activity(RAVI, LONG_AGO, utc("2027-05-10T15:00")),
            Activity(RAVI, utc("2027-05-10T20:00"), None),
            Activity(NOOR, LONG_AGO, utc("2027-05-10T18:00")),
            Activity(LIN, LONG_AGO, None),
        ],
    )
    assert said(slots(duty, utc("2027-05-10T12:00"), utc("2027-05-11T12:00"))) == [
        "Ravi 10 09:00-10 15:00",
        "Noor 10 15:00-10 18:00",
        "Lin 10 18:00-10 20:00",
        "Ravi 10 20:00-11 09:00",
        "Lin 11 09:00-12 09:00",
    ]


def test_nobody_active_is_a_gap() -> None:
    duty = replace(plain_duty(daily("UTC", "2027-05-10")), activity=[])
    assert slots(duty, utc("2027-05-10"), utc("2027-06-10")) == []


def test_leave_counts_only_where_the_rotation_skips_the_absent() -> None:
    plan = daily("UTC", "2027-05-10")
    duty = replace(plain_duty(plan), absences=[away(RAVI, "2027-05-10T12:00", "2027-05-10T20:00")])
    assert said(slots(duty, utc("2027-05-10T12:00"), utc("2027-05-11"))) == ["Ravi 10 09:00-11 09:00"]
    honoured = replace(duty, rotations=plain_duty(replace(plan, skips_absent=True)).rotations)
    assert said(slots(honoured, utc("2027-05-10T10:00"), utc("2027-05-11"))) == [
        "Ravi 10 09:00-10 12:00",
        "Noor 10 12:00-10 20:00",
        "Ravi 10 20:00-11 09:00",
    ]


def test_leave_of_everybody_leaves_the_turn_with_whose_it_is() -> None:
    plan = replace(daily("UTC", "2027-05-10", members=[RAVI, NOOR]), skips_absent=True)
    duty = replace(
        plain_duty(plan),
        absences=[away(RAVI, "2027-05-10T06:00", "2027-05-12"), away(NOOR, "2027-05-10T15:00", "2027-05-10T18:00")],
    )
    assert said(slots(duty, utc("2027-05-10T12:00"), utc("2027-05-11"))) == [
        "Noor 10 09:00-10 15:00",
        "Ravi 10 15:00-10 18:00",
        "Noor 10 18:00-11 09:00",
    ]


def test_leave_takes_nobody_off_an_override() -> None:
    plan = replace(daily("UTC", "2027-05-10"), skips_absent=True)
    duty = replace(
        plain_duty(plan),
        overrides=[window(1, RAVI, "2027-05-10T12:00", "2027-05-10T13:00")],
        absences=[away(RAVI, "2027-05-10", "2027-05-12")],
    )
    slot = oncall_at(duty, utc("2027-05-10T12:30"))
    assert slot is not None
    assert (slot.user_id, slot.source) == (RAVI, SlotSource.OVERRIDE)


# What wins over what, and identities.


def test_override_of_an_override_gives_back_what_is_beneath_piece_by_piece() -> None:
    duty = replace(
        plain_duty(daily("UTC", "2027-05-10")),
        entries=[window(4, LIN, "2027-05-10T10:00", "2027-05-10T16:00")],
        overrides=[
            window(1, NOOR, "2027-05-10T11:00", "2027-05-10T15:00", made="2027-04-01"),
            window(2, RAVI, "2027-05-10T12:00", "2027-05-10T13:00", made="2027-04-02"),
        ],
    )
    found = slots(duty, utc("2027-05-10T09:00"), utc("2027-05-11T09:00"))
    assert [(slot.id, *said([slot])) for slot in found] == [
        ("rotation-20270510T090000Z", "Ravi 10 09:00-10 10:00"),
        ("entry-4", "Lin 10 10:00-10 11:00"),
        ("override-1", "Noor 10 11:00-10 12:00"),
        ("override-2", "Ravi 10 12:00-10 13:00"),
        ("override-1-20270510T130000Z", "Noor 10 13:00-10 15:00"),
        ("entry-4-20270510T150000Z", "Lin 10 15:00-10 16:00"),
        ("rotation-20270510T160000Z", "Ravi 10 16:00-11 09:00"),
    ]
    assert [slot.window_id for slot in found] == [None, 4, 1, 2, 1, 4, None]


def test_slots_are_the_same_whatever_window_is_asked() -> None:
    duty = replace(
        plain_duty(weekly("Europe/London", "2027-01-04")),
        overrides=[window(1, LIN, "2027-05-12T11:00", "2027-05-13T15:00")],
    )
    everything = slots(duty, utc("2027-05-01"), utc("2027-06-01"))
    at = utc("2027-05-03T08:00")
    while at < utc("2027-05-31"):
        (asked,) = slots(duty, at, at + timedelta(microseconds=1))
        assert asked in everything
        assert asked == oncall_at(duty, at)
        at += timedelta(hours=5, minutes=1)


def test_two_pieces_that_begin_in_one_second_are_two() -> None:
    start = utc("2027-05-10T09:00")
    ended_at_once = window(1, LIN, "2027-05-10T09:00:00.200000", "2027-05-10T10:00")
    duty = replace(
        plain_duty(daily("UTC", "2027-05-10")),
        overrides=[replace(ended_at_once, voided_at=utc("2027-05-10T09:00:00.700000"))],
    )
    found = slots(duty, start, start + HOUR)
    assert [slot.id for slot in found] == [
        "rotation-20270510T090000Z",
        "override-1",
        "rotation-20270510T090000700000Z",
    ]


def test_empty_window_is_touched_by_nothing() -> None:
    duty = plain_duty(daily("UTC", "2027-05-10"))
    assert slots(duty, utc("2027-05-11"), utc("2027-05-11")) == []
    assert slots(duty, utc("2027-05-12"), utc("2027-05-11")) == []


def test_schedule_that_is_switched_off_has_nobody_and_its_past_stays() -> None:
    duty = replace(
        plain_duty(daily("UTC", "2027-05-10")),
        overrides=[window(1, LIN, "2027-05-12T06:00", "2027-05-12T14:00")],
        in_use=[Interval(LONG_AGO, utc("2027-05-11T12:00")), Interval(utc("2027-05-12T08:00"), None)],
    )
    found = slots(duty, utc("2027-05-11"), utc("2027-05-12T20:00"))
    assert said(found) == [
        "Ravi 10 09:00-11 09:00",
        "Noor 11 09:00-11 12:00",
        "Lin 12 08:00-12 14:00",
        "Lin 12 14:00-13 09:00",
    ]
    assert oncall_at(duty, utc("2027-05-12T07:00")) is None
    assert found[2].id == "override-1-20270512T080000Z"


# The next hand-off.


def test_next_handoff_is_the_end_of_the_turn_whatever_covers_it() -> None:
    duty = replace(
        plain_duty(daily("America/New_York", "2027-03-01", at="02:30")),
        overrides=[window(1, LIN, "2027-03-14", "2027-03-20")],
    )
    assert next_boundary(duty, utc("2027-03-14T06:59:59")) == utc("2027-03-14T07:00")
    assert next_boundary(duty, utc("2027-03-14T07:00")) == utc("2027-03-15T06:30")
    assert next_boundary(duty, utc("2020-01-01")) == utc("2027-03-01T07:30")
    assert next_boundary(replace(duty, rotations=[]), utc("2027-03-14")) is None


def test_first_handoff_of_all_may_be_at_a_time_that_does_not_exist() -> None:
    duty = plain_duty(daily("America/Anchorage", "2038-03-14", at="02:15"))
    assert next_boundary(duty, utc("2038-03-11T15:00")) == utc("2038-03-14T11:00")
    assert Oracle(duty).next_handoff(minute_of(utc("2038-03-11T15:00"))) == utc("2038-03-14T11:00")
    assert said(slots(duty, utc("2038-03-14"), utc("2038-03-15")), "America/Anchorage") == ["Ravi 14 03:00-15 02:15"]


# Size.


def test_ten_years_with_a_thousand_overrides_are_as_the_oracle_says() -> None:
    first, members = date(2027, 1, 1), (RAVI, NOOR, LIN)
    plan = replace(daily("Europe/London", first.isoformat()), cadence=Cadence.CUSTOM, shift_length_hours=12)
    start = datetime(2027, 1, 1, tzinfo=UTC)
    duty = replace(
        plain_duty(plan),
        overrides=[
            Window(
                number,
                7,
                members[number % 3],
                start + number * 87 * HOUR,
                start + number * 87 * HOUR + number % 50 * HOUR,
                "",
                start + number * 37 % 101 * HOUR,
                None,
            )
            for number in range(1000)
        ],
        activity=[
            Activity(user_id, start + (month * 30 + user_id * 9) * DAY, start + (month * 30 + user_id * 9 + 22) * DAY)
            for user_id in members
            for month in range(-1, 122)
        ],
    )
    found = slots(duty, start, start + 3653 * DAY)
    assert len(found) > 7000
    assert found == Oracle(duty).slots(minute_of(start), minute_of(start + 3653 * DAY))
