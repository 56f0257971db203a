"""Answers: what people do to incidents, from the screen, the API, a link or a message. Each is one transaction.

Who acts (`actor`) and who was signed in are both kept; repeating an answer changes nothing (B4, B13).
"""

from collections.abc import Callable
from datetime import datetime

from app.incidents import queries as incidents
from app.incidents.types import Actor, Incident, Severity
from app.platform.db import Tx
from app.platform.failpoints import fp
from app.platform.runtime import Runtime
from app.usecases.answer import steps

__all__ = [
    "acknowledge", "add_note", "assign", "close", "escalate_now", "open_incident", "reopen", "resolve", "snooze",
]  # fmt: skip


def acknowledge(rt: Runtime, *, incident_id: int, actor: Actor, now: datetime, note: str | None = None) -> Incident:
    """Somebody has it: it is theirs, and nothing more is sent. Raises IllegalTransition once it is resolved."""
    return _one_step(rt, incident_id, lambda tx: steps.acknowledge(tx, incident_id, actor=actor, now=now, note=note))


def resolve(rt: Runtime, *, incident_id: int, actor: Actor, now: datetime, note: str | None = None) -> Incident:
    """It is fixed."""
    return _one_step(rt, incident_id, lambda tx: steps.resolve(tx, incident_id, actor=actor, now=now, note=note))


def reopen(rt: Runtime, *, incident_id: int, actor: Actor, now: datetime, note: str | None = None) -> Incident:
    """It is not fixed after all: paging begins at level 1. Raises IllegalTransition, Conflict if its group is open."""
    return _one_step(rt, incident_id, lambda tx: steps.reopen(tx, incident_id, actor=actor, now=now, note=note))


def close(rt: Runtime, *, incident_id: int, actor: Actor, now: datetime, note: str | None = None) -> Incident:
    """Resolved and done with. Raises IllegalTransition while it is open."""
    return _one_step(rt, incident_id, lambda tx: steps.close(tx, incident_id, actor=actor, now=now, note=note))


def escalate_now(rt: Runtime, *, incident_id: int, actor: Actor, now: datetime, note: str | None = None) -> Incident:
    """Page the next level at once. Raises IncidentNotOpen."""
    return _one_step(rt, incident_id, lambda tx: steps.escalate(tx, incident_id, actor=actor, now=now, note=note))


def snooze(
    rt: Runtime, *, incident_id: int, actor: Actor, now: datetime, until: datetime, note: str | None = None
) -> Incident:
    """Keep it quiet until then; the current level is paged again at the end. Raises IncidentNotOpen, Invalid."""
    return _one_step(
        rt, incident_id, lambda tx: steps.snooze(tx, incident_id, actor=actor, now=now, until=until, note=note)
    )


def add_note(rt: Runtime, *, incident_id: int, actor: Actor, now: datetime, note: str) -> Incident:
    """Write into the timeline, in any status. Raises Invalid for an empty note."""
    return _one_step(rt, incident_id, lambda tx: steps.add_note(tx, incident_id, actor=actor, now=now, note=note))


def assign(
    rt: Runtime, *, incident_id: int, actor: Actor, now: datetime, user_id: int, note: str | None = None
) -> Incident:
    """Say whose it is. Raises IncidentNotOpen, Invalid for somebody who is not an active responder."""
    return _one_step(
        rt, incident_id, lambda tx: steps.assign(tx, incident_id, actor=actor, now=now, user_id=user_id, note=note)
    )


def open_incident(
    rt: Runtime,
    *,
    title: str,
    severity: Severity,
    description: str = "",
    policy_id: int | None = None,
    schedule_id: int | None = None,
    actor: Actor,
    now: datetime,
) -> Incident:
    """Open an incident by hand; it pages like an alert."""
    group_key = f"manual:{rt.ids.uuid()}"

    def step(tx: Tx) -> Incident:
        incident_id = steps.open_incident(
            tx,
            title=title,
            severity=severity,
            description=description,
            group_key=group_key,
            policy_id=policy_id,
            schedule_id=schedule_id,
            actor=actor,
            now=now,
        )
        fp("answer.before_commit")
        return incidents.get_incident(tx, incident_id)

    return rt.db.write(step)


def _one_step(rt: Runtime, incident_id: int, step: Callable[[Tx], None]) -> Incident:
    def whole(tx: Tx) -> Incident:
        step(tx)
        fp("answer.before_commit")
        return incidents.get_incident(tx, incident_id)

    answered = rt.db.write(whole)
    fp("answer.after_commit")
    return answered
