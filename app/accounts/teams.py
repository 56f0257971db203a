"""Writing teams: their names, members and addresses. Inactive users are refused as new members (B5)."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError

from app.accounts import queries, rules
from app.accounts.errors import NameTaken, invalid
from app.accounts.models import TeamEmailRow, TeamMembershipRow, TeamRow
from app.accounts.types import Team
from app.platform.db import Tx
from app.platform.errors import Conflict


class TeamInUse(Conflict):
    """Something still points at the team."""

    default_code = "team_in_use"


def create_team(tx: Tx, *, name: str, description: str, extra_emails: Sequence[str], now: datetime) -> Team:
    """Add a team. Raises Invalid, NameTaken."""
    name = rules.normal_name(name.lstrip("@"))
    _require_free_name(tx, name, except_id=None)
    team_id = tx.insert(TeamRow, name=name, description=description.strip(), created_at=now, updated_at=now)
    _set_emails(tx, team_id, extra_emails)
    return queries.get_team(tx, team_id)


def update_team(
    tx: Tx,
    *,
    team_id: int,
    name: str | None = None,
    description: str | None = None,
    extra_emails: Sequence[str] | None = None,
    now: datetime,
) -> Team:
    """Change what is given. Raises TeamMissing, Invalid, NameTaken."""
    team = queries.get_team(tx, team_id)
    new_name = team.name if name is None else rules.normal_name(name.lstrip("@"))
    _require_free_name(tx, new_name, except_id=team_id)
    new_description = team.description if description is None else description.strip()
    tx.execute(
        update(TeamRow).where(TeamRow.id == team_id).values(name=new_name, description=new_description, updated_at=now)
    )
    if extra_emails is not None:
        _set_emails(tx, team_id, extra_emails)
    return queries.get_team(tx, team_id)


def delete_team(tx: Tx, *, team_id: int) -> None:
    """Remove a team with its memberships. Raises TeamMissing, TeamInUse when sources, policies or schedules use it."""
    queries.get_team(tx, team_id)
    try:
        with tx.connection.begin_nested():
            tx.execute(delete(TeamMembershipRow).where(TeamMembershipRow.team_id == team_id))
            tx.execute(delete(TeamEmailRow).where(TeamEmailRow.team_id == team_id))
            tx.execute(delete(TeamRow).where(TeamRow.id == team_id))
    except IntegrityError:
        raise TeamInUse("Alert sources, policies or schedules still use this team.") from None


def add_member(tx: Tx, *, team_id: int, user_id: int, now: datetime) -> bool:
    """Add a user to a team; False when they already were in it. Raises TeamMissing, Invalid for an inactive user."""
    queries.get_team(tx, team_id)
    user = queries.find_user(tx, user_id)
    if user is None:
        raise invalid("user_id", "names nobody")
    if _is_member(tx, team_id, user_id):
        return False
    if not user.is_active:
        raise invalid("user_id", "names somebody who is not active")
    tx.insert(TeamMembershipRow, team_id=team_id, user_id=user_id, created_at=now)
    return True


def remove_member(tx: Tx, *, team_id: int, user_id: int) -> bool:
    """Take a user out of a team; False when they were not in it. Raises TeamMissing."""
    queries.get_team(tx, team_id)
    row = TeamMembershipRow
    return tx.execute(delete(row).where(row.team_id == team_id, row.user_id == user_id)).rowcount == 1


def _is_member(tx: Tx, team_id: int, user_id: int) -> bool:
    row = TeamMembershipRow
    return tx.scalar(select(row.id).where(row.team_id == team_id, row.user_id == user_id)) is not None


def _require_free_name(tx: Tx, name: str, *, except_id: int | None) -> None:
    taken_by = tx.scalar(select(TeamRow.id).where(TeamRow.name == name))
    if taken_by is not None and taken_by != except_id:
        raise NameTaken(f"There is already a team named {name}.")


def _set_emails(tx: Tx, team_id: int, emails: Sequence[str]) -> None:
    tx.execute(delete(TeamEmailRow).where(TeamEmailRow.team_id == team_id))
    for email in dict.fromkeys(rules.normal_email(each) for each in emails):
        tx.insert(TeamEmailRow, team_id=team_id, email=email)
