"""Swap requests: ask others to take a slot of one's own, and answer what others ask (B20)."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from fastapi import Response

from app.oncall.types import Swap
from app.platform.db import Tx
from app.platform.errors import PagerPalError
from app.usecases import rota
from app.web.deps import Id
from app.web.ui.forms import Form, FormDep
from app.web.ui.slots import slot_response
from app.web.ui.ui import Ui, UiDep, local_path
from app.web.ui.views.rota_board import unstamped
from app.web.ui.views.rota_slot import slot_board, window_of


def ask(schedule_id: Id, start: str, ui: UiDep, form: FormDep) -> Response:
    """Ask one person, or anybody on the schedule, to take a slot."""
    try:
        rota.request_swap(
            ui.rt, schedule_id=schedule_id, **_fields(ui, schedule_id, start, form), identity=ui.signed_in, now=ui.now
        )
    except PagerPalError as fault:
        forms = {"swap": form.named("swap").refused(fault)}
        return slot_response(ui, schedule_id, start, forms, fault.status)
    return ui.go(f"/schedules/{schedule_id}#swaps", "Asked. The slot stays yours until somebody takes it.")


def accept(schedule_id: Id, swap_id: Id, ui: UiDep, form: FormDep) -> Response:
    """Take the slot."""
    return _answer(ui, schedule_id, swap_id, form, rota.accept_swap, "It is yours: you are on call then.")


def decline(schedule_id: Id, swap_id: Id, ui: UiDep, form: FormDep) -> Response:
    """Leave it to whose it is."""
    return _answer(ui, schedule_id, swap_id, form, rota.decline_swap, "Declined. Who asked is told.")


def cancel(schedule_id: Id, swap_id: Id, ui: UiDep, form: FormDep) -> Response:
    """Take the request back."""
    return _answer(ui, schedule_id, swap_id, form, rota.cancel_swap, "Taken back. The slot stays as it is.")


def _answer(ui: Ui, schedule_id: int, swap_id: int, form: Form, verb: Callable[..., Swap], said: str) -> Response:
    back = local_path(form.value("next", f"/schedules/{schedule_id}#swaps"))
    try:
        verb(ui.rt, schedule_id=schedule_id, swap_id=swap_id, identity=ui.signed_in, now=ui.now)
    except PagerPalError as fault:
        return ui.go(back, fault.message, kind="bad")
    return ui.go(back, said)


def _fields(ui: Ui, schedule_id: int, start: str, form: Form) -> dict[str, Any]:
    def read(tx: Tx) -> tuple[datetime, datetime]:
        board, stretch = slot_board(tx, schedule_id, unstamped(start), ui.now)
        return window_of(form, board.zone, stretch, ui.now)

    start_time, end_time = ui.rt.db.read(read)
    to_user_id = form.maybe_id("to_user_id")
    return {"to_user_id": to_user_id, "start_time": start_time, "end_time": end_time, "note": form.value("note")}
