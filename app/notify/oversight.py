"""Reading the outbox for those who watch over it: what is due, what is missing, what ever got through."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, exists, func, or_, select

from app.notify.models import DUE, IN_FLIGHT, AttemptRow, ChannelRow, NotificationRow
from app.notify.repository import select_notifications
from app.notify.types import Notification, NotificationKind, NotificationStatus, Outcome
from app.platform.db import Tx
from app.platform.tables import table_of
from app.platform.tally import Fact, seconds_between

WAITING = (NotificationStatus.PENDING, NotificationStatus.RETRYING)
GOT_THROUGH = (NotificationStatus.SENT, NotificationStatus.DELIVERED)
UNFINISHED = (*WAITING, NotificationStatus.HELD, NotificationStatus.UNKNOWN, NotificationStatus.IN_FLIGHT)
COUNTED_AT_MOST = 10_000
LATENCY_SECONDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)

_bundled = table_of(NotificationRow).alias("bundled")

_OF_THE_TRY = ((NotificationRow, NotificationRow.id == AttemptRow.notification_id),)

ATTEMPTS = Fact(
    name="pagerpal_send_attempts",
    help="Tries to send a message that ended, by channel and outcome.",
    labels={"channel": NotificationRow.channel, "outcome": AttemptRow.outcome},
    at=AttemptRow.ended_at,
    joined=_OF_THE_TRY,
)
PAGE_LATENCY = Fact(
    name="pagerpal_page_latency_seconds",
    help="From the commit that asked for a page to its sending; digests, bundles and delayed rules are left out.",
    labels={},
    at=AttemptRow.ended_at,
    amount=seconds_between(NotificationRow.created_at, AttemptRow.ended_at),
    joined=_OF_THE_TRY,
    where=and_(
        AttemptRow.outcome == Outcome.SENT,
        NotificationRow.kind == NotificationKind.PAGE,
        NotificationRow.rule_delay_minutes == 0,
        NotificationRow.held_until.is_(None),
        # A bundle waits for its minute on purpose.
        ~exists().where(_bundled.c.bundle_id == NotificationRow.id),
    ),
    buckets=LATENCY_SECONDS,
)


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


def count_unfinished(tx: Tx) -> dict[NotificationStatus, int]:
    """How many messages have yet to leave, by status; of very many the first ones."""
    found = dict.fromkeys(UNFINISHED, 0)
    for unfinished in (DUE, IN_FLIGHT):
        some = select(NotificationRow.status).where(unfinished).limit(COUNTED_AT_MOST).subquery()
        for status, count in tx.execute(select(some.c.status, func.count()).group_by(some.c.status)):
            found[status] = int(count)
    return found


def count_due(tx: Tx, *, now: datetime) -> int:
    """How many messages should have begun to leave; of very many the first ones."""
    some = select(NotificationRow.id).where(DUE, NotificationRow.due_at <= now, NotificationRow.status.in_(WAITING))
    return int(tx.scalar(select(func.count()).select_from(some.limit(COUNTED_AT_MOST).subquery())))


def given_up_since(tx: Tx, since: datetime, *, limit: int = 1000) -> list[tuple[Notification, datetime]]:
    """The messages whose last try was since then and that were given up, with when that was, the newest first."""
    ended = select(
        AttemptRow.notification_id, func.max(AttemptRow.ended_at, type_=AttemptRow.ended_at.type).label("at")
    )
    # Only what ended since then is added up: the whole table would take longer with every message.
    last = ended.where(AttemptRow.ended_at >= since).group_by(AttemptRow.notification_id).subquery()
    lost = NotificationRow.status.in_((NotificationStatus.FAILED, NotificationStatus.EXHAUSTED))
    statement = select_notifications().add_columns(last.c.at.label("ended_at"))
    statement = statement.join(last, last.c.notification_id == NotificationRow.id).where(lost)
    rows = tx.execute(statement.order_by(last.c.at.desc()).limit(limit)).mappings()
    return [(Notification(**{k: v for k, v in row.items() if k != "ended_at"}), row["ended_at"]) for row in rows]


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


def pages_between(tx: Tx, start: datetime, end: datetime) -> list[tuple[datetime, int | None, int | None]]:
    """When each page of a time was written, to whom, and about which incident, oldest first."""
    row = NotificationRow
    statement = select(row.created_at, row.user_id, row.incident_id).where(
        row.kind == NotificationKind.PAGE, row.created_at >= start, row.created_at < end
    )
    return [(at, user_id, incident_id) for at, user_id, incident_id in tx.execute(statement.order_by(row.id))]
