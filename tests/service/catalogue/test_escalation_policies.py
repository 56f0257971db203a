"""Escalation policies: versions that are never rewritten, and every wrong place named."""

from typing import Any

import pytest

from app.accounts.types import User
from app.alerts.types import AlertSource
from app.escalation import queries
from app.escalation.errors import PolicyInUse, PolicyNameTaken, PolicyNotFound
from app.escalation.types import Assignee, AssigneeType, Level, Plan, Policy
from app.incidents.types import Actor
from app.platform.errors import Invalid
from app.platform.runtime import Runtime
from app.platform.types import PageQuery
from app.usecases import answer, catalogue, intake, people
from tests.support.people import add_user


def to(user: User) -> Assignee:
    """A user as the target of a level."""
    return Assignee(AssigneeType.USER, user.id)


@pytest.fixture
def policy(rt: Runtime, admin: User) -> Policy:
    """A policy with one level."""
    return make(rt, admin, Level(1, 15, (to(admin),)))


def make(rt: Runtime, admin: User, *levels: Level, **more: Any) -> Policy:
    """A policy with these levels."""
    return catalogue.create_policy(rt, **{"name": "Duty", "levels": levels, **more}, actor=admin, now=rt.clock.now())


def change(rt: Runtime, admin: User, policy: Policy, **changes: Any) -> Policy:
    """The policy after a change."""
    return catalogue.update_policy(rt, policy_id=policy.id, changes=changes, actor=admin, now=rt.clock.now())


def plan_of(rt: Runtime, incident_id: int) -> Plan:
    """The plan that an incident's escalation climbs."""
    escalation = rt.db.read(lambda tx: queries.escalation_of(tx, incident_id))
    assert escalation is not None
    return escalation.plan


@pytest.fixture
def source(rt: Runtime, admin: User, policy: Policy) -> AlertSource:
    """A source that pages by the policy."""
    return catalogue.create_source(rt, name="prod", escalation_policy_id=policy.id, actor=admin, now=rt.clock.now())[0]


def test_levels_come_back_in_order_with_their_assignees(rt: Runtime, admin: User) -> None:
    ravi = add_user(rt, "Ravi", actor=admin)
    made = make(rt, admin, Level(2, 10, (to(admin), to(ravi))), Level(1, 0, (to(ravi),)), repeat=2)

    assert [level.level for level in made.levels] == [1, 2]
    assert made.levels[1].assignees == (to(admin), to(ravi))
    assert (made.version, made.repeat) == (1, 2)


@pytest.mark.parametrize(
    ("levels", "path"),
    [
        ([], "levels"),
        ([(1, 5, 1), (1, 5, 1)], "levels[1].level"),
        ([(0, 5, 1)], "levels[0].level"),
        ([(1, -1, 1)], "levels[0].delay_minutes"),
        ([(1, 5, 0)], "levels[0].assignees"),
        ([(1, 5, 2)], "levels[0].assignees"),
    ],
)
def test_a_level_that_makes_no_sense_is_named(
    rt: Runtime, admin: User, levels: list[tuple[int, int, int]], path: str
) -> None:
    with pytest.raises(Invalid) as refused:
        make(rt, admin, *(Level(number, delay, (to(admin),) * count) for number, delay, count in levels))
    assert [each.path for each in refused.value.errors] == [path]


@pytest.mark.parametrize("kind", list(AssigneeType))
def test_an_assignee_who_does_not_exist_is_named(rt: Runtime, admin: User, kind: AssigneeType) -> None:
    with pytest.raises(Invalid) as refused:
        make(rt, admin, Level(1, 5, (to(admin), Assignee(kind, 99))))
    assert [each.path for each in refused.value.errors] == ["levels[0].assignees[1].id"]


