"""Writing pipeline runs inside the caller's transaction."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, cast

from sqlalchemy import bindparam, insert, update

from app.pipeline import queries, repository
from app.pipeline.errors import NotResumable
from app.pipeline.models import RunRow
from app.pipeline.rules import AFTER
from app.pipeline.types import NewRun, PipelineRun, RunStatus, Stage, StageExecution, StageStatus
from app.platform.db import Tx
from app.platform.redact import redact
from app.platform.tables import table_of
from app.platform.types import JsonObject

_runs = table_of(RunRow)

# Built once: intake runs it for every batch.
_MERGE = (
    update(_runs)
    .where(_runs.c.incident_id.in_(bindparam("b_ids", expanding=True)), _runs.c.status == RunStatus.PENDING)
    .values(merged=_runs.c.merged + 1, updated_at=bindparam("b_now"))
    .returning(_runs.c.incident_id, _runs.c.run_id, _runs.c.due_at)
)


def request_many(tx: Tx, wanted: Sequence[tuple[NewRun, datetime]], *, now: datetime) -> dict[int, str]:
    """Ask for one run per incident, each with when it is due; a run that still waits takes the wish in (`merged`).

    Gives the run id by incident. A wish that is due sooner brings the waiting run forward.
    """
    if not wanted:
        return {}
    by_incident = {run.incident_id: (run, due_at) for run, due_at in wanted}
    found: dict[int, str] = {}
    forward = []
    for incident_id, run_id, due_at in tx.execute(_MERGE, {"b_ids": sorted(by_incident), "b_now": now}):
        found[incident_id] = run_id
        if due_at is None or by_incident[incident_id][1] < due_at:
            forward.append({"b_run": run_id, "b_due": by_incident[incident_id][1]})
    if forward:
        sooner = update(_runs).where(_runs.c.run_id == bindparam("b_run")).values(due_at=bindparam("b_due"))
        tx.execute(sooner, forward)
    new = [(run, due_at) for incident_id, (run, due_at) in by_incident.items() if incident_id not in found]
    if new:
        tx.execute(insert(RunRow), [_values(run, due_at, now) for run, due_at in new])
    # A wish that joins a waiting run changes nothing of when it is due: in a storm that is nearly every delivery.
    if forward or new:
        tx.wake("pipeline")
    return found | {run.incident_id: run.run_id for run, _ in new}


def claim(
    tx: Tx, *, owner: str, now: datetime, also: Collection[int], limit: int, max_retries: int
) -> list[PipelineRun]:
    """Take runs that may go on, one per incident, each under a new fence for some seconds.

    `also` are waiting runs for which something has happened. A pending run leaves PENDING here, so that what comes in
    from now on asks for a run of its own; its ingest stage was done by the delivery itself.
    """
    found = repository.lock_due(tx, now=now, also=also, limit=limit)
    chosen = {run.incident_id or -run.id: run for run in reversed(found)}
    repository.take(tx, [run.id for run in chosen.values()], owner=owner, now=now)
    claimed = [queries.get_run(tx, run.run_id) for run in sorted(chosen.values(), key=lambda run: run.id)]
    return [_begun(tx, run, max_retries, now) for run in claimed]


def is_held(tx: Tx, run: PipelineRun) -> bool:
    """Lock a claimed run; False when its lease was lost: then nothing may be written. Lock its incident first."""
    return repository.lock_held(tx, run)


def skip_stage(tx: Tx, run: PipelineRun, stage: Stage, *, reason: str, now: datetime) -> None:
    """Go past a stage that has nothing to do, and say why."""
    attempt = next_attempt(tx, run, stage)
    snapshot: JsonObject = {"reason": reason}
    repository.insert_stage(
        tx, run, stage, attempt=attempt, status=StageStatus.SKIPPED, output_snapshot=snapshot,
        started_at=now, completed_at=now, duration_ms=0.0,
    )  # fmt: skip
    if stage is not Stage.NOTIFY:
        repository.change(tx, run, now=now, status=AFTER[stage], current_stage=stage)


def begin_stage(tx: Tx, run: PipelineRun, stage: Stage, *, until: datetime, now: datetime) -> None:
    """Begin an attempt at a stage that waits for something; the run is let go of and due at `until` at the latest."""
    attempt = next_attempt(tx, run, stage)
    repository.insert_stage(tx, run, stage, attempt=attempt, status=StageStatus.RUNNING, started_at=now)
    repository.change(tx, run, now=now, current_stage=stage, due_at=until, owner=None, lease_until=None)


def wait_on(tx: Tx, run: PipelineRun, *, now: datetime) -> None:
    """Let go of a run that still waits inside its stage."""
    repository.change(tx, run, now=now, owner=None, lease_until=None)


def end_stage(
    tx: Tx, run: PipelineRun, stage: StageExecution, *, status: StageStatus, snapshot: JsonObject, now: datetime,
    error_type: str = "", error_message: str = "", error_retryable: bool = False,
) -> None:  # fmt: skip
    """Write down how an attempt ended; `snapshot` is stored without its secrets."""
    repository.change_stage(
        tx,
        stage.id,
        status=status,
        output_snapshot=cast(JsonObject, redact(snapshot)),
        output_ref=f"run:{run.run_id}",
        error_type=error_type,
        error_message=error_message,
        error_retryable=error_retryable,
        completed_at=now,
        duration_ms=_milliseconds(stage.started_at, now),
    )


def end_run(
    tx: Tx, run: PipelineRun, status: RunStatus, *, now: datetime, error_type: str = "", error_message: str = "",
    error_retryable: bool = False,
) -> None:  # fmt: skip
    """The run is over; a failed one keeps what it failed of."""
    repository.change(
        tx,
        run,
        now=now,
        status=status,
        due_at=None,
        owner=None,
        lease_until=None,
        completed_at=now,
        total_duration_ms=_milliseconds(run.started_at, now),
        last_error_type=error_type,
        last_error_message=error_message,
        last_error_retryable=error_retryable,
        **({"notify_output_ref": f"run:{run.run_id}"} if status is RunStatus.NOTIFIED else {}),
    )
    # What waited for this run to end may go on.
    tx.wake("pipeline")
    _publish(tx, run)


def try_later(
    tx: Tx, run: PipelineRun, *, due_at: datetime, now: datetime, error_type: str, error_message: str
) -> None:
    """Let a run that stumbled try again then."""
    error: dict[str, Any] = {"last_error_type": error_type, "last_error_message": error_message}
    values = {"status": RunStatus.RETRYING, "due_at": due_at, "owner": None, "lease_until": None, **error}
    repository.change(tx, run, now=now, last_error_retryable=True, **values)


def record_stumble(
    tx: Tx, run: PipelineRun, stage: Stage, *, error_type: str, error_message: str, error_stack: str, now: datetime
) -> int:
    """Write down that an attempt at a stage broke off; which attempt it was, counted from 1."""
    running = [each for each in queries.stages_of(tx, run) if each.status is StageStatus.RUNNING]
    attempt = running[-1].attempt if running else next_attempt(tx, run, stage)
    error: dict[str, Any] = {
        "status": StageStatus.FAILED, "error_type": error_type, "error_message": error_message,
        "error_stack": error_stack, "error_retryable": True, "completed_at": now,
    }  # fmt: skip
    if running:
        repository.change_stage(tx, running[-1].id, **error)
    else:
        repository.insert_stage(tx, run, stage, attempt=attempt, started_at=now, **error)
    return attempt


def resume(tx: Tx, run_id: str, *, now: datetime) -> PipelineRun:
    """Let a failed run go on after its last good stage. Raises RunNotFound, NotResumable."""
    run = queries.get_run(tx, run_id)
    if run.status is not RunStatus.FAILED or not repository.change(
        tx, run, now=now, status=RunStatus.RETRYING, due_at=now, completed_at=None,
        total_attempts=run.total_attempts + 1,
    ):  # fmt: skip
        raise NotResumable(run.status)
    tx.wake("pipeline")
    _publish(tx, run)
    return queries.get_run(tx, run_id)


def next_attempt(tx: Tx, run: PipelineRun, stage: Stage) -> int:
    """The number of the next attempt at a stage, counted from 1."""
    return 1 + max((each.attempt for each in queries.stages_of(tx, run) if each.stage is stage), default=0)


def _begun(tx: Tx, run: PipelineRun, max_retries: int, now: datetime) -> PipelineRun:
    if run.status is RunStatus.PENDING:
        repository.insert_stage(
            tx, run, Stage.INGEST, attempt=1, status=StageStatus.SUCCEEDED, input_ref=run.normalized_payload_ref,
            output_snapshot={"incident_id": run.incident_id, "deliveries": run.merged + 1},
            started_at=run.created_at, completed_at=run.created_at, duration_ms=0.0,
        )  # fmt: skip
        repository.change(
            tx, run, now=now, status=RunStatus.INGESTED, current_stage=Stage.INGEST, started_at=now,
            total_attempts=1, max_retries=max_retries,
        )  # fmt: skip
    elif run.status is RunStatus.RETRYING:
        repository.change(tx, run, now=now, status=_last_good(tx, run))
    else:
        return run
    return queries.get_run(tx, run.run_id)


def _last_good(tx: Tx, run: PipelineRun) -> RunStatus:
    good = (StageStatus.SUCCEEDED, StageStatus.SKIPPED)
    done = [each.stage for each in queries.stages_of(tx, run) if each.status in good and each.stage is not None]
    return next((AFTER[stage] for stage in (Stage.ANALYZE, Stage.CHECK) if stage in done), RunStatus.INGESTED)


def _milliseconds(since: datetime | None, until: datetime) -> float:
    return (until - since).total_seconds() * 1000 if since is not None else 0.0


def _publish(tx: Tx, run: PipelineRun) -> None:
    tx.publish("pipeline", run_id=run.run_id, incident_id=run.incident_id)


def _values(run: NewRun, due_at: datetime, now: datetime) -> dict[str, object]:
    return {
        "trace_id": run.trace_id,
        "run_id": run.run_id,
        "pipeline": run.pipeline,
        "status": RunStatus.PENDING,
        "incident_id": run.incident_id,
        "source": run.source,
        "source_id": run.source_id,
        "alert_fingerprint": run.alert_fingerprint,
        "environment": run.environment,
        "normalized_payload_ref": f"delivery:{run.trace_id}",
        "due_at": due_at,
        "created_at": now,
        "updated_at": now,
    }
