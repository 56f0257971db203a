"""Keeps the totals of `/metrics` up to date, so that nobody who reads them has to count for long."""

from datetime import datetime

from app.jobs.desk import Desk
from app.usecases import watch


async def tick(desk: Desk, now: datetime) -> datetime | None:
    """Add up what has happened."""
    await watch.settle_tallies(desk.rt, now)
    return None