def test_an_inactive_user_is_refused_as_a_new_assignee_and_stays_where_they_are(rt: Runtime, admin: User) -> None:
    ravi = add_user(rt, "Ravi", actor=admin)
    made = make(rt, admin, Level(1, 5, (to(ravi),)))
    people.deactivate_user(rt, user_id=ravi.id, actor=admin, now=rt.clock.now())

    with pytest.raises(Invalid):
        make(rt, admin, Level(1, 5, (to(ravi),)), name="Other")
    assert change(rt, admin, made, levels=[Level(1, 10, (to(ravi),))]).levels[0].delay_minutes == 10


def test_a_change_of_what_it_says_is_a_new_version_and_a_new_name_is_not(
    rt: Runtime, admin: User, policy: Policy
) -> None:
    renamed = change(rt, admin, policy, name="Night duty")
    assert (renamed.version, renamed.name, renamed.levels) == (1, "Night duty", policy.levels)
    repeated = change(rt, admin, policy, repeat=1)
    assert (repeated.version, repeated.repeat, repeated.levels) == (2, 1, policy.levels)
    assert change(rt, admin, policy, ack_timeout_minutes=30).version == 3
    assert change(rt, admin, policy, ack_timeout_minutes=None).ack_timeout_minutes is None


def test_what_already_escalates_goes_on_as_it_began(
    rt: Runtime, admin: User, policy: Policy, source: AlertSource
) -> None:
    before = intake.send_test_alert(rt, source_id=source.id, now=rt.clock.now()).incident_ids[0]
    change(rt, admin, policy, levels=[Level(1, 99, (to(admin),))])
    after = intake.send_test_alert(rt, source_id=source.id, now=rt.clock.now()).incident_ids[0]

    assert plan_of(rt, before).levels[0].delay_minutes == 15
    assert plan_of(rt, before).policy_version == 1
    assert plan_of(rt, after).levels[0].delay_minutes == 99
    assert plan_of(rt, after).policy_version == 2


def test_a_policy_in_use_stays(rt: Runtime, admin: User, policy: Policy, source: AlertSource) -> None:
    def delete() -> None:
        catalogue.delete_policy(rt, policy_id=policy.id, actor=admin, now=rt.clock.now())

    incident_id = intake.send_test_alert(rt, source_id=source.id, now=rt.clock.now()).incident_ids[0]
    with pytest.raises(PolicyInUse, match="prod"):
        delete()
    catalogue.update_source(
        rt, source_id=source.id, changes={"escalation_policy_id": None}, actor=admin, now=rt.clock.now()
    )
    with pytest.raises(PolicyInUse, match="open incident"):
        delete()

    actor = Actor(admin.id, admin.name, admin.id, "ui")
    answer.resolve(rt, incident_id=incident_id, actor=actor, now=rt.clock.now())
    delete()
    with pytest.raises(PolicyNotFound):
        rt.db.read(lambda tx: queries.get_policy(tx, policy.id))
    assert plan_of(rt, incident_id).name == "Duty"


def test_two_policies_cannot_share_a_name(rt: Runtime, admin: User, policy: Policy) -> None:
    with pytest.raises(PolicyNameTaken):
        make(rt, admin, Level(1, 5, (to(admin),)))
    other = make(rt, admin, Level(1, 5, (to(admin),)), name="Other")
    with pytest.raises(PolicyNameTaken):
        change(rt, admin, other, name="Duty")


def test_policies_are_listed_by_name_a_page_at_a_time(rt: Runtime, admin: User) -> None:
    for name in ("c", "a", "b"):
        make(rt, admin, Level(1, 5, (to(admin),)), name=name)

    first = rt.db.read(lambda tx: queries.list_policies(tx, PageQuery(page=1, page_size=2)))
    assert ([policy.name for policy in first.items], first.total) == (["a", "b"], 3)
    assert all(policy.levels for policy in first.items)
    second = rt.db.read(lambda tx: queries.list_policies(tx, PageQuery(page=2, page_size=2)))
    assert [policy.name for policy in second.items] == ["c"]
