"""What people do with the slots of a schedule: override them, and hand them over.

Admins may everything; a person may give away what is their own (B22). The use cases decide, the pages only ask.
"""

from typing import Any

from fastapi import Response

from app.oncall import queries
from app.platform.db import Tx
from app.platform.errors import PagerPalError
from app.usecases import rota
from app.web.deps import Id
from app.web.ui.forms import Form, FormDep
from app.web.ui.ui import Ui, UiDep
from app.web.ui.views.choices import not_in_list
from app.web.ui.views.rota_board import unstamped
from app.web.ui.views.rota_handoff import handoff_page, handoff_time
from app.web.ui.views.rota_slot import Change, change_of, slot_board, slot_page
from app.web.ui.words import zone_of

PREVIEW = "preview"


def show(schedule_id: Id, start: str, ui: UiDep) -> Response:
    """The slot, or gap, that covers an instant."""
    return slot_response(ui, schedule_id, start)


def override(schedule_id: Id, start: str, ui: UiDep, form: FormDep) -> Response:
    """Make an override of it, or only look at what that would do."""
    try:
        change = _typed_change(ui, schedule_id, start, form)
        if form.value("do") == PREVIEW:
            return slot_response(ui, schedule_id, start, {"override": form})
        _override(ui, schedule_id, change)
    except PagerPalError as fault:
        status = 200 if form.value("do") == PREVIEW else fault.status
        return slot_response(ui, schedule_id, start, {"override": form.refused(fault)}, status)
    return ui.go(_calendar_at(schedule_id, start), "Saved. Pages go by it from now on.")


def remove_override(schedule_id: Id, override_id: Id, ui: UiDep) -> Response:
    """Let an override count no longer."""
    back = f"/schedules/{schedule_id}#windows"
    try:
        rota.void_override(ui.rt, schedule_id=schedule_id, override_id=override_id, identity=ui.signed_in, now=ui.now)
    except PagerPalError as fault:
        return ui.go(back, fault.message, kind="bad")
    return ui.go(back, "Taken away. What lies beneath it counts again.")


def hand_off_form(schedule_id: Id, ui: UiDep) -> Response:
    """The form of a hand-off."""
    return _handoff_response(ui, schedule_id)


def hand_off(schedule_id: Id, ui: UiDep, form: FormDep) -> Response:
    """Hand over what somebody has now, or only look at what that would do."""
    if form.value("do") == PREVIEW:
        return _handoff_response(ui, schedule_id, form)
    try:
        _hand_off(ui, schedule_id, form)
    except PagerPalError as fault:
        return _handoff_response(ui, schedule_id, form.refused(fault), fault.status)
    return ui.go(f"/schedules/{schedule_id}", "Handed over. Both people are told.")


def slot_response(
    ui: Ui, schedule_id: int, start: str, forms: dict[str, Form] | None = None, status: int = 200
) -> Response:
    """The page of a slot; `forms` are those that were sent, or came back with errors."""
    at = unstamped(start)
    return ui.page(
        "oncall/slot.html",
        "Slot",
        lambda tx: slot_page(tx, schedule_id, at, ui.signed_in, forms or {}, ui.now),
        status=status,
    )


def _typed_change(ui: Ui, schedule_id: int, start: str, form: Form) -> Change:
    def read(tx: Tx) -> Change:
        board, stretch = slot_board(tx, schedule_id, unstamped(start), ui.now)
        return change_of(form, board, stretch, ui.now)

    return ui.rt.db.read(read)


def _override(ui: Ui, schedule_id: int, change: Change) -> None:
    wanted: dict[str, Any] = {
        "schedule_id": schedule_id,
        "user_id": change.user_id,
        "start_time": change.start_time,
        "end_time": change.end_time,
        "reason": change.reason,
        "identity": ui.signed_in,
        "now": ui.now,
    }
    if change.replaces is None:
        rota.add_override(ui.rt, **wanted)
    else:
        rota.change_override(ui.rt, **wanted, override_id=change.replaces)


def _hand_off(ui: Ui, schedule_id: int, form: Form) -> None:
    to_user_id = form.maybe_id("to_user_id")
    if to_user_id is None:
        raise not_in_list("to_user_id")
    schedule = ui.rt.db.read(lambda tx: queries.get_schedule(tx, schedule_id))
    at = handoff_time(form, zone_of(schedule.timezone), ui.now)
    rota.hand_off(ui.rt, schedule_id=schedule_id, to_user_id=to_user_id, identity=ui.signed_in, now=ui.now, at=at)


def _handoff_response(ui: Ui, schedule_id: int, form: Form | None = None, status: int = 200) -> Response:
    return ui.page(
        "oncall/handoff.html",
        "Hand off",
        lambda tx: handoff_page(tx, schedule_id, ui.signed_in, form, ui.now),
        status=status,
    )


def _calendar_at(schedule_id: int, start: str) -> str:
    return f"/schedules/{schedule_id}?from={unstamped(start):%Y-%m-%d}"
