"""Confirms subscriptions that a vendor's topic asked for."""

from datetime import datetime

from app.jobs.desk import Desk
from app.usecases import intake


async def tick(desk: Desk, now: datetime) -> datetime | None:
    """Fetch what waits to be confirmed."""
    await intake.confirm_due(desk.rt, now)
    return None
