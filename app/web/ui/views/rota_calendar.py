"""A schedule's calendar: a month, two weeks or one week of it as drawings, with the same as a table behind them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from app.web.ui.forms import Form
from app.web.ui.views.duty import Stretch
from app.web.ui.views.rota_days import WEEK_DAYS, Day, days_from, is_drawable, monday_of
from app.web.ui.views.rota_drawing import SOURCES, Column, Lane, Pencil, Row
from app.web.ui.views.rota_marks import Mark, Marks
from app.web.ui.words import duration

WEEK = timedelta(days=WEEK_DAYS)


class View(StrEnum):
    """How much of the schedule is drawn, and how."""

    MONTH = "month"
    TWO_WEEKS = "2weeks"
    WEEK = "week"


VIEW_WORDS = {View.MONTH: "Month", View.TWO_WEEKS: "2 weeks", View.WEEK: "Week"}


@dataclass(frozen=True, slots=True)
class Range:
    """What is asked to be seen; `earlier` and `later` are where the arrows lead (None: the calendar ends there)."""

    view: View
    anchor: date
    first: date
    count: int
    title: str
    earlier: date | None
    later: date | None
    month: tuple[int, int] | None = None

    def days(self, zone: ZoneInfo, now: datetime) -> list[Day]:
        """Its days in a zone."""
        return days_from(self.first, self.count, zone, now, month=self.month)


@dataclass(frozen=True, slots=True)
class Line:
    """A stretch as a line of a table, in the schedule's zone and, where they differ, in the reader's."""

    key: str
    mark: Mark | None
    start: str
    end: str
    yours: str
    length: str
    source: str
    href: str


@dataclass(frozen=True, slots=True)
class Calendar:
    """Everything that is drawn: `rows` of weeks, or `columns` of days for one week; `lanes` are the same by person."""

    range: Range
    marks: Marks
    days: Sequence[Day]
    rows: Sequence[Row]
    columns: Sequence[Column]
    lanes: Sequence[Lane]
    lines: Sequence[Line]
    said: str
    changes: Sequence[str]


def range_of(query: Form, today: date) -> Range:
    """What a page's address asks for; what cannot be read is today in two weeks."""
    asked = query.value("view")
    view = View(asked) if asked in list(View) else View.TWO_WEEKS
    try:
        day = date.fromisoformat(query.value("from"))
    except ValueError:
        day = today
    day = day if is_drawable(day) else today
    return _month(day) if view is View.MONTH else _weeks(view, day)


def calendar_of(
    asked: Range, stretches: Sequence[Stretch], pencil: Pencil, members: Sequence[int], yours: ZoneInfo
) -> Calendar:
    """The drawings of these stretches, which cover what was asked."""
    stretches = pencil.divided(stretches)
    days = asked.days(pencil.zone, pencil.now)
    is_week = asked.view is View.WEEK
    return Calendar(
        range=asked,
        marks=pencil.marks,
        days=days,
        rows=[] if is_week else pencil.week_rows(stretches, days),
        columns=pencil.columns(stretches, days) if is_week else [],
        lanes=pencil.lanes(stretches, days, members),
        lines=[line_of(each, pencil, yours) for each in stretches],
        said=_said(stretches),
        changes=[f"{day.date:%a} {day.date.day} {day.date:%b}: {day.change_said}" for day in days if day.change],
    )


def line_of(stretch: Stretch, pencil: Pencil, yours: ZoneInfo) -> Line:
    """One stretch for a table."""
    slot = stretch.slot
    return Line(
        key=f"{slot.id if slot else 'gap'}-{stretch.start:%Y%m%dT%H%M%S}",
        mark=pencil.marks[slot.user_id] if slot else None,
        start=pencil.moment(stretch.start),
        end=pencil.moment(stretch.end),
        yours=yours_of(stretch.start, pencil.zone, yours),
        length=duration((stretch.end - stretch.start).total_seconds()),
        source=SOURCES[slot.source] if slot else "gap",
        href=pencil.href(stretch),
    )


def yours_of(at: datetime, zone: ZoneInfo, yours: ZoneInfo) -> str:
    """The reader's time of an instant where it differs from the schedule's: `03:00`, or `Sun 23:00` on another date."""
    there, here = at.astimezone(zone), at.astimezone(yours)
    if there.utcoffset() == here.utcoffset():
        return ""
    return f"{here:%H:%M}" if there.date() == here.date() else f"{here:%a %H:%M}"


def _month(day: date) -> Range:
    first, after = _month_edges(day)
    start = monday_of(first)
    weeks = -(-(after - start).days // WEEK_DAYS)
    return Range(
        View.MONTH,
        day,
        start,
        weeks * WEEK_DAYS,
        f"{first:%B %Y}",
        _drawable((first - timedelta(days=1)).replace(day=1)),
        _drawable(after),
        (first.year, first.month),
    )


def _weeks(view: View, day: date) -> Range:
    start = monday_of(day)
    length = WEEK if view is View.WEEK else 2 * WEEK
    end = start + length - timedelta(days=1)
    return Range(
        view, day, start, length.days, _dates(start, end), _drawable(start - length), _drawable(start + length)
    )


def _month_edges(day: date) -> tuple[date, date]:
    first = day.replace(day=1)
    return first, (first + timedelta(days=31)).replace(day=1)


def _drawable(day: date) -> date | None:
    return day if is_drawable(day) else None


def _dates(start: date, end: date) -> str:
    if start.year != end.year:
        return f"{start.day} {start:%b %Y} – {end.day} {end:%b %Y}"
    if start.month != end.month:
        return f"{start.day} {start:%b} – {end.day} {end:%b %Y}"
    return f"{start.day} – {end.day} {end:%b %Y}"


def _said(stretches: Sequence[Stretch]) -> str:
    covered = [each for each in stretches if each.slot]
    people = len({each.slot.user_id for each in covered if each.slot})
    gaps = len(stretches) - len(covered)
    parts = [_count(len(covered), "slot"), f"of {people} {'person' if people == 1 else 'people'}"]
    return f"{' '.join(parts)}, {_count(gaps, 'gap') if gaps else 'no gap'}. The same stands in a table below."


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
