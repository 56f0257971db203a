"""Statements over incidents; every one is set-based, and a status changes only by compare-and-set."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Update, bindparam, case, insert, select, update
from sqlalchemy.sql import Select

from app.incidents.models import IncidentRow, ResponderRow, TimelineRow
from app.incidents.types import (
    Incident,
    IncidentFilter,
    IncidentStatus,
    NewIncident,
    NewTimelineEntry,
    Responder,
    ResponderRole,
    Severity,
    TimelineEntry,
)
from app.platform.bulk import insert_many
from app.platform.db import Tx
from app.platform.tables import fields_of, table_of

# Worst first: unacknowledged critical on top, then by age.
URGENCY_ORDER = (
    case({"triggered": 0, "acknowledged": 1, "resolved": 2, "closed": 3}, value=IncidentRow.status, else_=4),
    case({severity.value: severity.rank for severity in Severity}, value=IncidentRow.severity, else_=9),
    IncidentRow.id.desc(),
)


_incidents = table_of(IncidentRow)

# Built once: intake runs these for every batch.
_INSERT = insert(IncidentRow).returning(*fields_of(IncidentRow, Incident))
_LOCK = (
    select(*fields_of(IncidentRow, Incident))
    .where(IncidentRow.id.in_(bindparam("ids", expanding=True)))
    .order_by(IncidentRow.id)
    .with_for_update()
)
_RESERVE = (
    update(_incidents)
    .where(_incidents.c.id == bindparam("b_id"))
    .values(timeline_seq=_incidents.c.timeline_seq + bindparam("b_count"))
    .returning(_incidents.c.timeline_seq)
)


@cache
def _update_of(columns: tuple[str, ...]) -> Update:
    values: dict[str, Any] = {name: bindparam(f"b_{name}") for name in columns}
    return update(_incidents).where(_incidents.c.id == bindparam("b_id")).values(values)


def insert_incidents(tx: Tx, new: Sequence[NewIncident], *, now: datetime) -> list[Incident]:
    """Insert triggered incidents and give them back, matched by (source, group key), in the order asked for."""
    values = [
        {
            "title": one.title,
            "description": one.description,
            "status": IncidentStatus.TRIGGERED,
            "severity": one.severity,
            "source_id": one.source_id,
            "group_key": one.group_key,
            "episode_started_at": now,
            "created_at": now,
            "updated_at": now,
            "alert_count": one.alert_count,
            "firing_alert_count": one.firing_alert_count,
        }
        for one in new
    ]
    statement = insert(IncidentRow).returning(*fields_of(IncidentRow, Incident))
    stored = {(row["source_id"], row["group_key"]): Incident(**row) for row in tx.execute(statement, values).mappings()}
    return [stored[one.source_id, one.group_key] for one in new]


def select_incidents() -> "Select[Any]":
    """A select of whole incidents, to be narrowed."""
    return select(*fields_of(IncidentRow, Incident))


def lock_incidents(tx: Tx, incident_ids: Iterable[int]) -> dict[int, Incident]:
    """The incidents, locked by ascending id until the transaction ends (SQLite has one writer anyway)."""
    wanted = sorted(set(incident_ids))
    if not wanted:
        return {}
    return {row["id"]: Incident(**row) for row in tx.execute(_LOCK, {"ids": wanted}).mappings()}


def set_status(tx: Tx, incident: Incident, status: IncidentStatus, **values: Any) -> bool:
    """Change the status if it is still the one that was read; whether it was."""
    done = tx.execute(
        update(IncidentRow)
        .where(IncidentRow.id == incident.id, IncidentRow.status == incident.status)
        .values(status=status, **values)
    )
    return done.rowcount == 1


def update_incidents(tx: Tx, changes: Sequence[dict[str, Any]]) -> None:
    """Update columns other than the status, one dict with `id` each; all must name the same columns."""
    if not changes:
        return
    columns = tuple(name for name in changes[0] if name != "id")
    tx.execute(_update_of(columns), [{f"b_{name}": value for name, value in change.items()} for change in changes])


def insert_timeline(tx: Tx, entries: Sequence[NewTimelineEntry], *, now: datetime) -> None:
    """Write lines, numbered on from each incident's counter."""
    if not entries:
        return
    counts: dict[int, int] = {}
    for entry in entries:
        counts[entry.incident_id] = counts.get(entry.incident_id, 0) + 1
    following = _reserve(tx, counts)
    values = []
    for entry in entries:
        following[entry.incident_id] += 1
        values.append(
            {
                "incident_id": entry.incident_id,
                "seq": following[entry.incident_id],
                "kind": entry.kind,
                "text": entry.text,
                "actor_id": entry.actor.user_id,
                "actor_name": entry.actor.name,
                "authenticated_as_id": entry.actor.authenticated_as_id,
                "source": entry.actor.source,
                "data": entry.data or {},
                "at": now,
            }
        )
    insert_many(tx, TimelineRow, values)


def _reserve(tx: Tx, counts: dict[int, int]) -> dict[int, int]:
    # The UPDATE reserves the numbers and, on PostgreSQL, keeps the rows locked until the commit: ascending, as always.
    following = {}
    for incident_id in sorted(counts):
        last = tx.execute(_RESERVE, {"b_id": incident_id, "b_count": counts[incident_id]}).scalar_one()
        following[incident_id] = last - counts[incident_id]
    return following


def put_responder(
    tx: Tx, *, incident_id: int, user_id: int, role: ResponderRole, ack_source: str, now: datetime
) -> None:
    """Write down who answered, once per person; whoever changes their mind has answered anew."""
    row = ResponderRow
    values = {"role": role.value, "ack_source": ack_source, "joined_at": now}
    known = tx.execute(select(row.id, row.role).where(row.incident_id == incident_id, row.user_id == user_id)).first()
    if known is None:
        tx.insert(row, incident_id=incident_id, user_id=user_id, **values)
    elif known.role != role:
        tx.execute(update(row).where(row.id == known.id).values(**values))


def select_timeline(incident_id: int) -> "Select[Any]":
    """An incident's lines in order."""
    statement = select(*fields_of(TimelineRow, TimelineEntry)).where(TimelineRow.incident_id == incident_id)
    return statement.order_by(TimelineRow.seq)


def select_responders(incident_id: int) -> "Select[Any]":
    """Who answered, in order."""
    statement = select(*fields_of(ResponderRow, Responder)).where(ResponderRow.incident_id == incident_id)
    return statement.order_by(ResponderRow.id)


def narrowed(filters: IncidentFilter) -> "Select[Any]":
    """The list that a filter asks for, most urgent first."""
    statement = select_incidents()
    if filters.statuses:
        statement = statement.where(IncidentRow.status.in_(sorted(filters.statuses)))
    for column, value in (
        (IncidentRow.severity, filters.severity),
        (IncidentRow.source_id, filters.source_id),
        (IncidentRow.assigned_to, filters.assigned_to),
    ):
        if value is not None:
            statement = statement.where(column == value)
    if filters.q:
        number = filters.q.lstrip("#")
        by_title = IncidentRow.title.icontains(filters.q, autoescape=True)
        is_number = number.isascii() and number.isdigit() and len(number) < 10
        statement = statement.where(by_title | (IncidentRow.id == int(number)) if is_number else by_title)
    if filters.created_from is not None:
        statement = statement.where(IncidentRow.created_at >= filters.created_from)
    if filters.created_to is not None:
        statement = statement.where(IncidentRow.created_at < filters.created_to)
    return statement.order_by(*URGENCY_ORDER)
