"""Statements over runs and their stages. A run that is worked on changes only under its fence."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, case, exists, func, not_, or_, select, update
from sqlalchemy.sql import Select

from app.pipeline.models import RunRow, StageRow
from app.pipeline.rules import ACTIVE
from app.pipeline.types import PipelineRun, RunStatus, Stage, StageExecution
from app.platform.db import Tx
from app.platform.tables import fields_of, table_of

LEASE = timedelta(seconds=10)
WAITS_FOR_ITS_TURN = (RunStatus.PENDING, RunStatus.RETRYING)

_other = table_of(RunRow).alias("other")
_IS_OPEN = RunRow.completed_at.is_(None)
# At most one run of an incident is under way; the next one waits.
_MAY_GO = or_(
    RunRow.status.not_in(WAITS_FOR_ITS_TURN),
    ~exists().where(
        _other.c.incident_id == RunRow.incident_id,
        _other.c.id != RunRow.id,
        _other.c.completed_at.is_(None),
        _other.c.status.in_(ACTIVE),
    ),
)
# What waits needs no place: it is looked at in a moment. The others measure and ask.
_WAITS_FOR_MESSAGES = and_(RunRow.status.in_(ACTIVE), RunRow.current_stage == Stage.NOTIFY)


def select_runs() -> "Select[Any]":
    """A select of whole runs, to be narrowed."""
    return select(*fields_of(RunRow, PipelineRun))


# Built once, with parameters: they are asked at every tick and every wake.
_IS_DUE = RunRow.due_at <= bindparam("now")
_IS_FREE = or_(RunRow.lease_until.is_(None), RunRow.lease_until <= bindparam("now"))


def _select_due(*wanted: "ColumnElement[bool]") -> "Select[Any]":
    rows = select_runs().where(_IS_OPEN, _IS_FREE, _MAY_GO, *wanted)
    return rows.order_by(RunRow.due_at, RunRow.id).limit(bindparam("at_most"))


def _locked(statement: "Select[Any]") -> "Select[Any]":
    return statement.with_for_update(skip_locked=True, of=RunRow)


_DUE = _select_due(_IS_DUE)
_WAITING = _locked(_DUE.where(_WAITS_FOR_MESSAGES))
_WAITING_OR_ALSO = _locked(
    _select_due(or_(_IS_DUE, RunRow.id.in_(bindparam("also", expanding=True))), _WAITS_FOR_MESSAGES)
)
_OTHERS = _locked(_DUE.where(not_(_WAITS_FOR_MESSAGES)))
_OTHERS_BUT = _locked(
    _DUE.where(
        not_(_WAITS_FOR_MESSAGES),
        or_(RunRow.incident_id.is_(None), RunRow.incident_id.not_in(bindparam("but", expanding=True))),
    )
)
_ONE = _locked(select_runs().where(_IS_OPEN, _IS_FREE, _MAY_GO, RunRow.run_id == bindparam("run_id")))
_WAITING_ON = (
    select_runs()
    .where(_IS_OPEN, _IS_FREE, RunRow.status.in_(ACTIVE), RunRow.current_stage == bindparam("stage"))
    .order_by(RunRow.id)
    .limit(bindparam("at_most"))
)
_IS_LEASED = and_(RunRow.lease_until.is_not(None), RunRow.lease_until > RunRow.due_at)
_NEXT_DUE_AT = select(func.min(case((_IS_LEASED, RunRow.lease_until), else_=RunRow.due_at))).where(_IS_OPEN, _MAY_GO)


def select_stages(pipeline_run_id: int) -> "Select[Any]":
    """The stage attempts of one run, in the order in which they began."""
    statement = select(*fields_of(StageRow, StageExecution)).where(StageRow.pipeline_run_id == pipeline_run_id)
    return statement.order_by(StageRow.id)


def due_runs(tx: Tx, *, now: datetime, limit: int) -> list[PipelineRun]:
    """Runs that may go on now, the longest overdue first."""
    return tx.all(PipelineRun, _DUE, now=now, at_most=limit)


def lock_waiting(tx: Tx, *, now: datetime, also: Collection[int], limit: int) -> list[PipelineRun]:
    """Of those that may go on the ones that wait for messages, locked; those of `also` need not be due."""
    if also:
        return tx.all(PipelineRun, _WAITING_OR_ALSO, now=now, also=sorted(also), at_most=limit)
    return tx.all(PipelineRun, _WAITING, now=now, at_most=limit)


def lock_due(tx: Tx, *, now: datetime, but: Collection[int], limit: int) -> list[PipelineRun]:
    """Of those that may go on the others, without the runs of the incidents `but`, locked for this transaction."""
    if but:
        return tx.all(PipelineRun, _OTHERS_BUT, now=now, but=sorted(but), at_most=limit)
    return tx.all(PipelineRun, _OTHERS, now=now, at_most=limit)


def lock_one(tx: Tx, run_id: str, *, now: datetime) -> list[PipelineRun]:
    """That run if it may go on, due or not."""
    return tx.all(PipelineRun, _ONE, now=now, run_id=run_id)


def take(tx: Tx, run_ids: Collection[int], *, owner: str, now: datetime) -> None:
    """Put a new lease and fence on runs that this transaction has locked."""
    tx.execute(
        update(RunRow)
        .where(RunRow.id.in_(sorted(run_ids)))
        .values(owner=owner, fence=RunRow.fence + 1, lease_until=now + LEASE)
    )


def renew(tx: Tx, run: PipelineRun, *, now: datetime) -> bool:
    """Keep the lease on a run; False when another process has it, or it has ended."""
    statement = update(RunRow).where(RunRow.id == run.id, RunRow.fence == run.fence, _IS_OPEN)
    return tx.execute(statement.values(lease_until=now + LEASE)).rowcount == 1


def lock_held(tx: Tx, run: PipelineRun) -> bool:
    """Lock the run for this transaction; False when another process has taken it over, or it has ended."""
    statement = select(RunRow.id).where(RunRow.id == run.id, RunRow.fence == run.fence, _IS_OPEN)
    return tx.scalar(statement.with_for_update()) is not None


def change(tx: Tx, run: PipelineRun, *, now: datetime, **values: Any) -> bool:
    """Change a run under its fence; False when it is no longer ours."""
    statement = update(RunRow).where(RunRow.id == run.id, RunRow.fence == run.fence)
    return tx.execute(statement.values(updated_at=now, **values)).rowcount == 1


def insert_stage(tx: Tx, run: PipelineRun, node_id: str, stage: Stage | None, *, attempt: int, **values: Any) -> int:
    """Write down one attempt at a node and return its id."""
    return tx.insert(
        StageRow,
        pipeline_run_id=run.id,
        node_id=node_id,
        stage=stage,
        attempt=attempt,
        idempotency_key=f"{run.run_id}:{node_id}:{attempt}",
        **values,
    )


def change_stage(tx: Tx, stage_id: int, **values: Any) -> None:
    """Change one attempt at a stage."""
    tx.execute(update(StageRow).where(StageRow.id == stage_id).values(**values))


def waiting_on(tx: Tx, stage: Stage, *, now: datetime, limit: int) -> list[PipelineRun]:
    """Runs that wait inside a stage for something outside them and that nobody looks at, oldest first."""
    return tx.all(PipelineRun, _WAITING_ON, stage=stage, now=now, at_most=limit)


def next_due_at(tx: Tx) -> datetime | None:
    """When the next run may go on: when it is due, or when the lease on it runs out."""
    at: datetime | None = tx.scalar(_NEXT_DUE_AT)
    return at
