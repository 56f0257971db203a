"""Paging: the inner steps that put pages into the outbox, always inside the caller's transaction.

Every way to page goes through `_climb`: it walks a frozen plan until somebody can be reached, says so in the
timeline for each level that reaches nobody, and ends at the fallback. Nothing here waits, sends or commits.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from app.accounts import queries as people
from app.accounts.types import Reach, Urgency
from app.escalation import queries as policies, running
from app.escalation.rules import Step, StepReason, due_after, first_step, level_of, next_step
from app.escalation.types import (
    FALLBACK_LEVEL,
    Assignee,
    AssigneeType,
    Escalation,
    EscalationStatus,
    Level,
    NewEscalation,
    Plan,
)
from app.incidents import service as incidents
from app.incidents.types import SYSTEM, Incident, IncidentStatus, NewTimelineEntry, Severity, TimelineKind
from app.notify import queries as outbox, service as notify
from app.notify.types import NewNotification, NotificationKind
from app.oncall import queries as oncall
from app.platform.db import Tx
from app.platform.types import JsonObject
from app.usecases.paging.finder import Finder, Route

DEFAULT_DELAY_MINUTES = 15
# After a fallback that reached nobody: again after 5 minutes, then less and less often.
UNREACHED_MINUTES = 5
UNREACHED_MINUTES_MAX = 60


@dataclass(frozen=True, slots=True)
class Order:
    """One incident that is to be paged: for what, how loud, and the facts that every page of it carries."""

    incident: Incident
    plan: Plan
    urgency: Urgency
    facts: JsonObject = field(default_factory=dict)
    policy_version_id: int | None = None


@dataclass(slots=True)
class _Climb:
    order: Order
    episode: int
    step: Step
    status: EscalationStatus = EscalationStatus.CLIMBING
    due_at: datetime | None = None
    tries: int = 0
    pages: list[NewNotification] = field(default_factory=list)
    lines: list[NewTimelineEntry] = field(default_factory=list)
    first_user: int | None = None

    @property
    def level(self) -> int:
        return FALLBACK_LEVEL if self.step.level is None else self.step.level.level


def start(tx: Tx, orders: Sequence[Order], *, now: datetime) -> None:
    """Begin the escalations of new incidents: level 1 is in the outbox when this transaction commits (B25)."""
    climbs = [_Climb(order, 1, first_step(order.plan)) for order in orders]
    _climb(tx, climbs, now=now)
    running.insert_many(
        tx,
        [
            NewEscalation(
                climb.order.incident.id,
                climb.order.plan,
                climb.order.policy_version_id,
                climb.level,
                climb.status,
                climb.due_at,
            )
            for climb in climbs
        ],
        now=now,
    )
    _write(tx, climbs, now=now)


def restart(tx: Tx, order: Order, *, now: datetime) -> None:
    """Begin again at level 1 in a new episode: after a reopen or a rise to critical. Quiets what was still waiting."""
    escalation = running.lock_escalation(tx, order.incident.id)
    if escalation is None:
        start(tx, [order], now=now)
        return
    notify.cancel_for_incident(tx, order.incident.id, now=now)
    _go_on(tx, order, escalation, first_step(order.plan), episode=escalation.episode + 1, now=now)


def advance(tx: Tx, order: Order, escalation: Escalation, *, now: datetime) -> None:
    """The level's time is over: page the next one, begin again, or page the fallback (B24)."""
    step = next_step(escalation.plan, escalation.level, escalation.round)
    new_episode = step.reason is StepReason.REPEAT
    _go_on(tx, order, escalation, step, episode=escalation.episode + new_episode, now=now)


def page_again(tx: Tx, order: Order, escalation: Escalation, *, now: datetime) -> None:
    """Page the current level in a new episode, with its whole delay: a snooze has ended (B25)."""
    step = Step(StepReason.NEXT_LEVEL, level_of(escalation), escalation.round)
    _go_on(tx, order, escalation, step, episode=escalation.episode + 1, now=now)


def page_acknowledger(tx: Tx, order: Order, escalation: Escalation, user_id: int, *, now: datetime) -> None:
    """An acknowledgement has lapsed: page the one who gave it, then go on from the current level (B14)."""
    current = level_of(escalation)
    delay = current.delay_minutes if current else DEFAULT_DELAY_MINUTES
    level = Level(escalation.level, delay, (Assignee(AssigneeType.USER, user_id),))
    step = Step(StepReason.NEXT_LEVEL, level, escalation.round)
    _go_on(tx, order, escalation, step, episode=escalation.episode + 1, now=now)


