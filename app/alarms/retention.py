"""Events and runs of the alarm engine whose time is up; an event that lasts stays as long as it does."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import update

from app.alarms.models import AlarmEventRow, EngineRunRow
from app.platform.db import Tx
from app.platform.removal import delete_some, names_nothing, not_newest


def release_incidents(tx: Tx, incident_ids: Collection[int]) -> None:
    """These incidents shall go: events that opened them name none any more."""
    tx.execute(update(AlarmEventRow).where(AlarmEventRow.incident_id.in_(incident_ids)).values(incident_id=None))


def delete_events_before(tx: Tx, before: datetime, *, limit: int) -> int:
    """Delete events that cleared before then and whose incident has gone, or had none: at most `limit` rows."""
    row = AlarmEventRow
    # An event began before it cleared: the index over its beginning finds it.
    past = (row.fire_time < before, row.clear_time < before, names_nothing(row.incident_id))
    return delete_some(tx, row, *past, limit=limit, oldest=row.fire_time)


def delete_runs_before(tx: Tx, before: datetime, *, limit: int) -> int:
    """Delete runs that began before then: at most `limit` rows."""
    row = EngineRunRow
    return delete_some(tx, row, row.started_at < before, not_newest(row), limit=limit, oldest=row.started_at)
