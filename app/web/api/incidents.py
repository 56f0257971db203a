"""`/api/v1/incidents`: the problems people own, and what they answer. Who acts may be named: `acting_as_user_id`."""

from typing import Annotated, Any

from fastapi import Query

from app.accounts import queries as people
from app.alerts import queries as alerts
from app.checks import queries as checks
from app.escalation import queries as escalations
from app.incidents import queries
from app.incidents.types import OPEN_STATUSES, Actor, Incident, IncidentFilter, IncidentStatus
from app.intelligence import queries as intelligence
from app.notify import queries as outbox
from app.oncall import queries as schedules
from app.pipeline import queries as pipeline
from app.platform.db import Tx
from app.platform.errors import FieldError, Invalid
from app.usecases import analyze as analysis, answer, people as accounts
from app.web.api.analysis_schemas import AnalysisOut
from app.web.api.check_schemas import CheckRunOut
from app.web.api.incident_schemas import (
    AlertOut,
    Answer,
    Assignment,
    EscalationOut,
    FeedbackOut,
    IncidentDetail,
    IncidentMessageOut,
    IncidentNew,
    IncidentOut,
    IncidentQuery,
    IncidentRunOut,
    Note,
    ResponderOut,
    Snooze,
    TimelineOut,
)
from app.web.api.pages import PageOut, page_out
from app.web.deps import ActorDep, Id, IdentityDep, NowDep, PageDep, RuntimeDep


def list_incidents(rt: RuntimeDep, page: PageDep, query: Annotated[IncidentQuery, Query()]) -> PageOut[IncidentOut]:
    """One page of incidents, unacknowledged critical ones first."""
    return page_out(rt.db.read(lambda tx: queries.list_incidents(tx, _filter(query), page)), IncidentOut.of)


def show(incident_id: Id, rt: RuntimeDep) -> IncidentDetail:
    """One incident with its alerts, story, messages, responders, escalation and runs."""
    return rt.db.read(lambda tx: _detail(tx, queries.get_incident(tx, incident_id)))


def create(body: IncidentNew, rt: RuntimeDep, identity: IdentityDep, now: NowDep) -> IncidentDetail:
    """Open an incident by hand."""
    rt.db.read(lambda tx: _require_targets(tx, body))
    incident = answer.open_incident(
        rt,
        title=body.title,
        severity=body.severity,
        description=body.description,
        policy_id=body.escalation_policy_id,
        schedule_id=body.schedule_id,
        actor=_actor(rt, identity, body.acting_as_user_id),
        now=now,
    )
    return show(incident.id, rt)


def acknowledge(
    incident_id: Id, rt: RuntimeDep, identity: IdentityDep, now: NowDep, body: Answer | None = None
) -> IncidentDetail:
    """Somebody has it: nothing more is sent."""
    answer.acknowledge(rt, incident_id=incident_id, **_said(rt, identity, body), now=now)
    return show(incident_id, rt)


def resolve(
    incident_id: Id, rt: RuntimeDep, identity: IdentityDep, now: NowDep, body: Answer | None = None
) -> IncidentDetail:
    """It is fixed."""
    answer.resolve(rt, incident_id=incident_id, **_said(rt, identity, body), now=now)
    return show(incident_id, rt)


def reopen(
    incident_id: Id, rt: RuntimeDep, identity: IdentityDep, now: NowDep, body: Answer | None = None
) -> IncidentDetail:
    """It is not fixed after all: paging begins at level 1."""
    answer.reopen(rt, incident_id=incident_id, **_said(rt, identity, body), now=now)
    return show(incident_id, rt)


def close(
    incident_id: Id, rt: RuntimeDep, identity: IdentityDep, now: NowDep, body: Answer | None = None
) -> IncidentDetail:
    """Resolved and done with."""
    answer.close(rt, incident_id=incident_id, **_said(rt, identity, body), now=now)
    return show(incident_id, rt)


def escalate(
    incident_id: Id, rt: RuntimeDep, identity: IdentityDep, now: NowDep, body: Answer | None = None
) -> IncidentDetail:
    """Page the next level at once."""
    answer.escalate_now(rt, incident_id=incident_id, **_said(rt, identity, body), now=now)
    return show(incident_id, rt)


