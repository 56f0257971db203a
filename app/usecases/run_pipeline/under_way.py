"""The runs that this process works on: so many at a time measure or ask, the others wait as rows."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeAlias
from weakref import WeakKeyDictionary

from app.platform.db import Db
from app.platform.runtime import Runtime

# Each may keep a checker's thread or a connection to a provider busy.
PLACES = 8

Task: TypeAlias = asyncio.Task[bool]


class UnderWay:
    """Keeps the tasks of runs, so that none is lost and no more are begun than there are places."""

    def __init__(self) -> None:
        self.claiming = asyncio.Lock()
        self.tasks: set[Task] = set()

    @property
    def places(self) -> int:
        """How many runs may be begun now."""
        return max(0, PLACES - len(self.tasks))

    def start(self, going: Coroutine[Any, Any, bool], name: str) -> Task:
        """Let a run go on by itself."""
        task = asyncio.create_task(going, name=f"run:{name}")
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return task


_of_loops: "WeakKeyDictionary[asyncio.AbstractEventLoop, WeakKeyDictionary[Db, UnderWay]]" = WeakKeyDictionary()


def under_way(rt: Runtime) -> UnderWay:
    """The runs of this runtime's process, which has one event loop; a test may have several, one after the other."""
    return _of_loops.setdefault(asyncio.get_running_loop(), WeakKeyDictionary()).setdefault(rt.db, UnderWay())
