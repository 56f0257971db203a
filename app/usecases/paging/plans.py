"""What is climbed: the plan for a source, and the order of an incident whose escalation is under way."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from app.accounts import queries as people
from app.accounts.types import Urgency
from app.alerts import queries as alerts
from app.alerts.facts import CLIPPED, LABELS_OF_PAGES, facts_of
from app.alerts.types import AlertSource
from app.escalation import queries as policies
from app.escalation.rules import Step, StepReason
from app.escalation.types import Assignee, AssigneeType, Escalation, Level, Plan
from app.incidents.types import Incident, Severity
from app.notify import queries as outbox
from app.oncall import queries as oncall
from app.platform.db import Tx
from app.platform.types import JsonObject
from app.usecases.paging.finder import Asked, Finder
from app.usecases.paging.ladder import DEFAULT_DELAY_MINUTES
from app.usecases.paging.pages import Order


def plan_for(tx: Tx, *, policy_id: int | None, schedule_id: int | None, team_id: int | None) -> tuple[Plan, int | None]:
    """The plan for a policy, else a schedule, else a team, else the fallback (B21); with the policy's version id.

    One that was deleted just now is passed over: a delivery of that moment must page somebody, not be refused.
    """
    policy = None if policy_id is None else policies.find_policy(tx, policy_id)
    if policy is not None:
        plan = Plan(policy.name, policy.levels, policy.repeat, policy.ack_timeout_minutes, policy.id, policy.version)
        return plan, policy.version_id
    schedule = None if schedule_id is None else oncall.schedules_by_id(tx, [schedule_id]).get(schedule_id)
    if schedule is not None:
        levels = [Level(1, schedule.escalation_delay_minutes, (Assignee(AssigneeType.SCHEDULE, schedule.id),))]
        if schedule.escalation_to_user_id is not None:
            backup = Assignee(AssigneeType.USER, schedule.escalation_to_user_id)
            levels.append(Level(2, schedule.escalation_delay_minutes, (backup,)))
        return Plan(f"schedule {schedule.name}", tuple(levels)), None
    team = None if team_id is None else people.find_team(tx, team_id)
    if team is not None:
        level = Level(1, DEFAULT_DELAY_MINUTES, (Assignee(AssigneeType.TEAM, team.id),))
        return Plan(f"team {team.name}", (level,)), None
    return Plan("fallback", ()), None


def order_again(tx: Tx, incident: Incident, escalation: Escalation) -> Order:
    """The order of an escalation that is under way: its frozen plan, and the facts its last page carried.

    Where nobody could be paged yet, they are what is known of the incident now: its first page explains itself, too.
    """
    return orders_again(tx, {incident.id: incident}, [escalation])[incident.id]


def orders_again(tx: Tx, incidents: Mapping[int, Incident], escalations: Iterable[Escalation]) -> dict[int, Order]:
    """The orders of many escalations that are under way, by incident."""
    found = {escalation.incident_id: escalation for escalation in escalations}
    facts = outbox.facts_of_last_pages(tx, found)
    sources = alerts.sources_by_id(tx, {each.source_id for each in incidents.values() if each.source_id is not None})
    facts |= {each: _first_facts(tx, incidents[each], sources) for each, said in facts.items() if not said}
    configs = {incident.id: _config_of(sources.get(incident.source_id or 0)) for incident in incidents.values()}
    return {
        each: order_with(incidents[each], escalation, facts[each], configs[each]) for each, escalation in found.items()
    }


def _first_facts(tx: Tx, incident: Incident, sources: Mapping[int, AlertSource]) -> JsonObject:
    facts: JsonObject = {"severity": incident.severity.value, "description": incident.description[:CLIPPED]}
    if (source := sources.get(incident.source_id or 0)) is not None:
        facts["source"] = source.name
    for alert in alerts.alerts_of_incident(tx, incident.id, limit=1):
        facts |= facts_of(alert, labels=LABELS_OF_PAGES)
    return facts


def order_with(incident: Incident, escalation: Escalation, facts: JsonObject, config: JsonObject) -> Order:
    """`order_again` where the facts of the last page (empty: none was paged) and its source's config are at hand.

    It is as loud as the last page was, or louder where the incident has risen since.
    """
    paged = Urgency(facts.get("urgency", Urgency.HIGH.value))
    urgency = Urgency.HIGH if Urgency.HIGH in (paged, urgency_of(incident.severity, config)) else Urgency.LOW
    return Order(incident, escalation.plan, urgency, facts)


def _config_of(source: AlertSource | None) -> JsonObject:
    return source.config if source is not None else {}


def urgency_of(severity: Severity, config: JsonObject) -> Urgency:
    """How loud a page of that severity is; a source may turn its warnings down (B6)."""
    if severity is Severity.WARNING:
        return Urgency.LOW if config.get("warning_urgency") == Urgency.LOW.value else Urgency.HIGH
    return Urgency.HIGH if severity is Severity.CRITICAL else Urgency.LOW


def is_louder(before: Severity, after: Severity, config: JsonObject) -> bool:
    """Whether a rise in severity makes pages urgent that were not (B6)."""
    return (urgency_of(before, config), urgency_of(after, config)) == (Urgency.LOW, Urgency.HIGH)


def levels_reaching_nobody(tx: Tx, plans: Mapping[str, Sequence[Level]], *, now: datetime) -> list[tuple[str, int]]:
    """The levels of these named plans that a page would skip now, as (name, level)."""
    steps = [(name, Step(StepReason.NEXT_LEVEL, level, 0)) for name, levels in plans.items() for level in levels]
    find = Finder(tx, now)
    find.load([Asked(step, Urgency.HIGH) for _, step in steps])
    return [
        (name, step.level.level)
        for name, step in steps
        if step.level is not None
        and not any(find.reach(user_id, Urgency.HIGH) for user_id in find.routes(step, with_backups=True))
    ]
