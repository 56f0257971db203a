"""When a person who was paged cannot answer any more: deactivated, or without any contact method left (B5)."""

from datetime import datetime

from app.accounts import queries as people
from app.escalation import running
from app.escalation.types import EscalationStatus
from app.incidents import service as incidents
from app.incidents.types import IncidentStatus
from app.notify import queries as outbox, service as notify
from app.platform.db import Tx
from app.usecases.paging import ladder
from app.usecases.paging.handover import place_of
from app.usecases.paging.plans import orders_again
from app.usecases.paging.writing import write_moves


def waits_for(tx: Tx, user_id: int) -> list[int]:
    """The incidents whose level that stands has paged this person, by id: lock them before anything else."""
    standing = running.standing(tx)
    paged = outbox.paged_on_levels(tx, [each.incident_id for each in standing], user_id=user_id)
    return [each.incident_id for each in standing if place_of(each) in paged]


def page_others(tx: Tx, user_id: int, now: datetime, reason: str) -> list[int]:
    """This person is paged no more, and each level on which nobody else was paged asks again whom it stands for now.

    Whoever is on duty there is paged on the same level, else the backups that wait on it; only where it reaches nobody
    is it passed. The fallback is tried again later; gives the incidents in which that is to be done.
    """
    notify.cancel_for_user(tx, user_id, now=now)
    locked = incidents.lock_many(tx, waits_for(tx, user_id))
    alone = [
        escalation
        for escalation in running.lock_many(tx, locked)
        if locked[escalation.incident_id].status is IncidentStatus.TRIGGERED
    ]
    reaching = outbox.paged_on_levels(tx, locked, reaching=True)
    active = {each.id for each in people.users_by_id(tx, set().union(*reaching.values())).values() if each.is_active}
    alone = [each for each in alone if not (reaching.get(place_of(each), set()) - {user_id}) & active]
    climbing = [each for each in alone if each.status is EscalationStatus.CLIMBING]
    tried = outbox.paged_on_levels(tx, locked)
    orders = orders_again(tx, locked, climbing)
    climbs = [
        ladder.ask_again(orders[each.incident_id], each, paged=frozenset(tried.get(place_of(each), ())), reason=reason)
        for each in climbing
    ]
    ladder.decide(tx, climbs, now=now)
    write_moves(tx, climbs, now=now)
    return [each.incident_id for each in alone if each.status is EscalationStatus.FALLBACK]
