"""A schedule's duty around an instant, as the watch and the warnings see it: shifts, and the gaps between them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.oncall import queries as oncall
from app.oncall.resolver import gaps, slots
from app.oncall.types import Schedule, Slot
from app.platform.db import Tx

AHEAD = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class Shift:
    """One person on call without a break, in however many slots; the first of them is `slot`."""

    user_id: int
    start: datetime
    end: datetime
    slot: Slot


@dataclass(frozen=True, slots=True)
class Gap:
    """Nobody is on call from `start` (None: nobody has been for long) until `end` (None: nobody comes on for AHEAD)."""

    start: datetime | None
    end: datetime | None


@dataclass(frozen=True, slots=True)
class Outlook:
    """What is known of a schedule at `now`: its shifts that touch the time looked at, and its gaps from now on."""

    schedule: Schedule
    now: datetime
    shifts: Sequence[Shift]
    gaps: Sequence[Gap]

    @property
    def current(self) -> Shift | None:
        """The shift of whoever is on call now."""
        return next((shift for shift in self.shifts if shift.start <= self.now < shift.end), None)

    @property
    def ahead(self) -> list[Shift]:
        """The shifts that begin later."""
        return [shift for shift in self.shifts if shift.start > self.now]

    @property
    def gap(self) -> Gap | None:
        """The gap that it is in now."""
        return self.gaps[0] if self.gaps and (self.gaps[0].start is None or self.gaps[0].start <= self.now) else None

    def before(self, shift: Shift) -> Shift | None:
        """The shift that ends where this one begins, None after a gap."""
        return next((each for each in self.shifts if each.end == shift.start), None)

    def is_last(self, shift: Shift) -> bool:
        """Whether more of the shift may lie beyond the time looked at."""
        return shift.end >= self.now + AHEAD and shift.end > shift.slot.end_time


def outlooks(tx: Tx, schedules: Iterable[Schedule], now: datetime, *, back: timedelta = timedelta(0)) -> list[Outlook]:
    """The outlook of each schedule from `back` before now to AHEAD after it, all asked at once."""
    known = {schedule.id: schedule for schedule in schedules}
    start, end = now - back, now + AHEAD
    found = []
    for schedule_id, duty in oncall.duties(tx, known, start, end).items():
        covered = slots(duty, start, end)
        shifts = shifts_of(covered)
        found.append(Outlook(known[schedule_id], now, shifts, _gaps(covered, shifts, now)))
    return found


def shifts_of(covered: Iterable[Slot]) -> list[Shift]:
    """Slots in order, those of one person that follow each other taken together."""
    found: list[Shift] = []
    for slot in covered:
        if found and found[-1].end == slot.start_time and found[-1].user_id == slot.user_id:
            last = found.pop()
            found.append(Shift(last.user_id, last.start, slot.end_time, last.slot))
        else:
            found.append(Shift(slot.user_id, slot.start_time, slot.end_time, slot))
    return found


def _gaps(covered: Sequence[Slot], shifts: Sequence[Shift], now: datetime) -> list[Gap]:
    horizon = now + AHEAD
    found = []
    for start, end in gaps([slot for slot in covered if slot.end_time > now], now, horizon):
        began: datetime | None = start
        if start == now:
            # The gap may have begun long ago: when the last shift ended, as far as is known.
            began = max((shift.end for shift in shifts if shift.end <= now), default=None)
        found.append(Gap(began, None if end == horizon else end))
    return found
