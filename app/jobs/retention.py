"""Removes what is past its time: a little each time, hourly, or in a second while more is left."""

from datetime import datetime

from app.jobs.desk import Desk
from app.usecases import retain


async def tick(desk: Desk, now: datetime) -> datetime | None:
    """Remove as much as fits into a pass; gives when to go on."""
    return await retain.sweep(desk.rt, now, desk.held)
