"""Absences out of somebody's calendar file (RFC 5545): bytes in, windows out; no database, no clock, no network.

Busy events are absences; cancelled ones and those shown as free are not. Whole days and times without a zone are in
the person's own zone. An event that cannot be read is left out and said; what would take for ever is refused.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from app.oncall.calendar import one_line
from app.oncall.calendar_events import DAY, MAX_TEXT, Event, Length, Moment, Zones, event_of, summary_of
from app.oncall.calendar_zones import NamedZone
from app.oncall.content_lines import Block, calendars
from app.oncall.errors import CalendarUnreadable
from app.oncall.recurrence import NotUnderstood, Steps, TooManySteps, occurrences
from app.oncall.types import CalendarReading, FoundAbsence

AHEAD = timedelta(days=731)
MAX_BYTES = 1024 * 1024
MAX_ABSENCES = 2_000
MAX_FAULTS = 20
MAX_STEPS = 200_000
# Zones differ by less than this, so nothing at the edges is missed before instants are compared.
EDGE = 2 * DAY


def read_calendar(body: bytes, *, zone: ZoneInfo, now: datetime) -> CalendarReading:
    """The absences that end after `now` and begin within 24 months, by start. Raises CalendarUnreadable (422).

    Refused is what is no calendar, is larger than 1 MiB, has more than 2,000 absences, asks for too much work, or
    where not one event could be read.
    """
    if len(body) > MAX_BYTES:
        raise CalendarUnreadable("The calendar is larger than 1 MiB.")
    found = calendars(body)
    reader = _Reader(NamedZone(zone), now)
    try:
        events = [event for calendar in found for event in reader.events(calendar)]
        absences = reader.absences(events)
    except TooManySteps:
        raise CalendarUnreadable("The calendar repeats too much to be worked out.") from None
    if reader.faults and not events:
        raise CalendarUnreadable(f"No event of the calendar can be read. {reader.faults[0]}")
    names = [one_line(calendar.value(name)) for calendar in found for name in ("X-WR-CALNAME", "NAME")]
    return CalendarReading(next(filter(None, names), "")[:MAX_TEXT], tuple(absences), tuple(reader.said()))


class _Reader:
    """Reads one file; `faults` are sentences about what was left out."""

    def __init__(self, own: NamedZone, now: datetime) -> None:
        self.faults: list[str] = []
        self._own = own
        self._now, self._until = now, now + AHEAD
        self._steps = Steps(MAX_STEPS)

    def events(self, calendar: Block) -> list[Event]:
        """The events that can be read, the newest where one is written twice."""
        since, until = self._own.shown_at(self._now) - EDGE, self._own.shown_at(self._until) + EDGE
        zones = Zones(calendar, self._own, since=since, until=until, steps=self._steps)
        newest: dict[tuple[str, datetime | None], Event] = {}
        for block in calendar.blocks:
            if block.name != "VEVENT":
                continue
            try:
                event = event_of(block, zones)
            except NotUnderstood as fault:
                self.faults.append(f"«{summary_of(block)}» {fault}.")
                continue
            key = (event.uid, event.instead_of.local if event.instead_of else None)
            if key not in newest or newest[key].sequence <= event.sequence:
                newest[key] = event
        self.faults += [
            f"«{one_line(name)[:MAX_TEXT]}» is no known time zone: its events are taken as in {self._own.zone.key}."
            for name in sorted(zones.unknown)
        ]
        return list(newest.values())

    def absences(self, events: Sequence[Event]) -> list[FoundAbsence]:
        """Every occurrence of the busy ones in the window. Raises CalendarUnreadable, TooManySteps."""
        replaced: dict[str, list[Moment]] = defaultdict(list)
        for event in events:
            if event.instead_of is not None:
                replaced[event.uid].append(event.instead_of)
        found: dict[tuple[str, datetime], FoundAbsence] = {}
        for event in events:
            for start, end in self._windows(event, replaced[event.uid]) if event.is_busy else ():
                known = found.get((event.uid, start))
                if known is None or known.end_time < end:
                    found[event.uid, start] = FoundAbsence(event.uid, start, end, event.summary)
                if len(found) > MAX_ABSENCES:
                    raise CalendarUnreadable(f"The calendar has more than {MAX_ABSENCES:,} absences in two years.")
        return sorted(found.values(), key=lambda each: (each.start_time, each.uid))

    def said(self) -> list[str]:
        """The faults, cut short."""
        more = len(self.faults) - MAX_FAULTS
        return self.faults if more <= 0 else [*self.faults[:MAX_FAULTS], f"{more} more events were left out."]

    def _windows(self, event: Event, replaced: Sequence[Moment]) -> Iterator[tuple[datetime, datetime]]:
        zone = event.start.zone
        for local, length in self._starts(event, replaced):
            start = zone.instant_of(local)
            end = start + length.time if length.exact else zone.instant_of(local + length.time)
            if start < end and self._now < end and start < self._until:
                yield start, end

    def _starts(self, event: Event, replaced: Sequence[Moment]) -> Iterator[tuple[datetime, Length]]:
        """When the event begins, by the clocks of its zone, around the window; each start once."""
        if event.instead_of is not None:
            yield event.start.local, event.length
            return
        zone = event.start.zone
        since, until = zone.shown_at(self._now) - EDGE, zone.shown_at(self._until) + EDGE
        starts = {event.start.local: event.length}
        for moment, length in event.also:
            starts[moment.shown_in(zone)] = length or event.length
        for repeat in event.repeats:
            last = until if repeat.until is None else min(until, repeat.until)
            earliest = since - event.length.time
            for at in occurrences(repeat.rule, event.start.local, since=earliest, until=last, steps=self._steps):
                starts.setdefault(at, event.length)
        gone = [*event.without, *replaced]
        by_day = event.start.is_day
        times = {each.shown_in(zone) for each in gone}
        days = {each.shown_in(zone).date() for each in gone if each.is_day or by_day}
        for local, length in starts.items():
            if since - length.time <= local < until and local not in times and local.date() not in days:
                yield local, length
