"""What a schedule and its stored windows may be. Values in, every wrong place out; no database, no clock."""

from datetime import datetime, timedelta
from zoneinfo import available_timezones

from app.platform.errors import FieldError

NAME_LENGTH = 120
REASON_LENGTH = 500
MAX_DELAY_MINUTES = 7 * 24 * 60
MAX_WINDOW = timedelta(days=5 * 366)


def schedule_errors(*, name: str, timezone: str, escalation_delay_minutes: int) -> list[FieldError]:
    """What is wrong with a schedule's own fields."""
    errors = []
    if not 1 <= len(name) <= NAME_LENGTH:
        errors.append(FieldError("name", f"must have 1 to {NAME_LENGTH} characters"))
    if timezone not in available_timezones():
        errors.append(FieldError("timezone", "must be a time zone such as Europe/Berlin"))
    if not 0 <= escalation_delay_minutes <= MAX_DELAY_MINUTES:
        errors.append(FieldError("escalation_delay_minutes", f"must be between 0 and {MAX_DELAY_MINUTES}"))
    return errors


def window_errors(start_time: datetime, end_time: datetime, reason: str) -> list[FieldError]:
    """What is wrong with a window: it must end after it begins, within five years."""
    errors = []
    if end_time <= start_time:
        errors.append(FieldError("end_time", "must be after start_time"))
    elif end_time - start_time > MAX_WINDOW:
        errors.append(FieldError("end_time", "must be within five years of start_time"))
    if len(reason) > REASON_LENGTH:
        errors.append(FieldError("reason", f"must have at most {REASON_LENGTH} characters"))
    return errors
