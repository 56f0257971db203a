"""Check runs whose time is up: thinned out after days, gone after the limit.

What was measured for an incident, or made an alert, is never thinned out.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import case, func, or_, select, update
from sqlalchemy.sql import Select

from app.checks import repository
from app.checks.models import CheckRunRow
from app.platform.db import Tx
from app.platform.removal import delete_some, names_nothing, none_of, not_newest
from app.platform.tables import epoch_of

QUARTER_SECONDS = 900
# So many rows are looked at in one go; of one quarter of an hour all, however many hosts there are.
LOOKED_AT = 600

_LOOSE = (names_nothing(CheckRunRow.incident_id), names_nothing(CheckRunRow.alert_id))


@dataclass(frozen=True, slots=True)
class Thinned:
    """How many rows went, and up to when nothing is left to thin out."""

    gone: int
    until: datetime


def incidents_touched_since(since: datetime) -> "Select[Any]":
    """Selects incidents for which something was measured since then."""
    return select(CheckRunRow.incident_id).where(CheckRunRow.executed_at >= since)


def delete_of_incidents(tx: Tx, incident_ids: Collection[int], *, limit: int) -> int:
    """Delete what was measured for these incidents: at most `limit` rows; how many went."""
    mine = CheckRunRow.incident_id.in_(incident_ids)
    gone = delete_some(tx, CheckRunRow, mine, not_newest(CheckRunRow), limit=limit)
    if gone < limit:
        tx.execute(update(CheckRunRow).where(mine).values(incident_id=None))
    return gone


def delete_of_alerts(tx: Tx, alert_ids: "Select[Any] | Collection[int]", *, before: datetime, limit: int) -> int:
    """Delete the runs before then that made these alerts, which shall go: at most `limit` rows; how many went.

    What belongs to an incident all the same, or is newer, stays and names no alert any more.
    """
    row = CheckRunRow
    mine = row.alert_id.in_(alert_ids)
    past = (names_nothing(row.incident_id), row.executed_at < before, not_newest(row))
    gone = delete_some(tx, row, mine, *past, limit=limit)
    if gone < limit:
        tx.execute(update(row).where(mine).values(alert_id=None))
    return gone


def delete_before(tx: Tx, before: datetime, *, besides_alerts: "Select[Any]", limit: int) -> int:
    """Delete runs before then that are of no incident and made none of those alerts: at most `limit` rows."""
    row = CheckRunRow
    free = or_(names_nothing(row.alert_id), *none_of([besides_alerts], row.alert_id))
    past = (row.executed_at < before, names_nothing(row.incident_id), free, not_newest(row))
    return delete_some(tx, row, *past, limit=limit, oldest=row.executed_at)


def thin_out(tx: Tx, *, since: datetime | None, before: datetime, limit: int) -> Thinned | None:
    """Keep one run for each quarter of an hour, host and checker: the worst, of several the last.

    Goes on where it had come to, `since`, and takes at most `limit` rows away; None when nothing is left before then.
    """
    row, end = CheckRunRow, _quarter_of(before)
    later = (row.executed_at < end,) if since is None else (row.executed_at < end, row.executed_at >= since)
    first: datetime | None = tx.scalar(select(row.executed_at).where(*later).order_by(row.executed_at).limit(1))
    if first is None:
        return None
    start = _quarter_of(first)
    following = select(row.executed_at).where(row.executed_at >= start, row.executed_at < end)
    beyond: datetime | None = tx.scalar(following.order_by(row.executed_at).offset(LOOKED_AT).limit(1))
    if beyond is not None:
        end = max(_quarter_of(beyond), datetime.fromtimestamp(start.timestamp() + QUARTER_SECONDS, UTC))
    gone = delete_some(tx, row, row.id.in_(_superfluous(tx, start, end)), not_newest(row), limit=limit)
    return Thinned(gone, end if gone < limit else start)


def _superfluous(tx: Tx, start: datetime, end: datetime) -> "Select[Any]":
    row = CheckRunRow
    quarter = epoch_of(tx.dialect, row.executed_at) // QUARTER_SECONDS
    best = (case(repository.RANKS, value=row.status).desc(), row.id.desc())
    place = func.row_number().over(partition_by=(row.hostname, row.checker_name, quarter), order_by=best)
    ranked = select(row.id, place.label("place")).where(*_LOOSE, row.executed_at >= start, row.executed_at < end)
    placed = ranked.subquery()
    return select(placed.c.id).where(placed.c.place > 1)


def _quarter_of(at: datetime) -> datetime:
    return datetime.fromtimestamp(at.timestamp() // QUARTER_SECONDS * QUARTER_SECONDS, UTC)
