"""Two admins at once, and deliveries that meet a change half-way: nothing is lost and nothing is there twice."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from app.accounts.teams import TeamInUse
from app.accounts.types import User
from app.alerts.types import AlertSource, AlertStatus, DeliveryOutcome, ParsedAlert, ParsedPayload, Severity
from app.escalation import queries
from app.escalation.types import Assignee, AssigneeType, Level
from app.notify import queries as outbox
from app.oncall import queries as oncall
from app.oncall.errors import OverlappingSlot
from app.platform.errors import Conflict
from app.platform.runtime import Runtime
from app.platform.types import PageQuery
from app.usecases import catalogue, intake, people, rota


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """What each call returns or raises, all of them begun together."""

    def outcome(call: Callable[[], Any]) -> Any:
        try:
            return call()
        except Conflict as refused:
            return refused

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(outcome, calls))


def deliver(rt: Runtime, source: AlertSource) -> int:
    """A delivery by somebody who still has the source in memory as it was; gives the incident it opened."""
    alert = ParsedAlert({"id": "disk"}, "Disk", AlertStatus.FIRING, Severity.CRITICAL)
    submission = intake.Submission(
        source=source,
        driver="generic",
        outcome=DeliveryOutcome.ACCEPTED,
        parsed=ParsedPayload([alert], "generic"),
        headers={},
        body=b"{}",
        received_at=rt.clock.now(),
        trace_id=rt.ids.hex32(),
        new_run_id=rt.ids.hex32,
    )
    [result] = rt.db.write(lambda tx: intake.apply(tx, [submission]))
    return result.incident_ids[0]


def test_of_two_overlapping_entries_one_is_refused(rt: Runtime, admin: User) -> None:
    now = rt.clock.now()
    schedule = rota.create_schedule(rt, name="Duty", actor=admin, now=now)

    def add() -> Any:
        return rota.add_entry(
            rt, schedule_id=schedule.id, user_id=admin.id, start_time=now, end_time=now + timedelta(hours=8),
            actor=admin, now=now,
        )  # fmt: skip

    outcomes = at_once(*[add] * 4)
    assert sum(isinstance(each, OverlappingSlot) for each in outcomes) == 3
    assert rt.db.read(lambda tx: oncall.list_entries(tx, schedule.id, PageQuery())).total == 1


def test_changes_of_one_policy_become_versions_one_after_the_other(rt: Runtime, admin: User) -> None:
    level = Level(1, 15, (Assignee(AssigneeType.USER, admin.id),))
    policy = catalogue.create_policy(rt, name="Duty", levels=[level], actor=admin, now=rt.clock.now())

    def change(minutes: int) -> Callable[[], Any]:
        levels = [Level(1, minutes, level.assignees)]
        return lambda: catalogue.update_policy(
            rt, policy_id=policy.id, changes={"levels": levels}, actor=admin, now=rt.clock.now()
        )

    changed = at_once(*(change(minutes) for minutes in (1, 2, 3, 4)))
    assert sorted(each.version for each in changed) == [2, 3, 4, 5]


def test_two_new_sources_of_one_name_are_one_source_and_a_refusal(rt: Runtime, admin: User) -> None:
    outcomes = at_once(*[lambda: catalogue.create_source(rt, name="prod", actor=admin, now=rt.clock.now())] * 3)
    assert sum(isinstance(each, Conflict) for each in outcomes) == 2


def test_two_first_starts_make_one_first_source(rt: Runtime) -> None:
    keys = at_once(*[lambda: catalogue.first_source(rt, now=rt.clock.now())] * 3)
    assert sum(key is not None for key in keys) == 1


@pytest.mark.parametrize("what", ["escalation_policy_id", "schedule_id", "team_id"])
def test_a_delivery_whose_plan_was_deleted_just_now_pages_the_fallback(rt: Runtime, admin: User, what: str) -> None:
    source, _ = catalogue.create_source(rt, name="prod", actor=admin, now=rt.clock.now())
    gone: dict[str, Any] = {what: 99}
    incident_id = deliver(rt, replace(source, **gone))

    pages = rt.db.read(lambda tx: outbox.notifications_of(tx, incident_id))
    assert [page.user_id for page in pages] == [admin.id]


def test_a_team_that_a_policy_pages_stays(rt: Runtime, admin: User) -> None:
    team = people.create_team(rt, name="shop", actor=admin, now=rt.clock.now())
    levels = [Level(1, 5, (Assignee(AssigneeType.TEAM, team.id),))]
    policy = catalogue.create_policy(rt, name="Duty", levels=levels, actor=admin, now=rt.clock.now())
    with pytest.raises(TeamInUse, match="Duty"):
        people.delete_team(rt, team_id=team.id, actor=admin, now=rt.clock.now())
    catalogue.delete_policy(rt, policy_id=policy.id, actor=admin, now=rt.clock.now())
    people.delete_team(rt, team_id=team.id, actor=admin, now=rt.clock.now())
    assert rt.db.read(lambda tx: queries.list_policies(tx, PageQuery())).total == 0
