"""Checks by cadence: claim what is due on this host | measure, each by itself | record it with its alerts.

A check under way holds up neither the job nor another check: each is a task of its own and ends with its time-out.
Those that load the machine go one by one. The next run is due a cadence after the last began, whatever became of it.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from weakref import WeakKeyDictionary

from app.alerts import queries as alerts
from app.alerts.sources import CHECKS_SOURCE
from app.checks import kinds, queries, service as checks
from app.checks.types import CheckConfig, CheckOrder, CheckRun, Watch
from app.platform.db import Db, Tx
from app.platform.failpoints import fp
from app.platform.host import hostname as this_host
from app.platform.logs import get_logger
from app.platform.runtime import Runtime
from app.usecases import run_checks
from app.usecases.watch_host.bridge import record, retire, retired

log = get_logger(__name__)


class Rounds:
    """The measurements of this process that go on by themselves."""

    def __init__(self) -> None:
        self.tasks: dict[str, asyncio.Task[None]] = {}
        self._one_by_one = asyncio.Lock()
        self._failures: list[BaseException] = []

    def start(self, rt: Runtime, config: CheckConfig) -> None:
        """Let a check go on by itself."""
        is_heavy = kinds.get_checker(config.checker).is_heavy
        round_ = self._after_others(rt, config.checker) if is_heavy else _round(rt, config.checker)
        task = asyncio.create_task(round_, name=f"check:{config.checker}")
        self.tasks[config.checker] = task
        task.add_done_callback(partial(self._end, config.checker))

    def take_failure(self) -> BaseException | None:
        """What a check broke off with since this was last asked."""
        return self._failures.pop() if self._failures else None

    async def _after_others(self, rt: Runtime, checker: str) -> None:
        async with self._one_by_one:
            light = [task for name, task in self.tasks.items() if not kinds.get_checker(name).is_heavy]
            if light:
                await asyncio.wait(light)
            await _round(rt, checker)

    def _end(self, checker: str, task: asyncio.Task[None]) -> None:
        self.tasks.pop(checker, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("check.broke_off", checker=checker, error=type(error).__name__)
            self._failures.append(error)


_of_loops: "WeakKeyDictionary[asyncio.AbstractEventLoop, WeakKeyDictionary[Db, Rounds]]" = WeakKeyDictionary()


def rounds_of(rt: Runtime) -> Rounds:
    """The measurements of this runtime's process, which has one event loop."""
    return _of_loops.setdefault(asyncio.get_running_loop(), WeakKeyDictionary()).setdefault(rt.db, Rounds())


async def run_due(rt: Runtime, now: datetime) -> datetime | None:
    """Begin every check of this host that is due; gives when the next one is.

    Raises what an earlier one broke off with, so that it shows with the job.
    """
    hostname, rounds = this_host(), rounds_of(rt)
    watched, watches, is_stale = await rt.db.run_read(partial(_look, hostname=hostname))
    if is_stale:
        await rt.db.run(partial(retire, rt=rt, hostname=hostname, trace_id=rt.ids.hex32(), now=now))
    idle = [config for config in watched if config.checker not in rounds.tasks]
    due = [config for config in idle if _due_at(config, watches, now) <= now]
    claimed = await rt.db.run(partial(checks.claim_due, configs=due, hostname=hostname, now=now)) if due else []
    for config in claimed:
        rounds.start(rt, config)
    if (failure := rounds.take_failure()) is not None:
        raise failure
    next_ones = [_cadence(config) + now if config in due else _due_at(config, watches, now) for config in idle]
    return min(next_ones, default=None)


async def check_now(
    rt: Runtime, orders: Sequence[CheckOrder], *, now: datetime, with_alerts: bool = True
) -> list[CheckRun]:
    """Make these checks because somebody asks, and alerts of what they find unless those are not wanted.

    Raises CheckerMissing, CheckInvalid before anything is measured.
    """
    if not with_alerts:
        return await run_checks.run(rt, orders, now=now)
    found = await run_checks.measure(rt, orders, now=now)
    fp("checks.after_measure")
    keep = partial(record, rt=rt, found=found, trace_id=rt.ids.hex32(), is_asked=True, now=rt.clock.now())
    return await rt.db.run(keep)


async def settle(rt: Runtime) -> None:
    """Wait until nothing is being measured by cadence."""
    while tasks := list(rounds_of(rt).tasks.values()):
        await asyncio.wait(tasks)


async def stop(rt: Runtime) -> None:
    """At the end of a process: break off what is being measured; it is made again when its time comes."""
    tasks = list(rounds_of(rt).tasks.values())
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _round(rt: Runtime, checker: str) -> None:
    found = await run_checks.measure(rt, [CheckOrder(checker)], now=rt.clock.now())
    fp("checks.after_measure")
    keep = partial(record, rt=rt, found=found, trace_id=rt.ids.hex32(), is_asked=False, now=rt.clock.now())
    await rt.db.run(keep)


def _look(tx: Tx, hostname: str) -> tuple[list[CheckConfig], dict[str, Watch], bool]:
    """What is watched on this host, how far each is, and whether an alert is left of what is not."""
    watched = [config for config in queries.configs(tx).values() if kinds.is_watched(config)]
    source = alerts.find_internal_source(tx, CHECKS_SOURCE)
    return watched, queries.watches_of(tx, hostname), bool(retired(tx, source, hostname))


def _cadence(config: CheckConfig) -> timedelta:
    return timedelta(seconds=config.cadence_seconds or 0)


def _due_at(config: CheckConfig, watches: dict[str, Watch], now: datetime) -> datetime:
    watch = watches.get(config.checker)
    return now if watch is None or watch.last_at is None else watch.last_at + _cadence(config)
