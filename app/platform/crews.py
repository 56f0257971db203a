"""Crews: a fixed number of threads for one kind of waiting, so that what hangs in one holds up no other.

Requests have the framework's own threads; database work of the pager itself, name look-ups and other blocking calls
have a crew each. The event loop's default threads are left to nobody: there are as few of them as this machine has
processors, and they are waited for when the process ends. A crew's are not.
"""

import asyncio
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from contextvars import ContextVar, copy_context
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeVar

from anyio import to_thread

from app.platform.errors import Unavailable

T = TypeVar("T")

IDLE_SECONDS = 30.0
WAITING_AT_MOST = 1000
# Requests: how many are served in threads at a time, how many may wait for one of those, and for how long.
VISIT_THREADS = 16
VISITS_WAITING = 64
VISIT_PATIENCE_SECONDS = 5.0

_is_visit: ContextVar[bool] = ContextVar("is_visit", default=False)


@dataclass(frozen=True, slots=True)
class _Job(Generic[T]):
    """One call, and the loop that waits for its end."""

    work: Callable[[], T]
    loop: asyncio.AbstractEventLoop
    future: "asyncio.Future[T]"

    def do(self) -> None:
        """Do it, unless nobody waits any more, and say what came of it."""
        if self.future.cancelled():
            return
        result: T | None = None
        error: BaseException | None = None
        try:
            result = self.work()
        except BaseException as raised:  # noqa: BLE001  whatever it is, it is raised again where it is waited for
            error = raised
        with suppress(RuntimeError):  # the loop has ended meanwhile
            self.loop.call_soon_threadsafe(self._settle, result, error)

    def _settle(self, result: T | None, error: BaseException | None) -> None:
        if self.future.done():
            return
        if error is not None:
            self.future.set_exception(error)
        else:
            self.future.set_result(result)  # type: ignore[arg-type]


class Crew:
    """At most `threads` calls at a time and `waiting` behind them; the process ends without those that hang."""

    def __init__(self, name: str, *, threads: int, waiting: int = WAITING_AT_MOST) -> None:
        self.name = name
        self.threads = threads
        self.waiting = waiting
        self._jobs: deque[_Job[Any]] = deque()
        self._ready = threading.Condition()
        self._hired = 0
        self._idle = 0

    async def __call__(self, fn: Callable[[], T], /) -> T:
        """The function's result, in the caller's context. Raises what it raised, Unavailable when too many wait."""
        loop = asyncio.get_running_loop()
        job: _Job[T] = _Job(partial(copy_context().run, fn), loop, loop.create_future())
        self._take_in(job)
        return await job.future

    def _take_in(self, job: _Job[Any]) -> None:
        with self._ready:
            if len(self._jobs) >= self.waiting:
                # Those whose caller has given up wait for nothing.
                self._jobs = deque(each for each in self._jobs if not each.future.cancelled())
            if len(self._jobs) >= self.waiting:
                raise Unavailable("More is being asked for than this machine can do just now.", retry_after_seconds=2)
            if self._idle <= len(self._jobs) and self._hired < self.threads:
                self._hire()
            self._jobs.append(job)
            self._ready.notify()

    def _hire(self) -> None:
        try:
            threading.Thread(target=self._work, name=self.name, daemon=True).start()
        except RuntimeError:
            if self._hired == 0:
                raise Unavailable("This machine has no thread left.", retry_after_seconds=5) from None
        else:
            self._hired += 1

    def _work(self) -> None:
        while (job := self._next()) is not None:
            job.do()
            # Not kept until the next one comes: it holds what its caller holds.
            del job

    def _next(self) -> _Job[Any] | None:
        with self._ready:
            self._idle += 1
            try:
                if self._ready.wait_for(lambda: self._jobs, IDLE_SECONDS):
                    return self._jobs.popleft()
            finally:
                self._idle -= 1
            self._hired -= 1
            return None


def limit_visits() -> None:
    """Have the running loop's requests use this many threads; call once, on the loop that serves them."""
    to_thread.current_default_thread_limiter().total_tokens = VISIT_THREADS


async def begin_visit() -> None:
    """Call first for a request that works in threads: what it does from here on is a visitor's, never the pager's own.

    Raises Unavailable when too many others wait, or when none of them gets on.
    """
    _is_visit.set(True)
    limiter = to_thread.current_default_thread_limiter()
    if limiter.available_tokens > 0:
        return
    busy = Unavailable("More people are asking than can be answered just now.", retry_after_seconds=2)
    if limiter.statistics().tasks_waiting >= VISITS_WAITING:
        raise busy
    place = object()
    try:
        async with asyncio.timeout(VISIT_PATIENCE_SECONDS):
            await limiter.acquire_on_behalf_of(place)
    except TimeoutError:
        raise busy from None
    limiter.release_on_behalf_of(place)


def leave_what_hangs(*, patience_seconds: float) -> None:
    """At the very end: end the process now, as a success, where threads of requests hang; else return.

    The interpreter would wait for them, and one may wait for a dead database or name server. Nothing that was answered
    is lost by it.
    """
    ends_at = time.monotonic() + patience_seconds
    for thread in threading.enumerate():
        if thread is threading.main_thread() or thread.daemon:
            continue
        thread.join(max(0.0, ends_at - time.monotonic()))
        if thread.is_alive():
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(0)


def is_visit() -> bool:
    """Whether this is done for a request, rather than by the pager itself."""
    return _is_visit.get()


async def in_visitors_thread(fn: Callable[[], T]) -> T:
    """The function's result, from one of the threads of requests."""
    return await to_thread.run_sync(fn)
