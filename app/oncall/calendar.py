"""Calendar feeds (RFC 5545): who is on call, for the calendars that people already look at. Values in, bytes out.

Written by hand, because a feed may have thousands of events and is asked for every few minutes, and the library takes
milliseconds for each. Every event is transparent: being on call does not make anybody busy.
"""

import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

REFRESH = "PT1H"
LINE_BYTES = 75
NOBODY = "Nobody on call"
ESCAPES = str.maketrans({"\\": "\\\\", ";": "\\;", ",": "\\,"})
# Marks that turn the direction of text: one left open in a name would turn what stands after it.
TURNS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


@dataclass(frozen=True, slots=True)
class FeedEvent:
    """One slot or gap; its identity in calendars is its schedule and start, whoever has it."""

    schedule_id: int
    start_time: datetime
    end_time: datetime
    summary: str


def feed(name: str, events: Iterable[FeedEvent], *, host: str, changed_at: datetime) -> bytes:
    """The calendar of this name; `host` makes its UIDs unique in the world, `changed_at` dates every event.

    The same values make the same bytes. Times are cut to whole seconds, as the format has it.
    """
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//PagerPal//On call//EN", "CALSCALE:GREGORIAN"]
    lines += [f"X-WR-CALNAME:{_text(name)}", f"NAME:{_text(name)}"]
    lines += [f"REFRESH-INTERVAL;VALUE=DURATION:{REFRESH}", f"X-PUBLISHED-TTL:{REFRESH}"]
    for event in events:
        lines += _lines(event, host, changed_at)
    lines.append("END:VCALENDAR")
    return b"".join(_folded(line) for line in lines)


def duty_summary(user_name: str, schedule_name: str) -> str:
    """What a slot is called: «Ada on call: Platform»."""
    return f"{one_line(user_name)} on call: {one_line(schedule_name)}"


def one_line(text: str) -> str:
    """Text without line breaks, control characters and marks that turn its direction; blanks folded."""
    kept = (" " if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") else c for c in text if c not in TURNS)
    return " ".join("".join(kept).split())


def _lines(event: FeedEvent, host: str, changed_at: datetime) -> Iterator[str]:
    start, end = _utc(event.start_time), _utc(event.end_time)
    if start == end:
        return
    yield "BEGIN:VEVENT"
    yield f"UID:{event.schedule_id}-{start}@{host}"
    yield f"DTSTAMP:{_utc(changed_at)}"
    yield f"LAST-MODIFIED:{_utc(changed_at)}"
    yield f"DTSTART:{start}"
    yield f"DTEND:{end}"
    yield f"SUMMARY:{_text(event.summary)}"
    yield "TRANSP:TRANSPARENT"
    yield "X-MICROSOFT-CDO-BUSYSTATUS:FREE"
    yield "END:VEVENT"


def _utc(at: datetime) -> str:
    return f"{at:%Y%m%dT%H%M%SZ}"


def _text(text: str) -> str:
    return one_line(text).translate(ESCAPES)


def _folded(line: str) -> bytes:
    # Lines of 75 bytes at most, never cut inside a character.
    data = line.encode()
    pieces = []
    room = LINE_BYTES
    while len(data) > room:
        cut = room
        while data[cut] & 0xC0 == 0x80:
            cut -= 1
        pieces.append(data[:cut])
        data, room = data[cut:], LINE_BYTES - 1
    return b"\r\n ".join([*pieces, data]) + b"\r\n"
