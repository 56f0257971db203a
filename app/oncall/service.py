"""Writing schedules and their stored windows inside the caller's transaction; a window is voided, never deleted."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.exc import IntegrityError

from app.accounts import queries as people
from app.oncall import repository
from app.oncall.errors import OverlappingSlot, ScheduleNameTaken, ScheduleNotFound, WindowIsPast, WindowNotFound
from app.oncall.models import OverrideRow, ScheduleEntryRow, ScheduleRow
from app.oncall.rules import schedule_errors, window_errors
from app.oncall.types import Schedule, Window
from app.platform.db import Tx
from app.platform.errors import FieldError, Invalid

FIELDS = ("name", "team_id", "timezone", "is_active", "escalation_delay_minutes", "escalation_to_user_id")


def create_schedule(tx: Tx, *, values: Mapping[str, Any], now: datetime) -> Schedule:
    """Add a schedule; `values` has all of FIELDS. Raises Invalid, ScheduleNameTaken."""
    _require_valid(tx, values, backup_already=None)
    try:
        with tx.connection.begin_nested():
            schedule_id = tx.insert(ScheduleRow, **values, created_at=now, updated_at=now)
    except IntegrityError:
        raise ScheduleNameTaken(values["name"]) from None
    return _locked(tx, schedule_id)


def update_schedule(tx: Tx, *, schedule_id: int, changes: Mapping[str, Any], now: datetime) -> Schedule:
    """Change the named columns. Raises ScheduleNotFound, Invalid, ScheduleNameTaken."""
    schedule = _locked(tx, schedule_id)
    columns = {name: getattr(schedule, name) for name in FIELDS} | dict(changes)
    _require_valid(tx, columns, backup_already=schedule.escalation_to_user_id)
    try:
        with tx.connection.begin_nested():
            repository.update_schedule(tx, schedule_id, **columns, updated_at=now)
    except IntegrityError:
        raise ScheduleNameTaken(columns["name"]) from None
    return _locked(tx, schedule_id)


def delete_schedule(tx: Tx, *, schedule_id: int, now: datetime) -> None:
    """Take a schedule out of use for good; its past stays. Whether something pages by it is for the caller to know."""
    schedule = _locked(tx, schedule_id)
    repository.update_schedule(
        tx,
        schedule_id,
        name=f"{schedule.name} (deleted {schedule_id})",
        team_id=None,
        escalation_to_user_id=None,
        is_active=False,
        deleted_at=now,
        updated_at=now,
    )


def add_entry(
    tx: Tx, *, schedule_id: int, user_id: int, start_time: datetime, end_time: datetime, reason: str, now: datetime
) -> Window:
    """Add a fixed entry. Raises ScheduleNotFound, Invalid, OverlappingSlot."""
    _locked(tx, schedule_id)
    _require_window(tx, user_id, start_time, end_time, reason)
    other = repository.find_overlapping(tx, schedule_id, start_time, end_time)
    if other is not None:
        raise OverlappingSlot(
            f"Entry {other.id} covers {_said(other.start_time)} to {_said(other.end_time)}: "
            "entries of one schedule must not overlap; make an override instead."
        )
    entry_id = tx.insert(
        ScheduleEntryRow,
        schedule_id=schedule_id,
        user_id=user_id,
        start_time=start_time,
        end_time=end_time,
        reason=reason,
        created_at=now,
    )
    return _window(tx, ScheduleEntryRow, "entry", schedule_id, entry_id)


def add_override(
    tx: Tx, *, schedule_id: int, user_id: int, start_time: datetime, end_time: datetime, reason: str, now: datetime
) -> Window:
    """Add an override, which wins over entries and over older overrides. Raises ScheduleNotFound, Invalid."""
    _locked(tx, schedule_id)
    _require_window(tx, user_id, start_time, end_time, reason)
    override_id = tx.insert(
        OverrideRow,
        schedule_id=schedule_id,
        user_id=user_id,
        start_time=start_time,
        end_time=end_time,
        reason=reason or "override",
        created_at=now,
    )
    return _window(tx, OverrideRow, "override", schedule_id, override_id)


def void_entry(tx: Tx, *, schedule_id: int, entry_id: int, now: datetime) -> Window:
    """Let an entry count no longer from now on. Raises WindowNotFound, WindowIsPast."""
    _locked(tx, schedule_id)
    entry = _window(tx, ScheduleEntryRow, "entry", schedule_id, entry_id)
    if entry.end_time <= now:
        raise WindowIsPast("entry")
    repository.void_windows(tx, ScheduleEntryRow, schedule_id, [entry_id], now=now)
    return entry


def void_override(tx: Tx, *, schedule_id: int, override_id: int, now: datetime) -> Window:
    """Let an override count no longer from now on. Raises WindowNotFound, WindowIsPast."""
    _locked(tx, schedule_id)
    override = _window(tx, OverrideRow, "override", schedule_id, override_id)
    if override.end_time <= now:
        raise WindowIsPast("override")
    repository.void_windows(tx, OverrideRow, schedule_id, [override_id], now=now)
    return override


def _locked(tx: Tx, schedule_id: int) -> Schedule:
    schedule = repository.lock_schedule(tx, schedule_id)
    if schedule is None:
        raise ScheduleNotFound(schedule_id)
    return schedule


def _window(tx: Tx, model: repository.WindowModel, what: str, schedule_id: int, window_id: int) -> Window:
    window = repository.find_window(tx, model, schedule_id, window_id)
    if window is None:
        raise WindowNotFound(what, window_id)
    return window


def _require_valid(tx: Tx, columns: Mapping[str, Any], *, backup_already: int | None) -> None:
    errors = schedule_errors(
        name=columns["name"],
        timezone=columns["timezone"],
        escalation_delay_minutes=columns["escalation_delay_minutes"],
    )
    team_id, backup_id = columns["team_id"], columns["escalation_to_user_id"]
    if team_id is not None and people.find_team(tx, team_id) is None:
        errors.append(FieldError("team_id", "names no team"))
    if backup_id is not None and backup_id != backup_already:
        errors += _user_errors(tx, "escalation_to_user_id", backup_id)
    if errors:
        raise Invalid("The schedule is not valid.", errors)


def _require_window(tx: Tx, user_id: int, start_time: datetime, end_time: datetime, reason: str) -> None:
    errors = window_errors(start_time, end_time, reason)
    errors += _user_errors(tx, "user_id", user_id)
    if errors:
        raise Invalid("The window is not valid.", errors)


def _user_errors(tx: Tx, path: str, user_id: int) -> list[FieldError]:
    user = people.find_user(tx, user_id)
    if user is None:
        return [FieldError(path, "names no user")]
    return [] if user.is_active else [FieldError(path, "names a user who is not active")]


def _said(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
