"""Stays or becomes the leader, and says that somebody is alive to page."""

from datetime import datetime

from app.jobs.desk import Desk
from app.usecases import watch


async def tick(desk: Desk, now: datetime) -> datetime | None:
    """Renew the lease, or take it over; whoever leads beats."""
    if await desk.lead(now):
        await watch.beat(desk.rt, now)
    return None
