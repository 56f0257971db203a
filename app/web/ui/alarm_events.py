"""One alarm event, and acknowledging it: it is mailed no more until it clears."""

from typing import Annotated

from fastapi import Path, Response

from app.platform.errors import Conflict
from app.usecases import run_alarms
from app.web.ui.ui import UiDep
from app.web.ui.views.alarm_events import event_page

EventId = Annotated[str, Path(max_length=64)]


def show(event_id: EventId, ui: UiDep) -> Response:
    """The event."""
    return ui.page("alarms/event.html", "Alarm event", lambda tx: event_page(tx, event_id))


async def acknowledge(event_id: EventId, ui: UiDep) -> Response:
    """Say that somebody has it."""
    here = f"/alarms/events/{event_id}"
    try:
        await run_alarms.acknowledge(ui.rt, event_id=event_id, actor=ui.viewer, now=ui.now)
    except Conflict as fault:
        return ui.go(here, fault.message, kind="bad")
    return ui.go(here, "You have it. It is mailed no more until it clears.")
