"""Writing policies inside the caller's transaction: every change is a new version, and none is ever rewritten."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.exc import IntegrityError

from app.accounts import queries as people
from app.escalation import repository
from app.escalation.errors import PolicyInUse, PolicyNameTaken, PolicyNotFound
from app.escalation.rules import level_errors
from app.escalation.types import Assignee, AssigneeType, Level, Policy
from app.oncall import queries as oncall
from app.platform.db import Tx
from app.platform.errors import FieldError, Invalid

NAME_LENGTH = 120
MAX_REPEAT = 20
MAX_ACK_TIMEOUT_MINUTES = 7 * 24 * 60


def create_policy(
    tx: Tx,
    *,
    name: str,
    levels: Sequence[Level],
    team_id: int | None = None,
    repeat: int = 0,
    ack_timeout_minutes: int | None = None,
    now: datetime,
) -> Policy:
    """Add a policy. Raises Invalid with the path of every wrong place, PolicyNameTaken."""
    name = name.strip()
    _require_valid(tx, name, team_id, repeat, ack_timeout_minutes, levels, already=())
    _require_free_name(tx, name, except_id=None)
    try:
        with tx.connection.begin_nested():
            policy_id = repository.insert_policy(tx, name=name, team_id=team_id, now=now)
    except IntegrityError:
        raise PolicyNameTaken(name) from None
    repository.insert_version(
        tx,
        policy_id=policy_id,
        version=1,
        repeat=repeat,
        ack_timeout_minutes=ack_timeout_minutes,
        levels=_in_order(levels),
        now=now,
    )
    return repository.policies_by_id(tx, [policy_id])[policy_id]


def update_policy(tx: Tx, *, policy_id: int, changes: dict[str, Any], now: datetime) -> Policy:
    """Change the named fields (name, team_id, repeat, ack_timeout_minutes, levels); what escalates goes on as it was.

    Raises PolicyNotFound, Invalid, PolicyNameTaken. Somebody inactive may stay where they already are (B5).
    """
    if not repository.lock_policy(tx, policy_id):
        raise PolicyNotFound(policy_id)
    before = repository.policies_by_id(tx, [policy_id])[policy_id]
    name = str(changes.get("name", before.name)).strip()
    team_id = changes.get("team_id", before.team_id)
    repeat = changes.get("repeat", before.repeat)
    ack_timeout_minutes = changes.get("ack_timeout_minutes", before.ack_timeout_minutes)
    levels = changes.get("levels", before.levels)
    already = [assignee for level in before.levels for assignee in level.assignees]
    _require_valid(tx, name, team_id, repeat, ack_timeout_minutes, levels, already=already)
    _require_free_name(tx, name, except_id=policy_id)
    levels = _in_order(levels)
    says_new = (repeat, ack_timeout_minutes, levels) != (before.repeat, before.ack_timeout_minutes, before.levels)
    version = before.version + says_new
    if says_new:
        repository.insert_version(
            tx,
            policy_id=policy_id,
            version=version,
            repeat=repeat,
            ack_timeout_minutes=ack_timeout_minutes,
            levels=levels,
            now=now,
        )
    repository.update_policy(tx, policy_id, name=name, team_id=team_id, version=version, updated_at=now)
    return repository.policies_by_id(tx, [policy_id])[policy_id]


def delete_policy(tx: Tx, *, policy_id: int) -> None:
    """Remove a policy that nothing needs. Raises PolicyNotFound, PolicyInUse."""
    if not repository.lock_policy(tx, policy_id):
        raise PolicyNotFound(policy_id)
    if repository.has_running_escalation(tx, policy_id):
        raise PolicyInUse("An open incident is escalated by this policy; resolve it first.")
    try:
        with tx.connection.begin_nested():
            repository.delete_policy(tx, policy_id)
    except IntegrityError:
        raise PolicyInUse("Alert sources still use this policy; give them another one first.") from None


def _require_valid(
    tx: Tx,
    name: str,
    team_id: int | None,
    repeat: int,
    ack_timeout_minutes: int | None,
    levels: Sequence[Level],
    *,
    already: Iterable[Assignee],
) -> None:
    errors: list[FieldError] = []
    if not 1 <= len(name) <= NAME_LENGTH:
        errors.append(FieldError("name", f"must have 1 to {NAME_LENGTH} characters"))
    if team_id is not None and people.find_team(tx, team_id) is None:
        errors.append(FieldError("team_id", "names no team"))
    if not 0 <= repeat <= MAX_REPEAT:
        errors.append(FieldError("repeat", f"must be between 0 and {MAX_REPEAT}"))
    if ack_timeout_minutes is not None and not 1 <= ack_timeout_minutes <= MAX_ACK_TIMEOUT_MINUTES:
        errors.append(FieldError("ack_timeout_minutes", f"must be between 1 and {MAX_ACK_TIMEOUT_MINUTES}, or null"))
    errors += level_errors(levels)
    errors += _assignee_errors(tx, levels, set(already))
    if errors:
        raise Invalid("The escalation policy is not valid.", errors)


def _assignee_errors(tx: Tx, levels: Sequence[Level], already: set[Assignee]) -> list[FieldError]:
    named = {assignee for level in levels for assignee in level.assignees}
    users = people.users_by_id(tx, [each.id for each in named if each.type is AssigneeType.USER])
    schedules = oncall.schedules_by_id(tx, [each.id for each in named if each.type is AssigneeType.SCHEDULE])
    errors = []
    for i, level in enumerate(levels):
        for j, assignee in enumerate(level.assignees):
            path = f"levels[{i}].assignees[{j}].id"
            if assignee.type is AssigneeType.USER:
                user = users.get(assignee.id)
                if user is None:
                    errors.append(FieldError(path, "names no user"))
                elif not user.is_active and assignee not in already:
                    errors.append(FieldError(path, "names a user who is not active"))
            elif assignee.type is AssigneeType.SCHEDULE:
                if assignee.id not in schedules:
                    errors.append(FieldError(path, "names no schedule"))
            elif people.find_team(tx, assignee.id) is None:
                errors.append(FieldError(path, "names no team"))
    return errors


def _in_order(levels: Iterable[Level]) -> tuple[Level, ...]:
    return tuple(sorted(levels, key=lambda level: level.level))


def _require_free_name(tx: Tx, name: str, *, except_id: int | None) -> None:
    taken_by = repository.id_of_name(tx, name)
    if taken_by is not None and taken_by != except_id:
        raise PolicyNameTaken(name)
