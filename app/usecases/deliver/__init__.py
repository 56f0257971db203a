"""Delivery: claim what is due | send it, outside any transaction | record what became of it, with its consequences.

A row is in flight before its socket opens and is recorded under its fence afterwards; whoever dies in between leaves a
lease that runs out, and the message goes out again, marked as a possible repeat.
"""

import asyncio
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from app.notify import queries as outbox
from app.notify.service import SENDS_PER_CHANNEL
from app.notify.types import NotificationStatus
from app.platform.runtime import Runtime
from app.usecases.deliver.claims import claim_batch
from app.usecases.deliver.desk import retry, send_test
from app.usecases.deliver.on_request import SendRequest, send_on_request
from app.usecases.deliver.previews import preview
from app.usecases.deliver.receipts import take_receipts
from app.usecases.deliver.sending import carry_out
from app.usecases.deliver.story import why
from app.usecases.deliver.under_way import Task, UnderWay, under_way

__all__ = [
    "DeliverOutcome", "SendRequest", "deliver_due", "drain", "preview", "retry", "send_on_request", "send_test",
    "take_receipts", "why",
]  # fmt: skip

# A send that takes longer goes on by itself, so that one slow provider does not hold up what comes due meanwhile.
PATIENCE_SECONDS = 0.25
GATHER_SECONDS = 0.005
SHORTEST_PAUSE = timedelta(seconds=0.1)
LOST = (NotificationStatus.FAILED, NotificationStatus.EXHAUSTED)
AGAIN = (NotificationStatus.RETRYING, NotificationStatus.UNKNOWN)


@dataclass(frozen=True, slots=True)
class DeliverOutcome:
    """What one call brought to an end, and when the next message is due (None: nothing waits).

    `slow` sends were still under way when the call returned; they record themselves.
    """

    sent: int
    failed: int
    retried: int
    slow: int
    next_due_at: datetime | None


async def deliver_due(rt: Runtime, now: datetime) -> DeliverOutcome:
    """Send everything that is due, at most SENDS_PER_CHANNEL at a time to each provider; calls may overlap.

    1. Claim due rows in one transaction; 2. start their sends; 3. claim more as sends end; 4. return when nothing is
    left, or when for PATIENCE_SECONDS nothing ended. Raises Unavailable when the database cannot be used.
    """
    mine: set[Task] = set()
    ended: Counter[NotificationStatus | None] = Counter()
    desk = under_way(rt)
    while True:
        mine |= await _start(rt, desk, now)
        if not mine or not await desk.moves(timeout_seconds=PATIENCE_SECONDS):
            break
        # One claim for several places that fall free at almost the same time.
        await asyncio.wait(mine, timeout=GATHER_SECONDS)
        done = {task for task in mine if task.done()}
        ended.update(task.result() for task in done)
        mine -= done
        now = rt.clock.now()
    return DeliverOutcome(
        sent=ended[NotificationStatus.SENT] + ended[NotificationStatus.SUPPRESSED],
        failed=sum(ended[status] for status in LOST),
        retried=sum(ended[status] for status in AGAIN),
        slow=len(mine),
        next_due_at=await _next_due_at(rt, desk),
    )


async def drain(rt: Runtime, *, timeout_seconds: float = 10.0) -> int:
    """At the end of a process: wait for the sends under way; returns how many are left behind."""
    desk = under_way(rt)
    if desk.tasks:
        await asyncio.wait(desk.tasks, timeout=timeout_seconds)
    return len(desk.tasks)


async def _start(rt: Runtime, desk: UnderWay, now: datetime) -> set[Task]:
    async with desk.claiming:
        batch = await rt.db.run(partial(claim_batch, rt=rt, now=now, busy=desk.busy()))
        return {desk.start(claim.notification.provider, partial(carry_out, rt, claim, batch)) for claim in batch.claims}


async def _next_due_at(rt: Runtime, desk: UnderWay) -> datetime | None:
    repeats = rt.settings.notification_retry_worker_enabled
    # What waits for a place at a full provider is claimed when a send ends: that commit wakes the job.
    full = [provider for provider, sends in desk.busy().items() if sends >= SENDS_PER_CHANNEL]
    due_at = await rt.db.run_read(lambda tx: outbox.next_due_at(tx, repeats=repeats, full=full))
    return None if due_at is None else max(due_at, rt.clock.now() + SHORTEST_PAUSE)
