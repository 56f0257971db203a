"""Threads for measurements: a system call that never comes back holds up neither the event loop nor the process's end.

The interpreter waits for pool threads when it ends, and a dead network file system makes `statvfs` hang for ever; so
these are daemons, and there is a most of them.
"""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

import psutil

from app.platform.failpoints import fp

T = TypeVar("T")

THREADS_AT_MOST = 16


class CannotMeasure(Exception):
    """The value could not be had; the message is a sentence for the operator."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


EXPECTED = (OSError, psutil.Error, CannotMeasure)


class Threads:
    """The `Blocking` port over daemon threads, one per call."""

    def __init__(self, at_most: int = THREADS_AT_MOST) -> None:
        self._free = threading.BoundedSemaphore(at_most)

    async def __call__(self, fn: Callable[[], T], /) -> T:
        """The function's result. Raises what it raised, CannotMeasure when too many hang or none can start."""
        if not self._free.acquire(blocking=False):
            raise CannotMeasure("too many measurements of before still hang")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()

        def settle(result: T | None, error: Exception | None) -> None:
            if future.done():
                return
            if error is not None:
                future.set_exception(error)
            else:
                future.set_result(result)  # type: ignore[arg-type]

        def work() -> None:
            result: T | None = None
            # What is not expected goes to the thread's own hook; who waits is told all the same.
            error: Exception | None = CannotMeasure("the measurement broke off")
            try:
                fp("measure.in_thread")
                result = fn()
                error = None
            except EXPECTED as expected:
                error = expected
            finally:
                self._free.release()
                with suppress(RuntimeError):  # the loop has ended meanwhile
                    loop.call_soon_threadsafe(settle, result, error)

        try:
            threading.Thread(target=work, name="measure", daemon=True).start()
        except RuntimeError:
            self._free.release()
            raise CannotMeasure("this machine has no thread left") from None
        return await future
