"""The one pure function that says who is on call: the pager, the screen, the API and the feeds all call it.

Values in, half-open UTC windows out; no database, no clock. Precedence: overrides (newest wins), then fixed entries.
A window of a person who is inactive at an instant does not count there, and the next one below it does (B19).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from app.oncall.types import Absence, Activity, Interval, Rotation, Slot, SlotSource, Window


@dataclass(frozen=True, slots=True)
class Duty:
    """Everything that decides who is on call on one schedule.

    `rotations` are all versions that are known; `in_use` is when the schedule was switched on; `activity` and
    `absences` are of every person whom the other fields name.
    """

    schedule_id: int
    entries: Sequence[Window] = ()
    overrides: Sequence[Window] = ()
    activity: Sequence[Activity] = ()
    rotations: Sequence[Rotation] = ()
    in_use: Sequence[Interval] = ()
    absences: Sequence[Absence] = ()


def oncall_at(duty: Duty, at: datetime) -> Slot | None:
    """The slot that covers the instant, with its real start and end; None in a gap."""
    chosen = _chosen(duty, at)
    if chosen is None:
        return None
    edges = _edges(duty)
    source, window = chosen
    start = _reach(
        duty, chosen, [edge for edge in reversed(edges) if window.start_time <= edge <= at], window.start_time
    )
    later = [edge for edge in edges if at < edge <= _end_of(window)]
    end = next((edge for edge in later if _chosen(duty, edge) != chosen), _end_of(window))
    return Slot(f"{source}-{window.id}", duty.schedule_id, window.user_id, start, end, source)


def slots(duty: Duty, start: datetime, end: datetime) -> list[Slot]:
    """Who covers what between two instants, in order; what no slot covers is a gap."""
    edges = [start, *(edge for edge in _edges(duty) if start < edge < end), end]
    found: list[Slot] = []
    for begin, finish in pairwise(edges):
        chosen = _chosen(duty, begin)
        if chosen is None:
            continue
        source, window = chosen
        slot = Slot(f"{source}-{window.id}", duty.schedule_id, window.user_id, begin, finish, source)
        if found and found[-1].id == slot.id and found[-1].end_time == begin:
            slot = Slot(slot.id, slot.schedule_id, slot.user_id, found.pop().start_time, finish, source)
        found.append(slot)
    return found


def gaps(covered: Iterable[Slot], start: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
    """The windows between two instants that no slot covers; `covered` is in order, as `slots` gives it."""
    found = []
    reached = start
    for slot in covered:
        if slot.start_time > reached:
            found.append((reached, slot.start_time))
        reached = max(reached, slot.end_time)
    if reached < end:
        found.append((reached, end))
    return found


def _chosen(duty: Duty, at: datetime) -> tuple[SlotSource, Window] | None:
    newest_first = sorted(duty.overrides, key=lambda window: (window.created_at, window.id), reverse=True)
    for source, windows in ((SlotSource.OVERRIDE, newest_first), (SlotSource.ENTRY, duty.entries)):
        for window in windows:
            if window.start_time <= at < _end_of(window) and _is_active(duty, window.user_id, at):
                return source, window
    return None


def _end_of(window: Window) -> datetime:
    # A voided window counts until it was voided: the past stays as it was.
    return window.end_time if window.voided_at is None else min(window.end_time, window.voided_at)


def _is_active(duty: Duty, user_id: int, at: datetime) -> bool:
    return any(
        each.user_id == user_id and each.started_at <= at and (each.ended_at is None or at < each.ended_at)
        for each in duty.activity
    )


def _edges(duty: Duty) -> list[datetime]:
    found: set[datetime] = set()
    for window in (*duty.entries, *duty.overrides):
        found |= {window.start_time, _end_of(window)}
    for each in duty.activity:
        found.add(each.started_at)
        if each.ended_at is not None:
            found.add(each.ended_at)
    return sorted(found)


def _reach(duty: Duty, chosen: tuple[SlotSource, Window], earlier: Sequence[datetime], furthest: datetime) -> datetime:
    reached = None
    for edge in earlier:
        if _chosen(duty, edge) != chosen:
            return reached or edge
        reached = edge
    return reached or furthest
