"""Recurrence rules: the same days as another library finds, and an end to every effort."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import takewhile

import pytest
from dateutil.rrule import rrulestr
from hypothesis import assume, given, settings, strategies as st

from app.oncall.recurrence import WEEKDAYS, NotUnderstood, Steps, TooManySteps, occurrences, parts_of, rule_of

local = datetime.fromisoformat

SINCE = local("2026-03-02T09:00")
UNTIL = SINCE + timedelta(days=731)
PLENTY = 10_000_000


def found(text: str, start: datetime, *, since: datetime = SINCE, until: datetime = UNTIL) -> Iterator[datetime]:
    rule = rule_of(parts_of(text), start)
    return occurrences(rule, start, since=since, until=until, steps=Steps(PLENTY))


@st.composite
def rules(draw: st.DrawFn) -> str:
    """A rule of any of the kinds that calendars write."""
    frequency = draw(st.sampled_from(["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]))
    parts = [f"FREQ={frequency}"]
    if draw(st.booleans()):
        parts.append(f"INTERVAL={draw(st.integers(1, 13))}")
    if draw(st.booleans()):
        parts.append(f"COUNT={draw(st.integers(1, 60))}")
    for name, numbers in (("BYMONTH", range(1, 13)), ("BYMONTHDAY", [*range(-31, 0), *range(1, 32)])):
        if draw(st.integers(0, 2)) == 0:
            chosen = draw(st.lists(st.sampled_from(numbers), min_size=1, max_size=4, unique=True))
            parts.append(f"{name}={','.join(map(str, chosen))}")
    if draw(st.booleans()):
        days = draw(st.lists(st.sampled_from(WEEKDAYS), min_size=1, max_size=4, unique=True))
        # The other library takes «MO,2TU» for Mondays that are second Tuesdays, so a rule has one kind only.
        ordinals = frequency in ("MONTHLY", "YEARLY") and draw(st.booleans())
        which = [draw(st.sampled_from([1, 2, 3, 4, 5, -1, -2])) if ordinals else "" for _ in days]
        parts.append(f"BYDAY={','.join(f'{nth}{day}' for nth, day in zip(which, days, strict=True))}")
    if draw(st.integers(0, 4)) == 0:
        parts.append(f"BYSETPOS={draw(st.sampled_from(['1', '-1', '2', '1,-1', '5']))}")
    if draw(st.booleans()):
        parts.append(f"WKST={draw(st.sampled_from(WEEKDAYS))}")
    return ";".join(parts)


@settings(max_examples=150, deadline=None)
@given(
    text=rules(),
    start=st.datetimes(local("2015-01-01T00:00"), local("2027-12-31T00:00")).map(lambda at: at.replace(microsecond=0)),
)
def test_the_days_are_those_that_another_library_finds(text: str, start: datetime) -> None:
    ours = list(found(text, start))
    # Where nothing comes true for long the other library may look until the year 9999, so it is not asked.
    later = found(text, start, since=UNTIL, until=UNTIL + timedelta(days=4000))
    assume(("COUNT" in text and bool(ours)) or any(True for _ in later))
    since = SINCE
    if "WEEKLY" in text and "BYSETPOS" in text:
        # The other library chooses among the rest of the first week, we among its days as RFC 5545 has them.
        assume("COUNT" not in text)
        since = max(SINCE, start + timedelta(days=7))
    theirs = takewhile(lambda at: at < UNTIL, rrulestr(text, dtstart=start))
    assert [at for at in ours if at >= since] == [at for at in theirs if at >= since]


def test_position_in_a_week_counts_its_days_before_the_start() -> None:
    # Of the week of Tuesday 5 May the first is Monday the 4th, which is over when the rule begins.
    days = list(found("FREQ=WEEKLY;BYMONTH=5;BYDAY=MO,TU;BYSETPOS=1", local("2026-05-05")))
    assert days[:2] == [local("2026-05-11"), local("2026-05-18")]


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("FREQ=MONTHLY;BYMONTHDAY=31", ["2026-03-31", "2026-05-31", "2026-07-31"]),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", ["2028-02-29"]),
        ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", ["2026-03-31", "2026-04-30", "2026-05-29"]),
        ("FREQ=YEARLY;BYDAY=20MO", ["2026-05-18", "2027-05-17"]),
        ("FREQ=MONTHLY;BYDAY=MO,2TU", ["2026-03-02", "2026-03-09", "2026-03-10", "2026-03-16"]),
        ("FREQ=WEEKLY;BYDAY=3MO", ["2026-03-02", "2026-03-09"]),
        ("freq=daily;interval=100;", ["2026-03-11", "2026-06-19"]),
    ],
)
def test_rules_come_true_on_these_days(text: str, days: list[str]) -> None:
    start = local("2024-01-01T09:00")
    assert [f"{at:%Y-%m-%d}" for at, _ in zip(found(text, start), days, strict=False)] == days
    assert all(at.time() == start.time() for at in found(text, start))


@pytest.mark.parametrize(
    "text",
    [
        "", ";", "FREQ", "FREQ=", "FREQ=SECONDLY", "FREQ=MINUTELY", "FREQ=HOURLY;COUNT=3", "FREQ=FORTNIGHTLY",
        "INTERVAL=2", "FREQ=DAILY;FREQ=DAILY", "FREQ=DAILY;INTERVAL=0", "FREQ=DAILY;INTERVAL=-1",
        "FREQ=DAILY;INTERVAL=99999999999999999999", "FREQ=DAILY;COUNT=0", "FREQ=DAILY;COUNT=x", "FREQ=DAILY;COUNT=²",
        "FREQ=MONTHLY;BYDAY=XX", "FREQ=MONTHLY;BYDAY=99MO", "FREQ=MONTHLY;BYDAY=0MO", "FREQ=MONTHLY;BYDAY=",
        "FREQ=MONTHLY;BYMONTHDAY=32", "FREQ=MONTHLY;BYMONTHDAY=1,,2", "FREQ=YEARLY;BYMONTH=13",
        "FREQ=YEARLY;BYWEEKNO=20", "FREQ=YEARLY;BYYEARDAY=100", "FREQ=YEARLY;BYEASTER=1", "FREQ=DAILY;BYHOUR=9,17",
        "FREQ=DAILY;WKST=FUNDAY", "FREQ=YEARLY;RSCALE=CHINESE",
    ],
)  # fmt: skip
def test_what_is_broken_or_no_absence_has_is_not_understood(text: str) -> None:
    with pytest.raises(NotUnderstood):
        rule_of(parts_of(text), SINCE)


def test_a_time_of_day_that_says_nothing_new_is_understood() -> None:
    assert rule_of(parts_of("FREQ=DAILY;BYHOUR=9;BYMINUTE=0;BYSECOND=00;X-KIND=1"), SINCE) == rule_of(
        parts_of("FREQ=DAILY"), SINCE
    )


@pytest.mark.parametrize(
    "text",
    [
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=MONTHLY;BYDAY=MO;BYSETPOS=6",
        "FREQ=DAILY;BYSETPOS=2",
    ],
)
def test_a_rule_that_never_comes_true_ends_at_the_window(text: str) -> None:
    steps = Steps(PLENTY)
    start = local("1601-01-01T00:00")
    assert list(occurrences(rule_of(parts_of(text), start), start, since=SINCE, until=UNTIL, steps=steps)) == []
    assert PLENTY - steps.left < 1500


def test_a_rule_that_counts_from_long_ago_runs_out_of_steps() -> None:
    start = local("1000-01-01T00:00")
    rule = rule_of(parts_of("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30;COUNT=9"), start)
    with pytest.raises(TooManySteps):
        list(occurrences(rule, start, since=SINCE, until=UNTIL, steps=Steps(200_000)))


def test_the_longest_interval_stays_within_the_calendar() -> None:
    for frequency in ("DAILY", "WEEKLY", "MONTHLY", "YEARLY"):
        assert list(found(f"FREQ={frequency};INTERVAL=1000", local("2027-01-31T00:00"))) == [local("2027-01-31T00:00")]
