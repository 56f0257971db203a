"""Alarms that also page (B44): their events enter intake as alerts of the internal source `alarms`.

As monitoring tools do, what still fires is said again at every tick; intake sees to it that this pages nobody twice.
What an archived alarm had opened ends with it, and says so: nobody measured that it is over.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from app.alarms import service as alarms
from app.alarms.types import Alarm, AlarmEvent, Detection
from app.alerts import queries as alerts, service as alert_service, sources
from app.escalation.types import EscalationStatus
from app.incidents import service as incidents
from app.incidents.types import Actor, Incident, IncidentAction, NewTimelineEntry, TimelineKind
from app.platform.db import Tx
from app.platform.runtime import Runtime
from app.platform.types import JsonObject
from app.usecases import intake, paging

PIPELINE = "full"


def post(
    tx: Tx,
    rt: Runtime,
    alarm: Alarm,
    *,
    firing: Sequence[tuple[AlarmEvent, Detection]],
    cleared: Sequence[AlarmEvent],
    now: datetime,
) -> None:
    """Say what fires and what has cleared, in the same transaction as the events themselves.

    An event that somebody has acknowledged is not said again; one that has an incident is said to be over even when
    the alarm pages no more.
    """
    said = [(event, each) for event, each in firing if event.acked_at is None] if alarm.pages else []
    over = [event for event in cleared if alarm.pages or event.incident_id is not None]
    if not said and not over:
        return
    source = sources.internal_source(tx, name=sources.ALARMS_SOURCE, pipeline=PIPELINE, now=now)
    if not source.is_active:
        return
    own = replace(source, escalation_policy_id=alarm.escalation_policy_id, schedule_id=None)
    entries = [_firing(rt, alarm, event, each) for event, each in said] + [_over(alarm, event, now) for event in over]
    submission = intake.own_submission(rt, own, entries, by="alarms", trace_id=rt.ids.hex32(), now=now)
    intake.apply(tx, [submission])
    parsed = submission.parsed.alerts if submission.parsed else []
    by_fingerprint = alerts.incidents_by_fingerprint(tx, source.id, [each.fingerprint for each in parsed])
    for (event, _), each in zip(said, parsed, strict=False):
        incident_id = by_fingerprint.get(each.fingerprint)
        if incident_id is not None and incident_id != event.incident_id:
            alarms.note_incident(tx, event.id, incident_id)


def end(tx: Tx, rt: Runtime, alarm: Alarm, events: Sequence[AlarmEvent], *, actor: Actor, now: datetime) -> None:
    """Nobody asks any more about these events of an archived alarm: end what they have opened, and say why.

    Their alerts end by the same way as those of events that clear.
    """
    opened = [event for event in events if event.incident_id is not None]
    if not opened:
        return
    source = sources.internal_source(tx, name=sources.ALARMS_SOURCE, pipeline=PIPELINE, now=now)
    over = [_over(alarm, event, now) for event in opened]
    submission = intake.own_submission(rt, source, over, by="alarms", trace_id=rt.ids.hex32(), now=now)
    # In the order of intake itself: it locks before the incidents do.
    alert_service.lock_intake(tx)
    ending = {each.fingerprint for each in submission.parsed.alerts} if submission.parsed else set()
    firing = alerts.firing_of_source(tx, source.id)
    # Those that nothing else holds open; where the operator leaves resolving to people, it is left to them.
    ours = {each.incident_id for each in firing if each.fingerprint in ending} if source.auto_resolve else set()
    ours -= {each.incident_id for each in firing if each.fingerprint not in ending}
    said = f"the alarm «{alarm.title}» was archived and is not asked any more; nobody measured that it is over"
    for incident in incidents.lock_many(tx, {event.incident_id for event in opened if event.incident_id}).values():
        if incident.status.is_open and incident.id in ours:
            _resolve(tx, incident, said, actor=actor, now=now)
        elif incident.status.is_open:
            line = NewTimelineEntry(incident.id, TimelineKind.ALERTS, f"An alert ends: {said}", actor)
            incidents.add_timeline(tx, [line], now=now)
    intake.apply(tx, [submission])


def _resolve(tx: Tx, incident: Incident, said: str, *, actor: Actor, now: datetime) -> None:
    # As if its alerts had recovered: what fires again when the alarm is asked again soon must page, not be noted only.
    incidents.transition(
        tx, incident, IncidentAction.RESOLVE,
        kind=TimelineKind.RESOLVED, text=f"Resolved: {said}", actor=actor, now=now, by_alerts=True,
    )  # fmt: skip
    paging.stop(tx, incident.id, EscalationStatus.STOPPED, now=now)
    paging.tell_channels(tx, incident, "resolved", said, now=now)


def _firing(rt: Runtime, alarm: Alarm, event: AlarmEvent, detection: Detection) -> JsonObject:
    return {
        "name": detection.subject,
        "status": "firing",
        "severity": detection.severity,
        "started_at": event.fire_time.isoformat(),
        "fingerprint": _identity(alarm, event),
        "description": detection.body_context or alarm.content,
        "labels": {"alarm": alarm.entry_id, "entity": event.dedupe_key},
        "annotations": {
            "summary": detection.subject,
            "dashboard_url": f"{rt.settings.pagerpal_base_url}/alarms/events/{event.id}",
        },
    }


def _over(alarm: Alarm, event: AlarmEvent, now: datetime) -> JsonObject:
    return {
        "name": event.subject,
        "status": "resolved",
        "ended_at": now.isoformat(),
        "fingerprint": _identity(alarm, event),
        "labels": {"alarm": alarm.entry_id, "entity": event.dedupe_key},
    }


def _identity(alarm: Alarm, event: AlarmEvent) -> str:
    return f"{alarm.entry_id}/{event.dedupe_key}"
