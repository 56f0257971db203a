"""DECLINE: somebody who was paged cannot do it, so the next level is paged at once (B31)."""

from datetime import datetime
from enum import StrEnum

from app.escalation import running
from app.escalation.types import Escalation, EscalationStatus
from app.incidents import queries, service as incidents
from app.incidents.errors import IncidentNotOpen
from app.incidents.types import Actor, Incident, IncidentStatus, NewTimelineEntry, ResponderRole, TimelineKind
from app.notify import queries as outbox, service as notify
from app.platform.db import Tx
from app.usecases.answer import steps


class Declined(StrEnum):
    """What a decline led to, and why."""

    PASSED_ON = "passed_on"
    NOBODY_LEFT = "nobody_left"
    SOMEBODY_HAS_IT = "somebody_has_it"
    SNOOZED = "snoozed"
    PASSED_ON_BEFORE = "passed_on_before"


def decline(tx: Tx, incident_id: int, *, actor: Actor, now: datetime, note: str | None = None) -> Declined:
    """Note that the actor cannot do it, and page the next level, unless nobody has to be paged just now.

    Somebody else has it, it is snoozed, all admins have been paged already, or the actor has declined before and does
    not stand on the level that waits: then only the note is made. Raises IncidentNotFound, IncidentNotOpen.
    """
    incident = incidents.lock(tx, incident_id)
    if not incident.status.is_open:
        raise IncidentNotOpen(incident.status, "declining")
    outcome = _outcome(tx, incident, actor, now)
    text = steps.said(actor, "declined", note)
    incidents.add_timeline(
        tx,
        [NewTimelineEntry(incident_id, TimelineKind.DECLINED, text, actor, {"episode": _episode(tx, incident_id)})],
        now=now,
    )
    tx.publish("incident", id=incident_id)
    if actor.user_id is not None:
        incidents.add_responder(
            tx, incident_id=incident_id, user_id=actor.user_id, ack_source=actor.source, role=ResponderRole.DECLINED,
            now=now,
        )  # fmt: skip
        notify.cancel_for_reader(tx, incident_id, actor.user_id, now=now)
    if outcome is Declined.NOBODY_LEFT:
        warning = NewTimelineEntry(incident_id, TimelineKind.WARNING, "Nobody is left to page: all admins were")
        incidents.add_timeline(tx, [warning], now=now)
    if outcome is Declined.PASSED_ON:
        steps.page_next(tx, incident, text=text, actor=actor, now=now)
    return outcome


def _outcome(tx: Tx, incident: Incident, actor: Actor, now: datetime) -> Declined:
    if incident.status is IncidentStatus.ACKNOWLEDGED and incident.assigned_to != actor.user_id:
        return Declined.SOMEBODY_HAS_IT
    if incident.snoozed_until is not None and incident.snoozed_until > now:
        return Declined.SNOOZED
    escalation = running.lock_escalation(tx, incident.id)
    if escalation is None:
        return Declined.PASSED_ON
    if escalation.status in (EscalationStatus.FALLBACK, EscalationStatus.UNREACHED):
        return Declined.NOBODY_LEFT
    has_passed_on = _has_passed_on(tx, incident.id, escalation, actor)
    return Declined.PASSED_ON_BEFORE if has_passed_on else Declined.PASSED_ON


def _has_passed_on(tx: Tx, incident_id: int, escalation: Escalation, actor: Actor) -> bool:
    """Whether the actor has declined in this episode, and the level that waits is not theirs."""
    if actor.user_id is None:
        return False
    declined = any(
        entry.kind is TimelineKind.DECLINED
        and entry.actor_id == actor.user_id
        and entry.data.get("episode") == escalation.episode
        for entry in queries.timeline_of(tx, incident_id)
    )
    paged = outbox.paged_on_levels(tx, [incident_id], user_id=actor.user_id)
    return declined and (incident_id, escalation.episode, escalation.level) not in paged


def _episode(tx: Tx, incident_id: int) -> int | None:
    escalation = running.lock_escalation(tx, incident_id)
    return escalation.episode if escalation is not None else None
