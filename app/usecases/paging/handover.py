"""Handing over: who comes on call gets what is open and unanswered, in one message (B20, B21).

What counts is whom the level that stands has paged, so looking twice, or late, pages nobody twice and forgets nobody.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from app.accounts import queries as people
from app.accounts.types import User
from app.escalation import running
from app.escalation.rules import level_of
from app.escalation.types import Assignee, AssigneeType, Escalation, EscalationStatus
from app.incidents import service as incidents
from app.incidents.types import Incident, IncidentStatus, NewTimelineEntry, TimelineKind
from app.notify import queries as outbox
from app.oncall import queries as oncall
from app.oncall.resolver import oncall_at, slots
from app.oncall.types import Schedule, Slot
from app.platform.db import Tx
from app.usecases.paging import ladder
from app.usecases.paging.finder import Route, on_call_for
from app.usecases.paging.ladder import Climb
from app.usecases.paging.pages import Order
from app.usecases.paging.plans import orders_again
from app.usecases.paging.writing import write_moves

REASON = "{} was handed over"


@dataclass(frozen=True, slots=True)
class Handoff:
    """Somebody else comes on call at `at`: whoever has `slot`, after whoever had the one `before` (None: nobody)."""

    at: datetime
    schedule: Schedule
    before: Slot | None
    slot: Slot


def inherit(
    tx: Tx, *, schedule: Schedule, slot: Slot, from_user_id: int | None, began_before: datetime | None, now: datetime
) -> int:
    """Page whoever has the slot for every open incident whose level stands for the schedule; how many were new to them.

    With `began_before` only levels that began earlier are looked at: later ones have asked who is on call themselves.
    Whoever was paged on a level is not paged on it again. An incident goes over from `from_user_id`, and stays with
    anybody else who has it.
    """
    locked, standing = _waiting(tx, schedule, slot.user_id, began_before, now)
    tried = outbox.paged_on_levels(tx, locked)
    giver = people.find_user(tx, from_user_id) if from_user_id is not None else None
    orders = orders_again(tx, locked, standing)
    reason = REASON.format(schedule.name)
    climbs = []
    for each in standing:
        paged = frozenset(tried.get(place_of(each), ()))
        if slot.user_id not in paged:
            heirs = _heirs(each, schedule, slot, giver)
            climbs.append(ladder.inherit(orders[each.incident_id], each, heirs, paged=paged, reason=reason))
    ladder.decide(tx, climbs, now=now)
    if began_before is None:
        known = [locked[each.incident_id] for each in standing if slot.user_id in tried.get(place_of(each), ())]
        _assign(tx, known, slot.user_id, from_user_id, reason, now)
    else:
        # Looked at again: that somebody cannot be reached was said the first time.
        climbs = [climb for climb in climbs if climb.pages]
    for climb in climbs:
        if not _changes_hands(climb.order.incident, from_user_id):
            climb.first_user = None
    write_moves(tx, climbs, now=now)
    return sum(bool(climb.pages) for climb in climbs)


def ahead(tx: Tx, escalation: Escalation, start: datetime, end: datetime) -> list[Handoff]:
    """Who comes on call between two instants for the level that stands, in order; one at `end` itself is left out.

    Only what is planned in the caller's snapshot is foreseen.
    """
    level = level_of(escalation)
    schedules: dict[int, Schedule] = {}
    for assignee in level.assignees if level else ():
        if assignee.type is AssigneeType.SCHEDULE:
            named = oncall.schedules_by_id(tx, [assignee.id]).values()
            schedules |= {each.id: each for each in named if each.is_active}
        elif assignee.type is AssigneeType.TEAM:
            schedules |= {each.id: each for each in oncall.active_schedules_of_team(tx, assignee.id)}
    found = []
    for schedule_id, duty in oncall.duties(tx, schedules, start, end).items():
        before = oncall_at(duty, start)
        for slot in slots(duty, start, end):
            # Whoever comes on after a gap comes on after nobody.
            giver = before if before is not None and before.end_time == slot.start_time else None
            if slot.start_time > start and (giver is None or giver.user_id != slot.user_id):
                found.append(Handoff(slot.start_time, schedules[schedule_id], giver, slot))
            before = slot
    return sorted(found, key=lambda each: (each.at, each.schedule.id))


def taken_over(tx: Tx, order: Order, escalation: Escalation, handoff: Handoff, *, paged: frozenset[int]) -> Climb:
    """The move by which whoever comes on call inherits the incident, as `inherit` makes it."""
    giver = people.find_user(tx, handoff.before.user_id) if handoff.before is not None else None
    heirs = _heirs(escalation, handoff.schedule, handoff.slot, giver)
    return ladder.inherit(order, escalation, heirs, paged=paged, reason=REASON.format(handoff.schedule.name))


def _heirs(escalation: Escalation, schedule: Schedule, slot: Slot, giver: User | None) -> dict[int, Route]:
    assignee = _reached_by(escalation, schedule) or Assignee(AssigneeType.SCHEDULE, schedule.id)
    after = f"; took over from {giver.name}" if giver is not None else ""
    return {slot.user_id: Route(assignee, f"{on_call_for(schedule, slot)}{after}")}


def _waiting(
    tx: Tx, schedule: Schedule, user_id: int, began_before: datetime | None, now: datetime
) -> tuple[dict[int, Incident], list[Escalation]]:
    """What waits for an answer on a level that stands for the schedule, locked.

    When looked at again, only what has not paged this person, so that nothing is locked where nothing is to be done.
    """
    asked = running.climbing(tx) if began_before is None else running.asked_before(tx, began_before, now=now)
    waiting = [each for each in asked if _reached_by(each, schedule)]
    if began_before is not None:
        tried = outbox.paged_on_levels(tx, [each.incident_id for each in waiting])
        waiting = [each for each in waiting if user_id not in tried.get(place_of(each), ())]
    locked = incidents.lock_many(tx, [each.incident_id for each in waiting])
    known = {each.id: place_of(each) for each in waiting}
    return locked, [
        each
        for each in running.lock_many(tx, locked)
        if each.status is EscalationStatus.CLIMBING
        and locked[each.incident_id].status is IncidentStatus.TRIGGERED
        and (began_before is None or known[each.id] == place_of(each))
        and _reached_by(each, schedule)
    ]


def place_of(escalation: Escalation) -> tuple[int, int, int]:
    """Where an escalation stands, as its pages say it: incident, episode, level."""
    return escalation.incident_id, escalation.episode, escalation.level


def _reached_by(escalation: Escalation, schedule: Schedule) -> Assignee | None:
    """The assignee by which the level that stands reaches the schedule: the schedule itself, or its team."""
    level = level_of(escalation)
    for assignee in level.assignees if level else ():
        if assignee == Assignee(AssigneeType.SCHEDULE, schedule.id):
            return assignee
        if schedule.team_id is not None and assignee == Assignee(AssigneeType.TEAM, schedule.team_id):
            return assignee
    return None


def _changes_hands(incident: Incident, from_user_id: int | None) -> bool:
    # Given to somebody else by hand, or paged to somebody else of the level first: it stays theirs.
    return incident.assigned_to is None or incident.assigned_to == from_user_id


def _assign(
    tx: Tx, known: Sequence[Incident], user_id: int, from_user_id: int | None, reason: str, now: datetime
) -> None:
    """What the one who comes on has been paged for before goes over without another page."""
    moving = [each for each in known if each.assigned_to != user_id and _changes_hands(each, from_user_id)]
    if moving:
        text = f"Assigned to {people.get_user(tx, user_id).name}, who was paged before: {reason}"
        lines = [NewTimelineEntry(incident.id, TimelineKind.ASSIGNED, text) for incident in moving]
        incidents.add_timeline(tx, lines, now=now)
        incidents.set_many(tx, [{"id": each.id, "assigned_to": user_id, "updated_at": now} for each in moving])
