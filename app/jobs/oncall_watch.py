"""Looks for what was left behind: incidents that should have been paged and were not, analyses that nobody ends."""

from datetime import datetime

from app.jobs.desk import Desk
from app.usecases import watch
from app.usecases.analyze import close_orphans


async def tick(desk: Desk, now: datetime) -> datetime | None:
    """Audit; what it finds is paged to the fallback. Then close what processes that died were asking."""
    await watch.audit_unpaged(desk.rt, now)
    await close_orphans(desk.rt, now)
    return None
