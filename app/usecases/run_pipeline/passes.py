"""One pass: which runs may go on, and how each is taken as far as it goes."""

import asyncio
import traceback
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar

from app.notify import queries as outbox
from app.pipeline import queries, service as pipeline, signals
from app.pipeline.types import PipelineRun
from app.platform.db import Tx
from app.platform.errors import Unavailable
from app.platform.failpoints import fp
from app.platform.logs import bound, get_logger
from app.platform.redact import redact_text
from app.platform.runtime import Runtime
from app.usecases.run_pipeline import steps, telling
from app.usecases.run_pipeline.stages import carry_out
from app.usecases.run_pipeline.steps import Failure, NodeContext, Turn
from app.usecases.run_pipeline.under_way import Task, under_way

WAITING_AT_ONCE = 100
# Stages that take longer go on by themselves, so that no run holds up what comes due meanwhile.
PATIENCE_SECONDS = 0.25
RENEW_SECONDS = 3.0
SHORTEST_PAUSE = timedelta(seconds=0.1)
# While every place is taken; the end of a run wakes the job sooner.
PAUSE_WHEN_FULL = timedelta(seconds=1)
# Checks begin when the first page has left, or has had its time.
PAGES_FIRST = timedelta(seconds=5)

T = TypeVar("T")
log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """What one pass did. `slow` runs are under way still; `next_due_at` is when the next may go on (None: none)."""

    advanced: int
    failed: int
    slow: int
    next_due_at: datetime | None


class _LeaseLost(Exception):
    """Another process has taken the run over."""


async def run_due(rt: Runtime, now: datetime) -> RunOutcome:
    """Let every run go on that may: the due ones, and those whose messages have all come to an end; calls may overlap.

    Raises Unavailable when the database cannot be used.
    """
    desk = under_way(rt)
    async with desk.claiming:
        mine = await _start(rt, now)
    done, slow = await asyncio.wait(mine, timeout=PATIENCE_SECONDS) if mine else (set(), set())
    went = [task.result() for task in done]
    return RunOutcome(went.count(True), went.count(False), len(slow), await _next_due_at(rt, now))


async def run_one(rt: Runtime, run_id: str, now: datetime) -> bool:
    """Take exactly this run as far as it goes, if it may go on; whether it could be claimed and went well."""
    run = await rt.db.run(partial(pipeline.claim_one, run_id=run_id, owner=rt.owner, now=now))
    return run is not None and await _go_on(rt, run)


def due_runs(rt: Runtime, now: datetime) -> list[str]:
    """The run ids that may go on now: due ones, and those whose messages have come to an end."""

    def read(tx: Tx) -> list[str]:
        ready = telling.ended(tx, now)
        held_back = _held_back(tx, now)
        due = [run for run in queries.due_runs(tx, now=now) if run.incident_id not in held_back]
        return list(dict.fromkeys(run.run_id for run in (*ready, *due)))

    return rt.db.read(read)


async def drain(rt: Runtime, *, timeout_seconds: float = 10.0) -> int:
    """At the end of a process: wait for the runs under way; returns how many are left to whoever takes them over."""
    desk = under_way(rt)
    if desk.tasks:
        _, left = await asyncio.wait(desk.tasks, timeout=timeout_seconds)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        return len(left)
    return 0


async def _start(rt: Runtime, now: datetime) -> set[Task]:
    ready, next_due_at = await rt.db.run_read(partial(_look, now=now))
    if not ready and (next_due_at is None or next_due_at > now):
        return set()
    desk = under_way(rt)
    claimed = await rt.db.run(
        lambda tx: pipeline.claim(
            tx, owner=rt.owner, now=now, also=ready, but=_held_back(tx, now), waiting=WAITING_AT_ONCE,
            limit=desk.places,
        )
    )  # fmt: skip
    if claimed:
        fp("pipeline.after_claim")
    return {desk.start(_go_on(rt, run), run.run_id) for run in claimed}


def _look(tx: Tx, now: datetime) -> tuple[list[int], datetime | None]:
    """Waiting runs whose notify stage can be ended, and when the next run is due by itself."""
    return [run.id for run in telling.ended(tx, now)], queries.next_due_at(tx)


def _held_back(tx: Tx, now: datetime) -> set[int]:
    return outbox.incidents_being_paged(tx, since=now - PAGES_FIRST, now=now)


async def _next_due_at(rt: Runtime, now: datetime) -> datetime | None:
    due_at = await rt.db.run_read(queries.next_due_at)
    if due_at is None:
        return None
    pause = SHORTEST_PAUSE if under_way(rt).places else PAUSE_WHEN_FULL
    return max(due_at, now + pause)


async def _go_on(rt: Runtime, run: PipelineRun) -> bool:
    """Take a claimed run as far as it goes; whether it went well. What it stumbles over is its own business."""
    # Looked at anew: a stage must not seem to have begun before the page that it waited for.
    step: steps.Step | None = partial(steps.begin, rt=rt, run=run, now=rt.clock.now())
    has_stumbled, went_well = False, True
    with bound(trace_id=run.trace_id, run_id=run.run_id):
        while step is not None:
            try:
                turn = await _turn(rt, step)
                has_stumbled, went_well = False, went_well and not turn.has_failed
                step = await _carry_on(rt, turn.work) if turn.work is not None else None
            except (Unavailable, _LeaseLost) as error:
                # Whoever claims it when its lease has run out goes on from its last good stage.
                log.warning("a pipeline run was let go of", reason=str(error))
                return False
            except Exception as error:
                log.exception("a pipeline run stumbled")
                # What cannot even be written down is left to the lease.
                step = None if has_stumbled else _stumble(rt, run, error)
                has_stumbled, went_well = True, False
    return went_well


def _stumble(rt: Runtime, run: PipelineRun, error: Exception) -> steps.Step:
    failure = Failure.of(error, redact_text("".join(traceback.format_exception(error))))
    return partial(steps.stumble, rt=rt, run=run, failure=failure, now=rt.clock.now())


async def _carry_on(rt: Runtime, work: NodeContext) -> steps.Step:
    output = await _kept(rt, work.run, carry_out(rt, work))
    return partial(steps.finish, work=work, output=output, now=rt.clock.now())


async def _turn(rt: Runtime, step: steps.Step) -> Turn:
    """One transaction of a run, and its signals when it is committed."""
    turn = await rt.db.run(step)
    fp("pipeline.after_step")
    for each in turn.news:
        signals.emit(rt, each.signal, each.tags, duration_ms=each.duration_ms)
    return turn


async def _kept(rt: Runtime, run: PipelineRun, working: Coroutine[Any, Any, T]) -> T:
    """What `working` gives, while the lease on the run is kept. Raises _LeaseLost when another process has the run."""
    task = asyncio.create_task(working)
    try:
        while not (await asyncio.wait({task}, timeout=RENEW_SECONDS))[0]:
            with suppress(Unavailable):
                if not await rt.db.run(partial(pipeline.renew, run=run, now=rt.clock.now())):
                    raise _LeaseLost("another process has taken it over")
        return task.result()
    finally:
        if not task.done():
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
