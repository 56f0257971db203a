"""Time zones: their names, and wall-clock time and instants, one into the other."""

from bisect import bisect_left
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)


@cache
def zone_names() -> frozenset[str]:
    """Every IANA name that this machine knows; kept, because the library looks through its folders each time."""
    return frozenset(available_timezones())


def instant_of(local: datetime, zone: ZoneInfo) -> datetime:
    """The first instant at which the clocks of the zone show the naive local time, or have jumped over it (B18)."""
    instant = local.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if shown(instant, zone) == local:
        return instant
    # It falls into a gap, of a day at most (Samoa once left one out), and `instant` is as far behind the jump.
    earliest = instant.replace(microsecond=0) - DAY
    seconds = bisect_left(range(DAY // SECOND), True, key=lambda each: shown(earliest + each * SECOND, zone) >= local)
    return earliest + seconds * SECOND


def shown(instant: datetime, zone: ZoneInfo) -> datetime:
    """What the clocks of the zone show at an instant, as naive local time."""
    return instant.astimezone(zone).replace(tzinfo=None, fold=0)


def zone_of(name: str) -> ZoneInfo:
    """The zone of that IANA name; UTC where the name is not known (any more)."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        # The last is what a name that is a folder of the zone files, or is too long for a file, leads to.
        return ZoneInfo("UTC")
