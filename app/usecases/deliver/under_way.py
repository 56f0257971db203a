"""The sends of this process: how many to each provider are under way."""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, TypeAlias
from weakref import WeakKeyDictionary

from app.notify.types import NotificationStatus
from app.platform.db import Db
from app.platform.runtime import Runtime

Ending: TypeAlias = NotificationStatus | None
Task: TypeAlias = asyncio.Task[Ending]


class UnderWay:
    """Keeps the tasks of sends, so that none is lost and none is started beyond its provider's share."""

    def __init__(self) -> None:
        self.claiming = asyncio.Lock()
        self.tasks: set[Task] = set()
        self._sending: Counter[str] = Counter()
        self._moved = asyncio.Event()

    def busy(self) -> Mapping[str, int]:
        """How many sends each provider has under way; one that only waits to be recorded counts no more."""
        return dict(self._sending)

    def start(self, provider: str, send: Callable[[Callable[[], None]], Coroutine[Any, Any, Ending]]) -> Task:
        """Let a send go on by itself; it calls what it is given when its place at the provider falls free."""
        self._sending[provider] += 1
        leave = _once(lambda: self._leave(provider))
        task = asyncio.create_task(send(leave), name=f"send:{provider}")
        self.tasks.add(task)
        task.add_done_callback(lambda ended: self._end(ended, leave))
        return task

    async def moves(self, *, timeout_seconds: float) -> bool:
        """Wait until a place has fallen free or a send has been recorded; False when the time is over."""
        try:
            async with asyncio.timeout(timeout_seconds):
                await self._moved.wait()
        except TimeoutError:
            return False
        self._moved.clear()
        return True

    def _leave(self, provider: str) -> None:
        self._sending[provider] -= 1
        self._moved.set()

    def _end(self, task: Task, leave: Callable[[], None]) -> None:
        leave()
        self.tasks.discard(task)
        self._moved.set()


def _once(do: Callable[[], None]) -> Callable[[], None]:
    """`do`, but only at the first call."""
    left = [do]

    def do_once() -> None:
        if left:
            left.pop()()

    return do_once


_of_loops: "WeakKeyDictionary[asyncio.AbstractEventLoop, WeakKeyDictionary[Db, UnderWay]]" = WeakKeyDictionary()


def under_way(rt: Runtime) -> UnderWay:
    """The sends of this runtime's process, which has one event loop; a test may have several, one after the other."""
    return _of_loops.setdefault(asyncio.get_running_loop(), WeakKeyDictionary()).setdefault(rt.db, UnderWay())
