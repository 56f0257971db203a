"""Changing incidents inside the caller's transaction; each change of status writes its timeline line with it."""

import logging
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from app.incidents import repository
from app.incidents.errors import ChangedMeanwhile, IncidentNotFound
from app.incidents.rules import next_status
from app.incidents.types import (
    Actor,
    Incident,
    IncidentAction,
    IncidentStatus,
    NewIncident,
    NewTimelineEntry,
    ResponderRole,
    Severity,
    TimelineKind,
)
from app.platform.db import Tx
from app.platform.logs import get_logger

STAMPS = {
    IncidentStatus.ACKNOWLEDGED: "acknowledged_at",
    IncidentStatus.RESOLVED: "resolved_at",
    IncidentStatus.CLOSED: "closed_at",
}
# What went another way than planned also has to be seen by whoever reads only the log (promise 3).
TROUBLE = {
    TimelineKind.SKIPPED: logging.WARNING,
    TimelineKind.WARNING: logging.WARNING,
    TimelineKind.UNREACHED: logging.ERROR,
}

log = get_logger(__name__)


def open_many(tx: Tx, new: Sequence[NewIncident], *, now: datetime) -> list[Incident]:
    """Open incidents, in the order asked for, without a timeline line yet."""
    return repository.insert_incidents(tx, new, now=now) if new else []


def lock(tx: Tx, incident_id: int) -> Incident:
    """The incident, locked until the transaction ends. Raises IncidentNotFound."""
    found = repository.lock_incidents(tx, [incident_id])
    if incident_id not in found:
        raise IncidentNotFound(incident_id)
    return found[incident_id]


def lock_many(tx: Tx, incident_ids: Iterable[int]) -> dict[int, Incident]:
    """Those that exist among these, locked by ascending id."""
    return repository.lock_incidents(tx, incident_ids)


def transition(
    tx: Tx,
    incident: Incident,
    action: IncidentAction,
    *,
    kind: TimelineKind,
    text: str,
    actor: Actor,
    now: datetime,
    by_alerts: bool = False,
    data: dict[str, Any] | None = None,
) -> bool:
    """Do `action` to an incident that this transaction has locked; False where repeating changes nothing.

    Raises IllegalTransition for a step that the table does not have, ChangedMeanwhile where the status is another.
    """
    status = next_status(incident.status, action)
    if status is incident.status:
        return False
    values: dict[str, Any] = {"updated_at": now, "snoozed_until": None, "resolved_by_alerts": by_alerts}
    if status is IncidentStatus.TRIGGERED:
        values |= {"acknowledged_at": None, "resolved_at": None, "closed_at": None, "episode_started_at": now}
    else:
        values[STAMPS[status]] = now
    if not repository.set_status(tx, incident, status, **values):
        raise ChangedMeanwhile(incident.id)
    add_timeline(tx, [NewTimelineEntry(incident.id, kind, text, actor, data)], now=now)
    tx.publish("incident", id=incident.id)
    return True


def add_timeline(tx: Tx, entries: Sequence[NewTimelineEntry], *, now: datetime) -> None:
    """Write lines to the stories of their incidents, in order; those that tell of trouble are logged as well."""
    repository.insert_timeline(tx, entries, now=now)
    for entry in entries:
        if entry.kind in TROUBLE:
            log.log(TROUBLE[entry.kind], entry.text, incident_id=entry.incident_id)


def add_responder(
    tx: Tx,
    *,
    incident_id: int,
    user_id: int,
    ack_source: str,
    now: datetime,
    role: ResponderRole = ResponderRole.RESPONDER,
) -> None:
    """Write down who answered, what, and by which way."""
    repository.put_responder(tx, incident_id=incident_id, user_id=user_id, role=role, ack_source=ack_source, now=now)


def set_many(tx: Tx, changes: Sequence[dict[str, Any]]) -> None:
    """Set columns other than the status on many incidents; each dict has `id` and the same further columns."""
    repository.update_incidents(tx, changes)


def assign(tx: Tx, incident_id: int, user_id: int | None, *, now: datetime) -> None:
    """Say whose incident it is."""
    repository.update_incidents(tx, [{"id": incident_id, "assigned_to": user_id, "updated_at": now}])


def snooze(tx: Tx, incident_id: int, until: datetime | None, *, now: datetime) -> None:
    """Keep the incident quiet until then; None ends it."""
    repository.update_incidents(tx, [{"id": incident_id, "snoozed_until": until, "updated_at": now}])


def worse(one: Severity, other: Severity) -> Severity:
    """The worse of two severities."""
    return min(one, other, key=lambda severity: severity.rank)
