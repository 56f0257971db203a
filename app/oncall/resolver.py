"""The one pure function that says who is on call: the pager, the screen, the API and the feeds all call it.

Values in, half-open UTC windows out; no database, no clock. What is asked is answered in layers, the strongest first,
and each takes what the ones above it left (B16, B19):

1. Outside the times in which the schedule is in use nobody is on call.
2. Overrides, the newest first, each while its person is active.
3. Fixed entries, likewise.
4. The turns of the rotation, by the version in effect: each goes to the member whose turn it is, or, while they are
   inactive (or away, where the plan skips the absent), to the next one in order who is not. If all who are active are
   away, the first of them has it: leave alone never makes a gap.

What nobody took is a gap. A slot is what one stored window, or one person in one turn, has in one piece. Slots come
whole, with the start and end they really have, so they are the same ones whatever window was asked for.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from app.oncall.spans import FOREVER, Span, Spans
from app.oncall.types import Absence, Activity, Interval, Rotation, RotationPlan, Slot, SlotSource, Window
from app.oncall.wallclock import Turn, turns_between


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
    # Instants are microseconds, so this window holds that one alone.
    found = slots(duty, at, at + datetime.resolution)
    return found[0] if found else None


def slots(duty: Duty, start: datetime, end: datetime) -> list[Slot]:
    """Who covers what in [start, end), in order: all slots that touch it, whole; what no slot covers is a gap."""
    if start >= end:
        return []
    turns = list(_turns(duty.rotations, start, end))
    reach = _reach(duty, start, end, turns)
    people = _People(duty, reach)
    taken = Spans((each.start, each.end or FOREVER) for each in duty.in_use).complement()
    found: list[Slot] = []
    for source, window in _layers(duty, reach):
        found += _stored_slots(duty.schedule_id, source, window, people, taken)
    for plan, turn in turns:
        found += _turn_slots(duty.schedule_id, plan, turn, people, taken)
    found = [slot for slot in found if slot.start_time < end and slot.end_time > start]
    return sorted(found, key=lambda slot: slot.start_time)


def gaps(covered: Iterable[Slot], start: datetime, end: datetime) -> list[Span]:
    """The windows between two instants that no slot covers; `covered` is in order, as `slots` gives it."""
    found = []
    reached = start
    for slot in covered:
        if reached < min(slot.start_time, end):
            found.append((reached, min(slot.start_time, end)))
        reached = max(reached, slot.end_time)
    if reached < end:
        found.append((reached, end))
    return found


def next_boundary(duty: Duty, at: datetime) -> datetime | None:
    """The next hand-off of the rotation after the instant: where a turn ends or the first begins; None without one."""
    for _, turn in _turns(duty.rotations, at, FOREVER):
        return turn.start if turn.start > at else turn.end
    return None


class _People:
    """When each person is active, and when they are not away either, as far as is asked."""

    def __init__(self, duty: Duty, reach: Span) -> None:
        self.active = _by_user(reach, ((each.user_id, each.started_at, each.ended_at) for each in duty.activity))
        self.present = self.active.copy()
        away = _by_user(reach, ((each.user_id, each.start_time, each.end_time) for each in duty.absences))
        for user_id, spans in away.items():
            there = spans.complement()
            self.present[user_id] = Spans(piece for span in self.active[user_id] for piece in there.within(*span))


def _by_user(reach: Span, intervals: Iterable[tuple[int, datetime, datetime | None]]) -> defaultdict[int, Spans]:
    found = defaultdict(list)
    for user_id, start, until in intervals:
        end = until or FOREVER
        if _touches(start, end, reach):
            found[user_id].append((start, end))
    return defaultdict(Spans, {user_id: Spans(spans) for user_id, spans in found.items()})


def _turns(rotations: Sequence[Rotation], start: datetime, end: datetime) -> Iterator[tuple[RotationPlan, Turn]]:
    """The turns that touch [start, end), each cut to the time in which its version is in effect (B17)."""
    in_effect = []
    until = FOREVER
    for rotation in sorted(rotations, key=lambda each: each.version, reverse=True):
        if rotation.effective_from < until:
            in_effect.append((rotation.plan, rotation.effective_from, until))
            until = rotation.effective_from
    for plan, since, until in reversed(in_effect):
        if plan.member_ids:
            for turn in turns_between(plan, max(start, since), min(end, until)):
                yield plan, Turn(turn.number, max(turn.start, since), min(turn.end, until))


def _reach(duty: Duty, start: datetime, end: datetime, turns: Sequence[tuple[RotationPlan, Turn]]) -> Span:
    # Slots that touch [start, end) lie within the turns and windows that do, and what touches these can cut them.
    asked = start, end
    spans = [asked, *((turn.start, turn.end) for _, turn in turns)]
    for window in (*duty.overrides, *duty.entries):
        span = window.start_time, _end_of(window)
        if _touches(*span, asked):
            spans.append(span)
    return min(begin for begin, _ in spans), max(finish for _, finish in spans)


def _layers(duty: Duty, reach: Span) -> list[tuple[SlotSource, Window]]:
    """The stored windows that touch `reach`, the strongest first."""
    return [
        (source, window)
        for source, windows in ((SlotSource.OVERRIDE, duty.overrides), (SlotSource.ENTRY, duty.entries))
        for window in sorted(
            (each for each in windows if _touches(each.start_time, _end_of(each), reach)),
            key=lambda each: (each.created_at, each.id),
            reverse=True,
        )
    ]


def _touches(start: datetime, end: datetime, span: Span) -> bool:
    return start < span[1] and end > span[0]


def _end_of(window: Window) -> datetime:
    # A voided window counts until it was voided: the past stays as it was.
    return window.end_time if window.voided_at is None else min(window.end_time, window.voided_at)


def _stored_slots(
    schedule_id: int, source: SlotSource, window: Window, people: _People, taken: Spans
) -> Iterator[Slot]:
    for span in people.active[window.user_id].within(window.start_time, _end_of(window)):
        for begin, finish in taken.take(*span):
            # The piece that begins with the window has its id; a later one is told by its start.
            suffix = "" if begin == window.start_time else f"-{_stamp(begin)}"
            yield Slot(f"{source}-{window.id}{suffix}", schedule_id, window.user_id, begin, finish, source)


def _turn_slots(schedule_id: int, plan: RotationPlan, turn: Turn, people: _People, taken: Spans) -> list[Slot]:
    held: list[tuple[datetime, datetime, int]] = []
    for begin, finish, user_id in sorted(_pieces(plan, turn, people, taken)):
        if held and held[-1][1:] == (begin, user_id):
            begin = held.pop()[0]
        held.append((begin, finish, user_id))
    return [
        Slot(f"{SlotSource.ROTATION}-{_stamp(begin)}", schedule_id, user_id, begin, finish, SlotSource.ROTATION)
        for begin, finish, user_id in held
    ]


def _pieces(plan: RotationPlan, turn: Turn, people: _People, taken: Spans) -> Iterator[tuple[datetime, datetime, int]]:
    first = turn.number % len(plan.member_ids)
    in_order = (*plan.member_ids[first:], *plan.member_ids[:first])
    for there in (people.present, people.active) if plan.skips_absent else (people.active,):
        for user_id in in_order:
            for span in there[user_id].within(turn.start, turn.end):
                for begin, finish in taken.take(*span):
                    yield begin, finish, user_id
                if span == (turn.start, turn.end):
                    return


def _stamp(at: datetime) -> str:
    # Two pieces may begin in one second, and are still two.
    return f"{at:%Y%m%dT%H%M%S%fZ}" if at.microsecond else f"{at:%Y%m%dT%H%M%SZ}"