def page_on(tx: Tx, incident_id: int, now: datetime, reason: str) -> bool:
    """The current level cannot be reached any more: pass it at once (B26). Whether anything was to be done."""
    incident = incidents.lock(tx, incident_id)
    escalation = running.lock_escalation(tx, incident_id)
    if escalation is None or incident.status is not IncidentStatus.TRIGGERED:
        return False
    if escalation.status is EscalationStatus.CLIMBING:
        incidents.add_timeline(
            tx, [NewTimelineEntry(incident_id, TimelineKind.SKIPPED, f"{_name(escalation)} passed: {reason}")], now=now
        )
        advance(tx, order_again(tx, incident, escalation), escalation, now=now)
        return True
    if escalation.status is EscalationStatus.FALLBACK:
        text = f"Nobody could be reached: {reason}. The admins are tried again."
        incidents.add_timeline(tx, [NewTimelineEntry(incident_id, TimelineKind.UNREACHED, text)], now=now)
        running.change(
            tx,
            escalation,
            status=EscalationStatus.UNREACHED,
            due_at=now + _unreached_pause(escalation.round),
            round=escalation.round + 1,
        )
        tx.wake("climb")
        tx.publish("incident", id=incident_id)
        return True
    return False


def page_fallback(tx: Tx, incident_id: int, now: datetime, reason: str) -> None:
    """Page all active admins now, whatever the plan says: something in paging itself is wrong (B50)."""
    incident = incidents.lock(tx, incident_id)
    text = f"The admins are paged: {reason}"
    incidents.add_timeline(tx, [NewTimelineEntry(incident_id, TimelineKind.WARNING, text)], now=now)
    escalation = running.lock_escalation(tx, incident_id)
    if escalation is None:
        start(tx, [Order(incident, Plan("fallback", ()), Urgency.HIGH)], now=now)
        return
    step = Step(StepReason.FALLBACK, None, 0)
    _go_on(tx, order_again(tx, incident, escalation), escalation, step, episode=escalation.episode + 1, now=now)


def page_unreached(tx: Tx, now: datetime) -> int:
    """Page the fallback for every open incident that reached nobody: there may be somebody now. How many."""
    waiting = running.in_status(tx, EscalationStatus.UNREACHED)
    locked = incidents.lock_many(tx, [escalation.incident_id for escalation in waiting])
    paged = 0
    for escalation in waiting:
        incident = locked[escalation.incident_id]
        if incident.status is IncidentStatus.TRIGGERED:
            retry_unreached(tx, incident, escalation, now=now)
            paged += 1
    return paged


def retry_unreached(tx: Tx, incident: Incident, escalation: Escalation, *, now: datetime) -> None:
    """Try the fallback again for one incident that reached nobody."""
    step = Step(StepReason.FALLBACK, None, escalation.round)
    order = order_again(tx, incident, escalation)
    _go_on(tx, order, escalation, step, episode=escalation.episode + 1, now=now, tries=escalation.round + 1)


def page_on_if_unreachable(tx: Tx, user_id: int, now: datetime) -> None:
    """After a deactivation: pass every level on which only this person had been paged (B5)."""
    notify.cancel_for_user(tx, user_id, now=now)
    for incident_id, episode, level in outbox.levels_paged(tx, user_id):
        escalation = running.escalation_of(tx, incident_id)
        if escalation is None or (escalation.episode, escalation.level) != (episode, level):
            continue
        others = outbox.users_paged(tx, incident_id, episode=episode, level=level) - {user_id}
        known = people.users_by_id(tx, others)
        if not any(user.is_active for user in known.values()):
            page_on(tx, incident_id, now, "the person paged was deactivated")


def hold(tx: Tx, order: Order, *, until: datetime, now: datetime) -> None:
    """Page a flapping incident not before `until`: at most one page per window, but never none (B10)."""
    escalation = running.lock_escalation(tx, order.incident.id)
    if escalation is None:
        start(tx, [order], now=now)
        return
    running.change(tx, escalation, plan=running.stored_plan(order.plan), status=EscalationStatus.HELD, due_at=until)
    text = f"Flapping: paged again at {until:%H:%M:%S} UTC if it still fires"
    incidents.add_timeline(tx, [NewTimelineEntry(order.incident.id, TimelineKind.WARNING, text)], now=now)
    tx.wake("climb")


