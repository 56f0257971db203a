"""Reading incidents for those who watch over paging: who waits for an answer, and what was ever answered."""

from datetime import datetime

from sqlalchemy import Select, select

from app.incidents.models import IncidentRow
from app.incidents.types import IncidentStatus
from app.platform.db import Tx


def waiting_since(before: datetime, *, incident_id: int | None = None) -> "Select[int, datetime]":
    """Selects (id, episode_started_at) of incidents that have waited for an answer since `before` or longer.

    Snoozed ones wait for nobody; `incident_id` looks at one alone. It is a statement, so that the outbox can be
    searched in the same query.
    """
    statement = select(IncidentRow.id, IncidentRow.episode_started_at).where(
        IncidentRow.status == IncidentStatus.TRIGGERED,
        IncidentRow.snoozed_until.is_(None),
        IncidentRow.episode_started_at <= before,
    )
    return statement if incident_id is None else statement.where(IncidentRow.id == incident_id)


def answered_and_resolved(tx: Tx, *, limit: int = 50) -> list[int]:
    """The newest incidents that somebody acknowledged and that are over."""
    statement = select(IncidentRow.id).where(
        IncidentRow.status.in_((IncidentStatus.RESOLVED, IncidentStatus.CLOSED)),
        IncidentRow.acknowledged_at.is_not(None),
    )
    return list(tx.execute(statement.order_by(IncidentRow.id.desc()).limit(limit)).scalars())
