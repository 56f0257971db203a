"""Writing pipeline runs inside the caller's transaction."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, cast

from sqlalchemy import bindparam, insert, update

from app.pipeline import queries, repository
from app.pipeline.errors import NotResumable
from app.pipeline.models import RunRow
from app.pipeline.progress import Progress
from app.pipeline.results import IngestResult
from app.pipeline.rules import AFTER
from app.pipeline.types import NewRun, Node, PipelineRun, Plan, RunStatus, Stage, StageExecution, StageStatus
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
    by_incident = {run.incident_id: (run, due_at) for run, due_at in wanted if run.incident_id is not None}
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
    return found | {run.incident_id: run.run_id for run, _ in new if run.incident_id is not None}


def start(tx: Tx, new: NewRun, *, now: datetime) -> PipelineRun:
    """A run that somebody asked for by hand, about no incident."""
    tx.execute(insert(RunRow), [_values(new, now, now)])
    tx.wake("pipeline")
    return queries.get_run(tx, new.run_id)


def claim(
    tx: Tx, *, owner: str, now: datetime, also: Collection[int] = (), but: Collection[int] = (), waiting: int = 0,
    limit: int,
) -> list[PipelineRun]:  # fmt: skip
    """Take runs that may go on, one per incident, each under a new fence for some seconds.

    At most `waiting` of those that wait for messages, `also` among them whether due or not, and at most `limit` of the
    others, without those of the incidents `but`.
    """
    found = repository.lock_waiting(tx, now=now, also=also, limit=waiting) if waiting else []
    if limit:
        found += repository.lock_due(tx, now=now, but=but, limit=limit)
    return _take(tx, found, owner, now)


def claim_one(tx: Tx, run_id: str, *, owner: str, now: datetime) -> PipelineRun | None:
    """Take this run if it may go on, due or not."""
    return next(iter(_take(tx, repository.lock_one(tx, run_id, now=now), owner, now)), None)


def _take(tx: Tx, found: Sequence[PipelineRun], owner: str, now: datetime) -> list[PipelineRun]:
    chosen = {run.incident_id or -run.id: run for run in reversed(found)}
    repository.take(tx, [run.id for run in chosen.values()], owner=owner, now=now)
    return [queries.get_run(tx, run.run_id) for run in sorted(chosen.values(), key=lambda run: run.id)]


def begin(
    tx: Tx, run: PipelineRun, plan: Plan, *, ingested: IngestResult, max_retries: int, now: datetime
) -> PipelineRun:
    """A claimed run leaves PENDING and follows this plan, whatever becomes of the definition.

    What comes in from now on asks for a run of its own; the ingest stage was done by the delivery itself.
    """
    own = next((node.id for node in plan.nodes if node.stage is Stage.INGEST), Stage.INGEST.value.lower())
    repository.insert_stage(
        tx, run, own, Stage.INGEST, attempt=1, status=StageStatus.SUCCEEDED,
        input_ref=run.normalized_payload_ref, output_snapshot=ingested.to_dict(),
        started_at=run.created_at, completed_at=run.created_at, duration_ms=0.0,
    )  # fmt: skip
    repository.change(
        tx, run, now=now, status=RunStatus.INGESTED, current_stage=Stage.INGEST, started_at=now, total_attempts=1,
        max_retries=max_retries, plan=plan.to_json(), pipeline=plan.name,
    )  # fmt: skip
    return queries.get_run(tx, run.run_id)


def go_on(tx: Tx, run: PipelineRun, progress: Progress, *, now: datetime) -> PipelineRun:
    """A claimed run that waited for its next try is under way again."""
    if run.status is not RunStatus.RETRYING:
        return run
    status = progress.last_good
    repository.change(tx, run, now=now, status=status)
    return replace(run, status=status)


def renew(tx: Tx, run: PipelineRun, *, now: datetime) -> bool:
    """Keep a claimed run; False when the lease was lost."""
    return repository.renew(tx, run, now=now)


def is_held(tx: Tx, run: PipelineRun) -> bool:
    """Lock a claimed run; False when its lease was lost: then nothing may be written. Lock its incident first."""
    return repository.lock_held(tx, run)


def skip_stage(
    tx: Tx, run: PipelineRun, node_id: str, stage: Stage, *, attempt: int, reason: str, now: datetime
) -> None:
    """Go past a stage that has nothing to do, and say why."""
    repository.insert_stage(
        tx, run, node_id, stage, attempt=attempt, status=StageStatus.SKIPPED, output_snapshot={"reason": reason},
        started_at=now, completed_at=now, duration_ms=0.0,
    )  # fmt: skip
    if stage is not Stage.NOTIFY:
        repository.change(tx, run, now=now, status=AFTER[stage], current_stage=stage)


def begin_stage(tx: Tx, run: PipelineRun, node: Node, *, attempt: int, now: datetime) -> int:
    """Begin an attempt at a node; its id. The run stays claimed."""
    stage_id = repository.insert_stage(
        tx, run, node.id, node.stage, attempt=attempt, status=StageStatus.RUNNING, started_at=now,
        input_ref=f"run:{run.run_id}",
    )  # fmt: skip
    repository.change(tx, run, now=now, current_stage=node.stage or run.current_stage)
    _publish(tx, run)
    return stage_id


def wait_on(tx: Tx, run: PipelineRun, *, until: datetime | None = None, now: datetime) -> None:
    """Let go of a run that waits inside its stage; it is due at `until` at the latest."""
    due = {} if until is None else {"due_at": until}
    repository.change(tx, run, now=now, owner=None, lease_until=None, **due)


def end_stage(
    tx: Tx, run: PipelineRun, stage: StageExecution, *, status: StageStatus, snapshot: JsonObject, now: datetime,
    output_ref: str = "", error_type: str = "", error_message: str = "", error_stack: str = "",
    error_retryable: bool = False,
) -> None:  # fmt: skip
    """Write down how an attempt ended; `snapshot` is stored without its secrets."""
    repository.change_stage(
        tx,
        stage.id,
        status=status,
        output_snapshot=cast(JsonObject, redact(snapshot)),
        output_ref=output_ref or f"run:{run.run_id}",
        error_type=error_type,
        error_message=error_message,
        error_stack=error_stack,
        error_retryable=error_retryable,
        completed_at=now,
        duration_ms=_milliseconds(stage.started_at, now),
    )
    _publish(tx, run)


def advance(tx: Tx, run: PipelineRun, stage: Stage, *, now: datetime, **refs: Any) -> None:
    """The run has done a stage; `refs` names where its output is."""
    repository.change(tx, run, now=now, status=AFTER[stage], current_stage=stage, **refs)


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
    _publish(tx, run)


def record_failure(
    tx: Tx, run: PipelineRun, node: Node, running: StageExecution | None, *, attempt: int, error_type: str,
    error_message: str, error_stack: str, error_retryable: bool, now: datetime,
) -> None:  # fmt: skip
    """Write down that an attempt at a node broke off, whether it had been written down as begun or not."""
    error: dict[str, Any] = {
        "status": StageStatus.FAILED, "error_type": error_type, "error_message": error_message,
        "error_stack": error_stack, "error_retryable": error_retryable, "completed_at": now,
    }  # fmt: skip
    if running is not None:
        repository.change_stage(tx, running.id, duration_ms=_milliseconds(running.started_at, now), **error)
    else:
        repository.insert_stage(tx, run, node.id, node.stage, attempt=attempt, started_at=now, **error)
    _publish(tx, run)


def resume(tx: Tx, run_id: str, *, now: datetime) -> PipelineRun:
    """Let a failed run go on after its last good stage. Raises RunNotFound, NotResumable."""
    run = queries.get_run(tx, run_id)
    if run.status is not RunStatus.FAILED or not repository.change(
        tx, run, now=now, status=RunStatus.RETRYING, due_at=now, completed_at=None,
        total_attempts=run.total_attempts + 1,
    ):  # fmt: skip
        raise NotResumable(run.status)
    for given_up in queries.progress_of(tx, run).given_up:
        repository.change_stage(tx, given_up.id, status=StageStatus.RETRYING)
    tx.wake("pipeline")
    _publish(tx, run)
    return queries.get_run(tx, run_id)


def _milliseconds(since: datetime | None, until: datetime) -> float:
    return round((until - since).total_seconds() * 1000, 3) if since is not None else 0.0


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
        "payload": run.payload,
        "due_at": due_at,
        "created_at": now,
        "updated_at": now,
    }
