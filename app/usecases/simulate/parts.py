"""How the escalations of a decided delivery begin, or go on."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from app.alerts.problems import Problem
from app.alerts.triage import Outcome, outcome_of, page_facts
from app.escalation import queries as escalations
from app.escalation.types import Escalation, EscalationStatus, Plan
from app.incidents.types import Incident, IncidentStatus
from app.notify import queries as outbox
from app.notify.types import REACHING, WAITING, NewNotification, Notification, NotificationKind, NotificationStatus
from app.platform.db import Tx
from app.usecases import paging
from app.usecases.paging import ladder
from app.usecases.paging.ladder import Order
from app.usecases.paging.plans import order_with, urgency_of
from app.usecases.simulate.rehearsal import Part, Rehearsal

STARTS = frozenset({Outcome.OPENED, Outcome.REOPENED, Outcome.REOPENED_AND_HELD, Outcome.RISEN})
GOES_ON = frozenset({Outcome.UNCHANGED, Outcome.RECOVERED})


def parts_of(
    tx: Tx, rehearsal: Rehearsal, problems: Sequence[Problem | None], plan: Plan, *, at: datetime
) -> list[Part]:
    """The escalations of these problems, by their place; what waits in the stored outbox waits in the rehearsal."""
    stored = [each.incident.id for each in problems if each is not None and each.stored is not None]
    known = escalations.escalations_of(tx, stored)
    parts = []
    for place, problem in enumerate(problems):
        if problem is None:
            continue
        outcome = outcome_of(problem)
        escalation = known.get(problem.incident.id) if problem.stored else None
        if outcome in STARTS:
            parts.append(_opening(tx, place, problem, escalation, plan, at))
        elif problem.is_open and escalation is not None and is_released(tx, problem):
            parts.append(_released(tx, place, problem, escalation))
        elif outcome in GOES_ON and problem.is_open and escalation is not None:
            parts.append(_going_on(tx, rehearsal, place, problem, escalation))
    return parts


def _opening(tx: Tx, place: int, problem: Problem, escalation: Escalation | None, plan: Plan, at: datetime) -> Part:
    incident = replace(problem.stored or _to_be_opened(problem, at), severity=problem.severity)
    order = Order(incident, plan, urgency_of(problem.severity, problem.source.config), page_facts(problem))
    config = problem.source.config
    if escalation is None:
        return Part(place, order, config=config, opening=ladder.begin(order))
    facts = outbox.facts_of_last_pages(tx, [incident.id])[incident.id]
    if outcome_of(problem) is Outcome.REOPENED_AND_HELD:
        held = replace(escalation, plan=plan, status=EscalationStatus.HELD, due_at=problem.page_at, backups=())
        return Part(place, order, facts, config, escalation=held)
    return Part(place, order, facts, config, opening=ladder.begin_again(order, escalation))


def is_released(tx: Tx, problem: Problem) -> bool:
    """Whether the delivery makes urgent what waits for a digest."""
    if outcome_of(problem) is not Outcome.UNCHANGED or problem.stored is None or not problem.is_open:
        return False
    is_louder = paging.is_louder(problem.stored.severity, problem.severity, problem.source.config)
    return is_louder and outbox.is_held(tx, problem.stored.id)


def _released(tx: Tx, place: int, problem: Problem, escalation: Escalation) -> Part:
    incident, config = replace(problem.incident, severity=problem.severity), problem.source.config
    facts = outbox.facts_of_last_pages(tx, [incident.id])[incident.id]
    order = order_with(incident, escalation, facts, config)
    return Part(place, order, facts, config, opening=ladder.repeat_level(order, escalation))


def _going_on(tx: Tx, rehearsal: Rehearsal, place: int, problem: Problem, escalation: Escalation) -> Part:
    incident, config = replace(problem.incident, severity=problem.severity), problem.source.config
    order = order_with(incident, escalation, {}, config)
    part = Part(place, order, config=config, escalation=escalation, is_under_way=True)
    rows = [row for row in outbox.notifications_of(tx, incident.id) if row.kind is NotificationKind.PAGE]
    for row in rows:
        level = (row.episode or 0, row.level or 0)
        part.tried.setdefault(level, set()).add(row.user_id or 0)
        part.hopes[level] += row.status in REACHING and row.status not in WAITING
    rehearsal.put(part, _waiting(rows))
    part.facts = rows[-1].facts if rows else {}
    return part


def _waiting(rows: Iterable[Notification]) -> list[NewNotification]:
    return [
        NewNotification(
            kind=row.kind,
            channel=row.channel,
            due_at=row.due_at,
            facts=row.facts,
            urgency=row.urgency,
            incident_id=row.incident_id,
            episode=row.episode,
            level=row.level,
            round=row.round,
            user_id=row.user_id,
            contact_method_id=row.contact_method_id,
            rule_delay_minutes=row.rule_delay_minutes,
            waits_for_bundle=row.waits_for_bundle,
            held_until=row.held_until if row.status is NotificationStatus.HELD else None,
        )
        for row in rows
        if row.status in WAITING
    ]


def _to_be_opened(problem: Problem, at: datetime) -> Incident:
    """The incident as it would be stored; its number is not known, which 0 stands for."""
    new = problem.new
    return Incident(
        id=0,
        title=new.title if new else "",
        description=new.description if new else "",
        summary="",
        metadata={},
        status=IncidentStatus.TRIGGERED,
        severity=problem.severity,
        source_id=problem.source.id,
        group_key=problem.group_key,
        assigned_to=None,
        episode_started_at=at,
        snoozed_until=None,
        last_paged_at=None,
        resolved_by_alerts=False,
        timeline_seq=0,
        created_at=at,
        updated_at=at,
        acknowledged_at=None,
        resolved_at=None,
        closed_at=None,
        alert_count=problem.attached,
        firing_alert_count=problem.firing,
    )
