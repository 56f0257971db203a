"""Live updates: a stream of server-sent events that says what changed; the page then asks for itself again.

Nothing but topics and ids leaves here, so the stream needs no rights of its own. It ends after a while, and the
browser comes back by itself: a session that has ended meanwhile is then turned away.
"""

import asyncio
import json
from collections.abc import AsyncGenerator

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
            number += 1
            yield _message(number, gathered) if gathered else ": still here\n\n"
    finally:
        bus.unsubscribe(queue)


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
