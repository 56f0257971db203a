"""Deliveries and alerts whose time is up: first the raw bodies, later the rows.

An alert goes with the last incident it belonged to. One that is still heard of stays and belongs to none: what a
late or a repeated delivery is, is decided by it (B8).
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile
from typing import Any

from sqlalchemy import ColumnElement, and_, case, delete, exists, func, or_, select, update
from sqlalchemy.sql import Select

from app.alerts.models import AlertHistoryRow, AlertRow, DeliveryRow, IncidentAlertRow
from app.alerts.types import AlertStatus, DeliveryOutcome
from app.platform.db import Tx
from app.platform.removal import delete_in_turn, delete_some, none_of, not_newest
from app.platform.tables import table_of
from app.platform.tally import seconds_between

# A body may have a mebibyte, and each of its pages is written when it goes.
BYTES_AT_ONCE = 1_000_000
LARGE_AT_ONCE = 2
# An alert's change is written down with the time of its delivery, its place in an incident a moment later.
MOMENT_SECONDS = 60.0

# Each is asked for its past by itself.
PLACES_AT_ONCE = 40

_change = table_of(AlertHistoryRow).alias("change")
_other = table_of(IncidentAlertRow).alias("other")


@dataclass(frozen=True, slots=True)
class Emptied:
    """How many bodies went, and up to when none is left that may go."""

    gone: int
    until: datetime


def empty_bodies(
    tx: Tx, *, since: datetime | None, before: datetime, besides: "Sequence[Select[Any]]", limit: int
) -> Emptied | None:
    """Take the raw bodies of deliveries before then away, going on where it had come to, `since`; None at the end.

    Those in quarantine keep theirs, and those whose trace is among `besides`.
    """
    row = DeliveryRow
    later = (row.received_at < before,) if since is None else (row.received_at < before, row.received_at > since)
    size = func.coalesce(func.length(row.body), 0)
    found = tx.execute(select(row.received_at, size).where(*later).order_by(row.received_at).limit(limit)).all()
    if not found:
        return None
    sizes = [int(size) for _, size in found]
    fitting = list(takewhile(lambda place: sum(sizes[: place + 1]) <= BYTES_AT_ONCE, range(len(found))))
    until: datetime = found[max(0, len(fitting) - 1)][0]
    may_go = (row.body.is_not(None), row.outcome != DeliveryOutcome.QUARANTINED, *none_of(besides, row.trace_id))
    statement = update(row).where(*later, row.received_at <= until, *may_go)
    return Emptied(tx.execute(statement.values(body=None)).rowcount, until)


def empty_reparsed(tx: Tx, before: datetime) -> int:
    """Take the raw bodies of deliveries that left quarantine after their time had come: a few; how many went."""
    row = DeliveryRow
    past = (row.outcome == DeliveryOutcome.REPARSED, row.body.is_not(None), row.received_at < before)
    some = select(row.id).where(*past).limit(LARGE_AT_ONCE)
    return tx.execute(update(row).where(row.id.in_(some)).values(body=None)).rowcount


def delete_deliveries_before(tx: Tx, before: datetime, *, besides: "Sequence[Select[Any]]", limit: int) -> int:
    """Delete deliveries before then but those whose trace is among `besides`: at most `limit` rows."""
    row = DeliveryRow
    past = (row.received_at < before, not_newest(row), *none_of(besides, row.trace_id))
    gone = delete_some(tx, row, *past, row.body.is_(None), limit=limit - LARGE_AT_ONCE, oldest=row.received_at)
    return gone + delete_some(tx, row, *past, row.body.is_not(None), limit=LARGE_AT_ONCE, oldest=row.received_at)


def alerts_of(incident_ids: "Select[int]") -> "Select[Any]":
    """Selects the alerts that belong to these incidents or once did."""
    return select(IncidentAlertRow.alert_id).where(IncidentAlertRow.incident_id.in_(incident_ids))


def going_with(incident_ids: Collection[int], *, unseen_since: datetime) -> "Select[Any]":
    """Selects the alerts that belong to these incidents and to no other, and are heard of no more."""
    row = AlertRow
    is_shared = exists().where(_other.c.alert_id == row.id, _other.c.incident_id.not_in(incident_ids))
    mine = (row.incident_id.in_(incident_ids), row.last_seen_at < unseen_since, ~is_shared, not_newest(row))
    return select(row.id).where(*mine)


def going_alone(tx: Tx, *, unseen_since: datetime, limit: int) -> list[int]:
    """Alerts that belong to no incident and never will: recoveries of what nobody knew, and what was left."""
    row = AlertRow
    is_named = exists().where(_other.c.alert_id == row.id)
    past = (row.incident_id.is_(None), row.last_seen_at < unseen_since, ~is_named, not_newest(row))
    return list(tx.execute(select(row.id).where(*past).order_by(row.last_seen_at).limit(limit)).scalars())


def delete_of_incidents(
    tx: Tx, incident_ids: Collection[int], *, before: datetime, unseen_since: datetime, limit: int
) -> int:
    """Delete the alerts that go with these incidents, and of the others what is past: at most `limit` rows.

    How many went, or `limit` while any is left; once it is less, no alert names the incidents any more.
    """
    going = going_with(incident_ids, unseen_since=unseen_since)
    leaving = (
        (AlertHistoryRow, AlertHistoryRow.alert_id.in_(going)),
        (IncidentAlertRow, and_(IncidentAlertRow.incident_id.in_(incident_ids), IncidentAlertRow.alert_id.in_(going))),
        (AlertRow, AlertRow.id.in_(going)),
    )
    gone = delete_in_turn(tx, leaving, limit=limit)
    if gone < limit:
        gone += _delete_places(tx, incident_ids, before=before, limit=limit - gone)
    has_places = select(IncidentAlertRow.id).where(IncidentAlertRow.incident_id.in_(incident_ids)).limit(1)
    if gone >= limit or tx.scalar(has_places) is not None:
        return limit
    tx.execute(update(AlertRow).where(AlertRow.incident_id.in_(incident_ids)).values(incident_id=None))
    return gone


def delete_alerts(tx: Tx, alert_ids: Collection[int], *, limit: int) -> int:
    """Delete these alerts with their history: at most `limit` rows; how many went."""
    leaving = (
        (AlertHistoryRow, AlertHistoryRow.alert_id.in_(alert_ids)),
        (AlertRow, AlertRow.id.in_(alert_ids)),
    )
    return delete_in_turn(tx, leaving, limit=limit)


def counts_of(tx: Tx, incident_ids: Collection[int]) -> dict[int, tuple[int, int]]:
    """How many alerts each of these incidents has left, and how many of them fire."""
    fires = func.sum(case((AlertRow.status == AlertStatus.FIRING, 1), else_=0))
    statement = select(AlertRow.incident_id, func.count(), fires).where(AlertRow.incident_id.in_(incident_ids))
    found = {row[0]: (int(row[1]), int(row[2])) for row in tx.execute(statement.group_by(AlertRow.incident_id))}
    return {incident_id: found.get(incident_id, (0, 0)) for incident_id in incident_ids}


def _delete_places(tx: Tx, incident_ids: Collection[int], *, before: datetime, limit: int) -> int:
    """Take alerts that stay out of these incidents, each with those of its changes that are past."""
    row, left = IncidentAlertRow, limit
    some = select(row.id, row.alert_id).where(row.incident_id.in_(incident_ids)).limit(min(limit, PLACES_AT_ONCE))
    for place_id, alert_id in tx.execute(some).all():
        left -= delete_some(tx, AlertHistoryRow, *_past_changes(alert_id, incident_ids, before, left), limit=left)
        if left <= 0:
            break
        left -= tx.execute(delete(row).where(row.id == place_id)).rowcount
    return limit - left


def _past_changes(
    alert_id: int, incident_ids: Collection[int], before: datetime, limit: int
) -> "Sequence[ColumnElement[bool]]":
    """Of the alert's oldest changes those that came before whatever other incident it belongs to."""
    row = AlertHistoryRow
    oldest = select(_change.c.id).where(_change.c.alert_id == alert_id).order_by(_change.c.id).limit(limit)
    is_of_another = exists().where(
        _other.c.alert_id == row.alert_id,
        _other.c.incident_id.not_in(incident_ids),
        or_(
            _other.c.attached_at <= row.created_at,
            seconds_between(row.created_at, _other.c.attached_at) < MOMENT_SECONDS,
        ),
    )
    return row.id.in_(oldest), row.created_at < before, ~is_of_another
