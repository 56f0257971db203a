"""What a schedule and its stored windows may be. Values in, every wrong place out; no database, no clock."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from app.oncall.types import DAYS_A_WEEK, Cadence, Rotation, RotationPlan
from app.platform.errors import FieldError
from app.platform.zones import zone_names

NAME_LENGTH = 120
REASON_LENGTH = 500
MAX_DELAY_MINUTES = 7 * 24 * 60
MAX_WINDOW = timedelta(days=5 * 366)
MAX_MEMBERS = 100
MAX_SHIFT_HOURS = 366 * 24
# Zone data before is guesswork, and beyond no rule is known.
EARLIEST_START, LATEST_START = date(1970, 1, 1), date(2100, 1, 1)


def schedule_errors(*, name: str, timezone: str, escalation_delay_minutes: int) -> list[FieldError]:
    """What is wrong with a schedule's own fields."""
    errors = []
    if not 1 <= len(name) <= NAME_LENGTH:
        errors.append(FieldError("name", f"must have 1 to {NAME_LENGTH} characters"))
    if timezone not in zone_names():
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


def rotation_errors(plan: RotationPlan) -> list[FieldError]:
    """What is wrong with the shape of a rotation, each with its path as in `rotation.member_ids`."""
    errors = []
    if len(plan.member_ids) > MAX_MEMBERS:
        errors.append(FieldError("rotation.member_ids", f"may name {MAX_MEMBERS} people at most"))
    if plan.cadence is Cadence.CUSTOM and not 1 <= (plan.shift_length_hours or 0) <= MAX_SHIFT_HOURS:
        text = f"must be 1 to {MAX_SHIFT_HOURS} hours for a custom cadence"
        errors.append(FieldError("rotation.shift_length_hours", text))
    if plan.handoff_weekday is not None and not 0 <= plan.handoff_weekday < DAYS_A_WEEK:
        errors.append(FieldError("rotation.handoff_weekday", "must be 0 (Monday) to 6 (Sunday)"))
    if plan.handoff_time.tzinfo is not None or plan.handoff_time.second or plan.handoff_time.microsecond:
        errors.append(FieldError("rotation.handoff_time", "must be hours and minutes, such as 09:00"))
    if not EARLIEST_START <= plan.start_date <= LATEST_START:
        errors.append(FieldError("rotation.start_date", f"must be between {EARLIEST_START} and {LATEST_START}"))
    return errors


def effective_from_errors(effective_from: datetime, now: datetime) -> list[FieldError]:
    """What is wrong with the moment from which a change of the rotation counts: the past stays as it was (B17)."""
    if effective_from < now:
        return [FieldError("effective_from", "must not be in the past: who was on call stays as it was")]
    if effective_from - now > MAX_WINDOW:
        return [FieldError("effective_from", "must be within five years")]
    return []


def in_force(rotations: Sequence[Rotation], now: datetime) -> list[Rotation]:
    """The version that rules now and those that will, in order; others are over, or were replaced before they began."""
    ruling = [each for each in rotations if each.effective_from <= now][-1:]
    planned = [
        each
        for each in rotations
        if each.effective_from > now
        and not any(other.version > each.version and other.effective_from <= each.effective_from for other in rotations)
    ]
    return [*ruling, *planned]
