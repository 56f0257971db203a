"""The clock's door: runs each job when a commit nudges it, when its next row is due, and every few seconds anyway.

APScheduler only nudges. Its timers follow the wall clock and stall when that steps back, so every job also waits on
the monotonic clock and never longer than the watchdog allows.
"""

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from app.jobs import health
from app.jobs._guard import Job, JobState, guarded
from app.jobs.desk import Desk
from app.jobs.listener import Listener
from app.jobs.schedule import JOBS
from app.platform.db import Tx
from app.platform.errors import Unavailable
from app.platform.logs import get_logger
from app.usecases import deliver, run_pipeline, watch_host

WATCHDOG_SECONDS = 5.0
# A stop may take 10 s in all; requests under way have had their share before.
STOP_SECONDS = 2.5

log = get_logger(__name__)


class Clockwork:
    """All jobs of one process; `start` in the application's lifespan, `stop` at its end."""

    def __init__(self, desk: Desk, jobs: Iterable[Job] = JOBS) -> None:
        self.desk = desk
        self.jobs = [job for job in jobs if health.is_enabled(job, desk.rt.settings)]
        self.states = {job.name: JobState(job.name) for job in self.jobs}
        self._events = {job.name: asyncio.Event() for job in self.jobs}
        self._scheduler = AsyncIOScheduler(timezone=UTC)
        self._tasks: list[asyncio.Task[None]] = []
        self._listener = Listener(desk.rt)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = False
        self._ended = asyncio.Event()

    async def start(self) -> None:
        """Take the lead if it is free, then let every job run."""
        rt = self.desk.rt
        self._loop = asyncio.get_running_loop()
        rt.bus.on_wake(self._on_wake)
        self._listener.start()
        lead = next(job for job in self.jobs if job.name == "lead")
        await guarded(lead, self.states["lead"], self.desk)
        for job in self.jobs:
            self._scheduler.add_job(
                self._events[job.name].set,
                "interval",
                seconds=job.every_seconds,
                id=job.name,
                coalesce=True,
                max_instances=1,
                misfire_grace_time=None,
            )
            self._events[job.name].set()
            self._tasks.append(asyncio.create_task(self._turn(job), name=f"job:{job.name}"))
        self._tasks.append(asyncio.create_task(self._save(), name="job:save"))
        self._scheduler.start()

    async def stop(self) -> None:
        """Stop nudging, let each job finish what it is at, wait for the sends under way, and give the lead back."""
        self._stopping = True
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)
        for event in (*self._events.values(), self._ended):
            event.set()
        # A job that is cancelled between a claim and its send would leave the message to a repeat.
        _, unfinished = await asyncio.wait(self._tasks, timeout=STOP_SECONDS)
        for task in unfinished:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        # A run that is cut off goes on from its last good stage; a message would be a repeat.
        await run_pipeline.drain(self.desk.rt, timeout_seconds=0.0)
        await watch_host.stop(self.desk.rt)
        await deliver.drain(self.desk.rt, timeout_seconds=STOP_SECONDS)
        self._listener.stop()
        await self.desk.step_down(self.desk.rt.clock.now())

    def _on_wake(self, names: frozenset[str]) -> None:
        wanted = [job.name for job in self.jobs if job.wakes & names]
        if wanted and self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._nudge, wanted)

    def _nudge(self, names: list[str]) -> None:
        for name in names:
            self._events[name].set()

    async def _turn(self, job: Job) -> None:
        event, state = self._events[job.name], self.states[job.name]
        due_at: datetime | None = None
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(event.wait(), self._patience(job, due_at))
            event.clear()
            if self._stopping:
                return
            if job.leader_only and not self.desk.is_leader:
                due_at = None
                continue
            was_leader = self.desk.is_leader
            due_at = await guarded(job, state, self.desk)
            if self.desk.is_leader and not was_leader:
                # What the former leader has left is taken up now, not when each job would look the next time.
                self._nudge([each.name for each in self.jobs if each.leader_only])

    def _patience(self, job: Job, due_at: datetime | None) -> float:
        longest = WATCHDOG_SECONDS if job.every_seconds <= WATCHDOG_SECONDS else job.every_seconds
        if due_at is None:
            return longest
        return max(0.0, min(longest, (due_at - self.desk.rt.clock.now()).total_seconds()))

    async def _save(self) -> None:
        rt = self.desk.rt

        def save(tx: Tx) -> None:
            health.save(tx, rt.owner, self.states.values(), now=rt.clock.now())

        while not self._stopping:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._ended.wait(), health.SAVE_SECONDS)
            if rt.db.standby:
                continue
            try:
                await rt.db.run(save)
            except Unavailable as error:
                log.warning("job runs were not saved", error=error.message)
