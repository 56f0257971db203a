"""The steps behind an answer, inside the caller's transaction; each locks its incident first."""

from dataclasses import replace
from datetime import datetime, timedelta

from app.accounts import queries as people
from app.accounts.types import Urgency
from app.alerts import queries as alerts
from app.alerts.sources import ALARMS_SOURCE
from app.alerts.types import AlertSource
from app.escalation import running
from app.escalation.types import EscalationStatus
from app.incidents import queries, service as incidents
from app.incidents.errors import IncidentNotOpen
from app.incidents.types import (
    Actor,
    Incident,
    IncidentAction,
    IncidentStatus,
    NewIncident,
    NewTimelineEntry,
    Severity,
    TimelineKind,
)
from app.platform.db import Tx
from app.platform.errors import Conflict, FieldError, Invalid
from app.usecases import paging

# How an answer that did not come from the screen is told in the timeline.
WAYS = {"link": " by email link", "api": " by API", "sms": " by SMS", "whatsapp": " by WhatsApp", "voice": " by phone",
        "slack": " in Slack", "push": " by push"}  # fmt: skip
MAX_SNOOZE = timedelta(days=30)
NOTE_LENGTH = 10_000


def acknowledge(tx: Tx, incident_id: int, *, actor: Actor, now: datetime, note: str | None = None) -> None:
    """Take the incident: assigned to the actor, quiet until the policy's acknowledgement time-out (B14)."""
    incident = incidents.lock(tx, incident_id)
    changed = incidents.transition(
        tx, incident, IncidentAction.ACKNOWLEDGE,
        kind=TimelineKind.ACKNOWLEDGED, text=said(actor, "acknowledged", note), actor=actor, now=now,
    )  # fmt: skip
    if actor.user_id is not None:
        incidents.add_responder(tx, incident_id=incident_id, user_id=actor.user_id, ack_source=actor.source, now=now)
    if not changed:
        return
    if actor.user_id is not None:
        incidents.assign(tx, incident_id, actor.user_id, now=now)
    escalation = running.lock_escalation(tx, incident_id)
    minutes = escalation.plan.ack_timeout_minutes if escalation else None
    lapses_at = None if minutes is None else now + timedelta(minutes=minutes)
    paging.stop(tx, incident_id, EscalationStatus.ACKNOWLEDGED, now=now, due_at=lapses_at)
    paging.tell_channels(tx, incident, "acknowledged", said(actor, "acknowledged", note), now=now)


def resolve(tx: Tx, incident_id: int, *, actor: Actor, now: datetime, note: str | None = None) -> None:
    """The incident is fixed; a repeated recovery changes nothing."""
    incident = incidents.lock(tx, incident_id)
    text = said(actor, "resolved", note)
    if incidents.transition(
        tx, incident, IncidentAction.RESOLVE, kind=TimelineKind.RESOLVED, text=text, actor=actor, now=now
    ):
        if actor.user_id is not None:
            incidents.add_responder(
                tx, incident_id=incident_id, user_id=actor.user_id, ack_source=actor.source, now=now
            )
        paging.stop(tx, incident_id, EscalationStatus.STOPPED, now=now)
        paging.tell_channels(tx, incident, "resolved", text, now=now)


def reopen(tx: Tx, incident_id: int, *, actor: Actor, now: datetime, note: str | None = None) -> None:
    """Back to triggered, paged from level 1 in a new episode."""
    incident = incidents.lock(tx, incident_id)
    if incident.source_id is not None and not incident.status.is_open:
        latest = queries.open_of_group(tx, incident.source_id, incident.group_key)
        if latest is not None:
            raise Conflict(f"Incident #{latest.id} is already open for the same alerts: work on that one.")
    text = said(actor, "reopened", note)
    incidents.transition(
        tx, incident, IncidentAction.REOPEN, kind=TimelineKind.REOPENED, text=text, actor=actor, now=now
    )
    paging.tell_channels(tx, incident, "reopened", text, now=now)
    paging.restart(tx, _order_anew(tx, incident), now=now)


def close(tx: Tx, incident_id: int, *, actor: Actor, now: datetime, note: str | None = None) -> None:
    """Done with it."""
    incident = incidents.lock(tx, incident_id)
    text = said(actor, "closed", note)
    if incidents.transition(
        tx, incident, IncidentAction.CLOSE, kind=TimelineKind.CLOSED, text=text, actor=actor, now=now
    ):
        paging.tell_channels(tx, incident, "closed", text, now=now)


def escalate(tx: Tx, incident_id: int, *, actor: Actor, now: datetime, note: str | None = None) -> None:
    """Page the next level at once; one that was acknowledged is triggered again, or nobody would be waited for."""
    incident = _open(tx, incident_id, "escalating")
    text = said(actor, "escalated", note)
    if incident.status is IncidentStatus.TRIGGERED:
        incidents.add_timeline(tx, [NewTimelineEntry(incident_id, TimelineKind.ESCALATED, text, actor)], now=now)
    page_next(tx, incident, text=text, actor=actor, now=now)


def page_next(tx: Tx, incident: Incident, *, text: str, actor: Actor, now: datetime) -> None:
    """Page the next level of an open incident that this transaction has locked; `text` says why it is triggered again.

    One that was acknowledged is triggered again, and a snooze ends.
    """
    if incident.status is IncidentStatus.ACKNOWLEDGED:
        incidents.transition(
            tx, incident, IncidentAction.RETRIGGER, kind=TimelineKind.ESCALATED, text=text, actor=actor, now=now
        )
    else:
        incidents.snooze(tx, incident.id, None, now=now)
    paging.tell_channels(tx, incident, "escalated", text, now=now)
    escalation = running.lock_escalation(tx, incident.id)
    if escalation is None:
        paging.page_fallback(tx, incident.id, now, "it was escalated and had no plan")
        return
    paging.advance(tx, paging.order_again(tx, incident, escalation), escalation, now=now)


