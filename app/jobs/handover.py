"""Hands due pipeline runs to Celery, each once; what no worker takes in time is run here after all.

A broker that is down and workers that are away look the same from here: a run stays due. A team message must not be
lost for it, so the stages then run in this process as they do without Celery, and a banner says so.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from app.jobs import celery_tasks
from app.pipeline import queries
from app.platform import pulse
from app.platform.logs import get_logger
from app.platform.runtime import Runtime
from app.platform.settings import Settings
from app.platform.threads import CannotMeasure, Threads
from app.usecases import run_pipeline

# A worker that is there takes a message in milliseconds; one that is busy gets this long.
GRACE = timedelta(seconds=30)
AGAIN_AFTER = timedelta(seconds=5)
PAUSE = timedelta(seconds=1)
SEND_SECONDS = 10.0
# A broker that hangs keeps none of the threads that pages need, and not the end of the process either.
SENDS_AT_ONCE = 2

Send = Callable[[Settings, Sequence[str]], None]

log = get_logger(__name__)


@dataclass(slots=True)
class Handover:
    """What one process has handed over, since when it has been due, and since when the broker has taken nothing."""

    send: Send = celery_tasks.send
    due_since: dict[str, datetime] = field(default_factory=dict)
    handed: set[str] = field(default_factory=set)
    failing_since: datetime | None = None
    quiet_until: datetime | None = None
    threads: Threads = field(default_factory=lambda: Threads(SENDS_AT_ONCE))

    async def go(self, rt: Runtime, now: datetime) -> datetime | None:
        """Hand over what came due, and run here what was left lying; gives when to look again."""
        due = await rt.db.aside(partial(run_pipeline.due_runs, rt, now))
        self.due_since = {run_id: self.due_since.get(run_id, now) for run_id in due}
        self.handed &= set(due)
        await self._hand_over(rt, [run_id for run_id in due if run_id not in self.handed], now)
        if due and self._is_left_alone(now):
            await rt.db.run(lambda tx: pulse.note_left(tx, owner=rt.owner, now=now))
            await run_pipeline.run_due(rt, now)
        next_due_at = await rt.db.run_read(queries.next_due_at)
        return None if next_due_at is None else max(next_due_at, now + PAUSE)

    def _is_left_alone(self, now: datetime) -> bool:
        waiting = (*self.due_since.values(), *([self.failing_since] if self.failing_since is not None else []))
        return any(now - since >= GRACE for since in waiting)

    async def _hand_over(self, rt: Runtime, run_ids: Sequence[str], now: datetime) -> None:
        if not run_ids or (self.quiet_until is not None and now < self.quiet_until):
            return
        try:
            async with asyncio.timeout(SEND_SECONDS):
                await self.threads(partial(self.send, rt.settings, run_ids))
        # One that hangs raises TimeoutError, which is an OSError too.
        except (OSError, CannotMeasure) as error:
            self.failing_since = self.failing_since or now
            self.quiet_until = now + AGAIN_AFTER
            log.warning(
                "the Celery broker took no pipeline runs", reason=str(error) or "no answer", waiting=len(run_ids)
            )
        else:
            self.failing_since = self.quiet_until = None
            self.handed.update(run_ids)
