"""Escalation policies: every change is a new version, and what already escalates goes on as it began (B24)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from app.accounts.service import auditor
from app.accounts.types import User
from app.alarms import queries as alarms
from app.alerts import queries as alerts
from app.escalation import queries, service
from app.escalation.errors import PolicyInUse
from app.escalation.rules import levels_to_json
from app.escalation.types import Level, Policy
from app.platform.db import Tx
from app.platform.runtime import Runtime
from app.platform.types import JsonObject

_audit = auditor("escalation_policy")


def create_policy(
    rt: Runtime,
    *,
    name: str,
    levels: Sequence[Level],
    actor: User,
    now: datetime,
    team_id: int | None = None,
    repeat: int = 0,
    ack_timeout_minutes: int | None = None,
) -> Policy:
    """Add a policy. Raises Invalid, PolicyNameTaken."""
    return rt.db.write(
        lambda tx: add_policy(
            tx,
            name=name,
            levels=levels,
            actor=actor,
            now=now,
            team_id=team_id,
            repeat=repeat,
            ack_timeout_minutes=ack_timeout_minutes,
        )
    )


def add_policy(
    tx: Tx,
    *,
    name: str,
    levels: Sequence[Level],
    actor: User,
    now: datetime,
    team_id: int | None = None,
    repeat: int = 0,
    ack_timeout_minutes: int | None = None,
) -> Policy:
    """The same inside the caller's transaction."""
    policy = service.create_policy(
        tx,
        name=name,
        levels=levels,
        team_id=team_id,
        repeat=repeat,
        ack_timeout_minutes=ack_timeout_minutes,
        now=now,
    )
    _audit(tx, "created", policy.id, actor, None, _view(policy), now)
    return policy


def update_policy(rt: Runtime, *, policy_id: int, changes: dict[str, Any], actor: User, now: datetime) -> Policy:
    """Change the named fields (name, team_id, repeat, ack_timeout_minutes, levels).

    Raises PolicyNotFound, Invalid, PolicyNameTaken.
    """

    def write(tx: Tx) -> Policy:
        before = _view(queries.get_policy(tx, policy_id))
        policy = service.update_policy(tx, policy_id=policy_id, changes=changes, now=now)
        _audit(tx, "changed", policy_id, actor, before, _view(policy), now)
        return policy

    return rt.db.write(write)


def delete_policy(rt: Runtime, *, policy_id: int, actor: User, now: datetime) -> None:
    """Remove a policy that nothing needs. Raises PolicyNotFound, PolicyInUse."""

    def write(tx: Tx) -> None:
        before = _view(queries.get_policy(tx, policy_id))
        using = [source.name for source in alerts.sources_using_policy(tx, policy_id)]
        using += [alarm.entry_id for alarm in alarms.alarms_using_policy(tx, policy_id)]
        if using:
            raise PolicyInUse(f"Still used by: {', '.join(using)}. Give them another policy first.")
        service.delete_policy(tx, policy_id=policy_id)
        _audit(tx, "deleted", policy_id, actor, before, None, now)

    rt.db.write(write)


def _view(policy: Policy) -> JsonObject:
    return {
        "name": policy.name,
        "team_id": policy.team_id,
        "version": policy.version,
        "repeat": policy.repeat,
        "ack_timeout_minutes": policy.ack_timeout_minutes,
        "levels": levels_to_json(policy.levels),
    }
