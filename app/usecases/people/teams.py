"""Changing teams and who is in them, with the audit."""

from collections.abc import Sequence
from datetime import datetime

from app.accounts import queries, service, teams
from app.accounts.types import Team, User
from app.escalation import queries as policies
from app.escalation.types import AssigneeType
from app.platform.db import Tx
from app.platform.runtime import Runtime
from app.platform.types import JsonObject


def create_team(
    rt: Runtime,
    *,
    name: str,
    actor: User,
    now: datetime,
    description: str = "",
    extra_emails: Sequence[str] = (),
) -> Team:
    """Add a team. Raises Invalid, NameTaken."""

    def write(tx: Tx) -> Team:
        team = teams.create_team(tx, name=name, description=description, extra_emails=extra_emails, now=now)
        _audit(tx, "created", team.id, actor, None, _view(tx, team), now)
        return team

    return rt.db.write(write)


def update_team(
    rt: Runtime,
    *,
    team_id: int,
    actor: User,
    now: datetime,
    name: str | None = None,
    description: str | None = None,
    extra_emails: Sequence[str] | None = None,
) -> Team:
    """Change what is given of a team. Raises TeamMissing, Invalid, NameTaken."""

    def write(tx: Tx) -> Team:
        before = _view(tx, queries.get_team(tx, team_id))
        team = teams.update_team(
            tx, team_id=team_id, name=name, description=description, extra_emails=extra_emails, now=now
        )
        _audit(tx, "changed", team_id, actor, before, _view(tx, team), now)
        return team

    return rt.db.write(write)


def delete_team(rt: Runtime, *, team_id: int, actor: User, now: datetime) -> None:
    """Remove a team that nothing points at. Raises TeamMissing, TeamInUse."""

    def write(tx: Tx) -> None:
        before = _view(tx, queries.get_team(tx, team_id))
        naming = [policy.name for policy in policies.policies_naming(tx, AssigneeType.TEAM, team_id)]
        if naming:
            raise teams.TeamInUse(f"Escalation policies still page this team: {', '.join(naming)}.")
        teams.delete_team(tx, team_id=team_id)
        _audit(tx, "deleted", team_id, actor, before, None, now)

    rt.db.write(write)


def add_member(rt: Runtime, *, team_id: int, user_id: int, actor: User, now: datetime) -> Team:
    """Add an active user to a team; one who is in it already stays. Raises TeamMissing, Invalid."""

    def write(tx: Tx) -> Team:
        if teams.add_member(tx, team_id=team_id, user_id=user_id, now=now):
            _audit(tx, "member_added", team_id, actor, None, {"user_id": user_id}, now)
        return queries.get_team(tx, team_id)

    return rt.db.write(write)


def remove_member(rt: Runtime, *, team_id: int, user_id: int, actor: User, now: datetime) -> Team:
    """Take a user out of a team; one who is not in it stays out. Raises TeamMissing."""

    def write(tx: Tx) -> Team:
        if teams.remove_member(tx, team_id=team_id, user_id=user_id):
            _audit(tx, "member_removed", team_id, actor, {"user_id": user_id}, None, now)
        return queries.get_team(tx, team_id)

    return rt.db.write(write)


def _view(tx: Tx, team: Team) -> JsonObject:
    return {
        "name": team.name,
        "description": team.description,
        "extra_emails": list(queries.emails_by_team(tx, [team.id])[team.id]),
        "member_ids": [user.id for user in queries.all_team_members(tx, team.id)],
    }


def _audit(
    tx: Tx, action: str, team_id: int, actor: User, before: JsonObject | None, after: JsonObject | None, now: datetime
) -> None:
    service.record_audit(
        tx, actor=actor, action=action, object_type="team", object_id=team_id, before=before, after=after, now=now
    )