def stop(tx: Tx, incident_id: int, status: EscalationStatus, *, now: datetime, due_at: datetime | None = None) -> None:
    """Answered means quiet (promise 4): nothing that has not begun to leave will leave.

    `status` is ACKNOWLEDGED, SNOOZED or STOPPED; `due_at` is when it lapses or ends.
    """
    escalation = running.lock_escalation(tx, incident_id)
    if escalation is not None:
        running.change(tx, escalation, status=status, due_at=due_at)
    notify.cancel_for_incident(tx, incident_id, now=now)
    tx.wake("climb")


def order_again(tx: Tx, incident: Incident, escalation: Escalation) -> Order:
    """The order of an escalation that is under way: its frozen plan, and the facts its last page carried."""
    facts = outbox.facts_of_last_page(tx, incident.id)
    urgency = Urgency(facts.get("urgency", Urgency.HIGH.value))
    return Order(incident, escalation.plan, urgency, facts)


def urgency_of(severity: Severity, config: JsonObject) -> Urgency:
    """How loud a page of that severity is; a source may turn its warnings down (B6)."""
    if severity is Severity.WARNING:
        return Urgency.LOW if config.get("warning_urgency") == Urgency.LOW.value else Urgency.HIGH
    return Urgency.HIGH if severity is Severity.CRITICAL else Urgency.LOW


def tell_channels(tx: Tx, incident: Incident, what: str, text: str, *, now: datetime) -> None:
    """Every channel that was told of the incident also hears what became of it (B30)."""
    told = outbox.channels_told(tx, incident.id)
    facts: JsonObject = {"event": what, "text": text, "severity": incident.severity.value}
    notify.insert_many(
        tx,
        [
            NewNotification(
                kind=NotificationKind.TEAM,
                channel=channel.driver,
                channel_id=channel.id,
                due_at=now,
                facts=facts,
                incident_id=incident.id,
                idempotency_key=f"{what}:{incident.id}:{channel.id}:{now.timestamp()}",
            )
            for channel in told
        ],
        now=now,
    )
    tx.wake("deliver")


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


def _go_on(
    tx: Tx, order: Order, escalation: Escalation, step: Step, *, episode: int, now: datetime, tries: int = 0
) -> None:
    climb = _Climb(order, episode, step, tries=tries)
    _climb(tx, [climb], now=now)
    running.change(
        tx,
        escalation,
        plan=running.stored_plan(order.plan),
        episode=episode,
        level=climb.level,
        round=tries if climb.status is EscalationStatus.UNREACHED else climb.step.round,
        status=climb.status,
        due_at=climb.due_at,
        level_started_at=now,
    )
    _write(tx, [climb], now=now)


def _climb(tx: Tx, climbs: Sequence[_Climb], *, now: datetime) -> None:
    # All climbs move together, so that two hundred new incidents cost the queries of one.
    moving = list(climbs)
    find = Finder(tx, now)
    while moving:
        find.load([(climb.step, climb.order.urgency) for climb in moving])
        moving = [climb for climb in moving if not _settle(climb, find, now)]


def _settle(climb: _Climb, find: Finder, now: datetime) -> bool:
    routes = find.routes(climb.step)
    climb.pages = _pages(climb, routes, find, now)
    incident_id = climb.order.incident.id
    unreachable = [find.name(user_id) for user_id in routes if not find.reach(user_id, climb.order.urgency)]
    if unreachable:
        text = f"No usable contact method: {', '.join(unreachable)}"
        climb.lines.append(NewTimelineEntry(incident_id, TimelineKind.WARNING, text))
    if climb.pages:
        climb.first_user = climb.pages[0].user_id
        climb.lines.append(_paged_line(climb, find))
        climb.status = EscalationStatus.FALLBACK if climb.step.level is None else EscalationStatus.CLIMBING
        climb.due_at = None if climb.step.level is None else due_after(climb.step.level, now)
        return True
    if climb.step.level is None:
        climb.status = EscalationStatus.UNREACHED
        climb.due_at = now + _unreached_pause(climb.tries)
        if climb.tries == 0:
            text = "Nobody to page: there is no active admin who can be reached"
            climb.lines.append(NewTimelineEntry(incident_id, TimelineKind.UNREACHED, text))
        return True
    text = f"Level {climb.level} skipped: it reaches nobody now"
    climb.lines.append(NewTimelineEntry(incident_id, TimelineKind.SKIPPED, text))
    following = next_step(climb.order.plan, climb.level, climb.step.round)
    # A plan that reaches nobody is not walked again: its repeats would find the same people missing.
    climb.step = Step(StepReason.FALLBACK, None, 0) if following.reason is StepReason.REPEAT else following
    return False


