"""`/api/v1/teams`: named groups of users and addresses; writing is for admins."""

from typing import Annotated

from fastapi import Query

from app.accounts import queries
from app.accounts.types import Team
from app.platform.db import Tx
from app.usecases import people
from app.web.api.accounts_schemas import MemberNew, TeamChange, TeamNew, TeamOut
from app.web.api.pages import PageOut, page_out
from app.web.deps import Id, IdentityDep, NowDep, PageDep, RuntimeDep


def list_teams(rt: RuntimeDep, page: PageDep, q: Annotated[str, Query(max_length=200)] = "") -> PageOut[TeamOut]:
    """One page of teams, by name."""

    def read(tx: Tx) -> PageOut[TeamOut]:
        found = queries.list_teams(tx, page, q=q)
        shown = {team.id: team for team in _shown(tx, found.items)}
        return page_out(found, lambda team: shown[team.id])

    return rt.db.read(read)


def show(team_id: Id, rt: RuntimeDep) -> TeamOut:
    """One team with its members."""
    return rt.db.read(lambda tx: _shown(tx, [queries.get_team(tx, team_id)])[0])


def create(body: TeamNew, rt: RuntimeDep, identity: IdentityDep, now: NowDep) -> TeamOut:
    """Add a team."""
    team = people.create_team(rt, **body.model_dump(), actor=identity.user, now=now)
    return show(team.id, rt)


def change(team_id: Id, body: TeamChange, rt: RuntimeDep, identity: IdentityDep, now: NowDep) -> TeamOut:
    """Change the fields that are sent."""
    people.update_team(rt, team_id=team_id, **body.model_dump(exclude_unset=True), actor=identity.user, now=now)
    return show(team_id, rt)


def delete(team_id: Id, rt: RuntimeDep, identity: IdentityDep, now: NowDep) -> None:
    """Remove a team that nothing points at."""
    people.delete_team(rt, team_id=team_id, actor=identity.user, now=now)


def add_member(team_id: Id, body: MemberNew, rt: RuntimeDep, identity: IdentityDep, now: NowDep) -> TeamOut:
    """Add an active user to a team."""
    people.add_member(rt, team_id=team_id, user_id=body.user_id, actor=identity.user, now=now)
    return show(team_id, rt)


def remove_member(team_id: Id, user_id: Id, rt: RuntimeDep, identity: IdentityDep, now: NowDep) -> TeamOut:
    """Take a user out of a team."""
    people.remove_member(rt, team_id=team_id, user_id=user_id, actor=identity.user, now=now)
    return show(team_id, rt)


def _shown(tx: Tx, teams: list[Team]) -> list[TeamOut]:
    ids = [team.id for team in teams]
    members, emails = queries.members_by_team(tx, ids), queries.emails_by_team(tx, ids)
    return [TeamOut.of(team, members[team.id], emails[team.id]) for team in teams]
