"""Statements over alarms, their events and the engine's runs; private to this context."""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import delete, func, insert, literal_column, select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.sql import Select

from app.alarms.models import (
    AlarmEventRow,
    AlarmInputBodyRow,
    AlarmInputRow,
    AlarmRow,
    AlarmVersionRow,
    EngineRunRow,
)
from app.alarms.types import Alarm, AlarmEvent, AlarmVersion, ClearReason, EngineRun, RunStatus
from app.platform.db import Tx
from app.platform.tables import epoch_of, fields_of

IS_ACTIVE = AlarmEventRow.clear_time.is_(None)
_EVENT_COLUMNS = [getattr(AlarmEventRow, name).label(name) for name in AlarmEvent.__slots__ if name != "entry_id"]
VALUES_AT_ONCE = 500
HOUR_SECONDS = 3600


def select_alarms() -> Select[Any]:
    """Every alarm."""
    return select(*fields_of(AlarmRow, Alarm))


def select_versions(alarm_id: int) -> Select[Any]:
    """The versions of an alarm, newest first."""
    statement = select(*fields_of(AlarmVersionRow, AlarmVersion)).where(AlarmVersionRow.alarm_id == alarm_id)
    return statement.order_by(AlarmVersionRow.version.desc())


def select_events() -> Select[Any]:
    """Every event with the entry id of its alarm."""
    joined = select(AlarmRow.entry_id.label("entry_id"), *_EVENT_COLUMNS)
    return joined.join_from(AlarmEventRow, AlarmRow, AlarmRow.id == AlarmEventRow.alarm_id)


def select_runs() -> Select[Any]:
    """Every run of the engine."""
    return select(*fields_of(EngineRunRow, EngineRun))


# --- alarms -------------------------------------------------------------------------------------------------------


def lock_alarm(tx: Tx, alarm_id: int) -> Alarm | None:
    """The alarm, locked for this transaction."""
    return tx.first(Alarm, select_alarms().where(AlarmRow.id == alarm_id).with_for_update())


def change_alarm(tx: Tx, alarm_id: int, values: Mapping[str, Any]) -> None:
    """Write these columns of an alarm that is locked."""
    tx.execute(update(AlarmRow).where(AlarmRow.id == alarm_id).values(**values))


def forget_versions(tx: Tx, alarm_id: int, *, below: int) -> None:
    """Remove the versions with a lower number."""
    row = AlarmVersionRow
    tx.execute(delete(row).where(row.alarm_id == alarm_id, row.version < below))


# --- events -------------------------------------------------------------------------------------------------------


def active_events(tx: Tx, alarm_id: int) -> list[AlarmEvent]:
    """What holds of one alarm, the oldest first."""
    wanted = select_events().where(AlarmEventRow.alarm_id == alarm_id, IS_ACTIVE)
    return tx.all(AlarmEvent, wanted.order_by(AlarmEventRow.fire_time, AlarmEventRow.id))


def events_told_at(tx: Tx, alarm_id: int, at: datetime) -> list[AlarmEvent]:
    """The events that a tick which asked at this time has begun, seen or ended, the oldest first."""
    row = AlarmEventRow
    wanted = select_events().where(row.alarm_id == alarm_id, (row.last_seen == at) | (row.clear_time == at))
    return tx.all(AlarmEvent, wanted.order_by(row.fire_time, row.id))


