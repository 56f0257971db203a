"""Writing schedules, rotations, windows and swaps inside the caller's transaction; a window is voided, never deleted.

Every write locks its schedule first, so that two at the same moment come one after the other.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy.exc import IntegrityError

from app.accounts import queries as people
from app.oncall import repository
from app.oncall.errors import (
    OverlappingSlot,
    ScheduleNameTaken,
    ScheduleNotFound,
    SwapIsAnswered,
    SwapNotFound,
    WindowIsPast,
    WindowNotFound,
)
from app.oncall.models import OverrideRow, ScheduleEntryRow, ScheduleRow, SwapRequestRow
from app.oncall.rules import effective_from_errors, in_force, rotation_errors, schedule_errors, window_errors
from app.oncall.spans import BEGINNING
from app.oncall.types import RotationPlan, Schedule, Swap, SwapStatus, Window
from app.platform.db import Tx
from app.platform.errors import FieldError, Invalid

FIELDS = ("name", "team_id", "timezone", "is_active", "escalation_delay_minutes", "escalation_to_user_id")


def create_schedule(
    tx: Tx, *, values: Mapping[str, Any], rotation: RotationPlan | None = None, now: datetime
) -> Schedule:
    """Add a schedule; `values` has all of FIELDS. A rotation counts from its own start date on.

    Raises Invalid, ScheduleNameTaken.
    """
    _require_valid(tx, values, backup_already=None)
    try:
        with tx.connection.begin_nested():
            schedule_id = tx.insert(ScheduleRow, **values, created_at=now, updated_at=now)
    except IntegrityError:
        raise ScheduleNameTaken(values["name"]) from None
    if values["is_active"]:
        repository.begin_use(tx, schedule_id, since=BEGINNING)
    if rotation is not None:
        _add_rotation(tx, schedule_id, rotation, values["timezone"], effective_from=BEGINNING, known=(), now=now)
    return lock_schedule(tx, schedule_id)


def update_schedule(tx: Tx, *, schedule_id: int, changes: Mapping[str, Any], now: datetime) -> Schedule:
    """Change the named columns; who was on call stays as it was. Raises ScheduleNotFound, Invalid, ScheduleNameTaken.

    A change of the time zone moves the hand-offs of the rotation from now on, and so makes a version of it; what is
    planned for later is moved with it and stays planned.
    """
    schedule = lock_schedule(tx, schedule_id)
    columns = {name: getattr(schedule, name) for name in FIELDS} | dict(changes)
    _require_valid(tx, columns, backup_already=schedule.escalation_to_user_id)
    try:
        with tx.connection.begin_nested():
            repository.update_schedule(tx, schedule_id, **columns, updated_at=now)
    except IntegrityError:
        raise ScheduleNameTaken(columns["name"]) from None
    if columns["is_active"] and not schedule.is_active:
        repository.begin_use(tx, schedule_id, since=now)
    elif schedule.is_active and not columns["is_active"]:
        repository.end_use(tx, schedule_id, now=now)
    if columns["timezone"] != schedule.timezone:
        _move_rotations(tx, schedule_id, columns["timezone"], now)
    return lock_schedule(tx, schedule_id)


def change_rotation(
    tx: Tx, *, schedule_id: int, plan: RotationPlan | None, effective_from: datetime, now: datetime
) -> bool:
    """Let another rotation, or none, rule from a moment on; whether that is a change (B17).

    It is the last word: what had been planned for later counts no more. Raises ScheduleNotFound, Invalid.
    """
    schedule = lock_schedule(tx, schedule_id)
    errors = effective_from_errors(effective_from, now)
    if errors:
        raise Invalid("The rotation is not valid.", errors)
    known = repository.rotations_of(tx, [schedule_id])
    latest = known[-1] if known else None
    if plan is None:
        if latest is None or not latest.plan.member_ids:
            return False
        plan = replace(latest.plan, member_ids=())
    plan = replace(plan, timezone=schedule.timezone)
    if latest is not None and latest.plan == plan and latest.effective_from <= effective_from:
        return False
    already = known[-1].plan.member_ids if known else ()
    _add_rotation(tx, schedule_id, plan, schedule.timezone, effective_from=effective_from, known=already, now=now)
    return True


def delete_schedule(tx: Tx, *, schedule_id: int, now: datetime) -> None:
    """Take a schedule out of use for good; its past stays. Whether something pages by it is for the caller to know."""
    schedule = lock_schedule(tx, schedule_id)
    repository.end_use(tx, schedule_id, now=now)
    repository.forget_watch(tx, schedule_id)
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


def lock_schedule(tx: Tx, schedule_id: int) -> Schedule:
    """The schedule, locked until the transaction ends. Raises ScheduleNotFound."""
    schedule = repository.lock_schedule(tx, schedule_id)
    if schedule is None:
        raise ScheduleNotFound(schedule_id)
    return schedule


def add_entry(
    tx: Tx, *, schedule_id: int, user_id: int, start_time: datetime, end_time: datetime, reason: str, now: datetime
) -> Window:
    """Add a fixed entry. Raises ScheduleNotFound, Invalid, OverlappingSlot."""
    lock_schedule(tx, schedule_id)
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
    lock_schedule(tx, schedule_id)
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
    lock_schedule(tx, schedule_id)
    entry = _window(tx, ScheduleEntryRow, "entry", schedule_id, entry_id)
    if entry.end_time <= now:
        raise WindowIsPast("entry")
    repository.void_windows(tx, ScheduleEntryRow, schedule_id, [entry_id], now=now)
    return entry


def void_override(tx: Tx, *, schedule_id: int, override_id: int, now: datetime) -> Window:
    """Let an override count no longer from now on. Raises WindowNotFound, WindowIsPast."""
    lock_schedule(tx, schedule_id)
    override = _window(tx, OverrideRow, "override", schedule_id, override_id)
    if override.end_time <= now:
        raise WindowIsPast("override")
    repository.void_windows(tx, OverrideRow, schedule_id, [override_id], now=now)
    return override


def request_swap(
    tx: Tx,
    *,
    schedule_id: int,
    from_user_id: int,
    to_user_id: int | None,
    start_time: datetime,
    end_time: datetime,
    note: str,
    now: datetime,
) -> Swap:
    """Ask that somebody takes a window, whose owner the caller has made sure of. Raises ScheduleNotFound, Invalid."""
    lock_schedule(tx, schedule_id)
    errors = window_errors(start_time, end_time, note)
    if to_user_id is not None:
        errors += _user_errors(tx, "to_user_id", to_user_id)
    if to_user_id == from_user_id:
        errors.append(FieldError("to_user_id", "must be somebody else"))
    if errors:
        raise Invalid("The swap request is not valid.", errors)
    swap_id = tx.insert(
        SwapRequestRow,
        schedule_id=schedule_id,
        from_user_id=from_user_id,
        to_user_id=to_user_id,
        start_time=start_time,
        end_time=end_time,
        note=note,
        created_at=now,
    )
    return _swap(tx, schedule_id, swap_id)


def answer_swap(tx: Tx, *, schedule_id: int, swap_id: int, status: SwapStatus, answered_by: int, now: datetime) -> Swap:
    """Close an open request. Raises SwapNotFound, SwapIsAnswered."""
    lock_schedule(tx, schedule_id)
    swap = _swap(tx, schedule_id, swap_id)
    if not repository.answer_swap(tx, swap_id, status, answered_by=answered_by, now=now):
        raise SwapIsAnswered(f"This request is {swap.status.value} already.")
    return _swap(tx, schedule_id, swap_id)


def look_again(tx: Tx, schedule_ids: Iterable[int], *, now: datetime) -> None:
    """Who is on call there may have changed: let the watch look at once, and tell open screens."""
    wanted = sorted(set(schedule_ids))
    if wanted:
        repository.look_again(tx, wanted, now=now)
        tx.wake("duty")
    for schedule_id in wanted:
        tx.publish("schedule", id=schedule_id)


def _swap(tx: Tx, schedule_id: int, swap_id: int) -> Swap:
    swap = repository.find_swap(tx, schedule_id, swap_id)
    if swap is None:
        raise SwapNotFound(swap_id)
    return swap


def _move_rotations(tx: Tx, schedule_id: int, timezone: str, now: datetime) -> None:
    for each in in_force(repository.rotations_of(tx, [schedule_id]), now):
        begins = max(each.effective_from, now)
        members = each.plan.member_ids
        _add_rotation(tx, schedule_id, each.plan, timezone, effective_from=begins, known=members, now=now)


def _add_rotation(
    tx: Tx,
    schedule_id: int,
    plan: RotationPlan,
    timezone: str,
    *,
    effective_from: datetime,
    known: Iterable[int],
    now: datetime,
) -> None:
    plan = replace(plan, timezone=timezone)
    errors = rotation_errors(plan)
    # Somebody who left stays where they are; new places are for active people (B19).
    for position, user_id in enumerate(plan.member_ids):
        if user_id not in known:
            errors += _user_errors(tx, f"rotation.member_ids[{position}]", user_id)
    if errors:
        raise Invalid("The rotation is not valid.", errors)
    latest = max((each.version for each in repository.rotations_of(tx, [schedule_id])), default=0)
    repository.insert_rotation(
        tx, schedule_id=schedule_id, version=latest + 1, effective_from=effective_from, plan=plan, now=now
    )


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
