"""Incidents whose time is up: over for long enough, and touched by nothing lately."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.sql import Select

from app.incidents import repository
from app.incidents.models import IncidentRow, ResponderRow, TimelineRow
from app.incidents.types import OPEN_STATUSES, Incident
from app.platform.db import Tx
from app.platform.removal import delete_in_turn, none_of, not_newest


def open_ones() -> "Select[int]":
    """Selects every open incident's id; a statement, so that other tables are searched in the same query."""
    return select(IncidentRow.id).where(IncidentRow.status.in_(sorted(OPEN_STATUSES)))


def over_before(
    tx: Tx, *, before: datetime, untouched_since: datetime, besides: "Sequence[Select[Any]]", limit: int
) -> list[int]:
    """Incidents that have been over since before then, by id; those that `besides` select are left out.

    The newest incident always stays, so that its number is never given again.
    """
    statement = select(IncidentRow.id).where(
        # Said so that the index over the end is taken, not the one over the status, which most incidents share.
        IncidentRow.status.not_in(sorted(OPEN_STATUSES)),
        IncidentRow.resolved_at < before,
        or_(IncidentRow.closed_at.is_(None), IncidentRow.closed_at < before),
        IncidentRow.updated_at < untouched_since,
        not_newest(IncidentRow),
        *none_of(besides, IncidentRow.id),
    )
    return sorted(tx.execute(statement.order_by(IncidentRow.resolved_at).limit(limit)).scalars())


def lock_over(tx: Tx, incident_ids: Iterable[int], *, before: datetime) -> list[int]:
    """Those of these incidents that still are over since before then, locked until the transaction ends."""
    return [each.id for each in repository.lock_incidents(tx, incident_ids).values() if _is_past(each, before)]


def delete_incidents(tx: Tx, incident_ids: Collection[int], *, limit: int) -> int:
    """Delete the incidents with their stories, once nothing else names them: at most `limit` rows; how many went."""
    leaving = (
        (TimelineRow, TimelineRow.incident_id.in_(incident_ids)),
        (ResponderRow, ResponderRow.incident_id.in_(incident_ids)),
        (IncidentRow, IncidentRow.id.in_(incident_ids)),
    )
    return delete_in_turn(tx, leaving, limit=limit)


def _is_past(incident: Incident, before: datetime) -> bool:
    ended_at = incident.closed_at or incident.resolved_at
    return not incident.status.is_open and ended_at is not None and ended_at < before
