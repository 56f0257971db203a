"""Sends what is due in the outbox: first sends at once, repeats when their time has come."""

from datetime import datetime

from app.jobs.desk import Desk
from app.usecases import deliver


async def tick(desk: Desk, now: datetime) -> datetime | None:
    """Send what is due; gives when the next message is."""
    if desk.rt.db.standby:
        return None
    outcome = await deliver.deliver_due(desk.rt, now)
    return outcome.next_due_at
