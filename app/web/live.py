"""Live updates: a stream of server-sent events that says what changed; the page then asks for itself again.

Nothing but topics and ids leaves here, so the stream needs no rights of its own. It ends after a while, and the
browser comes back by itself: a session that has ended meanwhile is then turned away.
"""

import asyncio
import json
import signal
import threading
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from functools import partial
from types import FrameType

from fastapi import Request, Response
from fastapi.responses import StreamingResponse

from app.platform.bus import Bus, Event
from app.platform.clock import Clock
from app.platform.runtime import Runtime

# Between two heartbeats a proxy may think that the connection is dead; most give up after 30 s or 60 s.
HEARTBEAT_SECONDS = 15.0
# What a burst of commits says is told together.
GATHER_SECONDS = 0.1
STREAM_SECONDS = 600.0
RETRY_MS = 2000
# The last event of a stream: the process is about to stop.
GOODBYE = Event("goodbye", {})
HEADERS = {"cache-control": "no-store", "x-accel-buffering": "no"}


async def events(request: Request) -> Response:
    """The stream for one open page."""
    rt: Runtime = request.app.state.runtime
    return StreamingResponse(changes(rt.bus, rt.clock), media_type="text/event-stream", headers=HEADERS)


async def changes(bus: Bus, clock: Clock, *, stream_seconds: float = STREAM_SECONDS) -> AsyncGenerator[str, None]:
    """What changed, as lines of the stream (HTML standard, «server-sent events»); heartbeats in between."""
    queue = bus.subscribe()
    ends_at = clock.monotonic() + stream_seconds
    number = 0
    try:
        yield f"retry: {RETRY_MS}\n\n"
        while clock.monotonic() < ends_at:
            gathered = await _gather(queue)
            if GOODBYE in gathered:
                return
            number += 1
            yield _message(number, gathered) if gathered else ": still here\n\n"
    finally:
        bus.unsubscribe(queue)


@contextmanager
def ending_with_the_process(bus: Bus) -> Iterator[None]:
    """While the context lasts, SIGTERM and SIGINT end the open streams before the server's own handler runs.

    The server waits for its connections before it tells the application that it stops, and an open page would keep it
    waiting. Call on the event loop; does nothing outside the main thread, where no signal arrives.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    # Not from within the signal handler itself: it may have interrupted somebody who holds the bus's lock.
    say = partial(asyncio.get_running_loop().call_soon_threadsafe, end_streams, bus)
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

    def handle(number: int, frame: FrameType | None) -> None:
        say()
        server = before[signal.Signals(number)]
        if callable(server):
            server(number, frame)

    for number in before:
        signal.signal(number, handle)
    try:
        yield
    finally:
        for number, handler in before.items():
            if signal.getsignal(number) is handle:
                signal.signal(number, handler)


def end_streams(bus: Bus) -> None:
    """Have every open stream end now; browsers come back by themselves."""
    bus.dispatch((), [GOODBYE])


async def _gather(queue: "asyncio.Queue[Event]") -> list[Event]:
    try:
        first = await asyncio.wait_for(queue.get(), HEARTBEAT_SECONDS)
    except TimeoutError:
        return []
    await asyncio.sleep(GATHER_SECONDS)
    return [first, *(queue.get_nowait() for _ in range(queue.qsize()))]


def _message(number: int, gathered: list[Event]) -> str:
    told = [{"topic": event.topic, **event.data} for event in gathered]
    # JSON escapes line breaks, so one `data:` line always holds it.
    return f"id: {number}\nevent: change\ndata: {json.dumps(told)}\n\n"
