"""`/api/v1/pipeline-runs`: what happened to incidents after intake, stage by stage; and runs by hand."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

from fastapi import Path, Query, Response

from app.pipeline import queries
from app.pipeline.definitions import chain, show
from app.pipeline.queries import RunFilter
from app.pipeline.types import RunStatus, Stage, StageStatus
from app.platform.db import Tx
from app.usecases import run_pipeline
from app.usecases.run_pipeline import Rehearsal
from app.web.api.accounts_schemas import In, Out
from app.web.api.definitions import DefinitionName
from app.web.api.pages import PageOut, page_out
from app.web.deps import MAX_ID, NowDep, PageDep, RuntimeDep

RunId = Annotated[str, Path(min_length=1, max_length=64)]


class RunOut(Out):
    """One flow of an incident through the stages; durations in milliseconds."""

    id: int
    trace_id: str
    run_id: str
    pipeline: str
    status: RunStatus
    current_stage: Stage | None
    incident_id: int | None
    source: str
    alert_fingerprint: str
    environment: str
    normalized_payload_ref: str
    checker_output_ref: str
    intelligence_output_ref: str
    notify_output_ref: str
    intelligence_fallback_used: bool
    total_attempts: int
    max_retries: int
    last_error_type: str
    last_error_message: str
    last_error_retryable: bool
    merged: int
    due_at: datetime | None
    created_at: datetime
    updated_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    total_duration_ms: float | None


class StageOut(Out):
    """One attempt at one stage; `pipeline_run_id` is the run's `id`, `duration_ms` in milliseconds."""

    id: int
    pipeline_run_id: int
    node_id: str
    stage: Stage | None
    status: StageStatus
    attempt: int
    idempotency_key: str
    input_ref: str
    output_ref: str
    output_snapshot: dict[str, Any]
    error_type: str
    error_message: str
    error_stack: str
    error_retryable: bool
    started_at: datetime | None
    completed_at: datetime | None
    duration_ms: float | None


class RunDetail(RunOut):
    """A run with every attempt at its stages, and as 001's `PipelineResult`."""

    stages: list[StageOut]
    result: dict[str, Any]


class HandRun(In):
    """A run by hand: about an alert as a monitoring tool posts it, or without one about this host."""

    payload: dict[str, Any] | None = None
    dry_run: bool = False


class HandRunOut(Out):
    """What a run by hand does, or with `dry_run` would do; then there is no run."""

    dry_run: bool
    pipeline: str
    version: int
    chain: str
    nodes: list[dict[str, Any]]
    alerts: list[dict[str, Any]]
    run_id: str | None = None
    trace_id: str | None = None
    status: RunStatus | None = None


def list_runs(
    rt: RuntimeDep,
    page: PageDep,
    incident_id: Annotated[int | None, Query(ge=1, le=MAX_ID)] = None,
    status: RunStatus | None = None,
    pipeline: Annotated[str | None, Query(max_length=100)] = None,
) -> PageOut[RunOut]:
    """One page of runs, newest first."""
    filters = RunFilter(incident_id=incident_id, status=status, pipeline=pipeline)
    return page_out(rt.db.read(lambda tx: queries.list_runs(tx, filters, page)), RunOut.model_validate)


def show_run(run_id: RunId, rt: RuntimeDep) -> RunDetail:
    """One run with its stages."""
    return rt.db.read(lambda tx: _detail(tx, run_id))


def resume_run(run_id: RunId, rt: RuntimeDep, now: NowDep) -> RunDetail:
    """Let a failed run go on after its last good stage; what was said meanwhile is not said again."""
    run_pipeline.resume(rt, run_id=run_id, now=now)
    return show_run(run_id, rt)


def run_by_hand(
    name: DefinitionName, rt: RuntimeDep, now: NowDep, response: Response, body: HandRun | None = None
) -> HandRunOut:
    """Ask for a run; nobody is paged, team channels hear of it. 202 once it is stored, 200 for a dry run."""
    body = body or HandRun()
    rehearsal = run_pipeline.rehearse(rt, pipeline_name=name, payload=body.payload, now=now)
    shown = _rehearsed(rehearsal, is_dry=body.dry_run)
    if body.dry_run:
        return shown
    run = run_pipeline.start(rt, pipeline_name=name, payload=body.payload, now=now)
    response.status_code = 202
    return shown.model_copy(update={"run_id": run.run_id, "trace_id": run.trace_id, "status": run.status})


def _rehearsed(rehearsal: Rehearsal, *, is_dry: bool) -> HandRunOut:
    plan = rehearsal.plan
    alerts = [
        {"name": each.name, "status": each.status.value, "severity": each.severity.value if each.severity else None}
        for each in rehearsal.alerts
    ]
    return HandRunOut(
        dry_run=is_dry,
        pipeline=plan.name,
        version=plan.version,
        chain=chain(plan),
        nodes=show(plan)["nodes"],
        alerts=alerts,
    )


def _detail(tx: Tx, run_id: str) -> RunDetail:
    run = queries.get_run(tx, run_id)
    stages = [StageOut.model_validate(stage) for stage in queries.stages_of(tx, run)]
    result = asdict(queries.result_of(tx, run))
    return RunDetail(**RunOut.model_validate(run).model_dump(), stages=stages, result=result)
