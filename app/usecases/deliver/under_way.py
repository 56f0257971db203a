"""The sends of this process: how many of each channel kind are under way."""

import asyncio
from collections import Counter
from collections.abc import Coroutine
from weakref import WeakKeyDictionary

from app.notify.types import NotificationStatus
from app.platform.db import Db
from app.platform.runtime import Runtime

Ending = NotificationStatus | None


class UnderWay:
    """Keeps the tasks of sends, so that none is lost and none is started beyond its kind's share."""

    def __init__(self) -> None:
        self.claiming = asyncio.Lock()
        self.tasks: set[asyncio.Task[Ending]] = set()
        self._channels: dict[asyncio.Task[Ending], str] = {}

    def busy(self) -> Counter[str]:
        """How many sends each channel kind has under way."""
        return Counter(self._channels.values())

    def start(self, channel: str, send: Coroutine[None, None, Ending]) -> asyncio.Task[Ending]:
        """Let a send go on by itself."""
        task = asyncio.create_task(send, name=f"send:{channel}")
        self.tasks.add(task)
        self._channels[task] = channel
        task.add_done_callback(self._end)
        return task

    def _end(self, task: asyncio.Task[Ending]) -> None:
        self.tasks.discard(task)
        self._channels.pop(task, None)


_of_processes: "WeakKeyDictionary[Db, UnderWay]" = WeakKeyDictionary()


def under_way(rt: Runtime) -> UnderWay:
    """The sends of this runtime's process."""
    return _of_processes.setdefault(rt.db, UnderWay())
