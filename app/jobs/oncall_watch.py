"""Looks for incidents that should have been paged and were not."""

from datetime import datetime

from app.jobs.desk import Desk
from app.usecases import watch


async def tick(desk: Desk, now: datetime) -> datetime | None:
    """Audit; what it finds is paged to the fallback."""
    await watch.audit_unpaged(desk.rt, now)
    return None