def snooze(tx: Tx, incident_id: int, *, actor: Actor, now: datetime, until: datetime, note: str | None = None) -> None:
    """Quiet until then. Raises Invalid for a time that has passed or is more than 30 days away."""
    if not now < until <= now + MAX_SNOOZE:
        raise Invalid(
            "Snooze until a time within the next 30 days.", [FieldError("until", "must lie ahead, by 30 days at most")]
        )
    _open(tx, incident_id, "snoozing")
    text = said(actor, f"snoozed until {until:%Y-%m-%d %H:%M} UTC", note)
    incidents.add_timeline(tx, [NewTimelineEntry(incident_id, TimelineKind.SNOOZED, text, actor)], now=now)
    incidents.snooze(tx, incident_id, until, now=now)
    paging.stop(tx, incident_id, EscalationStatus.SNOOZED, now=now, due_at=until)
    tx.publish("incident", id=incident_id)


def add_note(tx: Tx, incident_id: int, *, actor: Actor, now: datetime, note: str) -> None:
    """One line of text in the timeline."""
    said = note.strip()
    if not said or len(said) > NOTE_LENGTH:
        raise Invalid("Write a note.", [FieldError("note", f"1 to {NOTE_LENGTH} characters")])
    incidents.lock(tx, incident_id)
    incidents.add_timeline(tx, [NewTimelineEntry(incident_id, TimelineKind.NOTE, said, actor)], now=now)
    tx.publish("incident", id=incident_id)


def find_not_useful(tx: Tx, incident_id: int, *, actor: Actor, now: datetime) -> None:
    """Whoever was paged says that it was not worth it, whatever became of the incident; nothing else changes."""
    incidents.lock(tx, incident_id)
    line = NewTimelineEntry(incident_id, TimelineKind.FEEDBACK, f"{actor.name} did not find the page useful", actor)
    incidents.add_timeline(tx, [line], now=now)
    tx.publish("incident", id=incident_id)


def assign(tx: Tx, incident_id: int, *, actor: Actor, now: datetime, user_id: int, note: str | None = None) -> None:
    """Give it to somebody. Raises Invalid for anybody but an active responder."""
    _open(tx, incident_id, "assigning")
    chosen = {user.id: user for user in people.active_responders(tx)}.get(user_id)
    if chosen is None:
        raise Invalid("Choose an active responder.", [FieldError("user_id", "is not an active responder")])
    text = said(actor, f"assigned it to {chosen.name}", note)
    incidents.assign(tx, incident_id, user_id, now=now)
    incidents.add_timeline(tx, [NewTimelineEntry(incident_id, TimelineKind.ASSIGNED, text, actor)], now=now)
    tx.publish("incident", id=incident_id)


def open_incident(
    tx: Tx,
    *,
    title: str,
    severity: Severity,
    description: str,
    group_key: str,
    policy_id: int | None,
    schedule_id: int | None,
    actor: Actor,
    now: datetime,
) -> int:
    """Open one by hand and page it; gives its number."""
    plan, version_id = paging.plan_for(tx, policy_id=policy_id, schedule_id=schedule_id, team_id=None)
    [incident] = incidents.open_many(tx, [NewIncident(title, description, severity, None, group_key)], now=now)
    line = NewTimelineEntry(incident.id, TimelineKind.TRIGGERED, f"{actor.name} opened this incident", actor)
    incidents.add_timeline(tx, [line], now=now)
    facts = {"source": f"opened by {actor.name}", "severity": severity.value, "description": description[:500]}
    order = paging.Order(incident, plan, paging.urgency_of(severity, {}), facts, version_id)
    paging.start(tx, [order], now=now)
    return incident.id


def _order_anew(tx: Tx, incident: Incident) -> paging.Order:
    # A reopened incident climbs what its source says now; one opened by hand climbs what it climbed before.
    escalation = running.lock_escalation(tx, incident.id)
    plan, version_id = paging.plan_for(tx, policy_id=None, schedule_id=None, team_id=None)
    order = (
        paging.Order(incident, plan, Urgency.HIGH)
        if escalation is None
        else paging.order_again(tx, incident, escalation)
    )
    source = None if incident.source_id is None else alerts.find_source(tx, incident.source_id)
    if source is None or _is_of_alarms(tx, source):
        return order
    plan, version_id = paging.plan_for(
        tx, policy_id=source.escalation_policy_id, schedule_id=source.schedule_id, team_id=source.team_id
    )
    return replace(order, plan=plan, policy_version_id=version_id)


def _is_of_alarms(tx: Tx, source: AlertSource) -> bool:
    """Whether this is the source of all alarms: each of them has a policy of its own, which its incident keeps."""
    own = alerts.find_internal_source(tx, ALARMS_SOURCE) if source.is_internal else None
    return own is not None and own.id == source.id


def _open(tx: Tx, incident_id: int, action: str) -> Incident:
    incident = incidents.lock(tx, incident_id)
    if not incident.status.is_open:
        raise IncidentNotOpen(incident.status, action)
    return incident


def said(actor: Actor, what: str, note: str | None) -> str:
    """An answer as the timeline tells it: who, what, by which way, and what they added."""
    text = f"{actor.name} {what}{WAYS.get(actor.source, '')}"
    return f"{text}: {note.strip()}" if note and note.strip() else text
