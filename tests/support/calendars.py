"""Calendar files as people's programs write them, and as nobody should."""

from collections.abc import Iterable


def event(*lines: str, uid: str = "1@example.com") -> str:
    """A VEVENT with these lines."""
    return _lines(["BEGIN:VEVENT", f"UID:{uid}", *lines, "END:VEVENT"])


def calendar(*parts: str, name: str = "") -> bytes:
    """A calendar with these parts."""
    head = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//example.com//EN", *([f"X-WR-CALNAME:{name}"] if name else [])]
    return (_lines(head) + "".join(parts) + "END:VCALENDAR\r\n").encode()


def days_off(*days: str, uid: str = "1@example.com", summary: str = "Holiday") -> bytes:
    """A calendar with whole days off, each `20260310` or `20260310-20260312` (the last one is the first day back)."""
    found = []
    for number, each in enumerate(days):
        first, _, back = each.partition("-")
        lines = [f"DTSTART;VALUE=DATE:{first}", *([f"DTEND;VALUE=DATE:{back}"] if back else []), f"SUMMARY:{summary}"]
        found.append(event(*lines, uid=f"{number}-{uid}"))
    return calendar(*found)


# What Outlook writes for Central Europe, under a name that only it knows.
OUTLOOK_ZONE = """BEGIN:VTIMEZONE
TZID:Customized Time Zone
BEGIN:STANDARD
DTSTART:16010101T030000
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:16010101T020000
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3
END:DAYLIGHT
END:VTIMEZONE
""".replace("\n", "\r\n")


def zone(name: str, *lines: str) -> str:
    """A VTIMEZONE of one part with these lines."""
    return _lines(["BEGIN:VTIMEZONE", f"TZID:{name}", "BEGIN:STANDARD", *lines, "END:STANDARD", "END:VTIMEZONE"])


def _lines(lines: Iterable[str]) -> str:
    return "".join(f"{line}\r\n" for line in lines)
