"""One event of somebody's calendar (RFC 5545) as values: when, for how long, how it repeats, whether it is busy."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from hashlib import sha256
from zoneinfo import ZoneInfo

from icalendar.prop import vDDDTypes

from app.oncall.calendar import one_line
from app.oncall.calendar_zones import NamedZone, Zone, named_zone, written_zone
from app.oncall.content_lines import Block, Property
from app.oncall.recurrence import NotUnderstood, Rule, Steps, parts_of, rule_of
from app.oncall.rules import MAX_WINDOW

UTC_ZONE = NamedZone(ZoneInfo("UTC"))
MAX_TEXT = 200
MAX_DIGITS = 10
# Reading a time or a rule is about the work of looking at so many days.
STEPS_A_TIME = 4
# Outside of these years arithmetic may leave the calendar that Python knows.
YEARS = range(1000, 9000)
MIDNIGHT = time()
SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)
AWAY = "Away"


@dataclass(frozen=True, slots=True)
class Moment:
    """A time as it is written: what clocks of its zone show, or a whole day."""

    local: datetime
    zone: Zone
    is_day: bool = False

    @property
    def instant(self) -> datetime:
        """When that is."""
        return self.zone.instant_of(self.local)

    def shown_in(self, zone: Zone) -> datetime:
        """What clocks of another zone show then; a day is that day everywhere."""
        return self.local if self.is_day or zone == self.zone else zone.shown_at(self.instant)


@dataclass(frozen=True, slots=True)
class Length:
    """How long something lasts: `exact` by a stop-watch, else by clocks on the wall, which may be set meanwhile."""

    time: timedelta
    exact: bool = False


@dataclass(frozen=True, slots=True)
class Repeat:
    """A rule with its end, exclusive, by the clocks of the event's zone; None without one."""

    rule: Rule
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Event:
    """One event; with `instead_of` it stands for that one occurrence of the event of the same `uid`."""

    uid: str
    summary: str
    start: Moment
    length: Length
    instead_of: Moment | None
    is_busy: bool
    sequence: int
    repeats: Sequence[Repeat]
    also: Sequence[tuple[Moment, Length | None]]
    without: Sequence[Moment]


class Zones:
    """The time zones that one calendar names. `unknown` are those that nobody knows: the person's own stands in."""

    def __init__(self, calendar: Block, own: NamedZone, *, since: datetime, until: datetime, steps: Steps) -> None:
        self.own = own
        self.unknown: set[str] = set()
        self.steps = steps
        self._since, self._until = since, until
        self._written = {block.value("TZID"): block for block in calendar.blocks if block.name == "VTIMEZONE"}
        self._found: dict[str, Zone] = {}

    def of(self, tzid: str) -> Zone:
        """The zone of this name; that of times without one is the person's own."""
        if not tzid:
            return self.own
        if tzid not in self._found:
            self._found[tzid] = named_zone(tzid) or self._written_out(tzid) or self.own
        return self._found[tzid]

    def _written_out(self, tzid: str) -> Zone | None:
        block = self._written.get(tzid)
        try:
            if block is not None:
                return written_zone(block, since=self._since, until=self._until, steps=self.steps)
        except (ValueError, OverflowError):
            pass
        self.unknown.add(tzid)
        return None


def event_of(block: Block, zones: Zones) -> Event:
    """What a VEVENT says. Raises NotUnderstood, TooManySteps."""
    if not block.is_whole:
        raise NotUnderstood("has a line that cannot be read")
    first = block.find("DTSTART")
    if first is None:
        raise NotUnderstood("has no start")
    start, _ = _one(first, zones)
    length = _length(block, start, zones)
    replaced = block.find("RECURRENCE-ID")
    status, transparency = block.value("STATUS").strip().upper(), block.value("TRANSP").strip().upper()
    return Event(
        uid=_uid(block, start),
        summary=summary_of(block),
        start=start,
        length=length,
        instead_of=_one(replaced, zones)[0] if replaced else None,
        is_busy=status != "CANCELLED" and transparency != "TRANSPARENT",
        sequence=_sequence(block.value("SEQUENCE").strip()),
        repeats=[_repeat(rule.value, start, zones) for rule in block.every("RRULE")],
        also=[each for dates in block.every("RDATE") for each in _each(dates, zones)],
        without=[moment for dates in block.every("EXDATE") for moment, _ in _each(dates, zones)],
    )


