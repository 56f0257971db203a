"""Recurrence rules (RFC 5545) of other people's calendars: which starts fall into a window, for a bounded effort.

Values in, naive local times out. The libraries for this cannot be stopped: a rule that never comes true («the 30th of
February») keeps them busy until the year 9999. Here every day that is looked at is a step, and steps run out.
"""

from calendar import monthrange
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum

from app.oncall.types import DAYS_A_WEEK

MONTHS_A_YEAR = 12
# A year is the longest period: a thousand of them stay within the calendar that Python knows.
MAX_INTERVAL = 1_000
MAX_COUNT = 1_000_000
WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
CLOCK_PARTS = ("BYHOUR", "BYMINUTE", "BYSECOND")
# UNTIL is read by whoever knows the time zone.
KNOWN_PARTS = frozenset(
    {"FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST", "BYMONTH", "BYMONTHDAY", "BYDAY", "BYSETPOS", *CLOCK_PARTS}
)


class TooManySteps(Exception):
    """The rules ask for more work than they are worth."""


class NotUnderstood(ValueError):
    """What a calendar says is broken, or of a kind that no absence has; the message completes «it …»."""


@dataclass(slots=True)
class Steps:
    """How much more may be done for one calendar."""

    left: int

    def take(self, count: int = 1) -> None:
        """Use some up. Raises TooManySteps when there are none left."""
        self.left -= count
        if self.left < 0:
            raise TooManySteps


class Frequency(StrEnum):
    """The period in which a rule chooses days."""

    DAILY = "DAILY"
    WEEKLY = "WEEKLY"
    MONTHLY = "MONTHLY"
    YEARLY = "YEARLY"


@dataclass(frozen=True, slots=True)
class Rule:
    """Every `interval` periods the days that fit all of `months`, `month_days` and `weekdays` (empty: any).

    `weekdays` are (which, weekday): the second Tuesday is (2, 1), the last Friday (-1, 4), every Monday (0, 0).
    `positions` choose among the days of a period. At most `count` in all.
    """

    frequency: Frequency
    interval: int = 1
    count: int | None = None
    months: frozenset[int] = frozenset()
    month_days: frozenset[int] = frozenset()
    weekdays: frozenset[tuple[int, int]] = frozenset()
    positions: frozenset[int] = frozenset()
    week_start: int = 0


def parts_of(text: str) -> dict[str, str]:
    """The named parts of a rule as it is written, all in capitals. Raises NotUnderstood."""
    parts: dict[str, str] = {}
    for part in text.strip().strip(";").split(";"):
        name, equals, value = (word.strip().upper() for word in part.partition("="))
        if not equals or not value or name in parts:
            raise NotUnderstood("has a rule that is not valid")
        parts[name] = value
    unknown = sorted(name for name in parts.keys() - KNOWN_PARTS if not name.startswith("X-"))
    if unknown:
        raise NotUnderstood(f"repeats by {unknown[0][:20]}, which is not understood")
    return parts


def rule_of(parts: dict[str, str], start: datetime) -> Rule:
    """The rule that these parts are, for something that begins at `start`. Raises NotUnderstood."""
    if parts.get("FREQ") not in set(Frequency):
        raise NotUnderstood("repeats more often than daily, or has no FREQ")
    clock = dict(zip(CLOCK_PARTS, (start.hour, start.minute, start.second), strict=True))
    if any(parts.get(name, str(value)).lstrip("0") != str(value).lstrip("0") for name, value in clock.items()):
        raise NotUnderstood("repeats at several times of a day, which is not understood")
    frequency = Frequency(parts["FREQ"])
    rule = Rule(
        frequency,
        interval=_number(parts.get("INTERVAL", "1"), 1, MAX_INTERVAL),
        count=_number(parts["COUNT"], 1, MAX_COUNT) if "COUNT" in parts else None,
        months=_numbers(parts, "BYMONTH", 1, MONTHS_A_YEAR),
        month_days=_numbers(parts, "BYMONTHDAY", -31, 31),
        weekdays=frozenset(_weekday(word, frequency) for word in _words(parts, "BYDAY")),
        positions=_numbers(parts, "BYSETPOS", -366, 366),
        week_start=_weekday(parts.get("WKST", "MO"), frequency)[1],
    )
    return _completed(rule, start)


def occurrences(rule: Rule, start: datetime, *, since: datetime, until: datetime, steps: Steps) -> Iterator[datetime]:
    """When the rule comes true in [since, until), at the time of day of `start`, in order. Raises TooManySteps.

    Periods before `since` are skipped without looking, unless the rule counts.
    """
    if start >= until:
        return
    counted = 0
    for days in _periods(rule, start.date(), since.date() if rule.count is None else start.date(), steps):
        if datetime.combine(days[0], start.time()) >= until:
            return
        for day in _chosen(rule, days, steps):
            at = datetime.combine(day, start.time())
            if at < start:
                continue
            counted += 1
            if at >= until or counted > (rule.count or counted):
                return
            if at >= since:
                yield at


