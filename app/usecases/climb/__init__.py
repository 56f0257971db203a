"""Climbing: what escalations do when their time has come. One incident per transaction, one level per tick."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from app.escalation import running
from app.escalation.types import Escalation, EscalationStatus
from app.incidents import service as incidents
from app.incidents.types import (
    SYSTEM,
    Incident,
    IncidentAction,
    IncidentStatus,
    NewTimelineEntry,
    TimelineKind,
)
from app.platform.db import Tx
from app.platform.failpoints import fp
from app.platform.lease import Held, is_held
from app.platform.runtime import Runtime
from app.usecases import paging

BATCH = 100
# A step this late was missed, not merely slow: the timeline says by how much (B49).
LATE = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class ClimbOutcome:
    """What one pass did; `next_due_at` is when the next escalation is due, None if none waits."""

    stepped: int
    next_due_at: datetime | None
    late_seconds: float


async def climb_due(rt: Runtime, now: datetime, lease: Held | None) -> ClimbOutcome:
    """Step every escalation that is due, the longest overdue first, each at most one level.

    `lease` is checked in each step's transaction, so that a process that lost it does nothing (B47); None where one
    process is all there is.
    """
    waiting = await rt.db.run_read(lambda tx: running.due(tx, now=now, limit=BATCH))
    stepped = 0
    late = 0.0
    for escalation in waiting:
        if await rt.db.run(partial(step, incident_id=escalation.incident_id, now=now, lease=lease)):
            stepped += 1
            late = max(late, (now - (escalation.due_at or now)).total_seconds())
        fp("escalate.after_commit")
    next_due_at = await rt.db.run_read(running.next_due_at)
    return ClimbOutcome(stepped, next_due_at, late)


def step(tx: Tx, incident_id: int, *, now: datetime, lease: Held | None) -> bool:
    """One incident's step, if it is still due: next level, lapsed acknowledgement, end of a snooze. Whether one was."""
    if lease is not None and not is_held(tx, lease):
        return False
    incident = incidents.lock(tx, incident_id)
    escalation = running.lock_escalation(tx, incident_id)
    if escalation is None or escalation.due_at is None or escalation.due_at > now:
        return False
    if not incident.status.is_open:
        running.change(tx, escalation, status=EscalationStatus.STOPPED, due_at=None)
        return False
    if paging.waits_for_digest(tx, escalation, now=now):
        return True
    _say_if_late(tx, escalation, now)
    order = paging.order_again(tx, incident, escalation)
    _end_the_quiet(tx, incident, escalation, now=now)
    paging.move(tx, order, escalation, now=now)
    fp("escalate.before_commit")
    return True


def _end_the_quiet(tx: Tx, incident: Incident, escalation: Escalation, *, now: datetime) -> None:
    """A snooze that has ended and an acknowledgement that has lapsed hold no page back any more."""
    if escalation.status not in (EscalationStatus.SNOOZED, EscalationStatus.ACKNOWLEDGED):
        return
    if escalation.status is EscalationStatus.SNOOZED:
        incidents.snooze(tx, incident.id, None, now=now)
        line = NewTimelineEntry(incident.id, TimelineKind.SNOOZED, "The snooze has ended")
        incidents.add_timeline(tx, [line], now=now)
    if incident.status is IncidentStatus.ACKNOWLEDGED:
        text = "The acknowledgement has lapsed: triggered again"
        incidents.transition(
            tx, incident, IncidentAction.RETRIGGER, kind=TimelineKind.LAPSED, text=text, actor=SYSTEM, now=now
        )
        paging.tell_channels(tx, incident, "triggered", text, now=now)


def _say_if_late(tx: Tx, escalation: Escalation, now: datetime) -> None:
    if escalation.due_at is not None and now - escalation.due_at > LATE:
        minutes = int((now - escalation.due_at).total_seconds() // 60)
        text = f"Late by {minutes} min: this was due at {escalation.due_at:%H:%M:%S} UTC"
        line = NewTimelineEntry(escalation.incident_id, TimelineKind.BLACKOUT, text)
        incidents.add_timeline(tx, [line], now=now)
