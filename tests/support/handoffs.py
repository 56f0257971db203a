"""Whether a plain rotation keeps its hand-offs over many years: how many, at what local time, and whose turn it is."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from app.oncall.resolver import Duty, slots
from app.oncall.types import Cadence, Rotation, RotationPlan, Slot
from tests.support.duties import ALWAYS, EVERYBODY, LONG_AGO, SCHEDULE_ID
from tests.support.duty_check import Fault, Finding

MEMBERS = (1, 2, 3)


def plain_duty(plan: RotationPlan) -> Duty:
    """A schedule with nothing but this rotation, and everybody there."""
    return Duty(SCHEDULE_ID, (), (), EVERYBODY, [Rotation(1, SCHEDULE_ID, 1, LONG_AGO, LONG_AGO, plan)], ALWAYS)


def daily_slots(zone: str, at: time, first: date, days: int) -> list[Slot]:
    """The slots of a daily rotation of three from its first day on."""
    duty = plain_duty(RotationPlan(zone, Cadence.DAILY, at, first, MEMBERS))
    begin = datetime.combine(first, time(0), tzinfo=UTC) - timedelta(days=2)
    return slots(duty, begin, begin + timedelta(days=days + 4))[:days]


def handoff_faults(zone: str, at: time, first: date, found: list[Slot]) -> Iterator[Finding]:
    """What is wrong with the slots of `daily_slots`, told by what the clocks show at each hand-off, and just before."""
    clocks = ZoneInfo(zone)
    for one, other in pairwise(found):
        if one.end_time != other.start_time:
            yield Finding(Fault.GAP if one.end_time < other.start_time else Fault.OVERLAP, f"{one} and {other}")
    for number, slot in enumerate(found):
        planned = datetime.combine(first + timedelta(days=number), at)
        shown = slot.start_time.astimezone(clocks)
        if slot.user_id != MEMBERS[number % len(MEMBERS)]:
            yield Finding(Fault.MISMATCH, f"not the turn of {slot.user_id}: {slot}")
        if shown.replace(tzinfo=None) == planned and not shown.fold:
            continue
        before = (slot.start_time - datetime.resolution).astimezone(clocks)
        if not before.replace(tzinfo=None) < planned < shown.replace(tzinfo=None):
            yield Finding(Fault.MISMATCH, f"hands off at {shown}, and should at {planned}")


def length_faults(zone: str, at: time, found: list[Slot]) -> Iterator[Finding]:
    """Slots that do not last 24 hours less what the clocks were set forward, where both hand-offs are on time."""
    clocks = ZoneInfo(zone)
    for slot in found:
        start, end = slot.start_time.astimezone(clocks), slot.end_time.astimezone(clocks)
        if start.time() != at or end.time() != at:
            continue
        set_forward = (end.utcoffset() or timedelta()) - (start.utcoffset() or timedelta())
        if slot.end_time - slot.start_time != timedelta(days=1) - set_forward:
            yield Finding(Fault.MISMATCH, f"lasts {slot.end_time - slot.start_time}: {slot}")