def snooze(incident_id: Id, body: Snooze, rt: RuntimeDep, identity: IdentityDep, now: NowDep) -> IncidentDetail:
    """Keep it quiet until then."""
    answer.snooze(rt, incident_id=incident_id, until=body.until, **_said(rt, identity, body), now=now)
    return show(incident_id, rt)


def add_note(incident_id: Id, body: Note, rt: RuntimeDep, identity: IdentityDep, now: NowDep) -> IncidentDetail:
    """Write into the timeline."""
    answer.add_note(rt, incident_id=incident_id, **_said(rt, identity, body), now=now)
    return show(incident_id, rt)


def assign(incident_id: Id, body: Assignment, rt: RuntimeDep, identity: IdentityDep, now: NowDep) -> IncidentDetail:
    """Say whose it is."""
    answer.assign(rt, incident_id=incident_id, user_id=body.user_id, **_said(rt, identity, body), now=now)
    return show(incident_id, rt)


async def analyze(incident_id: Id, rt: RuntimeDep, actor: ActorDep, now: NowDep) -> AnalysisOut:
    """Analyse it now, once more if it has been, and wait for the answer; one that is under way is given as it is."""
    run = await analysis.analyze_by_hand(rt, incident_id=incident_id, actor=actor, now=now)
    return AnalysisOut.of(run)


def _filter(query: IncidentQuery) -> IncidentFilter:
    statuses: frozenset[IncidentStatus] = frozenset()
    if query.status is not None:
        statuses = OPEN_STATUSES if query.status == "open" else frozenset({IncidentStatus(query.status)})
    return IncidentFilter(
        statuses=statuses,
        severity=query.severity,
        source_id=query.source_id,
        assigned_to=query.assigned_to,
        q=query.q,
        created_from=query.from_,
        created_to=query.to,
    )


def _require_targets(tx: Tx, body: IncidentNew) -> None:
    if body.escalation_policy_id is not None and body.schedule_id is not None:
        raise _wrong("schedule_id", "give either an escalation policy or a schedule")
    if body.escalation_policy_id is not None and escalations.find_policy(tx, body.escalation_policy_id) is None:
        raise _wrong("escalation_policy_id", "names no escalation policy")
    if body.schedule_id is not None and not schedules.schedules_by_id(tx, [body.schedule_id]):
        raise _wrong("schedule_id", "names no schedule")


def _wrong(path: str, message: str) -> Invalid:
    return Invalid("The incident is not valid.", [FieldError(path, message)])


def _actor(rt: RuntimeDep, identity: IdentityDep, acting_as_user_id: int | None) -> Actor:
    return accounts.acting_as(rt, identity, acting_as_user_id, source="api")


def _said(rt: RuntimeDep, identity: IdentityDep, body: Answer | None) -> dict[str, Any]:
    said = body or Answer()
    return {"actor": _actor(rt, identity, said.acting_as_user_id), "note": said.note}


def _detail(tx: Tx, incident: Incident) -> IncidentDetail:
    timeline, responders = queries.timeline_of(tx, incident.id), queries.responders_of(tx, incident.id)
    messages, feedback = outbox.notifications_of(tx, incident.id), outbox.feedback_of(tx, incident.id)
    escalation = escalations.escalation_of(tx, incident.id)
    named = [*(each.authenticated_as_id for each in timeline), *(each.user_id for each in messages)]
    named += [*(each.user_id for each in responders), *(each.used_by for each in feedback)]
    names = people.users_by_id(tx, [user_id for user_id in named if user_id is not None])
    analysed = intelligence.find_analysis(tx, incident.id)
    return IncidentDetail(
        **IncidentOut.of(incident).model_dump(),
        alerts=[AlertOut.of(each) for each in alerts.alerts_of_incident(tx, incident.id)],
        timeline=[TimelineOut.of(each, names) for each in timeline],
        notifications=[IncidentMessageOut.of(each, names) for each in messages],
        responders=[ResponderOut.of(each, names) for each in responders],
        feedback=[FeedbackOut.of(each, names) for each in feedback],
        checks=[CheckRunOut.model_validate(each) for each in checks.runs_of_incident(tx, incident.id)],
        analysis=AnalysisOut.of(analysed) if analysed else None,
        escalation=EscalationOut.of(escalation) if escalation else None,
        runs=[IncidentRunOut.of(each) for each in pipeline.runs_of(tx, incident.id)],
    )
