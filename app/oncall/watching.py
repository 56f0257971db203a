"""What the watch knows of each schedule: a row each, found by when it must be looked at again."""

from datetime import datetime

from sqlalchemy import bindparam, select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from app.oncall.models import DutyWatchRow, ScheduleRow
from app.oncall.types import DutyWatch
from app.platform.db import Tx
from app.platform.tables import fields_of

# The statements of every tick, built once: building one costs more than running it.
_UNWATCHED = (
    select(ScheduleRow.id)
    .where(ScheduleRow.deleted_at.is_(None), ScheduleRow.id.not_in(select(DutyWatchRow.schedule_id)))
    .order_by(ScheduleRow.id)
)
_DUE = (
    select(DutyWatchRow.schedule_id)
    .where(DutyWatchRow.due_at <= bindparam("now"))
    .order_by(DutyWatchRow.due_at, DutyWatchRow.schedule_id)
    .limit(bindparam("at_most"))
)
_NEXT_DUE_AT = select(DutyWatchRow.due_at).order_by(DutyWatchRow.due_at).limit(1)


def unwatched(tx: Tx) -> list[int]:
    """The schedules that nobody has looked at yet, by id."""
    return list(tx.execute(_UNWATCHED).scalars())


def begin(tx: Tx, *, now: datetime) -> None:
    """Watch every schedule from now on; nothing is known of the new ones."""
    rows = [{"schedule_id": each, "slot_id": "", "due_at": now} for each in unwatched(tx)]
    if rows:
        statement = (sqlite_insert if tx.dialect == "sqlite" else postgresql_insert)(DutyWatchRow)
        tx.execute(statement.on_conflict_do_nothing(), rows)


def due(tx: Tx, *, now: datetime, limit: int) -> list[int]:
    """The schedules that must be looked at now, the longest overdue first."""
    return list(tx.execute(_DUE, {"now": now, "at_most": limit}).scalars())


def find_watch(tx: Tx, schedule_id: int) -> DutyWatch | None:
    """What is known of a schedule, or None."""
    return tx.first(
        DutyWatch, select(*fields_of(DutyWatchRow, DutyWatch)).where(DutyWatchRow.schedule_id == schedule_id)
    )


def saw(tx: Tx, watch: DutyWatch, *, user_id: int | None, slot_id: str, due_at: datetime, now: datetime) -> None:
    """Write down what was seen. Nothing changes where a change of the duty asked for another look meanwhile."""
    row = DutyWatchRow
    tx.execute(
        update(row)
        .where(row.schedule_id == watch.schedule_id, row.due_at == watch.due_at)
        .values(user_id=user_id, slot_id=slot_id, looked_at=now, due_at=due_at)
    )


def put_off(tx: Tx, schedule_id: int, *, until: datetime) -> None:
    """Look again later: it could not be looked at."""
    tx.execute(update(DutyWatchRow).where(DutyWatchRow.schedule_id == schedule_id).values(due_at=until))


def next_due_at(tx: Tx) -> datetime | None:
    """When the next one must be looked at."""
    found: datetime | None = tx.scalar(_NEXT_DUE_AT)
    return found
