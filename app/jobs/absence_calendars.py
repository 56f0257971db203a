"""Reads people's linked calendars of absences again."""

from datetime import datetime

from app.jobs.desk import Desk
from app.usecases import rota


async def tick(desk: Desk, now: datetime) -> datetime | None:
    """Read what is due; gives when the next calendar is."""
    return await rota.read_due_calendars(desk.rt, now, desk.held)
