"""Pipeline runs for those who watch over PagerPal: what ended and how long it took, what waits."""

from sqlalchemy import String, and_, cast, func, literal, select

from app.pipeline.models import RunRow, StageRow
from app.pipeline.rules import ACTIVE
from app.pipeline.types import RunStatus, StageStatus
from app.platform.db import Tx
from app.platform.tally import Fact

COUNTED_AT_MOST = 10_000
OPEN = (RunStatus.PENDING, *ACTIVE, RunStatus.RETRYING)
STAGE_SECONDS = (0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0)
RUN_SECONDS = (1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0)

# A transform is no stage of its own.
_STAGE = func.coalesce(cast(StageRow.stage, String), literal("TRANSFORM"))

RUNS = Fact(
    name="pagerpal_pipeline_runs",
    help="Pipeline runs that came to an end, by how; a failed one that is resumed ends once more.",
    labels={"pipeline": RunRow.pipeline, "status": RunRow.status},
    at=RunRow.completed_at,
    may_change=True,
)
RUN_DURATIONS = Fact(
    name="pagerpal_pipeline_run_duration_seconds",
    help="How long runs took, waiting included.",
    labels={"status": RunRow.status},
    at=RunRow.completed_at,
    amount=RunRow.total_duration_ms / 1000.0,
    where=RunRow.total_duration_ms.is_not(None),
    buckets=RUN_SECONDS,
    may_change=True,
)
STAGES = Fact(
    name="pagerpal_pipeline_stages",
    help="Attempts at a stage that ended, by how.",
    labels={"stage": _STAGE, "status": StageRow.status},
    at=StageRow.completed_at,
)
STAGE_DURATIONS = Fact(
    name="pagerpal_pipeline_stage_duration_seconds",
    help="How long those attempts took that were not skipped.",
    labels={"stage": _STAGE},
    at=StageRow.completed_at,
    amount=StageRow.duration_ms / 1000.0,
    where=and_(StageRow.status != StageStatus.SKIPPED, StageRow.duration_ms.is_not(None)),
    buckets=STAGE_SECONDS,
)


def count_open(tx: Tx) -> dict[RunStatus, int]:
    """How many runs have not ended, by where they are; of very many the first ones."""
    some = select(RunRow.status).where(RunRow.completed_at.is_(None)).limit(COUNTED_AT_MOST).subquery()
    found = {status: int(count) for status, count in tx.execute(select(some.c.status, func.count()).group_by("status"))}
    return {status: found.get(status, 0) for status in OPEN}
