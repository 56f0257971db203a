"""Calendar files (RFC 5545) as blocks of the few properties that matter here; everything else is passed over unread."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from icalendar.parser import Contentline, Contentlines

from app.oncall.errors import CalendarUnreadable

DEEPEST = 8
# All others (descriptions, attendees, alarms) are neither needed nor looked at.
WANTED = frozenset(
    {
        "BEGIN", "END", "X-WR-CALNAME", "NAME", "UID", "DTSTART", "DTEND", "DURATION", "RRULE", "RDATE", "EXRULE",
        "EXDATE", "RECURRENCE-ID", "SEQUENCE", "SUMMARY", "STATUS", "TRANSP", "CLASS", "TZID", "TZOFFSETFROM",
        "TZOFFSETTO",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Property:
    """One property of a block: its value unescaped, and the time zone that it names, if any."""

    value: str
    tzid: str = ""


@dataclass(slots=True)
class Block:
    """What stands between BEGIN and END; `is_whole` is false where a line of it could not be read."""

    name: str
    properties: dict[str, list[Property]] = field(default_factory=dict)
    blocks: "list[Block]" = field(default_factory=list)
    is_whole: bool = True

    def every(self, name: str) -> list[Property]:
        """All properties of this name."""
        return self.properties.get(name, [])

    def find(self, name: str) -> Property | None:
        """The first property of this name, or None."""
        return next(iter(self.every(name)), None)

    def value(self, name: str) -> str:
        """The value of the first property of this name; empty without one."""
        found = self.find(name)
        return found.value if found else ""


def calendars(body: bytes) -> list[Block]:
    """The calendars in a file. Raises CalendarUnreadable for anything that is none, or not whole."""
    text = _decoded(body).lstrip()
    if not text[:15].upper().startswith("BEGIN:VCALENDAR"):
        is_page = text.startswith("<")
        raise CalendarUnreadable("This is a web page, not a calendar." if is_page else "This is not a calendar.")
    root = Block("")
    path = [root]
    for name, line in _lines(text):
        _read(path, name, line)
    if len(path) > 1:
        # Half a calendar would take away every absence in its other half.
        raise CalendarUnreadable("The calendar is cut off: its end is missing.")
    return root.blocks


def _read(path: list[Block], name: str, line: Contentline) -> None:
    block = path[-1]
    try:
        _, parameters, value = line.parts()
    except ValueError:
        block.is_whole = False
        return
    if name == "BEGIN":
        if len(path) > DEEPEST:
            raise CalendarUnreadable("The calendar's parts are nested too deep.")
        block.blocks.append(Block(value.strip().upper()))
        path.append(block.blocks[-1])
    elif name == "END":
        if len(path) == 1 or value.strip().upper() != block.name:
            raise CalendarUnreadable("The calendar's parts do not fit together: an END has no BEGIN.")
        path.pop()
    else:
        tzid = parameters.get("TZID", "")
        block.properties.setdefault(name, []).append(Property(value, tzid if isinstance(tzid, str) else ""))


def _lines(text: str) -> Iterator[tuple[str, Contentline]]:
    for line in Contentlines.from_ical(text):  # type: ignore[no-untyped-call]
        name = line.partition(":")[0].partition(";")[0].strip().upper()
        if name in WANTED:
            yield name, line


def _decoded(body: bytes) -> str:
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError:
        # Old programs write as they please; this one reads every byte.
        return body.decode("latin-1")
