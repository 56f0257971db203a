"""One run of one job, guarded: whatever it raises is logged and shown, and the next run goes ahead."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from app.jobs.desk import Desk
from app.platform.logs import get_logger

CLIPPED = 500

log = get_logger(__name__)

Tick = Callable[[Desk, datetime], Awaitable[datetime | None]]


@dataclass(frozen=True, slots=True)
class Job:
    """Recurring work. `tick` picks up due rows and returns when the next one is due (None: nothing known).

    `setting` is the switch that turns it off; `wakes` are the commits that call it at once; `every_seconds` is the
    safety net. A `leader_only` job runs in one process at a time.
    """

    name: str
    tick: Tick
    every_seconds: float
    setting: str | None = None
    wakes: frozenset[str] = frozenset()
    leader_only: bool = True


@dataclass(slots=True)
class JobState:
    """What a job did last in this process."""

    name: str
    last_run_at: datetime | None = None
    last_duration_ms: float = 0.0
    last_error: str | None = None
    last_error_at: datetime | None = None
    next_run_at: datetime | None = None
    lag_ms: float = 0.0
    runs: int = 0
    errors: int = 0


async def guarded(job: Job, state: JobState, desk: Desk) -> datetime | None:
    """Run the job once; gives when it is due again, None after an error or when nothing is known."""
    clock = desk.rt.clock
    now, started = clock.now(), clock.monotonic()
    if state.next_run_at is not None:
        state.lag_ms = max(0.0, (now - state.next_run_at).total_seconds() * 1000)
    due_at = None
    try:
        due_at = await job.tick(desk, now)
        state.last_error = None
    except Exception as error:
        state.last_error = f"{type(error).__name__}: {error}"[:CLIPPED]
        state.last_error_at = now
        state.errors += 1
        log.exception("job failed", job=job.name)
    state.last_run_at = now
    state.last_duration_ms = (clock.monotonic() - started) * 1000
    state.runs += 1
    return due_at
