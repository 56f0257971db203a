"""Times as messages say them."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


def shown_time(at: datetime, zone: str) -> str:
    """An instant in a reader's zone, to the minute; in UTC where the zone is unknown."""
    try:
        local = at.astimezone(ZoneInfo(zone))
    except (ZoneInfoNotFoundError, ValueError):
        local = at
    return f"{local:%Y-%m-%d %H:%M} {local.tzname() or 'UTC'}"


def shown_length(length: timedelta) -> str:
    """A length of time in the largest units that say something."""
    seconds = max(0, int(length.total_seconds()))
    if seconds < 60:
        return f"{seconds} s"
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if hours < 1:
        return f"{minutes} min"
    return f"{hours} h {minutes % 60} min" if days < 1 else f"{days} d {hours % 24} h"
