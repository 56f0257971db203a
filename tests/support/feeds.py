"""Calendar feeds as two libraries that know nothing of each other understand them."""

from dataclasses import dataclass
from datetime import datetime

import icalendar
import vobject


@dataclass(frozen=True, order=True)
class Heard:
    """One event as a calendar program hears of it."""

    start: datetime
    end: datetime
    summary: str
    uid: str


def by_icalendar(content: bytes) -> list[Heard]:
    """The events, in order, as the library `icalendar` reads them; nothing in the feed may be broken."""
    calendar = icalendar.Calendar.from_ical(content)
    assert isinstance(calendar, icalendar.Calendar)
    assert not calendar.errors
    for event in calendar.events:
        assert not event.errors
    return sorted(
        Heard(event.start, event.end, str(event["SUMMARY"]), str(event["UID"]))  # type: ignore[arg-type]
        for event in calendar.events
    )


def by_vobject(content: bytes) -> list[Heard]:
    """The events, in order, as the library `vobject` reads and validates them."""
    calendar = vobject.readOne(content.decode())
    if hasattr(calendar, "vevent"):
        assert calendar.validate()
    return sorted(
        Heard(event.dtstart.value, event.dtend.value, event.summary.value, event.uid.value)
        for event in getattr(calendar, "vevent_list", [])
    )


def understood(content: bytes) -> list[Heard]:
    """The events that both understand alike; lines are as the standard wants them."""
    assert content.endswith(b"END:VCALENDAR\r\n")
    for line in content.split(b"\r\n"):
        assert len(line) <= 75
        assert b"\n" not in line
        assert b"\r" not in line
        line.decode()
    heard = by_icalendar(content)
    assert heard == by_vobject(content)
    return heard
