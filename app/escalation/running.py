"""Escalations under way: one row per incident, found by when it is due."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, insert, or_, select, update
from sqlalchemy.sql import Select

from app.escalation.models import EscalationRow
from app.escalation.rules import backups_of, backups_to_json, plan_to_json
from app.escalation.types import Escalation, EscalationStatus, NewEscalation, Plan, plan_of
from app.platform.db import Tx
from app.platform.tables import table_of
from app.platform.types import JsonObject

_COLUMNS = (
    EscalationRow.id, EscalationRow.incident_id, EscalationRow.plan, EscalationRow.episode, EscalationRow.level,
    EscalationRow.round, EscalationRow.status, EscalationRow.due_at, EscalationRow.level_started_at,
    EscalationRow.backups,
)  # fmt: skip
_ROWS = select(*_COLUMNS)
# The statements of every page and every tick, built once: building one costs more than running it.
_OF_INCIDENT = _ROWS.where(EscalationRow.incident_id == bindparam("incident_id"))
_LOCKED_OF_INCIDENT = _OF_INCIDENT.with_for_update()
_OF_INCIDENTS = _ROWS.where(EscalationRow.incident_id.in_(bindparam("ids", expanding=True)))
_LOCKED_OF_INCIDENTS = _OF_INCIDENTS.order_by(EscalationRow.incident_id).with_for_update()
_DUE = (
    _ROWS.where(EscalationRow.due_at <= bindparam("now"))
    .order_by(EscalationRow.due_at, EscalationRow.id)
    .limit(bindparam("at_most"))
)
_INCIDENTS_DUE = (
    select(EscalationRow.incident_id)
    .where(EscalationRow.due_at <= bindparam("now"))
    .order_by(EscalationRow.incident_id)
)
_NEXT_DUE_AT = (
    select(EscalationRow.due_at).where(EscalationRow.due_at.is_not(None)).order_by(EscalationRow.due_at).limit(1)
)
_CLIMBING = select(*_COLUMNS).where(EscalationRow.status == EscalationStatus.CLIMBING)
_SAVED = ("plan", "episode", "level", "round", "status", "due_at", "level_started_at", "backups")
_SAVE = (
    update(table_of(EscalationRow))
    .where(EscalationRow.id == bindparam("row_id"))
    .values(**{name: bindparam(f"new_{name}") for name in _SAVED})
)


def escalation_of(tx: Tx, incident_id: int) -> Escalation | None:
    """The incident's escalation, or None."""
    found = _fetch(tx, _OF_INCIDENT, incident_id=incident_id)
    return found[0] if found else None


def lock_escalation(tx: Tx, incident_id: int) -> Escalation | None:
    """The incident's escalation, locked until the transaction ends; lock the incident first."""
    found = _fetch(tx, _LOCKED_OF_INCIDENT, incident_id=incident_id)
    return found[0] if found else None


def escalations_of(tx: Tx, incident_ids: Iterable[int]) -> dict[int, Escalation]:
    """The escalations of these incidents, by incident."""
    wanted = sorted(set(incident_ids))
    if not wanted:
        return {}
    found = _fetch(tx, _OF_INCIDENTS, ids=wanted)
    return {escalation.incident_id: escalation for escalation in found}


def due(tx: Tx, *, now: datetime, limit: int) -> list[Escalation]:
    """Those whose time has come, the longest overdue first."""
    return _fetch(tx, _DUE, now=now, at_most=limit)


def incidents_due(tx: Tx, *, now: datetime) -> list[int]:
    """The incidents whose escalation's time has come, by id."""
    return list(tx.execute(_INCIDENTS_DUE, {"now": now}).scalars())


def next_due_at(tx: Tx) -> datetime | None:
    """When the next one is due."""
    found: datetime | None = tx.scalar(_NEXT_DUE_AT)
    return found


def climbing(tx: Tx) -> list[Escalation]:
    """All that wait on a level, oldest first."""
    return _fetch(tx, _CLIMBING.order_by(EscalationRow.id))


def asked_before(tx: Tx, at: datetime, *, now: datetime) -> list[Escalation]:
    """All that wait on a level that asked before then whom it stands for, oldest first.

    A level whose time has yet to begin, because its pages wait for a digest, has asked too.
    """
    started_at = EscalationRow.level_started_at
    return _fetch(tx, _CLIMBING.where(or_(started_at < at, started_at > now)).order_by(EscalationRow.id))


def standing(tx: Tx) -> list[Escalation]:
    """All that wait for an answer to what they paged: on a level, or of all admins."""
    statement = select(*_COLUMNS).where(
        EscalationRow.status.in_((EscalationStatus.CLIMBING, EscalationStatus.FALLBACK))
    )
    return _fetch(tx, statement.order_by(EscalationRow.id))


def lock_many(tx: Tx, incident_ids: Iterable[int]) -> list[Escalation]:
    """The escalations of these incidents, locked until the transaction ends; lock the incidents first."""
    wanted = sorted(set(incident_ids))
    if not wanted:
        return []
    return _fetch(tx, _LOCKED_OF_INCIDENTS, ids=wanted)


def in_status(tx: Tx, status: EscalationStatus) -> list[Escalation]:
    """All that wait in this way, oldest first."""
    return _fetch(tx, select(*_COLUMNS).where(EscalationRow.status == status).order_by(EscalationRow.id))


def insert_many(tx: Tx, new: Sequence[NewEscalation]) -> None:
    """Write the first episodes of new incidents."""
    if new:
        tx.execute(
            insert(EscalationRow),
            [
                {
                    "incident_id": one.incident_id,
                    "policy_version_id": one.policy_version_id,
                    "plan": plan_to_json(one.plan),
                    "episode": 1,
                    "level": one.level,
                    "round": 0,
                    "status": one.status,
                    "due_at": one.due_at,
                    "level_started_at": one.level_started_at,
                    "backups": backups_to_json(one.backups),
                }
                for one in new
            ],
        )


def stored_plan(plan: Plan) -> JsonObject:
    """A plan as the escalation row keeps it."""
    return plan_to_json(plan)


def change(tx: Tx, escalation: Escalation, **values: Any) -> None:
    """Set columns of one escalation, which this transaction has locked."""
    tx.execute(update(EscalationRow).where(EscalationRow.id == escalation.id).values(**values))


def save_many(tx: Tx, standing: Sequence[Escalation]) -> None:
    """Write where escalations stand after their moves; this transaction has locked them."""
    if standing:
        tx.execute(
            _SAVE,
            [
                {
                    "row_id": one.id,
                    "new_plan": plan_to_json(one.plan),
                    "new_episode": one.episode,
                    "new_level": one.level,
                    "new_round": one.round,
                    "new_status": one.status,
                    "new_due_at": one.due_at,
                    "new_level_started_at": one.level_started_at,
                    "new_backups": backups_to_json(one.backups),
                }
                for one in standing
            ],
        )


def _fetch(tx: Tx, statement: "Select[*tuple[Any, ...]]", **values: Any) -> list[Escalation]:
    return [
        Escalation(**{**row, "plan": plan_of(row["plan"]), "backups": backups_of(row["backups"])})
        for row in tx.execute(statement, values).mappings()
    ]
