"""Notices hand-offs: what is open goes over to whoever comes on call; shifts and gaps ahead are announced."""

from datetime import datetime

from app.jobs.desk import Desk
from app.usecases import watch


async def tick(desk: Desk, now: datetime) -> datetime | None:
    """Look at the schedules that are due; gives when the next one is."""
    outcome = await watch.watch_duty(desk.rt, now, desk.held)
    return outcome.next_due_at
