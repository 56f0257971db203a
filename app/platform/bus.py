"""What happens after a commit: jobs are nudged and open screens are told; across processes by PostgreSQL NOTIFY."""

import asyncio
import json
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from app.platform.types import JsonObject, JsonValue

QUEUE_LIMIT = 200


@dataclass(frozen=True, slots=True)
class Event:
    """Something on a screen changed: `topic` names what, `data` which one."""

    topic: str
    data: dict[str, JsonValue]


class Bus:
    """Wakes and live events of this process; safe to call from any thread."""

    def __init__(self, origin: str = "") -> None:
        self.origin = origin
        self._lock = threading.Lock()
        self._wakers: list[Callable[[frozenset[str]], None]] = []
        self._screens: list[tuple[asyncio.AbstractEventLoop, asyncio.Queue[Event]]] = []

    def on_wake(self, waker: Callable[[frozenset[str]], None]) -> None:
        """Have `waker` called, in the committing thread, with the names that a commit wakes."""
        self._wakers.append(waker)

    def subscribe(self) -> asyncio.Queue[Event]:
        """A queue of live events for one open screen; call on the event loop, and `unsubscribe` at the end."""
        queue: asyncio.Queue[Event] = asyncio.Queue(QUEUE_LIMIT)
        with self._lock:
            self._screens.append((asyncio.get_running_loop(), queue))
        return queue

    def unsubscribe(self, queue: asyncio.Queue[Event]) -> None:
        """Forget a screen that went away."""
        with self._lock:
            self._screens = [screen for screen in self._screens if screen[1] is not queue]

    def dispatch(self, wakes: Iterable[str], events: Iterable[Event]) -> None:
        """Let out what a committed transaction wanted to happen."""
        names = frozenset(wakes)
        if names:
            for waker in self._wakers:
                waker(names)
        with self._lock:
            screens = list(self._screens)
        for event in events:
            for loop, queue in screens:
                if not loop.is_closed():
                    loop.call_soon_threadsafe(_offer, queue, event)

    def encode(self, wakes: Iterable[str], events: Iterable[Event]) -> str:
        """The same as text for other processes; events beyond the NOTIFY limit of 8000 bytes are left out."""
        told: JsonObject = {
            "origin": self.origin,
            "wakes": sorted(wakes),
            "events": [[e.topic, e.data] for e in events],
        }
        whole = json.dumps(told)
        return whole if len(whole) < 7500 else json.dumps({**told, "events": []})

    def decode(self, payload: str) -> None:
        """Dispatch what another process told; our own word comes back and is ignored."""
        told = json.loads(payload)
        if told["origin"] != self.origin:
            self.dispatch(told["wakes"], [Event(topic, data) for topic, data in told["events"]])


def _offer(queue: asyncio.Queue[Event], event: Event) -> None:
    # A screen that cannot keep up misses events, never the pager its turn; it refreshes at the next one.
    if not queue.full():
        queue.put_nowait(event)
