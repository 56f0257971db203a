"""One page per person and rule: its key, and the facts that say why it was sent. Values in, values out."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from app.accounts.types import Reach, Urgency
from app.escalation.rules import StepReason
from app.escalation.types import Plan
from app.incidents.types import Incident
from app.notify.types import NewNotification, NotificationKind
from app.platform.types import JsonObject
from app.usecases.paging.finder import Finder, Route


@dataclass(frozen=True, slots=True)
class Order:
    """One incident that is to be paged: for what, how loud, and the facts that every page of it carries."""

    incident: Incident
    plan: Plan
    urgency: Urgency
    facts: JsonObject = field(default_factory=dict)
    policy_version_id: int | None = None


@dataclass(frozen=True, slots=True)
class Stance:
    """Where an escalation stands when it pages, and why it came there."""

    episode: int
    level: int
    round: int
    reason: StepReason


def pages_of(order: Order, stance: Stance, routes: Mapping[int, Route], find: Finder) -> list[NewNotification]:
    """The pages to these people, one for each of their rules of the order's urgency."""
    incident = order.incident
    found: dict[str, NewNotification] = {}
    for user_id, route in routes.items():
        for reach in find.reach(user_id, order.urgency):
            key = f"{incident.id}:{stance.episode}:{stance.level}:{user_id}"
            key = f"{key}:{reach.contact_method_id}:{reach.delay_minutes}"
            time = find.page_time(user_id, order.urgency, reach.delay_minutes)
            found[key] = NewNotification(
                kind=NotificationKind.PAGE,
                channel=reach.channel,
                address=reach.address,
                due_at=time.due_at,
                held_until=time.held_until,
                facts=_facts(order, stance, route, reach, find.name(user_id)),
                urgency=order.urgency.value,
                incident_id=incident.id,
                episode=stance.episode,
                level=stance.level,
                round=stance.round,
                user_id=user_id,
                contact_method_id=reach.contact_method_id,
                rule_delay_minutes=reach.delay_minutes,
                page_key=key,
                waits_for_bundle=stance.reason is StepReason.INHERITED,
            )
    return list(found.values())


def _facts(order: Order, stance: Stance, route: Route, reach: Reach, name: str) -> JsonObject:
    plan = order.plan
    return {
        **order.facts,
        "urgency": order.urgency.value,
        "level": stance.level,
        "levels": len(plan.levels),
        "plan": plan.name,
        "user_name": name,
        "why": {
            "policy_id": plan.policy_id,
            "policy_version": plan.policy_version,
            "plan": plan.name,
            "level": stance.level,
            "reason": stance.reason.value,
            "assignee": {"type": route.assignee.type.value, "id": route.assignee.id},
            "via": route.via,
            "rule_delay_minutes": reach.delay_minutes,
            "contact_method_id": reach.contact_method_id,
        },
    }
