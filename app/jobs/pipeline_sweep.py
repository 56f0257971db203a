"""Runs the pipeline stages that are due, and takes over those of a process that died."""

from datetime import datetime

from app.jobs.desk import Desk
from app.usecases import run_pipeline


async def tick(desk: Desk, now: datetime) -> datetime | None:
    """Go on with every run that is due, or have Celery's workers do it; gives when the next one is."""
    if desk.rt.db.standby:
        return None
    if desk.rt.settings.enable_celery_orchestration:
        # One process hands over, so that no run is queued twice; with no leader nothing else goes on either.
        return await desk.handover.go(desk.rt, now) if desk.is_leader else None
    outcome = await run_pipeline.run_due(desk.rt, now)
    return outcome.next_due_at
