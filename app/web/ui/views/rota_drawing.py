"""Slots as bars on rows of days: pure geometry and words, as fractions of a row; the templates only write them down.

A bar says as much of its person's name as there is room for, decided here for a desk and for a phone, because text in
a drawing neither wraps nor shrinks by itself.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from typing import TypeAlias
from zoneinfo import ZoneInfo

from app.oncall.types import SlotSource
from app.platform.zones import instant_of
from app.web.ui.views.duty import Stretch
from app.web.ui.views.rota_days import WEEK_DAYS, Day, place
from app.web.ui.views.rota_marks import Mark, Marks
from app.web.ui.words import duration, moment

# In CSS pixels: how wide a row is at the least on a desk and on a phone; what a letter, a bar's edges, its sign need.
DESK_WIDTH, PHONE_WIDTH = 900, 330
LETTER, EDGES, SIGN = 7.2, 12, 10
# The view of one week: its columns leave this much of the width to the hours, and are this high.
GUTTER = 0.06
COLUMN_HEIGHT, LINE_HEIGHT, UPRIGHT_EDGE = 480, 20, 6
MARKED_HOURS = (6, 12, 18)
SOURCES = {SlotSource.ROTATION: "rotation", SlotSource.ENTRY: "fixed entry", SlotSource.OVERRIDE: "override"}

Href: TypeAlias = Callable[[Stretch], str]


@dataclass(frozen=True, slots=True)
class Label:
    """A text for a desk and a shorter one for a phone; either may be empty where there is no room."""

    desk: str
    phone: str


@dataclass(frozen=True, slots=True)
class Bar:
    """A stretch as it lies on one row, from 0 to 1; without a mark it is a gap. `said` is for who cannot see it."""

    key: str
    start: float
    size: float
    mark: Mark | None
    said: str
    when: str
    href: str
    name: Label
    more: Label
    source: SlotSource | None
    is_past: bool

    @property
    def at(self) -> str:
        """Where it begins, as a percentage."""
        return percent(self.start)

    @property
    def length(self) -> str:
        """How long it is, as a percentage."""
        return percent(self.size)


@dataclass(frozen=True, slots=True)
class Row:
    """Days beside each other with what lies on them; `now` is where this moment is, if it is here."""

    days: Sequence[Day]
    bars: Sequence[Bar]
    now: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """One day from top to bottom, with the heights of the marked hours."""

    day: Day
    bars: Sequence[Bar]
    hours: Sequence[tuple[str, str]]
    now: str = ""


@dataclass(frozen=True, slots=True)
class Lane:
    """One person's row of the timeline (no mark: the row of gaps); `total` says how long in all."""

    mark: Mark | None
    row: Row
    total: str


