"""Statements over schedules and their stored windows."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, TypeAlias

from sqlalchemy import or_, select, update
from sqlalchemy.sql import Select

from app.oncall.models import OverrideRow, ScheduleEntryRow, ScheduleRow
from app.oncall.types import Schedule, Window
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
