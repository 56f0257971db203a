"""Paging: the inner steps that put pages into the outbox, always inside the caller's transaction.

Every way to page is a move of the `ladder`: it is decided there, with reads alone, and written here. A move walks a
frozen plan until somebody can be reached, says so in the timeline for each level that reaches nobody, and ends at the
fallback. Nothing here waits, sends or commits.
"""

from collections.abc import Sequence
from datetime import datetime

from app.accounts.types import Urgency
from app.escalation import running
from app.escalation.types import Escalation, EscalationStatus, NewEscalation, Plan
from app.incidents import service as incidents
from app.incidents.types import Incident, IncidentStatus, NewTimelineEntry, TimelineKind
from app.notify import queries as outbox, service as notify
from app.notify.types import Notification, NotificationKind
from app.platform.db import Tx
from app.usecases.paging import ladder
from app.usecases.paging.handover import inherit
from app.usecases.paging.ladder import Climb
from app.usecases.paging.leaving import page_others, waits_for
from app.usecases.paging.news import tell_channels
from app.usecases.paging.notices import Words, clock_time, tell, tell_handoff
from app.usecases.paging.pages import Order
from app.usecases.paging.plans import is_louder, levels_reaching_nobody, order_again, plan_for, urgency_of
from app.usecases.paging.writing import write_moves, write_pages

__all__ = [
    "Order",
    "Words",
    "advance",
    "begin_heard",
    "clock_time",
    "hold",
    "inherit",
    "is_louder",
    "levels_reaching_nobody",
    "move",
    "order_again",
    "page_fallback",
    "page_on",
    "page_on_if_lost",
    "page_on_without",
    "page_unreached",
    "plan_for",
    "release",
    "restart",
    "start",
    "stop",
    "tell",
    "tell_channels",
    "tell_handoff",
    "urgency_of",
    "waits_for",
    "waits_for_digest",
]


def start(tx: Tx, orders: Sequence[Order], *, now: datetime) -> None:
    """Begin the escalations of new incidents: level 1 is in the outbox when this transaction commits (B25)."""
    climbs = [ladder.begin(order) for order in orders]
    ladder.decide(tx, climbs, now=now)
    running.insert_many(
        tx,
        [
            NewEscalation(
                climb.order.incident.id,
                climb.order.plan,
                climb.order.policy_version_id,
                climb.level,
                climb.status,
                ladder.standing(climb).level_started_at,
                climb.due_at,
                climb.backups,
            )
            for climb in climbs
        ],
    )
    write_pages(tx, climbs, now=now)


def restart(tx: Tx, order: Order, *, now: datetime) -> None:
    """Begin again at level 1 in a new episode: after a reopen or a rise to critical. Quiets what was still waiting."""
    escalation = running.lock_escalation(tx, order.incident.id)
    if escalation is None:
        start(tx, [order], now=now)
        return
    notify.cancel_for_incident(tx, order.incident.id, now=now)
    _move(tx, ladder.begin_again(order, escalation), now=now)


def move(tx: Tx, order: Order, escalation: Escalation, *, now: datetime) -> None:
    """Do what the escalation does when its time has come (see `ladder.when_due`)."""
    if escalation.status is EscalationStatus.HELD:
        notify.cancel_for_incident(tx, order.incident.id, now=now)
        tell_channels(tx, order.incident, "reopened", "still firing: paged again", waking=True, now=now)
    paged = _paged(tx, escalation) if escalation.backups else frozenset()
    _move(tx, ladder.when_due(order, escalation, paged=paged, now=now), now=now)


def advance(tx: Tx, order: Order, escalation: Escalation, *, now: datetime) -> None:
    """Leave the level at once: page the next one, begin again, or page the fallback (B24)."""
    _move(tx, ladder.leave(order, escalation), now=now)


def page_on(tx: Tx, incident_id: int, now: datetime, reason: str) -> bool:
    """Nobody whom the current level paged can be reached any more (B26). Whether anything was to be done.

    Whoever it stands for now is paged on the same level, else the backups that wait on it, else the next level.
    """
    incident = incidents.lock(tx, incident_id)
    escalation = running.lock_escalation(tx, incident_id)
    if escalation is None or incident.status is not IncidentStatus.TRIGGERED:
        return False
    if escalation.status is EscalationStatus.CLIMBING:
        order = order_again(tx, incident, escalation)
        climb = ladder.ask_again(order, escalation, paged=_paged(tx, escalation), reason=reason)
        _move(tx, climb, now=now)
        return True
    if escalation.status is EscalationStatus.FALLBACK:
        text = f"Nobody could be reached: {reason}. The admins are tried again."
        incidents.add_timeline(tx, [NewTimelineEntry(incident_id, TimelineKind.UNREACHED, text)], now=now)
        running.save_many(tx, [ladder.give_up(escalation, now=now)])
        tell_channels(tx, incident, "escalated", text, now=now)
        tx.wake("climb")
        tx.publish("incident", id=incident_id)
        return True
    return False


def page_on_if_lost(tx: Tx, page: Notification, now: datetime, reason: str) -> bool:
    """Pass the level at once when this page, which will not arrive, was its last way to reach anybody (B26, B28)."""
    if page.kind is not NotificationKind.PAGE or page.incident_id is None:
        return False
    escalation = running.escalation_of(tx, page.incident_id)
    if escalation is None or (escalation.episode, escalation.level) != (page.episode, page.level):
        return False
    if outbox.can_still_reach(tx, page.incident_id, episode=escalation.episode, level=escalation.level):
        return False
    return page_on(tx, page.incident_id, now, reason)


