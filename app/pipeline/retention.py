"""Pipeline runs whose time is up, with their stages."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.sql import Select

from app.pipeline.models import RunRow, StageRow
from app.platform.db import Tx
from app.platform.removal import delete_in_turn, names_nothing


def incidents_touched_since(since: datetime) -> "Select[Any]":
    """Selects incidents with a run that went on since then."""
    return select(RunRow.incident_id).where(RunRow.updated_at >= since)


def traces_of(incident_ids: "Select[int]") -> "Select[Any]":
    """Selects the traces by which runs of these incidents began."""
    return select(RunRow.trace_id).where(RunRow.incident_id.in_(incident_ids))


def delete_of_incidents(tx: Tx, incident_ids: Collection[int], *, limit: int) -> int:
    """Delete the runs of these incidents: at most `limit` rows; how many went."""
    return _delete(tx, RunRow.incident_id.in_(incident_ids), limit)


def delete_before(tx: Tx, before: datetime, *, limit: int) -> int:
    """Delete runs of no incident that ended before then: at most `limit` rows; how many went."""
    past = select(RunRow.id).where(names_nothing(RunRow.incident_id), RunRow.completed_at < before)
    run_ids = tx.execute(past.order_by(RunRow.completed_at).limit(limit)).scalars().all()
    return _delete(tx, RunRow.id.in_(run_ids), limit) if run_ids else 0


def _delete(tx: Tx, condition: "ColumnElement[bool]", limit: int) -> int:
    of_them = StageRow.pipeline_run_id.in_(select(RunRow.id).where(condition))
    return delete_in_turn(tx, ((StageRow, of_them), (RunRow, condition)), limit=limit)