def insert_events(tx: Tx, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add events."""
    if rows:
        tx.execute(insert(AlarmEventRow), list(rows))


def change_events(tx: Tx, event_ids: Collection[str], values: Mapping[str, Any]) -> int:
    """Write these columns of events; how many there were."""
    changed = 0
    for chunk in _chunks(sorted(event_ids)):
        changed += tx.execute(update(AlarmEventRow).where(AlarmEventRow.id.in_(chunk)).values(**values)).rowcount
    return changed


def clear_events(tx: Tx, event_ids: Collection[str], *, reason: ClearReason, now: datetime) -> int:
    """End events that are active."""
    cleared = 0
    for chunk in _chunks(sorted(event_ids)):
        statement = update(AlarmEventRow).where(AlarmEventRow.id.in_(chunk), IS_ACTIVE)
        cleared += tx.execute(statement.values(clear_time=now, clear_reason=reason)).rowcount
    return cleared


def stamp_notified(tx: Tx, event_ids: Collection[str], *, now: datetime) -> int:
    """A mail with these events has left; the first address that got it counts."""
    return change_events(tx, event_ids, {"last_notified": now, "mail_tries": 0})


def acknowledge_event(tx: Tx, event_id: str, *, user_id: int | None, now: datetime) -> bool:
    """Acknowledge an active event that nobody has; whether it was so."""
    statement = update(AlarmEventRow).where(AlarmEventRow.id == event_id, IS_ACTIVE, AlarmEventRow.acked_at.is_(None))
    return tx.execute(statement.values(acked_by=user_id, acked_at=now)).rowcount == 1


def count_by_alarm(tx: Tx, *narrowed: Any) -> dict[int, int]:
    """How many events each alarm has, of those that fit."""
    statement = select(AlarmEventRow.alarm_id, func.count()).where(*narrowed).group_by(AlarmEventRow.alarm_id)
    return {alarm_id: int(count) for alarm_id, count in tx.execute(statement)}


def last_fired(tx: Tx, *narrowed: Any) -> dict[int, datetime]:
    """When each alarm that ever fired did so last, of those events that fit."""
    last = func.max(AlarmEventRow.fire_time, type_=AlarmEventRow.fire_time.type)
    statement = select(AlarmEventRow.alarm_id, last).where(*narrowed).group_by(AlarmEventRow.alarm_id)
    return {alarm_id: at for alarm_id, at in tx.execute(statement)}


def fired_by_hour(tx: Tx, *, since: datetime) -> list[tuple[int, datetime, int]]:
    """How many events fired since then, by alarm and hour; hours without any are left out."""
    hour = (epoch_of(tx.dialect, AlarmEventRow.fire_time) // literal_column(str(HOUR_SECONDS))).label("hour")
    statement = select(AlarmEventRow.alarm_id, hour, func.count()).where(AlarmEventRow.fire_time >= since)
    return [
        (alarm_id, datetime.fromtimestamp(number * HOUR_SECONDS, UTC), int(count))
        for alarm_id, number, count in tx.execute(statement.group_by(AlarmEventRow.alarm_id, hour))
    ]


# --- the engine's runs --------------------------------------------------------------------------------------------


def begin_run(tx: Tx, values: Mapping[str, Any]) -> int | None:
    """Add a run; None when there is one of this boundary already."""
    statement = (sqlite_insert if tx.dialect == "sqlite" else postgresql_insert)(EngineRunRow)
    made = tx.execute(statement.values(**values).on_conflict_do_nothing().returning(EngineRunRow.id))
    run_id: int | None = made.scalar()
    return run_id


def lock_tick(tx: Tx, boundary: datetime) -> EngineRun | None:
    """The tick of this boundary, locked for this transaction."""
    return tx.first(EngineRun, select_runs().where(EngineRunRow.boundary == boundary).with_for_update())


def change_run(tx: Tx, run_id: int, values: Mapping[str, Any]) -> None:
    """Write these columns of a run."""
    tx.execute(update(EngineRunRow).where(EngineRunRow.id == run_id).values(**values))


def interrupt_runs(tx: Tx, *, begun_before: datetime, now: datetime) -> None:
    """Runs that nobody will end any more."""
    statement = update(EngineRunRow).where(
        EngineRunRow.status == RunStatus.RUNNING, EngineRunRow.started_at < begun_before
    )
    error = "The process ended before the run did."
    tx.execute(statement.values(status=RunStatus.INTERRUPTED, finished_at=now, error=error))


# --- inputs, for replays ------------------------------------------------------------------------------------------


def keep_input(tx: Tx, *, alarm_id: int, taken_at: datetime, digest: str, body: bytes, size: int) -> None:
    """Keep what an alarm was given; the body only where it is not kept yet."""
    row = {"alarm_id": alarm_id, "digest": digest}
    on_conflict = sqlite_insert if tx.dialect == "sqlite" else postgresql_insert
    bodies = on_conflict(AlarmInputBodyRow).values(**row, size=size, body=body)
    tx.execute(bodies.on_conflict_do_nothing())
    tx.execute(on_conflict(AlarmInputRow).values(**row, taken_at=taken_at).on_conflict_do_nothing())


def input_size(tx: Tx, alarm_id: int) -> int:
    """How many bytes are kept for an alarm."""
    return int(tx.scalar(select(func.sum(AlarmInputBodyRow.size)).where(AlarmInputBodyRow.alarm_id == alarm_id)) or 0)


def forget_inputs(tx: Tx, alarm_id: int, *, before: datetime) -> None:
    """Remove the inputs taken before then, and the bodies that no other names."""
    row, body = AlarmInputRow, AlarmInputBodyRow
    gone = tx.execute(delete(row).where(row.alarm_id == alarm_id, row.taken_at < before)).rowcount
    if gone:
        named = select(row.digest).where(row.alarm_id == alarm_id)
        tx.execute(delete(body).where(body.alarm_id == alarm_id, body.digest.not_in(named)))


def input_taken_at(tx: Tx, alarm_id: int, *, offset: int) -> datetime | None:
    """When the input at this place was taken, counted from the oldest."""
    row = AlarmInputRow
    statement = select(row.taken_at).where(row.alarm_id == alarm_id).order_by(row.taken_at).offset(offset).limit(1)
    at: datetime | None = tx.scalar(statement)
    return at


def inputs_since(tx: Tx, alarm_id: int, since: datetime, *, limit: int) -> list[tuple[datetime, str]]:
    """When an alarm was given something since then, the oldest first, each with its digest."""
    row = AlarmInputRow
    statement = select(row.taken_at, row.digest).where(row.alarm_id == alarm_id, row.taken_at >= since)
    return [(at, digest) for at, digest in tx.execute(statement.order_by(row.taken_at).limit(limit))]


def input_body(tx: Tx, alarm_id: int, digest: str) -> bytes | None:
    """What is kept under a digest; None for nothing."""
    body = AlarmInputBodyRow
    found: bytes | None = tx.scalar(select(body.body).where(body.alarm_id == alarm_id, body.digest == digest))
    return found


def _chunks(values: Sequence[str]) -> list[Sequence[str]]:
    return [values[start : start + VALUES_AT_ONCE] for start in range(0, len(values), VALUES_AT_ONCE)]
