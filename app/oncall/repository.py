"""Statements over schedules and their stored windows."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.sql import Select

from app.oncall.models import OverrideRow, ScheduleEntryRow, ScheduleRow
from app.oncall.types import Schedule, Window
from app.platform.db import Tx
from app.platform.tables import fields_of


def select_schedules() -> "Select[Any]":
    """A select of whole schedules, to be narrowed."""
    return select(*fields_of(ScheduleRow, Schedule))


def windows_between(
    tx: Tx,
    model: type[ScheduleEntryRow] | type[OverrideRow],
    schedule_ids: Iterable[int],
    start: datetime,
    end: datetime,
) -> list[Window]:
    """Stored windows that touch [start, end), those voided before `start` left out."""
    statement = select(*fields_of(model, Window)).where(
        model.schedule_id.in_(sorted(set(schedule_ids))),
        model.start_time < end,
        model.end_time > start,
        or_(model.voided_at.is_(None), model.voided_at > start),
    )
    return tx.all(Window, statement.order_by(model.start_time, model.id))
