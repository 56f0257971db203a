"""Statements over schedules and their stored windows."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, TypeAlias

from sqlalchemy import delete, insert, or_, select, update
from sqlalchemy.sql import Select

from app.oncall.models import (
    AbsenceRow,
    DutyWatchRow,
    OverrideRow,
    RotationMemberRow,
    RotationRow,
    ScheduleActivityRow,
    ScheduleEntryRow,
    ScheduleRow,
    SwapRequestRow,
)
from app.oncall.types import Absence, Interval, Rotation, RotationPlan, Schedule, Swap, SwapStatus, Window
from app.platform.db import Tx
from app.platform.tables import fields_of

WindowModel: TypeAlias = type[ScheduleEntryRow] | type[OverrideRow]


def select_schedules() -> "Select[Any]":
    """A select of whole schedules, to be narrowed; deleted ones are left out."""
    return select(*fields_of(ScheduleRow, Schedule)).where(ScheduleRow.deleted_at.is_(None))


def windows_between(
    tx: Tx,
    model: WindowModel,
    schedule_ids: Iterable[int],
    start: datetime,
    end: datetime,
    *,
    voided_after: datetime | None = None,
) -> list[Window]:
    """Stored windows that touch [start, end), those left out that were voided until `voided_after`, else `start`."""
    statement = select(*fields_of(model, Window)).where(
        model.schedule_id.in_(sorted(set(schedule_ids))),
        model.start_time < end,
        model.end_time > start,
        or_(model.voided_at.is_(None), model.voided_at > (voided_after or start)),
    )
    return tx.all(Window, statement.order_by(model.start_time, model.id))


def select_windows(model: WindowModel, schedule_id: int) -> "Select[Any]":
    """The stored windows of a schedule that were not voided, by their start."""
    statement = select(*fields_of(model, Window)).where(model.schedule_id == schedule_id, model.voided_at.is_(None))
    return statement.order_by(model.start_time, model.id)


def find_schedule(tx: Tx, schedule_id: int) -> Schedule | None:
    """The schedule, or None."""
    return tx.first(Schedule, select_schedules().where(ScheduleRow.id == schedule_id))


def lock_schedule(tx: Tx, schedule_id: int) -> Schedule | None:
    """The schedule, locked until the transaction ends, so that two windows cannot slip in; None if there is none."""
    return tx.first(Schedule, select_schedules().where(ScheduleRow.id == schedule_id).with_for_update())


def find_window(tx: Tx, model: WindowModel, schedule_id: int, window_id: int) -> Window | None:
    """The stored window of the schedule that was not voided, or None."""
    return tx.first(Window, select_windows(model, schedule_id).where(model.id == window_id))


def find_overlapping(tx: Tx, schedule_id: int, start: datetime, end: datetime) -> Window | None:
    """The first fixed entry that shares an instant with [start, end), or None."""
    rows = ScheduleEntryRow
    statement = select_windows(rows, schedule_id).where(rows.start_time < end, rows.end_time > start)
    return tx.first(Window, statement.limit(1))


def update_schedule(tx: Tx, schedule_id: int, **values: Any) -> None:
    """Set columns of a schedule."""
    tx.execute(update(ScheduleRow).where(ScheduleRow.id == schedule_id).values(**values))


def void_windows(tx: Tx, model: WindowModel, schedule_id: int, window_ids: Iterable[int], *, now: datetime) -> None:
    """Let these windows count until now and no longer."""
    statement = update(model).where(
        model.schedule_id == schedule_id, model.id.in_(sorted(set(window_ids))), model.voided_at.is_(None)
    )
    tx.execute(statement.values(voided_at=now))


def rotations_of(tx: Tx, schedule_ids: Iterable[int], *, as_of: datetime | None = None) -> list[Rotation]:
    """All versions of these schedules' rotations, oldest first; with `as_of` those that were known then."""
    row = RotationRow
    statement = select(row).where(row.schedule_id.in_(sorted(set(schedule_ids))))
    if as_of is not None:
        statement = statement.where(row.created_at <= as_of)
    found = list(tx.execute(statement.with_only_columns(*row.__table__.columns).order_by(row.schedule_id, row.version)))
    members: dict[int, list[int]] = {each.id: [] for each in found}
    if found:
        member = RotationMemberRow
        turns = select(member.rotation_id, member.user_id).where(member.rotation_id.in_(sorted(members)))
        for rotation_id, user_id in tx.execute(turns.order_by(member.rotation_id, member.position)):
            members[rotation_id].append(user_id)
    return [
        Rotation(
            id=each.id,
            schedule_id=each.schedule_id,
            version=each.version,
            effective_from=each.effective_from,
            created_at=each.created_at,
            plan=RotationPlan(
                timezone=each.timezone,
                cadence=each.cadence,
                handoff_time=each.handoff_time,
                start_date=each.start_date,
                member_ids=tuple(members[each.id]),
                handoff_weekday=each.handoff_weekday,
                shift_length_hours=each.shift_length_hours,
                skips_absent=each.skips_absent,
            ),
        )
        for each in found
    ]


