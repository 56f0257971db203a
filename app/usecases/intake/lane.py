"""The writer's INTAKE lane, and the one way into it."""

from collections.abc import Sequence

from app.alerts import queries, service as alerts
from app.alerts.problems import Submission
from app.alerts.types import DeliveryResult
from app.incidents import service as incidents
from app.platform.db import Tx
from app.platform.failpoints import fp
from app.platform.runtime import Runtime
from app.platform.writer import Lane
from app.usecases.intake.flush import Flush


def apply(tx: Tx, submissions: Sequence[Submission]) -> list[DeliveryResult]:
    """Store the submissions and everything that follows from them; one result each, in order."""
    alerts.lock_intake(tx)
    results = Flush(tx, queries.triage(tx, submissions, incidents_by_id=incidents.lock_many)).run()
    fp("ingest.before_commit")
    return results


INTAKE: Lane[Submission, DeliveryResult] = Lane("intake", apply)


async def submit(rt: Runtime, submission: Submission) -> DeliveryResult:
    """Store one delivery and wait until it is committed: only then may the sender be told so (promise 1).

    Raises Unavailable when more is coming in than can be stored, or the database cannot be written.
    """
    weight = 1 if submission.parsed is None else max(1, len(submission.parsed.alerts))
    result = await rt.writer.submit(INTAKE, submission, weight=weight, size=len(submission.body))
    fp("ingest.after_commit")
    return result
