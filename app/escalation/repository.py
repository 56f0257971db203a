"""Statements over policies and their versions; the ones over running escalations are in `running`."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import and_, delete, func, insert, select, update
from sqlalchemy.sql import Select

from app.escalation.models import AssigneeRow, EscalationRow, LevelRow, PolicyRow, PolicyVersionRow
from app.escalation.types import Assignee, AssigneeType, EscalationStatus, Level, Policy
from app.platform.db import Tx


def select_policies() -> "Select[*tuple[Any, ...]]":
    """A select of policies with their newest version, to be narrowed; its levels are fetched by `with_levels`."""
    return select(
        PolicyRow.id,
        PolicyRow.name,
        PolicyRow.team_id,
        PolicyRow.version,
        PolicyVersionRow.id.label("version_id"),
        PolicyVersionRow.repeat,
        PolicyVersionRow.ack_timeout_minutes,
        PolicyRow.created_at,
        PolicyRow.updated_at,
    ).join(
        PolicyVersionRow,
        and_(PolicyVersionRow.policy_id == PolicyRow.id, PolicyVersionRow.version == PolicyRow.version),
    )


def policies(tx: Tx, statement: "Select[*tuple[Any, ...]]") -> list[Policy]:
    """The policies that a narrowed `select_policies` finds, each with its levels."""
    rows = tx.execute(statement).mappings().all()
    levels = levels_of(tx, [row["version_id"] for row in rows])
    return [Policy(**row, levels=levels.get(row["version_id"], ())) for row in rows]


def policies_by_id(tx: Tx, policy_ids: Iterable[int]) -> dict[int, Policy]:
    """The policies that exist among these."""
    wanted = sorted(set(policy_ids))
    if not wanted:
        return {}
    return {policy.id: policy for policy in policies(tx, select_policies().where(PolicyRow.id.in_(wanted)))}


def count(tx: Tx, statement: "Select[*tuple[Any, ...]]") -> int:
    """How many rows a select finds."""
    return int(tx.scalar(select(func.count()).select_from(statement.order_by(None).subquery())))


def levels_of(tx: Tx, version_ids: Iterable[int]) -> dict[int, tuple[Level, ...]]:
    """The levels of these policy versions in order, each with its assignees."""
    wanted = sorted(set(version_ids))
    if not wanted:
        return {}
    statement = (
        select(
            LevelRow.policy_version_id, LevelRow.level, LevelRow.delay_minutes, AssigneeRow.type, AssigneeRow.target_id
        )
        .join(AssigneeRow, AssigneeRow.level_id == LevelRow.id, isouter=True)
        .where(LevelRow.policy_version_id.in_(wanted))
        .order_by(LevelRow.policy_version_id, LevelRow.level, AssigneeRow.position, AssigneeRow.id)
    )
    found: dict[int, dict[int, tuple[int, list[Assignee]]]] = {}
    for version_id, level, delay_minutes, kind, target_id in tx.execute(statement):
        _, assignees = found.setdefault(version_id, {}).setdefault(level, (delay_minutes, []))
        if kind is not None:
            assignees.append(Assignee(kind, target_id))
    return {
        version_id: tuple(Level(level, delay, tuple(assignees)) for level, (delay, assignees) in levels.items())
        for version_id, levels in found.items()
    }


def id_of_name(tx: Tx, name: str) -> int | None:
    """The policy of exactly this name."""
    found: int | None = tx.scalar(select(PolicyRow.id).where(PolicyRow.name == name))
    return found


def lock_policy(tx: Tx, policy_id: int) -> bool:
    """Lock the policy until the transaction ends, so that two changes become two versions; whether it exists."""
    return tx.scalar(select(PolicyRow.id).where(PolicyRow.id == policy_id).with_for_update()) is not None


def insert_policy(tx: Tx, *, name: str, team_id: int | None, now: datetime) -> int:
    """A policy whose first version is still to be written."""
    return tx.insert(PolicyRow, name=name, team_id=team_id, version=1, created_at=now, updated_at=now)


def update_policy(tx: Tx, policy_id: int, **values: Any) -> None:
    """Set columns of a policy."""
    tx.execute(update(PolicyRow).where(PolicyRow.id == policy_id).values(**values))


def insert_version(
    tx: Tx,
    *,
    policy_id: int,
    version: int,
    repeat: int,
    ack_timeout_minutes: int | None,
    levels: Sequence[Level],
    now: datetime,
) -> None:
    """Write one version with its levels and assignees."""
    version_id = tx.insert(
        PolicyVersionRow,
        policy_id=policy_id,
        version=version,
        repeat=repeat,
        ack_timeout_minutes=ack_timeout_minutes,
        created_at=now,
    )
    for level in levels:
        level_id = tx.insert(
            LevelRow, policy_version_id=version_id, level=level.level, delay_minutes=level.delay_minutes
        )
        tx.execute(
            insert(AssigneeRow),
            [
                {"level_id": level_id, "type": assignee.type, "target_id": assignee.id, "position": position}
                for position, assignee in enumerate(level.assignees)
            ],
        )


def delete_policy(tx: Tx, policy_id: int) -> None:
    """Remove a policy with all its versions; escalations that have ended keep their own snapshot."""
    versions = select(PolicyVersionRow.id).where(PolicyVersionRow.policy_id == policy_id).scalar_subquery()
    levels = select(LevelRow.id).where(LevelRow.policy_version_id.in_(versions)).scalar_subquery()
    tx.execute(
        update(EscalationRow).where(EscalationRow.policy_version_id.in_(versions)).values(policy_version_id=None)
    )
    tx.execute(delete(AssigneeRow).where(AssigneeRow.level_id.in_(levels)))
    tx.execute(delete(LevelRow).where(LevelRow.policy_version_id.in_(versions)))
    tx.execute(delete(PolicyVersionRow).where(PolicyVersionRow.policy_id == policy_id))
    tx.execute(delete(PolicyRow).where(PolicyRow.id == policy_id))


def has_running_escalation(tx: Tx, policy_id: int) -> bool:
    """Whether an escalation that has not been stopped climbs a version of this policy."""
    versions = select(PolicyVersionRow.id).where(PolicyVersionRow.policy_id == policy_id)
    statement = select(EscalationRow.id).where(
        EscalationRow.policy_version_id.in_(versions), EscalationRow.status != EscalationStatus.STOPPED
    )
    return tx.scalar(statement.limit(1)) is not None


def targets_named(tx: Tx, kind: AssigneeType) -> set[int]:
    """The users, teams or schedules that the newest versions of the policies name."""
    newest = and_(PolicyVersionRow.policy_id == PolicyRow.id, PolicyVersionRow.version == PolicyRow.version)
    statement = (
        select(AssigneeRow.target_id)
        .join(LevelRow, AssigneeRow.level_id == LevelRow.id)
        .join(PolicyVersionRow, LevelRow.policy_version_id == PolicyVersionRow.id)
        .join(PolicyRow, newest)
        .where(AssigneeRow.type == kind)
    )
    return set(tx.execute(statement.distinct()).scalars())


def select_naming(kind: AssigneeType, target_id: int) -> "Select[*tuple[Any, ...]]":
    """The policies whose newest version names this user, team or schedule, by name."""
    versions = (
        select(LevelRow.policy_version_id)
        .join(AssigneeRow, AssigneeRow.level_id == LevelRow.id)
        .where(AssigneeRow.type == kind, AssigneeRow.target_id == target_id)
    )
    return select_policies().where(PolicyVersionRow.id.in_(versions)).order_by(PolicyRow.name)
