"""Who is on call at a minute, by walking the definition: slow, plain, and without a line of the resolver.

It counts in whole minutes of UTC and looks at the clocks of a zone in one direction only, from UTC to what they show.
A hand-off has come when the clocks have shown its local time, or have jumped over it: the latest time that they have
ever shown decides, so a time that does not exist and one that comes twice need no rules of their own.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo

from app.oncall.resolver import Duty
from app.oncall.types import Cadence, Interval, Rotation, Slot, SlotSource, Window

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
DAY = 24 * 60
FIRST_YEAR, LAST_YEAR = 2024, 2044
NEVER = 2**60


def minute_of(at: datetime) -> int:
    """Whole minutes since 1970, UTC."""
    return (at - EPOCH) // MINUTE


def instant(minute: int) -> datetime:
    """The instant so many minutes after the beginning of 1970, UTC."""
    return EPOCH + minute * MINUTE


@dataclass(frozen=True, slots=True)
class Held:
    """Why somebody is on call: by which stored window, or by which version of the rotation in which turn."""

    source: SlotSource
    number: tuple[int, ...]
    user_id: int


class WallClock:
    """What the clocks of a zone show: looked at every few days, and every minute of an hour in which they are set."""

    def __init__(self, zone: str, first: int, last: int) -> None:
        self._zone = ZoneInfo(zone)
        self.jumps = [first]
        self._offsets = [self.offset_at(first)]
        # The latest time shown before each jump, so that the hours shown twice do not count twice.
        self._shown_before = [-NEVER]
        self._look(first, last, (4 * DAY, DAY, 60, 1))

    def offset_at(self, minute: int) -> int:
        """How many minutes the clocks are ahead of UTC."""
        offset = datetime.fromtimestamp(minute * 60, self._zone).utcoffset()
        assert offset is not None
        return offset // MINUTE

    def latest_shown(self, minute: int) -> int:
        """The latest local time that the clocks have shown by now, in minutes since 1970 of theirs."""
        index = bisect_right(self.jumps, minute) - 1
        return max(minute + self._offsets[index], self._shown_before[index])

    def jumps_between(self, first: int, last: int) -> list[int]:
        """The minutes in [first, last] at which the clocks are set."""
        return self.jumps[bisect_left(self.jumps, first) : bisect_right(self.jumps, last)]

    def offsets_between(self, first: int, last: int) -> set[int]:
        """The offsets in force at some time in [first, last]."""
        return set(self._offsets[max(0, bisect_right(self.jumps, first) - 1) : bisect_right(self.jumps, last)])

    def _look(self, first: int, last: int, steps: tuple[int, ...]) -> None:
        step, *closer = steps
        for begin in range(first, last, step):
            offset = self.offset_at(begin + step)
            if offset == self._offsets[-1]:
                continue
            if closer:
                self._look(begin, begin + step, tuple(closer))
            else:
                self._shown_before.append(max(self._shown_before[-1], begin + self._offsets[-1]))
                self.jumps.append(begin + step)
                self._offsets.append(offset)


@cache
def wall_clock(zone: str, first_year: int = FIRST_YEAR, last_year: int = LAST_YEAR) -> WallClock:
    """The clocks of a zone over these years and a while before and after."""
    first, last = datetime(first_year - 1, 1, 1, tzinfo=UTC), datetime(last_year + 2, 1, 1, tzinfo=UTC)
    return WallClock(zone, minute_of(first), minute_of(last))


class _Stored:
    def __init__(self, source: SlotSource, window: Window) -> None:
        end = window.end_time if window.voided_at is None else min(window.end_time, window.voided_at)
        self.start, self.end = minute_of(window.start_time), minute_of(end)
        self.held = Held(source, (window.id,), window.user_id)
        self.age = window.created_at, window.id


class _Version:
    def __init__(self, rotation: Rotation, clock: WallClock) -> None:
        plan = rotation.plan
        self.clock = clock
        self.version = rotation.version
        self.since = minute_of(rotation.effective_from)
        self.members = plan.member_ids
        self.skips_absent = plan.skips_absent
        first_day = plan.start_date
        self.covered_from = self._local(first_day, plan.handoff_time.hour, plan.handoff_time.minute)
        self.first_days = self.covered_from - DAY, self.covered_from + DAY
        if plan.cadence is Cadence.WEEKLY and plan.handoff_weekday is not None:
            while first_day.weekday() != plan.handoff_weekday:
                first_day -= timedelta(days=1)
        self.anchor = self._local(first_day, plan.handoff_time.hour, plan.handoff_time.minute)
        if plan.cadence is Cadence.CUSTOM:
            assert plan.shift_length_hours is not None
            self.length = plan.shift_length_hours * 60
        else:
            self.length = {Cadence.DAILY: 24, Cadence.WEEKLY: 7 * 24}[plan.cadence] * 60

    def number_at(self, minute: int) -> int | None:
        """How many hand-offs have come; None before the first day of all."""
        shown = self.clock.latest_shown(minute)
        return None if shown < self.covered_from else (shown - self.anchor) // self.length

    def edges(self, start: int, end: int) -> Iterator[int]:
        """Minutes at which a turn that touches [start, end) may begin or end, and more: any offset may be in force."""
        first, last = start - self.length - DAY, end + self.length + DAY
        offsets = self.clock.offsets_between(first, last)
        yield self.since
        yield from self.clock.jumps_between(first, last)
        yield from self.clock.jumps_between(*self.first_days)
        yield from (self.covered_from - offset for offset in self.clock.offsets_between(*self.first_days))
        for number in range((first - self.anchor) // self.length, (last - self.anchor) // self.length + 2):
            yield from (self.anchor + number * self.length - offset for offset in offsets)

    @staticmethod
    def _local(day: date, hour: int, minute: int) -> int:
        return ((day.toordinal() - EPOCH.date().toordinal()) * 24 + hour) * 60 + minute


class Oracle:
    """Everything that decides on one schedule, in minutes. What it is given must change at whole minutes only."""

    def __init__(self, duty: Duty) -> None:
        self._schedule_id = duty.schedule_id
        self._in_use = [_minutes(each) for each in duty.in_use]
        self._stored = [
            sorted((_Stored(source, window) for window in windows), key=lambda each: each.age, reverse=True)
            for source, windows in ((SlotSource.OVERRIDE, duty.overrides), (SlotSource.ENTRY, duty.entries))
        ]
        self._starts = {window.held: window.start for windows in self._stored for window in windows}
        self._versions = [_Version(each, wall_clock(each.plan.timezone)) for each in duty.rotations]
        self._active: dict[int, list[tuple[int, int]]] = {}
        for activity in duty.activity:
            span = _minutes(Interval(activity.started_at, activity.ended_at))
            self._active.setdefault(activity.user_id, []).append(span)
        self._away: dict[int, list[tuple[int, int]]] = {}
        for absence in duty.absences:
            span = _minutes(Interval(absence.start_time, absence.end_time))
            self._away.setdefault(absence.user_id, []).append(span)

    def at(self, minute: int) -> Held | None:
        """Who is on call in this minute, and why."""
        if not _is_in(self._in_use, minute):
            return None
        for windows in self._stored:
            for window in windows:
                if window.start <= minute < window.end and self._is_active(window.held.user_id, minute):
                    return window.held
        return self._by_rotation(minute)

    def slots(self, start: int, end: int) -> list[Slot]:
        """The longest runs of minutes with one reason that touch [start, end), with the identities they must have."""
        runs: list[tuple[int, int, Held]] = []
        edges = sorted(self.edges(start, end))
        for begin, finish in pairwise(edges):
            held = self.at(begin)
            if held is None:
                continue
            if runs and runs[-1][1] == begin and runs[-1][2] == held:
                begin = runs.pop()[0]
            runs.append((begin, finish, held))
        return [self._slot(*run) for run in runs if run[0] < end and run[1] > start]

    def next_handoff(self, minute: int) -> datetime | None:
        """When the turn after this minute is another one, or there is one at last."""
        now = self._turn_at(minute)
        for edge in sorted(edge for version in self._versions for edge in version.edges(minute, minute + 1)):
            if edge > minute and self._turn_at(edge) != now:
                return instant(edge)
        return None

    def edges(self, start: int, end: int) -> set[int]:
        """Every minute at which the answer may change, as far as slots that touch [start, end) are concerned."""
        found = {start, end}
        for spans in (self._in_use, *self._active.values(), *self._away.values()):
            found |= {edge for span in spans for edge in span}
        found |= {edge for windows in self._stored for window in windows for edge in (window.start, window.end)}
        for version in self._versions:
            found.update(version.edges(start, end))
        return found

    def _turn_at(self, minute: int) -> tuple[_Version, int] | None:
        ruling = None
        for version in self._versions:
            if version.since <= minute and (ruling is None or version.version > ruling.version):
                ruling = version
        if ruling is None or not ruling.members:
            return None
        number = ruling.number_at(minute)
        return None if number is None else (ruling, number)

    def _by_rotation(self, minute: int) -> Held | None:
        turn = self._turn_at(minute)
        if turn is None:
            return None
        version, number = turn
        count = len(version.members)
        active = None
        for ahead in range(count):
            user_id = version.members[(number + ahead) % count]
            if self._is_active(user_id, minute):
                if not version.skips_absent or not _is_in(self._away.get(user_id, ()), minute):
                    return Held(SlotSource.ROTATION, (version.version, number), user_id)
                active = user_id if active is None else active
        return None if active is None else Held(SlotSource.ROTATION, (version.version, number), active)

    def _is_active(self, user_id: int, minute: int) -> bool:
        return _is_in(self._active.get(user_id, ()), minute)

    def _slot(self, begin: int, finish: int, held: Held) -> Slot:
        start = instant(begin)
        stamp = start.strftime("%Y%m%dT%H%M%SZ")
        if held.source is SlotSource.ROTATION:
            identity = f"rotation-{stamp}"
        else:
            identity = f"{held.source.value}-{held.number[0]}"
            identity += "" if self._starts[held] == begin else f"-{stamp}"
        return Slot(identity, self._schedule_id, held.user_id, start, instant(finish), held.source)


def _minutes(interval: Interval) -> tuple[int, int]:
    return minute_of(interval.start), NEVER if interval.end is None else minute_of(interval.end)


def _is_in(spans: Iterable[tuple[int, int]], minute: int) -> bool:
    # Half of the oracle's time is spent here, and a generator would double it.
    for start, end in spans:  # noqa: SIM110
        if start <= minute < end:
            return True
    return False