def _pages(climb: _Climb, routes: dict[int, Route], find: Finder, now: datetime) -> list[NewNotification]:
    order, incident = climb.order, climb.order.incident
    found: dict[str, NewNotification] = {}
    for user_id, route in routes.items():
        for reach in find.reach(user_id, order.urgency):
            key = (
                f"{incident.id}:{climb.episode}:{climb.level}:{user_id}:{reach.contact_method_id}:{reach.delay_minutes}"
            )
            found[key] = NewNotification(
                kind=NotificationKind.PAGE,
                channel=reach.channel,
                address=reach.address,
                due_at=now + timedelta(minutes=reach.delay_minutes),
                facts=_facts(climb, route, reach, find.name(user_id)),
                urgency=order.urgency.value,
                incident_id=incident.id,
                episode=climb.episode,
                level=climb.level,
                round=climb.step.round,
                user_id=user_id,
                contact_method_id=reach.contact_method_id,
                rule_delay_minutes=reach.delay_minutes,
                page_key=key,
            )
    return list(found.values())


def _facts(climb: _Climb, route: Route, reach: Reach, name: str) -> JsonObject:
    plan = climb.order.plan
    return {
        **climb.order.facts,
        "urgency": climb.order.urgency.value,
        "level": climb.level,
        "levels": len(plan.levels),
        "plan": plan.name,
        "user_name": name,
        "why": {
            "policy_id": plan.policy_id,
            "policy_version": plan.policy_version,
            "plan": plan.name,
            "level": climb.level,
            "reason": climb.step.reason.value,
            "assignee": {"type": route.assignee.type.value, "id": route.assignee.id},
            "via": route.via,
            "rule_delay_minutes": reach.delay_minutes,
            "contact_method_id": reach.contact_method_id,
        },
    }


def _paged_line(climb: _Climb, find: Finder) -> NewTimelineEntry:
    ways: dict[int, list[str]] = {}
    for page in climb.pages:
        after = f" after {page.rule_delay_minutes} min" if page.rule_delay_minutes else ""
        ways.setdefault(page.user_id or 0, []).append(f"{page.channel}{after}")
    names = ", ".join(f"{find.name(user_id)} ({', '.join(each)})" for user_id, each in ways.items())
    total = len(climb.order.plan.levels)
    if climb.step.level is None:
        kind, text = TimelineKind.FALLBACK, f"Fallback paged: {names}"
    else:
        again = f", round {climb.step.round + 1}" if climb.step.round else ""
        kind, text = TimelineKind.PAGED, f"Level {climb.level} of {total or 1} paged{again}: {names}"
    return NewTimelineEntry(climb.order.incident.id, kind, text, SYSTEM, {"level": climb.level, "users": list(ways)})


def _write(tx: Tx, climbs: Sequence[_Climb], *, now: datetime) -> None:
    if not climbs:
        return
    notify.insert_many(tx, [page for climb in climbs for page in climb.pages], now=now)
    incidents.add_timeline(tx, [line for climb in climbs for line in climb.lines], now=now)
    incidents.set_many(
        tx,
        [
            {"id": climb.order.incident.id, "assigned_to": climb.first_user, "last_paged_at": now, "updated_at": now}
            for climb in climbs
            if climb.first_user is not None
        ],
    )
    for climb in climbs:
        tx.publish("incident", id=climb.order.incident.id)
    tx.wake("deliver", "climb")


def _name(escalation: Escalation) -> str:
    return f"Level {escalation.level}"


def _unreached_pause(tries: int) -> timedelta:
    return timedelta(minutes=min(UNREACHED_MINUTES_MAX, UNREACHED_MINUTES * 2 ** min(tries, 10)))
