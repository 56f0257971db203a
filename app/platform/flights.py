"""Work that many ask for at once and that is done once: who comes later waits for the one under way.

What comes of it is given out for a moment more, so that nobody who asks without end keeps the machine at it.
"""

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, TypeVar

from app.platform.errors import Unavailable

T = TypeVar("T")


class Flights:
    """At most `at_most` pieces of work at a time, each given out for `kept_seconds` after its end."""

    def __init__(self, *, at_most: int, kept_seconds: float) -> None:
        self._at_most = at_most
        self._kept_seconds = kept_seconds
        self._under_way: dict[Hashable, asyncio.Task[Any]] = {}

    async def share(self, key: Hashable, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """What comes of the work under this key. Raises what it raises, and Unavailable where too much is going on."""
        loop = asyncio.get_running_loop()
        # A task of a loop that has ended never comes back.
        self._under_way = {each: task for each, task in self._under_way.items() if task.get_loop() is loop}
        task: asyncio.Task[T] | None = self._under_way.get(key)
        if task is None:
            if sum(not each.done() for each in self._under_way.values()) >= self._at_most:
                raise Unavailable("Others are having this machine looked at; ask again in a moment.")
            task = self._under_way[key] = asyncio.create_task(work())
            task.add_done_callback(lambda done: self._land(key, done))
        return await asyncio.shield(task)

    def _land(self, key: Hashable, task: "asyncio.Task[Any]") -> None:
        if task.cancelled() or task.exception() is not None:
            self._forget(key, task)
        else:
            task.get_loop().call_later(self._kept_seconds, self._forget, key, task)

    def _forget(self, key: Hashable, task: "asyncio.Task[Any]") -> None:
        if self._under_way.get(key) is task:
            del self._under_way[key]
