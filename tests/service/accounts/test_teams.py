"""Teams: named groups of active people and of addresses."""

import pytest

from app.accounts import queries
from app.accounts.errors import NameTaken, TeamMissing
from app.accounts.types import User
from app.platform.errors import Invalid
from app.platform.runtime import Runtime
from app.platform.types import PageQuery
from app.usecases import people
from tests.support.people import add_user


def names(users: list[User]) -> list[str]:
    return [user.name for user in users]


def test_members_come_in_the_order_in_which_they_joined(rt: Runtime, admin: User) -> None:
    team = people.create_team(rt, name="@web", actor=admin, now=rt.clock.now())
    assert team.name == "web"
    for name in ("Noor", "Ravi"):
        user = add_user(rt, name, actor=admin)
        people.add_member(rt, team_id=team.id, user_id=user.id, actor=admin, now=rt.clock.now())
        people.add_member(rt, team_id=team.id, user_id=user.id, actor=admin, now=rt.clock.now())
    assert names(rt.db.read(lambda tx: queries.team_members(tx, team.id))) == ["Noor", "Ravi"]
    assert [each.name for each in rt.db.read(lambda tx: queries.teams_of(tx, user.id))] == ["web"]


def test_an_inactive_person_does_not_join_and_stays_visible_where_they_are(rt: Runtime, admin: User) -> None:
    web = people.create_team(rt, name="web", actor=admin, now=rt.clock.now())
    data = people.create_team(rt, name="data", actor=admin, now=rt.clock.now())
    ravi = add_user(rt, "Ravi", actor=admin)
    people.add_member(rt, team_id=web.id, user_id=ravi.id, actor=admin, now=rt.clock.now())
    people.deactivate_user(rt, user_id=ravi.id, actor=admin, now=rt.clock.now())
    assert names(rt.db.read(lambda tx: queries.team_members(tx, web.id))) == []
    assert names(rt.db.read(lambda tx: queries.all_team_members(tx, web.id))) == ["Ravi"]
    for user_id in (ravi.id, 9999):
        with pytest.raises(Invalid) as refused:
            people.add_member(rt, team_id=data.id, user_id=user_id, actor=admin, now=rt.clock.now())
        assert refused.value.errors[0].path == "user_id"


def test_a_name_belongs_to_one_team(rt: Runtime, admin: User) -> None:
    people.create_team(rt, name="web", actor=admin, now=rt.clock.now())
    data = people.create_team(rt, name="data", actor=admin, now=rt.clock.now())
    with pytest.raises(NameTaken):
        people.create_team(rt, name=" web ", actor=admin, now=rt.clock.now())
    with pytest.raises(NameTaken):
        people.update_team(rt, team_id=data.id, name="web", actor=admin, now=rt.clock.now())
    assert people.update_team(rt, team_id=data.id, name="data", actor=admin, now=rt.clock.now()).name == "data"


def test_addresses_of_a_team_are_kept_once_and_checked(rt: Runtime, admin: User) -> None:
    team = people.create_team(
        rt,
        name="web",
        extra_emails=["Ops@example.com", "ops@example.com", "b@example.com"],
        actor=admin,
        now=rt.clock.now(),
    )
    assert rt.db.read(lambda tx: queries.emails_by_team(tx, [team.id])) == {
        team.id: ["ops@example.com", "b@example.com"]
    }
    with pytest.raises(Invalid):
        people.update_team(rt, team_id=team.id, extra_emails=["nobody"], actor=admin, now=rt.clock.now())


def test_a_deleted_team_is_gone_with_its_members_and_they_are_not(rt: Runtime, admin: User) -> None:
    team = people.create_team(rt, name="web", extra_emails=["a@example.com"], actor=admin, now=rt.clock.now())
    ravi = add_user(rt, "Ravi", actor=admin)
    people.add_member(rt, team_id=team.id, user_id=ravi.id, actor=admin, now=rt.clock.now())
    people.delete_team(rt, team_id=team.id, actor=admin, now=rt.clock.now())
    with pytest.raises(TeamMissing):
        rt.db.read(lambda tx: queries.get_team(tx, team.id))
    assert rt.db.read(lambda tx: queries.get_user(tx, ravi.id)) == ravi


def test_every_change_of_a_team_is_in_the_audit(rt: Runtime, admin: User) -> None:
    team = people.create_team(rt, name="web", actor=admin, now=rt.clock.now())
    people.add_member(rt, team_id=team.id, user_id=admin.id, actor=admin, now=rt.clock.now())
    people.update_team(rt, team_id=team.id, name="www", actor=admin, now=rt.clock.now())
    people.remove_member(rt, team_id=team.id, user_id=admin.id, actor=admin, now=rt.clock.now())
    people.delete_team(rt, team_id=team.id, actor=admin, now=rt.clock.now())
    page = rt.db.read(lambda tx: queries.list_audit(tx, PageQuery(), object_type="team"))
    assert [entry.action for entry in reversed(page.items)] == [
        "created",
        "member_added",
        "changed",
        "member_removed",
        "deleted",
    ]
