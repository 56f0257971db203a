"""Reading pipeline runs and their stages."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from app.pipeline import repository
from app.pipeline.errors import RunNotFound
from app.pipeline.models import RunRow
from app.pipeline.progress import Progress
from app.pipeline.results import PipelineResult, StageError
from app.pipeline.rules import ACTIVE
from app.pipeline.types import PipelineRun, RunStatus, Stage, StageExecution, StageStatus
from app.platform.db import Tx, paged
from app.platform.types import Page, PageQuery

WAITING_AT_MOST = 500


@dataclass(frozen=True, slots=True)
class RunFilter:
    """What a list of runs is narrowed to."""

    incident_id: int | None = None
    status: RunStatus | None = None
    pipeline: str | None = None


def get_run(tx: Tx, run_id: str) -> PipelineRun:
    """The run. Raises RunNotFound."""
    found = tx.first(PipelineRun, repository.select_runs().where(RunRow.run_id == run_id))
    if found is None:
        raise RunNotFound(run_id)
    return found


def list_runs(tx: Tx, filters: RunFilter, page: PageQuery) -> Page[PipelineRun]:
    """One page, newest first."""
    wanted = {
        RunRow.incident_id: filters.incident_id,
        RunRow.status: filters.status,
        RunRow.pipeline: filters.pipeline,
    }
    narrowed = (column == value for column, value in wanted.items() if value is not None)
    statement = repository.select_runs().where(*narrowed)
    return paged(tx, PipelineRun, statement.order_by(RunRow.id.desc()), page)


def runs_of(tx: Tx, incident_id: int, *, limit: int = 100) -> list[PipelineRun]:
    """The runs of an incident, newest first."""
    statement = repository.select_runs().where(RunRow.incident_id == incident_id)
    return tx.all(PipelineRun, statement.order_by(RunRow.id.desc()).limit(limit))


def is_first_run(tx: Tx, run: PipelineRun) -> bool:
    """Whether its incident had none before."""
    before = select(RunRow.id).where(RunRow.incident_id == run.incident_id, RunRow.id < run.id)
    return tx.execute(before.limit(1)).first() is None


def must_wait(tx: Tx, run: PipelineRun) -> bool:
    """Whether another run of its incident is under way, which goes first. Lock the incident before."""
    if run.incident_id is None or run.status in ACTIVE:
        return False
    others = select(RunRow.id).where(
        RunRow.incident_id == run.incident_id, RunRow.completed_at.is_(None), RunRow.status.in_(ACTIVE)
    )
    return tx.execute(others.limit(1)).first() is not None


def stages_of(tx: Tx, run: PipelineRun) -> list[StageExecution]:
    """Every attempt at a stage of the run, in order."""
    return tx.all(StageExecution, repository.select_stages(run.id))


def progress_of(tx: Tx, run: PipelineRun) -> Progress:
    """How far a run that has begun is in its plan."""
    return Progress.of(run, stages_of(tx, run))


def due_runs(tx: Tx, *, now: datetime, limit: int = 100) -> list[PipelineRun]:
    """The runs that may go on now, the longest overdue first."""
    return repository.due_runs(tx, now=now, limit=limit)


def waiting_for_messages(tx: Tx, *, now: datetime) -> list[PipelineRun]:
    """Runs whose notify stage waits for what became of its messages, oldest first."""
    return repository.waiting_on(tx, Stage.NOTIFY, now=now, limit=WAITING_AT_MOST)


def next_due_at(tx: Tx) -> datetime | None:
    """When the next run may go on, None when none waits."""
    return repository.next_due_at(tx)


def result_of(tx: Tx, run: PipelineRun) -> PipelineResult:
    """A run as a whole, in the terms of 001: what its last attempts at each stage handed on."""
    last = {each.stage: each for each in stages_of(tx, run) if each.stage is not None}
    done = {stage: each for stage, each in last.items() if each.status is StageStatus.SUCCEEDED}
    outputs = {stage: each.output_snapshot for stage, each in done.items()}
    failed = run.status is RunStatus.FAILED
    stage = run.current_stage.value if run.current_stage is not None else None
    return PipelineResult(
        trace_id=run.trace_id,
        run_id=run.run_id,
        status="FAILED" if failed else "RUNNING" if run.completed_at is None else "COMPLETED",
        incident_id=run.incident_id,
        ingest=outputs.get(Stage.INGEST),
        check=outputs.get(Stage.CHECK),
        analyze=outputs.get(Stage.ANALYZE),
        notify=outputs.get(Stage.NOTIFY),
        started_at=run.started_at,
        completed_at=run.completed_at,
        total_duration_ms=run.total_duration_ms,
        stages_completed=tuple(each.value for each in Stage if each in done),
        final_error=StageError(stage, run.last_error_type, run.last_error_message, run.last_error_retryable)
        if failed
        else None,
    )
