"""Reading the outbox for those who watch over it: what is due, what is missing, what ever got through."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Select, exists, func, or_, select

from app.notify.models import ChannelRow, NotificationRow
from app.notify.types import NotificationKind, NotificationStatus
from app.platform.db import Tx

WAITING = (NotificationStatus.PENDING, NotificationStatus.RETRYING)
GOT_THROUGH = (NotificationStatus.SENT, NotificationStatus.DELIVERED)


def incidents_due(tx: Tx, *, now: datetime) -> list[int]:
    """Incidents with a message that should have begun to leave at or before `now` and still waits, by id."""
    statement = select(NotificationRow.incident_id).where(
        NotificationRow.due_at <= now, NotificationRow.status.in_(WAITING), NotificationRow.incident_id.is_not(None)
    )
    return list(tx.execute(statement.distinct().order_by(NotificationRow.incident_id)).scalars())


def without_page(tx: Tx, waiting: "Select[Any, Any]", *, counts_since: datetime, limit: int) -> list[int]:
    """Which of the `waiting` incidents have no page, oldest first.

    `waiting` selects (id, episode_started_at). A page counts when it was written in the episode or since
    `counts_since`, whatever became of it; only a cancelled one does not.
    """
    incident = waiting.subquery()
    page = select(NotificationRow.id).where(
        NotificationRow.incident_id == incident.c.id,
        NotificationRow.kind == NotificationKind.PAGE,
        NotificationRow.status != NotificationStatus.CANCELLED,
        or_(
            NotificationRow.created_at >= incident.c.episode_started_at,
            NotificationRow.created_at >= counts_since,
        ),
    )
    statement = select(incident.c.id).where(~exists(page)).order_by(incident.c.id).limit(limit)
    return list(tx.execute(statement).scalars())


def was_sent_for(tx: Tx, incident_ids: Iterable[int]) -> bool:
    """Whether a page of any of these incidents really left."""
    statement = select(NotificationRow.id).where(
        NotificationRow.incident_id.in_(sorted(set(incident_ids))),
        NotificationRow.kind == NotificationKind.PAGE,
        NotificationRow.status.in_(GOT_THROUGH),
    )
    return tx.scalar(statement.limit(1)) is not None


def count_by_status(tx: Tx) -> dict[NotificationStatus, int]:
    """How many messages are kept in each status."""
    statement = select(NotificationRow.status, func.count()).group_by(NotificationRow.status)
    found = {status: int(count) for status, count in tx.execute(statement)}
    return {status: found.get(status, 0) for status in NotificationStatus}


def has_active_channel(tx: Tx) -> bool:
    """Whether a channel config is switched on, which may reach people without any setting."""
    return tx.scalar(select(ChannelRow.id).where(ChannelRow.is_active).limit(1)) is not None


def pages_since(tx: Tx, since: datetime, *, limit: int = 5000) -> list[tuple[datetime, int | None]]:
    """When each of the newest pages was written and to whom, newest first, none older than `since`."""
    statement = (
        select(NotificationRow.created_at, NotificationRow.user_id)
        .where(NotificationRow.kind == NotificationKind.PAGE)
        .order_by(NotificationRow.id.desc())
        .limit(limit)
    )
    return [(created_at, user_id) for created_at, user_id in tx.execute(statement) if created_at >= since]
