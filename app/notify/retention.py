"""Messages whose time is up, with their tries; and what vendors delivered."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, or_, select, update
from sqlalchemy.sql import Select

from app.notify.models import ActionUseRow, AttemptRow, InboundMessageRow, NotificationRow, ThreadRow
from app.notify.types import WAITING, NotificationStatus
from app.platform.db import Tx
from app.platform.removal import delete_in_turn, delete_some, not_newest
from app.platform.tables import table_of

UNDER_WAY = (*WAITING, NotificationStatus.IN_FLIGHT)

_carried = table_of(NotificationRow).alias("carried")


def incidents_touched_since(since: datetime) -> "Select[Any]":
    """Selects incidents of which a message was written, sent or tried since then, or is being sent."""
    row, attempt = NotificationRow, AttemptRow
    lately = or_(
        row.created_at >= since,
        and_(row.status.in_(UNDER_WAY), row.due_at >= since),
        row.lease_until >= since,
        attempt.ended_at >= since,
    )
    return select(row.incident_id).outerjoin(attempt, attempt.notification_id == row.id).where(lately)


def delete_of_incidents(tx: Tx, incident_ids: Collection[int], *, limit: int) -> int:
    """Delete the messages of these incidents: at most `limit` rows; how many went.

    A message that also says something of another incident stays, as that one's.
    """
    row = NotificationRow
    mine = row.incident_id.in_(incident_ids)
    of_others = or_(_carried.c.incident_id.is_(None), _carried.c.incident_id.not_in(incident_ids))
    gone = _delete(tx, and_(mine, ~_carries(of_others), not_newest(row)), limit)
    if gone < limit:
        gone += delete_some(tx, ThreadRow, ThreadRow.incident_id.in_(incident_ids), limit=limit - gone)
    if gone < limit:
        tx.execute(update(row).where(mine).values(incident_id=None))
        inbound = update(InboundMessageRow).where(InboundMessageRow.incident_id.in_(incident_ids))
        tx.execute(inbound.values(incident_id=None))
    return gone


def delete_before(tx: Tx, before: datetime, *, limit: int) -> int:
    """Delete messages of no incident that were written before then and are done with: at most `limit` rows."""
    row = NotificationRow
    past = (row.incident_id.is_(None), row.created_at < before, row.status.not_in(UNDER_WAY))
    some = select(row.id).where(*past, ~_carries(), not_newest(row)).order_by(row.created_at).limit(limit)
    found = tx.execute(some).scalars().all()
    return _delete(tx, row.id.in_(found), limit) if found else 0


def delete_inbound_before(tx: Tx, before: datetime, *, limit: int) -> int:
    """Delete what vendors delivered before then about no incident, or one that has gone: at most `limit` rows."""
    row = InboundMessageRow
    past = (row.incident_id.is_(None), row.received_at < before)
    return delete_some(tx, row, *past, limit=limit, oldest=row.received_at)


def _carries(*narrowed: "ColumnElement[bool]") -> "ColumnElement[bool]":
    return exists().where(_carried.c.bundle_id == NotificationRow.id, *narrowed)


def _delete(tx: Tx, condition: "ColumnElement[bool]", limit: int) -> int:
    going = select(NotificationRow.id).where(condition)
    leaving = (
        (AttemptRow, AttemptRow.notification_id.in_(going)),
        (ActionUseRow, ActionUseRow.notification_id.in_(going)),
        (NotificationRow, condition),
    )
    return delete_in_turn(tx, leaving, limit=limit)
