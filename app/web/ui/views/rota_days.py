"""The days that a schedule's drawings are made of: in its own zone, each with its real length and its real edges."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from app.platform.zones import instant_of

DAY = timedelta(days=1)
WEEK_DAYS = 7
# The calendar is not for archaeology; outside of these years the arithmetic of dates has edges.
FIRST_YEAR, LAST_YEAR = 2000, 2100


@dataclass(frozen=True, slots=True)
class Day:
    """One date of a zone, from its first instant to that of the next."""

    date: date
    start: datetime
    end: datetime
    is_today: bool = False
    is_outside: bool = False

    @property
    def is_weekend(self) -> bool:
        """Whether it is a Saturday or a Sunday."""
        return self.date.weekday() >= 5

    @property
    def change(self) -> str:
        """How many hours the day has where the clocks change on it, such as `23 h`; else nothing."""
        if self.end - self.start == DAY:
            return ""
        hours = (self.end - self.start) / timedelta(hours=1)
        return f"{hours:g} h"

    @property
    def change_said(self) -> str:
        """The change of the clocks in words; empty on a day without one."""
        length = self.end - self.start
        if length == DAY:
            return ""
        return f"The clocks go {'forward' if length < DAY else 'back'} on this day: it has {self.change}."


def days_from(
    first: date, count: int, zone: ZoneInfo, now: datetime, *, month: tuple[int, int] | None = None
) -> list[Day]:
    """`count` dates of a zone; with `month`, those outside of that (year, month) are told."""
    today = now.astimezone(zone).date()
    dates = [first + timedelta(days=index) for index in range(count + 1)]
    edges = [instant_of(datetime.combine(each, time()), zone) for each in dates]
    return [
        Day(
            each,
            edges[index],
            edges[index + 1],
            is_today=each == today,
            is_outside=month is not None and (each.year, each.month) != month,
        )
        for index, each in enumerate(dates[:-1])
    ]


def place(days: Sequence[Day], at: datetime) -> float:
    """How far along these days an instant lies, from 0 to 1; every day is as wide as the others."""
    if at <= days[0].start:
        return 0.0
    for index, day in enumerate(days):
        if at < day.end:
            return (index + (at - day.start) / (day.end - day.start)) / len(days)
    return 1.0


def monday_of(day: date) -> date:
    """The Monday of a date's week."""
    return day - timedelta(days=day.weekday())


def is_drawable(day: date) -> bool:
    """Whether the calendar goes there."""
    return FIRST_YEAR <= day.year <= LAST_YEAR