def _completed(rule: Rule, start: datetime) -> Rule:
    # What the rule leaves open is as it is at the start: the day of the week, of the month, of the year.
    if rule.weekdays or rule.month_days:
        return rule
    if rule.frequency is Frequency.WEEKLY:
        return replace(rule, weekdays=frozenset({(0, start.weekday())}))
    if rule.frequency is Frequency.MONTHLY:
        return replace(rule, month_days=frozenset({start.day}))
    if rule.frequency is Frequency.YEARLY:
        return replace(rule, month_days=frozenset({start.day}), months=rule.months or frozenset({start.month}))
    return rule


def _periods(rule: Rule, start: date, since: date, steps: Steps) -> Iterator[list[date]]:
    """The days of every period that counts, from the one that holds `since` on."""
    since = max(since, start)
    first: int
    days_of: Callable[[int], list[date]]
    if rule.frequency is Frequency.DAILY:
        first, days_of = (since - start).days, lambda number: [start + timedelta(days=number)]
    elif rule.frequency is Frequency.WEEKLY:
        monday = start - timedelta(days=(start.weekday() - rule.week_start) % DAYS_A_WEEK)
        first, days_of = (since - monday).days // DAYS_A_WEEK, lambda number: _week(monday, number)
    elif rule.frequency is Frequency.MONTHLY:
        months = _month_number(start)
        first, days_of = _month_number(since) - months, lambda number: _month(months + number)
    else:
        first, days_of = since.year - start.year, lambda number: _year(start.year + number, rule.months)
    number = first - first % rule.interval
    while True:
        days = days_of(number)
        steps.take(len(days))
        yield days
        number += rule.interval


def _week(monday: date, number: int) -> list[date]:
    first = monday + timedelta(days=number * DAYS_A_WEEK)
    return [first + timedelta(days=day) for day in range(DAYS_A_WEEK)]


def _month_number(day: date) -> int:
    return day.year * MONTHS_A_YEAR + day.month - 1


def _month(number: int) -> list[date]:
    year, month = divmod(number, MONTHS_A_YEAR)
    return [date(year, month + 1, day + 1) for day in range(monthrange(year, month + 1)[1])]


def _year(year: int, months: Iterable[int]) -> list[date]:
    wanted = sorted(months) or range(1, MONTHS_A_YEAR + 1)
    return [day for month in wanted for day in _month(_month_number(date(year, month, 1)))]


def _chosen(rule: Rule, days: list[date], steps: Steps) -> list[date]:
    fitting = [day for day in days if _fits(rule, day)]
    if not rule.positions:
        return fitting
    steps.take(len(rule.positions))
    indexes = {each - 1 if each > 0 else len(fitting) + each for each in rule.positions}
    return [day for index, day in enumerate(fitting) if index in indexes]


def _fits(rule: Rule, day: date) -> bool:
    if rule.months and day.month not in rule.months:
        return False
    length = monthrange(day.year, day.month)[1]
    if rule.month_days and not {day.day, day.day - length - 1} & rule.month_days:
        return False
    if not rule.weekdays:
        return True
    number = day.day - 1
    if rule.frequency is Frequency.YEARLY and not rule.months:
        number, length = day.timetuple().tm_yday - 1, date(day.year, MONTHS_A_YEAR, 31).timetuple().tm_yday
    nth, from_end = number // DAYS_A_WEEK + 1, -((length - 1 - number) // DAYS_A_WEEK + 1)
    return any((which, day.weekday()) in rule.weekdays for which in (0, nth, from_end))


def _weekday(word: str, frequency: Frequency) -> tuple[int, int]:
    name, which = word[-2:], word[:-2]
    if name not in WEEKDAYS:
        raise NotUnderstood("has a rule that is not valid")
    ordinal = _number(which, -53, 53) if which else 0
    # «The second Tuesday of a day or of a week» means nothing but Tuesday.
    return ordinal if frequency in (Frequency.MONTHLY, Frequency.YEARLY) else 0, WEEKDAYS.index(name)


def _words(parts: dict[str, str], name: str) -> list[str]:
    return [word.strip() for word in parts[name].split(",")] if name in parts else []


def _numbers(parts: dict[str, str], name: str, lowest: int, highest: int) -> frozenset[int]:
    return frozenset(_number(word, lowest, highest) for word in _words(parts, name))


def _number(word: str, lowest: int, highest: int) -> int:
    digits = word[1:] if word[:1] in ("+", "-") else word
    if not (digits.isascii() and digits.isdigit() and len(digits) <= len(str(MAX_COUNT))):
        raise NotUnderstood("has a rule that is not valid")
    number = int(word)
    if number == 0 or not lowest <= number <= highest:
        raise NotUnderstood("has a rule that is not valid")
    return number
