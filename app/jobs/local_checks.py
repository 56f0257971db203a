"""Measures this host: every process does, and together the processes of one host do it once."""

from datetime import datetime

from app.jobs.desk import Desk
from app.usecases import watch_host


async def tick(desk: Desk, now: datetime) -> datetime | None:
    """Begin the checks that are due here; gives when the next one is."""
    if desk.rt.db.standby:
        return None
    return await watch_host.run_due(desk.rt, now)
