"""Turns of a rotation in wall-clock time: when the hand-offs are, whatever the clocks of its zone do meanwhile.

Pure as the resolver is. Hand-offs are counted in naive local time and then become instants, one by one, so they keep
their time of day for ever and a turn of 24 wall-clock hours lasts 23, 24 or 25 real ones (B16, B18).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from app.oncall.types import DAYS_A_WEEK, HOURS_A_DAY, Cadence, RotationPlan
from app.platform.zones import instant_of, shown

# Nobody plans beyond it, and arithmetic before it cannot leave the calendar that Python knows.
LATEST = datetime(9000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Turn:
    """Member `number` (counted round and round from the anchor) has [start, end)."""

    number: int
    start: datetime
    end: datetime


def turn_length(plan: RotationPlan) -> timedelta:
    """How long a turn lasts by the clocks on the wall."""
    hours = {
        Cadence.DAILY: HOURS_A_DAY,
        Cadence.WEEKLY: DAYS_A_WEEK * HOURS_A_DAY,
        Cadence.CUSTOM: plan.shift_length_hours or HOURS_A_DAY,
    }
    return timedelta(hours=hours[plan.cadence])


def turns_between(plan: RotationPlan, start: datetime, end: datetime) -> Iterator[Turn]:
    """The turns that touch [start, end), whole and in order; the first of all begins where the plan's coverage does."""
    zone = ZoneInfo(plan.timezone)
    covered_from = datetime.combine(plan.start_date, plan.handoff_time)
    begins = instant_of(covered_from, zone)
    anchor = _anchor(plan, covered_from)
    length = turn_length(plan)
    start, end = max(start, begins), min(end, LATEST)
    if start >= end:
        return
    # Where the clocks were set back they show the time of an earlier turn again, never that of a later one.
    number = max(0, (shown(start, zone) - anchor) // length)
    turn_start = instant_of(anchor + number * length, zone)
    while turn_start < end:
        turn_end = instant_of(anchor + (number + 1) * length, zone)
        # Turns whose hours were all jumped over have no length and nobody.
        if max(turn_start, start) < turn_end:
            yield Turn(number, max(turn_start, begins), turn_end)
        number, turn_start = number + 1, turn_end


def _anchor(plan: RotationPlan, covered_from: datetime) -> datetime:
    if plan.cadence is not Cadence.WEEKLY or plan.handoff_weekday is None:
        return covered_from
    return covered_from - timedelta(days=(plan.start_date.weekday() - plan.handoff_weekday) % DAYS_A_WEEK)
