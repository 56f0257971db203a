"""What the ladder walks without writing is what the engine pages, message by message."""

from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from typing import Any

import pytest

from app.accounts.types import Urgency
from app.escalation.types import EscalationStatus
from app.notify.types import NewNotification, Notification
from app.platform.db import Tx
from app.usecases import paging
from app.usecases.paging import handover, ladder
from app.usecases.paging.ladder import Climb
from tests.support.duty import Duty

FIELDS = ("channel", "address", "due_at", "urgency", "episode", "level", "round", "user_id", "contact_method_id",
          "rule_delay_minutes")  # fmt: skip


def test_walk_pages_what_the_engine_pages(duty: Duty) -> None:
    schedule = duty.schedule(backup="noor", delay=5)
    duty.covers(schedule, "ravi")
    policy = duty.policy((10, [schedule]), (15, ["omar", schedule]), repeat=1)
    walked = _walk(duty, policy_id=policy)

    incident_id = duty.opens(policy=policy)
    duty.advance(hours=3)
    written = duty.pages(incident_id)
    assert [_seen(page) for page in written] == [_seen(page) for page in walked]
    assert [page.facts["why"] for page in written] == [page.facts["why"] for page in walked]
    assert duty.paged(incident_id) == [
        "ravi", "noor", "omar", "ravi", "noor", "ravi", "noor", "omar", "ravi", "noor", "ada"
    ]  # fmt: skip


def test_walk_of_a_source_that_names_a_schedule_is_the_engine_s(duty: Duty) -> None:
    schedule = duty.schedule(backup="noor")
    duty.covers(schedule, "ravi")
    walked = _walk(duty, schedule_id=schedule.id)
    incident_id = duty.opens(schedule=schedule)
    duty.advance(hours=3)
    assert [_seen(page) for page in duty.pages(incident_id)] == [_seen(page) for page in walked]


def test_walk_goes_to_the_admins_where_a_plan_reaches_nobody_and_writes_nothing(duty: Duty) -> None:
    schedule = duty.schedule()
    moves = _moves(duty, schedule_id=schedule.id)
    assert [[page.user_id for page in move.pages] for _, move in moves] == [[duty.admin.id]]
    assert [line.text for line in moves[0][1].lines] == [
        "Level 1 skipped: it reaches nobody now (nobody is on call for Platform)",
        "Fallback paged: Ada (email)",
    ]


def test_walk_ends_where_there_is_nobody_at_all(duty: Duty) -> None:
    schedule = duty.schedule()
    duty.loses_contact_methods("ada")
    [(_, move)] = _moves(duty, schedule_id=schedule.id)
    assert (move.status, move.pages) == (EscalationStatus.UNREACHED, [])


def test_move_that_was_not_decided_stands_nowhere(duty: Duty) -> None:
    incident = duty.incident(duty.opens())
    order = paging.Order(incident, duty.escalation(incident.id).plan, Urgency.HIGH)
    with pytest.raises(ValueError, match="decided"):
        ladder.standing(ladder.begin(order))


def _walk(duty: Duty, **named: int) -> list[NewNotification]:
    return [page for _, move in _moves(duty, **named) for page in move.pages]


def _moves(duty: Duty, policy_id: int | None = None, schedule_id: int | None = None) -> list[tuple[datetime, Climb]]:
    incident = duty.incident(duty.opens("Another one"))

    def walk(tx: Tx) -> list[tuple[datetime, Climb]]:
        plan, _ = paging.plan_for(tx, policy_id=policy_id, schedule_id=schedule_id, team_id=None)
        return list(_run(tx, paging.Order(incident, plan, Urgency.HIGH), duty.now))

    return duty.rt.db.read(walk)


def _run(tx: Tx, order: paging.Order, now: datetime) -> Iterator[tuple[datetime, Climb]]:
    """A whole run that nobody answers, through the functions that the engine calls, writing nothing."""
    climb, at = ladder.begin(order), now
    paged: frozenset[int] = frozenset()
    while True:
        ladder.decide(tx, [climb], now=at)
        yield at, climb
        escalation = ladder.standing(climb)
        if escalation.status is not EscalationStatus.CLIMBING or escalation.due_at is None:
            return
        paged = _users(climb) | (paged if climb.on is not None else frozenset())
        coming = handover.ahead(tx, escalation, at, escalation.due_at)
        if coming:
            at, climb = coming[0].at, handover.taken_over(tx, order, escalation, coming[0], paged=paged)
        else:
            at, climb = escalation.due_at, ladder.when_due(order, escalation, paged=paged, now=escalation.due_at)


def _users(climb: Climb) -> frozenset[int]:
    return frozenset(page.user_id for page in climb.pages if page.user_id is not None)


def _seen(page: NewNotification | Notification) -> dict[str, Any]:
    return {name: value for name, value in asdict(page).items() if name in FIELDS}
