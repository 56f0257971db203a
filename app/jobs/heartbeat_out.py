"""Tells an outside watchdog that pages get through, while they do."""

from datetime import datetime

from app.jobs.desk import Desk
from app.usecases import watch


async def tick(desk: Desk, now: datetime) -> datetime | None:
    """Call the heartbeat URL if the canary passes."""
    await watch.heartbeat_out(desk.rt, now)
    return None
