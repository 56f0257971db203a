"""Asks every alarm its question on each five-minute boundary."""

from datetime import datetime

from app.jobs.desk import Desk
from app.usecases import run_alarms


async def tick(desk: Desk, now: datetime) -> datetime | None:
    """Run the tick that is due, once however many were missed; gives when the next one is."""
    outcome = await run_alarms.tick(desk.rt, now, desk.held)
    return outcome.next_due_at
