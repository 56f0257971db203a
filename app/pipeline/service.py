"""Writing pipeline runs inside the caller's transaction."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import bindparam, insert, update

from app.pipeline.models import RunRow
from app.pipeline.types import NewRun, RunStatus
from app.platform.db import Tx
from app.platform.tables import table_of

_runs = table_of(RunRow)


def request_many(tx: Tx, wanted: Sequence[tuple[NewRun, datetime]], *, now: datetime) -> dict[int, str]:
    """Ask for one run per incident, each with when it is due; a run that still waits takes the wish in (`merged`).

    Gives the run id by incident. A wish that is due sooner brings the waiting run forward.
    """
    if not wanted:
        return {}
    by_incident = {run.incident_id: (run, due_at) for run, due_at in wanted}
    statement = (
        update(RunRow)
        .where(RunRow.incident_id.in_(sorted(by_incident)), RunRow.status == RunStatus.PENDING)
        .values(merged=RunRow.merged + 1, updated_at=now)
        .returning(RunRow.incident_id, RunRow.run_id, RunRow.due_at)
    )
    found: dict[int, str] = {}
    forward = []
    for incident_id, run_id, due_at in tx.execute(statement):
        found[incident_id] = run_id
        if due_at is None or by_incident[incident_id][1] < due_at:
            forward.append({"b_run": run_id, "b_due": by_incident[incident_id][1]})
    if forward:
        sooner = update(_runs).where(_runs.c.run_id == bindparam("b_run")).values(due_at=bindparam("b_due"))
        tx.execute(sooner, forward)
    new = [(run, due_at) for incident_id, (run, due_at) in by_incident.items() if incident_id not in found]
    if new:
        tx.execute(insert(RunRow), [_values(run, due_at, now) for run, due_at in new])
    tx.wake("pipeline")
    return found | {run.incident_id: run.run_id for run, _ in new}


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