@dataclass(frozen=True, slots=True)
class Pencil:
    """What all drawings of one schedule share: the marks, the zone in which they speak, now, and where bars lead."""

    marks: Marks
    zone: ZoneInfo
    now: datetime
    href: Href

    def divided(self, stretches: Sequence[Stretch]) -> list[Stretch]:
        """The same with a gap that lasts now in two: what of it has passed is history, the rest can be helped."""
        found: list[Stretch] = []
        for each in stretches:
            if each.slot is None and each.start < self.now < each.end:
                found += [replace(each, end=self.now), replace(each, start=self.now)]
            else:
                found.append(each)
        return found

    def week_rows(self, stretches: Sequence[Stretch], days: Sequence[Day], share: float = 1) -> list[Row]:
        """The weeks below each other; `share` is how much of a desk's width they have."""
        weeks = [days[at : at + WEEK_DAYS] for at in range(0, len(days), WEEK_DAYS)]
        return [self._row(stretches, week, self._named, share) for week in weeks]

    def columns(self, stretches: Sequence[Stretch], days: Sequence[Day]) -> list[Column]:
        """The days beside each other."""
        desk, phone = ((1 - GUTTER) * width / len(days) - UPRIGHT_EDGE for width in (DESK_WIDTH, PHONE_WIDTH))
        return [
            Column(
                day,
                [self._upright(stretch, day, desk, phone) for stretch in _touching(stretches, [day])],
                [(percent(place([day], at)), label) for at, label in self._hours(day)],
                self._now_on([day]),
            )
            for day in days
        ]

    def lanes(self, stretches: Sequence[Stretch], days: Sequence[Day], members: Iterable[int]) -> list[Lane]:
        """A row for each person who has something here or is a member, and last one for the gaps if there are any."""
        here = list(_touching(stretches, days))
        present = {each.slot.user_id for each in here if each.slot} | set(members)
        found = [
            self._lane(mark, [each for each in here if each.slot and each.slot.user_id == user_id], days)
            for user_id, mark in self.marks.items()
            if user_id in present
        ]
        gaps = [each for each in here if each.slot is None]
        return [*found, self._lane(None, gaps, days)] if gaps else found

    def said(self, stretch: Stretch) -> str:
        """A stretch in words: `Ada, Mon 2 Mar 09:00 to Mon 9 Mar 09:00, override`."""
        when = self.when(stretch)
        if stretch.slot is None:
            return f"Nobody is on call, {when}"
        source = "" if stretch.slot.source is SlotSource.ROTATION else f", {SOURCES[stretch.slot.source]}"
        return f"{self.marks[stretch.slot.user_id].name}, {when}{source}"

    def when(self, stretch: Stretch) -> str:
        """From when until when, in the schedule's zone."""
        return f"{self.moment(stretch.start)} to {self.moment(stretch.end)}"

    def moment(self, at: datetime) -> str:
        """An instant in the schedule's zone."""
        return moment(at, self.zone, self.now)

    def _lane(self, mark: Mark | None, stretches: Sequence[Stretch], days: Sequence[Day]) -> Lane:
        length = sum((min(each.end, days[-1].end) - max(each.start, days[0].start) for each in stretches), timedelta())
        total = duration(length.total_seconds()) if length else "nothing here"
        return Lane(mark, self._row(stretches, days, self._timed), total)

    def _row(self, stretches: Sequence[Stretch], days: Sequence[Day], label: "Labels", share: float = 1) -> Row:
        bars = []
        for stretch in _touching(stretches, days):
            start, end = place(days, stretch.start), place(days, stretch.end)
            room = end - start
            name, more = label(stretch, days, room * share * DESK_WIDTH, room * PHONE_WIDTH)
            if end > start:
                bars.append(self._bar(stretch, start, end - start, days, name, more))
        return Row(days, bars, self._now_on(days))

    def _upright(self, stretch: Stretch, day: Day, desk: float, phone: float) -> Bar:
        start, end = place([day], stretch.start), place([day], stretch.end)
        lines = (end - start) * COLUMN_HEIGHT // LINE_HEIGHT
        name = self._name(stretch, desk, phone, more="") if lines >= 1 else Label("", "")
        times = [f"{self._clock(max(stretch.start, day.start))}–{self._clock(min(stretch.end, day.end))}"]
        more = _fitting(times, desk, phone) if lines >= 2 else Label("", "")
        return self._bar(stretch, start, end - start, [day], name, more)

    def _bar(self, stretch: Stretch, start: float, size: float, days: Sequence[Day], name: Label, more: Label) -> Bar:
        slot = stretch.slot
        return Bar(
            key=f"{slot.id if slot else 'gap'}-{days[0].date:%Y%m%d}-{stretch.start:%Y%m%dT%H%M%S}",
            start=start,
            size=size,
            mark=self.marks[slot.user_id] if slot else None,
            said=self.said(stretch),
            when=self.when(stretch),
            href=self.href(stretch),
            name=name,
            more=more,
            source=slot.source if slot else None,
            is_past=stretch.end <= self.now,
        )

    def _named(self, stretch: Stretch, days: Sequence[Day], desk: float, phone: float) -> tuple[Label, Label]:
        begins = stretch.start >= days[0].start
        more = f"from {self._clock(stretch.start)}" if begins else f"until {self.moment(stretch.end)}"
        until = [f"until {self.moment(stretch.end)}", f"until {stretch.end.astimezone(self.zone):%a %H:%M}"]
        return self._name(stretch, desk, phone, more=more if begins else ""), _fitting(until, desk, phone)

    def _timed(self, stretch: Stretch, _days: Sequence[Day], desk: float, phone: float) -> tuple[Label, Label]:
        start, end = (each.astimezone(self.zone) for each in (stretch.start, stretch.end))
        whole = f"{self.moment(stretch.start)} – {self.moment(stretch.end)}"
        texts = [whole, f"{start:%a %H:%M} – {end:%a %H:%M}", f"{start:%a %H:%M}", f"{start:%H:%M}"]
        return _fitting(texts, desk, phone), Label("", "")

    def _name(self, stretch: Stretch, desk: float, phone: float, *, more: str) -> Label:
        if stretch.slot is None:
            return _fitting(["nobody", "–"], desk, phone)
        mark = self.marks[stretch.slot.user_id]
        longest = [f"{mark.name} · {more}"] if more else []
        if stretch.slot.source is not SlotSource.ROTATION:
            desk, phone = desk - SIGN, phone - SIGN
        return _fitting([*longest, mark.name, mark.short, mark.initials], desk, phone)

    def _clock(self, at: datetime) -> str:
        return f"{at.astimezone(self.zone):%H:%M}"

    def _hours(self, day: Day) -> list[tuple[datetime, str]]:
        at_hours = [(datetime.combine(day.date, time(hour)), f"{hour:02}") for hour in MARKED_HOURS]
        marked = [(instant_of(local, self.zone), label) for local, label in at_hours]
        return [(at, label) for at, label in marked if day.start < at < day.end]

    def _now_on(self, days: Sequence[Day]) -> str:
        return percent(place(days, self.now)) if days[0].start <= self.now < days[-1].end else ""


Labels: TypeAlias = Callable[[Stretch, Sequence[Day], float, float], tuple[Label, Label]]


def percent(fraction: float) -> str:
    """A fraction of a row as a drawing's attribute."""
    return f"{fraction * 100:.3f}%"


def _touching(stretches: Sequence[Stretch], days: Sequence[Day]) -> Iterable[Stretch]:
    # A day that a zone left out (Samoa's 30 December 2011) has no instant that anything could touch.
    return (each for each in stretches if max(each.start, days[0].start) < min(each.end, days[-1].end))


def _fitting(texts: Sequence[str], desk: float, phone: float) -> Label:
    def longest(room: float) -> str:
        return next((text for text in texts if len(text) * LETTER + EDGES <= room), "")

    return Label(longest(desk), longest(phone))
