"""Analyses whose time is up."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select, update
from sqlalchemy.sql import Select

from app.intelligence.models import AnalysisRow
from app.platform.db import Tx
from app.platform.removal import delete_some, names_nothing, not_newest


def incidents_touched_since(since: datetime) -> "Select[Any]":
    """Selects incidents that somebody has had analysed since then."""
    lately = or_(AnalysisRow.created_at >= since, AnalysisRow.completed_at >= since)
    return select(AnalysisRow.incident_id).where(lately)


def delete_of_incidents(tx: Tx, incident_ids: Collection[int], *, limit: int) -> int:
    """Delete the analyses of these incidents: at most `limit` rows; how many went."""
    mine = AnalysisRow.incident_id.in_(incident_ids)
    gone = delete_some(tx, AnalysisRow, mine, not_newest(AnalysisRow), limit=limit)
    if gone < limit:
        tx.execute(update(AnalysisRow).where(mine).values(incident_id=None))
    return gone


def delete_before(tx: Tx, before: datetime, *, limit: int) -> int:
    """Delete analyses of no incident that were asked for before then: at most `limit` rows; how many went."""
    row = AnalysisRow
    past = (names_nothing(row.incident_id), row.created_at < before, not_newest(row))
    return delete_some(tx, row, *past, limit=limit, oldest=row.created_at)
