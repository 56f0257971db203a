"""Who is on call, by the one pure function: overrides over entries, inactive people skipped, gaps explicit."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from hypothesis import given, strategies as st

from app.oncall.resolver import Duty, gaps, oncall_at, slots
from app.oncall.types import Activity, Interval, SlotSource, Window

DAY = datetime(2026, 3, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)
RAVI, NOOR, LIN = 1, 2, 3
ALWAYS = [Activity(user, DAY - 100 * HOUR, None) for user in (RAVI, NOOR, LIN)]


def on_duty(entries: Sequence[Window], overrides: Sequence[Window], activity: Sequence[Activity] = ALWAYS) -> Duty:
    return Duty(7, entries, overrides, activity, in_use=[Interval(DAY - 100 * HOUR, None)])


def window(number: int, user: int, start: int, end: int, *, made: int = 0, voided: int | None = None) -> Window:
    voided_at = None if voided is None else DAY + voided * HOUR
    return Window(number, 7, user, DAY + start * HOUR, DAY + end * HOUR, "", DAY + made * HOUR, voided_at)


def test_override_wins_over_an_entry_for_exactly_its_window() -> None:
    duty = on_duty([window(1, RAVI, 0, 24)], [window(1, NOOR, 8, 10)])
    found = [(slot.user_id, slot.start_time, slot.end_time) for slot in slots(duty, DAY, DAY + 24 * HOUR)]
    assert found == [
        (RAVI, DAY, DAY + 8 * HOUR),
        (NOOR, DAY + 8 * HOUR, DAY + 10 * HOUR),
        (RAVI, DAY + 10 * HOUR, DAY + 24 * HOUR),
    ]


def test_newest_override_wins() -> None:
    duty = on_duty([], [window(1, RAVI, 0, 10, made=2), window(2, NOOR, 0, 10, made=1)])
    slot = oncall_at(duty, DAY + HOUR)
    assert slot is not None
    assert (slot.user_id, slot.source) == (RAVI, SlotSource.OVERRIDE)


def test_shift_ends_at_the_instant_the_next_begins() -> None:
    duty = on_duty([window(1, RAVI, 0, 8), window(2, NOOR, 8, 16)], [])
    before, at = oncall_at(duty, DAY + 8 * HOUR - timedelta(microseconds=1)), oncall_at(duty, DAY + 8 * HOUR)
    assert before is not None
    assert at is not None
    assert (before.user_id, at.user_id) == (RAVI, NOOR)
    assert before.end_time == at.start_time


def test_person_is_skipped_from_the_moment_of_deactivation() -> None:
    activity = [Activity(RAVI, DAY - HOUR, DAY + 4 * HOUR), *ALWAYS[1:]]
    duty = on_duty([window(1, NOOR, 0, 8)], [window(1, RAVI, 0, 8)], activity)
    found = [(slot.user_id, slot.end_time) for slot in slots(duty, DAY, DAY + 8 * HOUR)]
    assert found == [(RAVI, DAY + 4 * HOUR), (NOOR, DAY + 8 * HOUR)]
    slot = oncall_at(duty, DAY + HOUR)
    assert slot is not None
    assert slot.end_time == DAY + 4 * HOUR


def test_voided_window_keeps_its_past() -> None:
    duty = on_duty([], [window(1, RAVI, 0, 8, voided=3)])
    assert oncall_at(duty, DAY + 2 * HOUR) is not None
    assert oncall_at(duty, DAY + 3 * HOUR) is None


def test_gaps_are_what_nobody_covers() -> None:
    covered = slots(on_duty([window(1, RAVI, 2, 4), window(2, NOOR, 6, 8)], []), DAY, DAY + 10 * HOUR)
    hours = [((start - DAY) // HOUR, (end - DAY) // HOUR) for start, end in gaps(covered, DAY, DAY + 10 * HOUR)]
    assert hours == [(0, 2), (4, 6), (8, 10)]


_windows = st.lists(
    st.builds(
        lambda number, user, start, length, made: window(number, user, start, start + length, made=made),
        st.integers(1, 10_000),
        st.sampled_from([RAVI, NOOR, LIN]),
        st.integers(0, 40),
        st.integers(1, 12),
        st.integers(0, 5),
    ),
    max_size=6,
    unique_by=lambda each: each.id,
)


@given(entries=_windows, overrides=_windows, minute=st.integers(0, 47 * 60))
def test_list_of_slots_and_single_instant_agree(entries: list[Window], overrides: list[Window], minute: int) -> None:
    duty = on_duty(entries, overrides)
    at = DAY + timedelta(minutes=minute)
    listed = [slot for slot in slots(duty, DAY, DAY + 60 * HOUR) if slot.start_time <= at < slot.end_time]
    asked = oncall_at(duty, at)
    assert len(listed) <= 1
    assert (listed[0].user_id if listed else None) == (asked.user_id if asked else None)
    if asked is not None:
        assert (listed[0].start_time, listed[0].end_time) == (asked.start_time, asked.end_time)
