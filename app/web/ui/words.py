"""How times, lengths and names are said on a page; pure functions, `now` and the reader's zone are arguments."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from app.platform.zones import zone_of as zone_of

MINUTE, HOUR, DAY = 60, 3600, 86400
TINTS = 5
ABBREVIATIONS = {"url": "URL", "tls": "TLS", "api": "API", "id": "ID", "smtp": "SMTP"}


def duration(seconds: float) -> str:
    """A length of time: `48 s`, `4 m 12 s`, `2 h 5 m`, `3 d 4 h`."""
    whole = max(0, round(seconds))
    if whole < MINUTE:
        return f"{whole} s"
    if whole < HOUR:
        return _two(whole // MINUTE, "m", whole % MINUTE, "s")
    if whole < DAY:
        return _two(whole // HOUR, "h", whole % HOUR // MINUTE, "m")
    return _two(whole // DAY, "d", whole % DAY // HOUR, "h")


def took(milliseconds: float) -> str:
    """How long something took, as precisely as matters: `84 ms`, `2.4 s`, `4 m 12 s`."""
    if milliseconds < 1000:
        return f"{milliseconds:.0f} ms"
    return f"{milliseconds / 1000:.1f} s" if milliseconds < 60_000 else duration(milliseconds / 1000)


def age(at: datetime, now: datetime) -> str:
    """How old, in one unit: `now`, `4 m`, `2 h`, `3 d`."""
    seconds = (now - at).total_seconds()
    if seconds < MINUTE:
        return "now"
    if seconds < HOUR:
        return f"{int(seconds // MINUTE)} m"
    if seconds < 2 * DAY:
        return f"{int(seconds // HOUR)} h"
    return f"{int(seconds // DAY)} d"


def ago(at: datetime, now: datetime) -> str:
    """Relative to now in words: `just now`, `4 min ago`, `in 2 h`."""
    seconds = (now - at).total_seconds()
    if abs(seconds) < MINUTE:
        return "just now" if seconds >= 0 else "in a moment"
    size = abs(seconds)
    if size < HOUR:
        words = f"{int(size // MINUTE)} min"
    elif size < 2 * DAY:
        words = f"{int(size // HOUR)} h"
    else:
        words = f"{int(size // DAY)} days"
    return f"{words} ago" if seconds >= 0 else f"in {words}"


def due(at: datetime, now: datetime) -> str:
    """A moment to come, to the second: `in 4 m 12 s`; what has passed is `now`."""
    seconds = (at - now).total_seconds()
    return f"in {duration(seconds)}" if seconds >= 1 else "now"


def clock(at: datetime, zone: ZoneInfo, now: datetime) -> str:
    """The time of day in the reader's zone, with seconds today and with the day else."""
    local = at.astimezone(zone)
    if local.date() == now.astimezone(zone).date():
        return f"{local:%H:%M:%S}"
    return f"{local.day} {local:%b %H:%M}"


def short(at: datetime, zone: ZoneInfo, now: datetime) -> str:
    """A planned moment in the reader's zone: `14:30`, `Sat 09:00` within a week, else `3 Dec 09:00`."""
    local, today = at.astimezone(zone), now.astimezone(zone).date()
    if local.date() == today:
        return f"{local:%H:%M}"
    if abs((local.date() - today).days) < 7:
        return f"{local:%a %H:%M}"
    return f"{local.day} {local:%b %H:%M}"


def moment(at: datetime, zone: ZoneInfo, now: datetime) -> str:
    """A planned moment in full, for a zone that is named beside it: `Mon 9 Mar 09:00`, with the year in other years."""
    local = at.astimezone(zone)
    return f"{_date(local.date(), with_year=local.year != now.astimezone(zone).year)} {local:%H:%M}"


def exact(at: datetime, zone: ZoneInfo) -> str:
    """Date and time to the second in the reader's zone, with the zone's short name."""
    local = at.astimezone(zone)
    return f"{local:%Y-%m-%d %H:%M:%S} {local.tzname()}"


def iso(at: datetime) -> str:
    """RFC 3339 in UTC, for `datetime` attributes."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def day(at: datetime, zone: ZoneInfo, now: datetime) -> str:
    """The heading of a day: `Today`, `Yesterday`, `Tomorrow`, `Sat 21 Nov`."""
    there, today = at.astimezone(zone).date(), now.astimezone(zone).date()
    if there == today:
        return "Today"
    if there == today - timedelta(days=1):
        return "Yesterday"
    if there == today + timedelta(days=1):
        return "Tomorrow"
    return _date(there, with_year=there.year != today.year)


def heading(word: str) -> str:
    """A machine's word as a heading: `base_url` is «Base URL»."""
    words = [ABBREVIATIONS.get(each, each) for each in word.split("_")]
    return " ".join([words[0][:1].upper() + words[0][1:], *words[1:]])


def initials(name: str) -> str:
    """Two letters that stand for a name."""
    words = [word for word in name.replace("-", " ").replace("@", " ").split() if word[0].isalnum()]
    if not words:
        return "?"
    letters = words[0][:2] if len(words) == 1 else words[0][0] + words[-1][0]
    return letters.upper()


def tint(user_id: int) -> str:
    """The colour class of a person's mark: always the same for the same person."""
    return f"t{user_id % TINTS + 1}"


def _two(large: int, large_unit: str, small: int, small_unit: str) -> str:
    return f"{large} {large_unit} {small} {small_unit}" if small else f"{large} {large_unit}"


def _date(at: date, *, with_year: bool) -> str:
    return f"{at:%a} {at.day} {at:%b %Y}" if with_year else f"{at:%a} {at.day} {at:%b}"