def insert_rotation(
    tx: Tx, *, schedule_id: int, version: int, effective_from: datetime, plan: RotationPlan, now: datetime
) -> None:
    """Write one version with its members in order."""
    rotation_id = tx.insert(
        RotationRow,
        schedule_id=schedule_id,
        version=version,
        effective_from=effective_from,
        timezone=plan.timezone,
        cadence=plan.cadence,
        shift_length_hours=plan.shift_length_hours,
        handoff_time=plan.handoff_time,
        handoff_weekday=plan.handoff_weekday,
        start_date=plan.start_date,
        skips_absent=plan.skips_absent,
        created_at=now,
    )
    turns = [
        {"rotation_id": rotation_id, "position": position, "user_id": user_id}
        for position, user_id in enumerate(plan.member_ids)
    ]
    if turns:
        tx.execute(insert(RotationMemberRow), turns)


def in_use_of(tx: Tx, schedule_ids: Iterable[int]) -> dict[int, list[Interval]]:
    """When each of these schedules was switched on, oldest first."""
    wanted = sorted(set(schedule_ids))
    found: dict[int, list[Interval]] = {schedule_id: [] for schedule_id in wanted}
    row = ScheduleActivityRow
    query = select(row.schedule_id, row.started_at, row.ended_at).where(row.schedule_id.in_(wanted))
    for schedule_id, started_at, ended_at in tx.execute(query.order_by(row.started_at, row.id)):
        found[schedule_id].append(Interval(started_at, ended_at))
    return found


def begin_use(tx: Tx, schedule_id: int, *, since: datetime) -> None:
    """Count a schedule as switched on from then on."""
    tx.insert(ScheduleActivityRow, schedule_id=schedule_id, started_at=since)


def end_use(tx: Tx, schedule_id: int, *, now: datetime) -> None:
    """Count a schedule as switched off from now on."""
    row = ScheduleActivityRow
    tx.execute(update(row).where(row.schedule_id == schedule_id, row.ended_at.is_(None)).values(ended_at=now))


def absences_between(
    tx: Tx, user_ids: Iterable[int], start: datetime, end: datetime, *, as_of: datetime | None = None
) -> list[Absence]:
    """When these people are away between two instants; with `as_of`, as their calendars said then."""
    wanted = sorted(set(user_ids))
    if not wanted:
        return []
    row = AbsenceRow
    known = (
        row.voided_at.is_(None)
        if as_of is None
        else (row.created_at <= as_of) & or_(row.voided_at.is_(None), row.voided_at > as_of)
    )
    statement = select(*fields_of(row, Absence)).where(
        row.user_id.in_(wanted), row.start_time < end, row.end_time > start, known
    )
    return tx.all(Absence, statement.order_by(row.start_time, row.id))


def select_swaps(schedule_id: int | None = None, status: SwapStatus | None = None) -> "Select[Any]":
    """Swap requests by the start of their windows, to be narrowed."""
    row = SwapRequestRow
    statement = select(*fields_of(row, Swap)).order_by(row.start_time, row.id)
    if schedule_id is not None:
        statement = statement.where(row.schedule_id == schedule_id)
    if status is not None:
        statement = statement.where(row.status == status)
    return statement


def find_swap(tx: Tx, schedule_id: int, swap_id: int) -> Swap | None:
    """The swap request of the schedule, or None."""
    return tx.first(Swap, select_swaps(schedule_id).where(SwapRequestRow.id == swap_id))


def answer_swap(tx: Tx, swap_id: int, status: SwapStatus, *, answered_by: int, now: datetime) -> bool:
    """Close an open request; whether it was open still."""
    row = SwapRequestRow
    statement = update(row).where(row.id == swap_id, row.status == SwapStatus.OPEN)
    values = {"status": status, "answered_at": now, "answered_by": answered_by}
    return tx.execute(statement.values(**values)).rowcount == 1


def look_again(tx: Tx, schedule_ids: Iterable[int], *, now: datetime) -> None:
    """Let the watch look at these schedules now; one that it does not know yet, it finds by itself."""
    row = DutyWatchRow
    # One that is due already is written too: whoever looks at it just now must notice that it looked too early.
    tx.execute(update(row).where(row.schedule_id.in_(sorted(set(schedule_ids)))).values(due_at=now))


def forget_watch(tx: Tx, schedule_id: int) -> None:
    """Watch a schedule no longer."""
    tx.execute(delete(DutyWatchRow).where(DutyWatchRow.schedule_id == schedule_id))
