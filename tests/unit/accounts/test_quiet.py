"""Quiet hours by the clock on the wall: over midnight, over clock changes, and when the digest leaves (B6)."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest

from app.accounts import quiet
from app.accounts.quiet import PageTime, Quiet, page_time
from app.accounts.types import Urgency
from app.platform.errors import Invalid

BERLIN = ZoneInfo("Europe/Berlin")


def hours(start: str, end: str, digest_at: str = "", zone: ZoneInfo = BERLIN) -> Quiet:
    return Quiet(time.fromisoformat(start), time.fromisoformat(end), time.fromisoformat(digest_at or end), zone)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "is_quiet"),
    [
        ("2026-03-02T20:59:59", False),
        ("2026-03-02T21:00", True),
        ("2026-03-02T23:30", True),
        ("2026-03-03T05:59:59", True),
        ("2026-03-03T06:00", False),
        ("2026-03-03T12:00", False),
    ],
)
def test_quiet_hours_go_over_midnight_and_their_end_is_outside(now: str, is_quiet: bool) -> None:
    assert hours("22:00", "07:00").covers(at(now)) is is_quiet


def test_quiet_hours_within_a_day_leave_the_night_alone() -> None:
    siesta = hours("13:00", "15:00")
    assert [siesta.covers(at(f"2026-03-02T{hour:02}:30")) for hour in (11, 12, 13, 14, 23)] == [
        False, True, True, False, False,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("quiet_hours", "now", "digest"),
    [
        (hours("22:00", "07:00"), "2026-03-02T21:30", "2026-03-03T06:00"),
        (hours("22:00", "07:00"), "2026-03-03T05:59", "2026-03-03T06:00"),
        (hours("22:00", "07:00", "09:15"), "2026-03-02T21:30", "2026-03-03T08:15"),
        (hours("22:00", "07:00", "21:00"), "2026-03-02T21:30", "2026-03-03T20:00"),
        # The night in which the clocks go forward is an hour shorter, the one in which they go back an hour longer.
        (hours("22:00", "07:00"), "2026-03-28T22:00", "2026-03-29T05:00"),
        (hours("22:00", "07:00"), "2026-10-24T21:00", "2026-10-25T06:00"),
        # 02:30 does not exist: the first instant after the gap.
        (hours("22:00", "02:30"), "2026-03-28T22:00", "2026-03-29T01:00"),
        # 02:30 comes twice: from before the first the first, from between them the second.
        (hours("22:00", "02:30"), "2026-10-24T21:00", "2026-10-25T00:30"),
        (hours("22:00", "02:30"), "2026-10-25T01:10", "2026-10-25T01:30"),
    ],
)
def test_digest_leaves_at_its_time_of_day(quiet_hours: Quiet, now: str, digest: str) -> None:
    assert quiet_hours.digest_after(at(now)) == at(digest)


@pytest.mark.parametrize("zone", sorted(available_timezones())[::60])
def test_every_instant_of_a_year_has_a_digest_within_two_days_that_is_outside_of_quiet_hours(zone: str) -> None:
    each = hours("21:45", "06:15", "06:30", ZoneInfo(zone))
    for number in range(350):
        now = at("2026-01-01T00:00") + timedelta(hours=25 * number)
        digest = each.digest_after(now)
        assert now <= digest <= now + timedelta(hours=49)
        assert not each.covers(digest)


def test_urgent_pages_and_people_without_quiet_hours_know_no_night() -> None:
    night = at("2026-03-02T23:00")
    assert page_time(hours("22:00", "07:00"), Urgency.HIGH, 5, night) == PageTime(night + timedelta(minutes=5))
    assert page_time(None, Urgency.LOW, 0, night) == PageTime(night)


def test_delay_of_a_rule_counts_from_when_the_person_is_told() -> None:
    quiet_hours = hours("22:00", "07:00")
    morning = at("2026-03-03T06:00")
    late = morning + timedelta(minutes=10)
    assert page_time(quiet_hours, Urgency.LOW, 10, at("2026-03-02T23:00")) == PageTime(late, late)
    # Told before the night: the delay is over when it ends.
    assert page_time(quiet_hours, Urgency.LOW, 10, at("2026-03-02T20:55")) == PageTime(morning, morning)
    assert page_time(quiet_hours, Urgency.LOW, 4, at("2026-03-02T20:55")) == PageTime(at("2026-03-02T20:59"))


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"quiet_from": "22:00"}, "quiet_to"),
        ({"quiet_to": "07:00"}, "quiet_from"),
        ({"quiet_from": "7", "quiet_to": "22:00"}, "quiet_from"),
        ({"quiet_from": "24:00", "quiet_to": "07:00"}, "quiet_from"),
        ({"quiet_from": "22:00", "quiet_to": "22:00"}, "quiet_to"),
        ({"quiet_from": "22:00", "quiet_to": "07:00", "digest_at": "06:59"}, "digest_at"),
        ({"quiet_from": "22:00", "quiet_to": "07:00", "digest_at": "٠٩:٠٠"}, "digest_at"),
    ],
)
def test_quiet_hours_that_cannot_be_are_refused_by_field(values: dict[str, str], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        quiet.check(values)
    assert [each.path for each in refused.value.errors] == [field]


def test_no_quiet_hours_have_no_digest() -> None:
    assert quiet.check({"digest_at": "08:00"}) == {"quiet_from": None, "quiet_to": None, "digest_at": None}