def summary_of(block: Block) -> str:
    """What an event is called, in one line; of a private one only that somebody is away."""
    if block.value("CLASS").strip().upper() in ("PRIVATE", "CONFIDENTIAL"):
        return AWAY
    return one_line(block.value("SUMMARY"))[:MAX_TEXT] or AWAY


def _uid(block: Block, start: Moment) -> str:
    uid = one_line(block.value("UID"))
    if 0 < len(uid) <= MAX_TEXT:
        return uid
    # Its own would not fit, or is missing: the same event has the same one next time.
    return sha256(f"{uid}\n{'' if uid else start.local}\n{block.value('SUMMARY')}".encode()).hexdigest()


def _sequence(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < MAX_DIGITS else 0


def _length(block: Block, start: Moment, zones: Zones) -> Length:
    end, duration = block.find("DTEND"), block.find("DURATION")
    if end is not None:
        length = Length(_one(end, zones)[0].shown_in(start.zone) - start.local)
        if start.is_day and not length.time:
            # Some write the last day where the first day after belongs.
            length = Length(DAY)
    elif duration is not None:
        length = _duration(_parsed(duration.value))
    else:
        length = Length(DAY if start.is_day else timedelta())
    return _reasonable(length)


def _duration(time: object) -> Length:
    if not isinstance(time, timedelta):
        raise NotUnderstood("has a duration that is not valid")
    # «P1D» is until the same time tomorrow, «PT24H» is 24 hours (RFC 5545 3.3.6).
    return Length(time, exact=bool(time % DAY))


def _reasonable(length: Length) -> Length:
    if length.time < timedelta():
        raise NotUnderstood("ends before it begins")
    if length.time > MAX_WINDOW:
        raise NotUnderstood("lasts longer than five years")
    return length


def _repeat(text: str, start: Moment, zones: Zones) -> Repeat:
    zones.steps.take(STEPS_A_TIME)
    parts = parts_of(text)
    return Repeat(rule_of(parts, start.local), _until(parts["UNTIL"], start, zones) if "UNTIL" in parts else None)


def _until(text: str, start: Moment, zones: Zones) -> datetime | None:
    parsed = _parsed(text)
    if isinstance(parsed, date) and parsed.year >= YEARS.stop:
        # Some write the year 9999 where they mean «for ever».
        return None
    last = _moment(parsed, "", zones)
    # In UTC, as it should be; else by the clocks of the event itself.
    local = last.shown_in(start.zone) if text.endswith("Z") else last.local
    return local + (DAY if last.is_day else SECOND)


def _one(property: Property, zones: Zones) -> tuple[Moment, Length | None]:
    found = list(_each(property, zones))
    if len(found) != 1:
        raise NotUnderstood("has a time that is not valid")
    return found[0]


def _each(property: Property, zones: Zones) -> Iterator[tuple[Moment, Length | None]]:
    """The times in a property, and how long each lasts where that is said."""
    for value in property.value.split(","):
        zones.steps.take(STEPS_A_TIME)
        parsed = _parsed(value)
        if not isinstance(parsed, tuple):
            yield _moment(parsed, property.tzid, zones), None
            continue
        start, end = _moment(parsed[0], property.tzid, zones), parsed[1]
        if isinstance(end, timedelta):
            yield start, _reasonable(_duration(end))
        else:
            yield start, _reasonable(Length(_moment(end, property.tzid, zones).local - start.local))


def _moment(parsed: object, tzid: str, zones: Zones) -> Moment:
    if not isinstance(parsed, date):
        raise NotUnderstood("has a time that is not valid")
    if parsed.year not in YEARS:
        raise NotUnderstood("has a time in a year that is not valid")
    if not isinstance(parsed, datetime):
        return Moment(datetime.combine(parsed, MIDNIGHT), zones.own, is_day=True)
    zone = zones.of(tzid) if parsed.tzinfo is None else UTC_ZONE
    return Moment(parsed.replace(tzinfo=None), zone)


def _parsed(value: str) -> object:
    """A date, a time, a duration, or a pair of them. Raises NotUnderstood."""
    try:
        return vDDDTypes.from_ical(value.strip())
    except (ValueError, OverflowError):
        raise NotUnderstood("has a time that is not valid") from None