def page_fallback(tx: Tx, incident_id: int, now: datetime, reason: str) -> None:
    """Page all active admins now, whatever the plan says: something in paging itself is wrong (B50)."""
    incident = incidents.lock(tx, incident_id)
    text = f"The admins are paged: {reason}"
    incidents.add_timeline(tx, [NewTimelineEntry(incident_id, TimelineKind.WARNING, text)], now=now)
    escalation = running.lock_escalation(tx, incident_id)
    if escalation is None:
        start(tx, [Order(incident, Plan("fallback", ()), Urgency.HIGH)], now=now)
        return
    _move(tx, ladder.fall_back(order_again(tx, incident, escalation), escalation), now=now)


def page_unreached(tx: Tx, now: datetime) -> int:
    """Page the fallback for every open incident that reached nobody: there may be somebody now. How many."""
    waiting = running.in_status(tx, EscalationStatus.UNREACHED)
    locked = incidents.lock_many(tx, [escalation.incident_id for escalation in waiting])
    paged = 0
    for escalation in waiting:
        incident = locked[escalation.incident_id]
        if incident.status is IncidentStatus.TRIGGERED:
            move(tx, order_again(tx, incident, escalation), escalation, now=now)
            paged += 1
    return paged


def page_on_without(tx: Tx, user_id: int, now: datetime, reason: str) -> None:
    """Somebody who was paged cannot answer any more: nobody waits for them on any level (B5).

    Lock what `waits_for` gives before, with whatever else the transaction locks.
    """
    for incident_id in page_others(tx, user_id, now, reason):
        page_on(tx, incident_id, now, reason)


def release(tx: Tx, incident: Incident, *, now: datetime) -> None:
    """The incident has risen to high urgency: what waits for a digest does not wait any more (B6)."""
    if not outbox.is_held(tx, incident.id):
        return
    escalation = running.lock_escalation(tx, incident.id)
    if escalation is not None:
        order = order_again(tx, incident, escalation)
        notify.cancel_for_incident(tx, incident.id, now=now)
        text = "Released from the digest: it is urgent now"
        incidents.add_timeline(tx, [NewTimelineEntry(incident.id, TimelineKind.SEVERITY, text)], now=now)
        _move(tx, ladder.repeat_level(order, escalation), now=now)


def begin_heard(tx: Tx, pages: Sequence[Notification], *, now: datetime) -> None:
    """The digest with these pages has left: the levels that waited for it begin now; lock their incidents first."""
    held = {page.incident_id: page for page in pages if page.held_until is not None}
    for incident_id, page in held.items():
        escalation = None if incident_id is None else running.lock_escalation(tx, incident_id)
        if escalation is not None and (escalation.episode, escalation.level) == (page.episode, page.level):
            running.save_many(tx, [ladder.heard(escalation, page.held_until, now=now)])
            tx.wake("climb")


def waits_for_digest(tx: Tx, escalation: Escalation, *, now: datetime) -> bool:
    """Whether the digest that its level waits for is late, as after a blackout: then its time begins now, not before.

    It waits so once, whatever becomes of the digest.
    """
    held_until = outbox.held_until(tx, escalation.incident_id, escalation.episode, escalation.level)
    begun = ladder.heard(escalation, held_until, now=now)
    if begun is escalation:
        return False
    running.save_many(tx, [begun])
    tx.wake("deliver", "climb")
    return True


def hold(tx: Tx, order: Order, *, until: datetime, now: datetime) -> None:
    """Page a flapping incident not before `until`: at most one page per window, but never none (B10)."""
    escalation = running.lock_escalation(tx, order.incident.id)
    if escalation is None:
        start(tx, [order], now=now)
        return
    running.change(
        tx, escalation, plan=running.stored_plan(order.plan), status=EscalationStatus.HELD, due_at=until, backups=[]
    )
    text = f"Flapping: paged again at {until:%H:%M:%S} UTC if it still fires"
    incidents.add_timeline(tx, [NewTimelineEntry(order.incident.id, TimelineKind.WARNING, text)], now=now)
    tx.wake("climb")


def stop(tx: Tx, incident_id: int, status: EscalationStatus, *, now: datetime, due_at: datetime | None = None) -> None:
    """Answered means quiet (promise 4): nothing that has not begun to leave will leave.

    `status` is ACKNOWLEDGED, SNOOZED or STOPPED; `due_at` is when it lapses or ends.
    """
    escalation = running.lock_escalation(tx, incident_id)
    if escalation is not None:
        running.change(tx, escalation, status=status, due_at=due_at, backups=[])
    notify.cancel_for_incident(tx, incident_id, now=now)
    tx.wake("climb")


def _move(tx: Tx, climb: Climb, *, now: datetime) -> None:
    ladder.decide(tx, [climb], now=now)
    write_moves(tx, [climb], now=now)


def _paged(tx: Tx, escalation: Escalation) -> frozenset[int]:
    """Whom the level that stands has paged."""
    tried = outbox.paged_on_levels(tx, [escalation.incident_id])
    return frozenset(tried.get((escalation.incident_id, escalation.episode, escalation.level), ()))
