"""Reading pipeline runs and their stages."""

from dataclasses import dataclass
from datetime import datetime

from app.pipeline import repository
from app.pipeline.errors import RunNotFound
from app.pipeline.models import RunRow
from app.pipeline.types import PipelineRun, RunStatus, Stage, StageExecution
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


def stages_of(tx: Tx, run: PipelineRun) -> list[StageExecution]:
    """Every attempt at a stage of the run, in order."""
    return tx.all(StageExecution, repository.select_stages(run.id))


def waiting_for_messages(tx: Tx, *, now: datetime) -> list[PipelineRun]:
    """Runs whose notify stage waits for what became of its messages, oldest first."""
    return repository.waiting_on(tx, Stage.NOTIFY, now=now, limit=WAITING_AT_MOST)


def next_due_at(tx: Tx) -> datetime | None:
    """When the next run may go on, None when none waits."""
    return repository.next_due_at(tx)
