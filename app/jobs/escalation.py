"""Steps escalations whose time has come: next level, lapsed acknowledgement, end of a snooze."""

from datetime import datetime

from app.jobs.desk import Desk
from app.usecases import climb


async def tick(desk: Desk, now: datetime) -> datetime | None:
    """One level per incident and pass; gives when the next escalation is due."""
    outcome = await climb.climb_due(desk.rt, now, desk.held)
    return outcome.next_due_at
