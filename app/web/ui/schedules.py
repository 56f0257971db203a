"""On call: who has which schedule, a schedule with its fixed entries. Writing is for admins."""

from typing import Any

from fastapi import Response

from app.oncall import queries
from app.platform.errors import PagerPalError
from app.usecases import rota
from app.web.deps import Id
from app.web.ui.forms import Form, FormDep
from app.web.ui.ui import Ui, UiDep
from app.web.ui.views.choices import not_in_list
from app.web.ui.views.schedules import new_schedule_form, oncall_page, schedule_choices, schedule_page
from app.web.ui.words import zone_of


def index(ui: UiDep) -> Response:
    """Who is on call."""
    return ui.page("oncall/index.html", "On call", lambda tx: oncall_page(tx, ui.now, ui.zone))


def show(schedule_id: Id, ui: UiDep) -> Response:
    """One schedule."""
    return _page(ui, schedule_id)


def new(ui: UiDep) -> Response:
    """The form for another schedule."""
    return _new_page(ui, new_schedule_form(ui.viewer.timezone))


def create(ui: UiDep, form: FormDep) -> Response:
    """Add a schedule, empty yet."""
    try:
        schedule = rota.create_schedule(ui.rt, **_fields(form), actor=ui.viewer, now=ui.now)
    except PagerPalError as fault:
        return _new_page(ui, form.refused(fault), fault.status)
    return ui.go(f"/schedules/{schedule.id}", "The schedule is there. Add who is on call when.")


def change(schedule_id: Id, ui: UiDep, form: FormDep) -> Response:
    """Save a schedule's settings."""
    try:
        changes = {**_fields(form), "is_active": form.is_on("is_active")}
        rota.update_schedule(ui.rt, schedule_id=schedule_id, changes=changes, actor=ui.viewer, now=ui.now)
    except PagerPalError as fault:
        return _page(ui, schedule_id, {"details": form.refused(fault)}, fault.status)
    return ui.go(f"/schedules/{schedule_id}", "Saved.")


def delete(schedule_id: Id, ui: UiDep) -> Response:
    """Take a schedule out of use."""
    try:
        rota.delete_schedule(ui.rt, schedule_id=schedule_id, actor=ui.viewer, now=ui.now)
    except PagerPalError as fault:
        return ui.go(f"/schedules/{schedule_id}", fault.message, kind="bad")
    return ui.go("/oncall", "Deleted.")


def add_entry(schedule_id: Id, ui: UiDep, form: FormDep) -> Response:
    """Put somebody on call for a fixed window, typed in the schedule's zone."""
    try:
        rota.add_entry(ui.rt, schedule_id=schedule_id, **_window(ui, schedule_id, form), actor=ui.viewer, now=ui.now)
    except PagerPalError as fault:
        return _page(ui, schedule_id, {"entry": form.named("entry").refused(fault)}, fault.status)
    return ui.go(f"/schedules/{schedule_id}#slots", "Added.")


def remove_entry(schedule_id: Id, entry_id: Id, ui: UiDep) -> Response:
    """Let an entry count no longer."""
    try:
        rota.void_entry(ui.rt, schedule_id=schedule_id, entry_id=entry_id, actor=ui.viewer, now=ui.now)
    except PagerPalError as fault:
        return ui.go(f"/schedules/{schedule_id}#slots", fault.message, kind="bad")
    return ui.go(f"/schedules/{schedule_id}#slots", "Taken away.")


def _window(ui: Ui, schedule_id: int, form: Form) -> dict[str, Any]:
    zone = zone_of(ui.rt.db.read(lambda tx: queries.get_schedule(tx, schedule_id)).timezone)
    user_id = form.maybe_id("user_id")
    if user_id is None:
        raise not_in_list("user_id")
    return {
        "user_id": user_id,
        "start_time": form.instant("start_time", zone),
        "end_time": form.instant("end_time", zone),
    }


def _fields(form: Form) -> dict[str, Any]:
    return {
        "name": form.value("name"),
        "timezone": form.value("timezone"),
        "team_id": form.maybe_id("team_id"),
        "escalation_to_user_id": form.maybe_id("escalation_to_user_id"),
        "escalation_delay_minutes": form.number("escalation_delay_minutes"),
    }


def _page(ui: Ui, schedule_id: int, forms: dict[str, Form] | None = None, status: int = 200) -> Response:
    return ui.page(
        "oncall/detail.html",
        "Schedule",
        lambda tx: schedule_page(tx, schedule_id, ui.now, forms or {}),
        status=status,
    )


def _new_page(ui: Ui, form: Form, status: int = 200) -> Response:
    return ui.page("oncall/new.html", "New schedule", lambda tx: {**schedule_choices(tx), "form": form}, status=status)
