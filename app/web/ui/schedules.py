"""On call: who has which schedule, a schedule with its calendar, its form with a preview. Writing is for admins."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from fastapi import Response

from app.oncall import queries
from app.oncall.types import Schedule
from app.platform.db import Tx
from app.platform.errors import PagerPalError
from app.usecases import rota
from app.web.deps import Id
from app.web.ui.forms import Form, FormDep, QueryDep
from app.web.ui.ui import Ui, UiDep
from app.web.ui.views.choices import not_in_list
from app.web.ui.views.rota_draft import boundary_of, editor_view, rotation_change
from app.web.ui.views.rota_editor import Editor, editor_of, new_editor, plan_of, reshaped
from app.web.ui.views.schedules import oncall_page, schedule_page
from app.web.ui.words import zone_of

# The name under which the new address of a feed is shown once.
FEED = "feed"


def index(ui: UiDep) -> Response:
    """Who is on call."""
    return ui.page("oncall/index.html", "On call", lambda tx: oncall_page(tx, ui.signed_in, ui.now, ui.zone))


def show(schedule_id: Id, ui: UiDep, query: QueryDep) -> Response:
    """One schedule."""
    return schedule_response(ui, schedule_id, query)


def new(ui: UiDep) -> Response:
    """The form for another schedule."""
    return _new_page(ui, new_editor(ui.viewer.timezone, ui.now))


def create(ui: UiDep, form: FormDep) -> Response:
    """Add a schedule; or only change the shape of the form, or look at what it would be."""
    looked = _only_looked_at(form)
    if looked is not None:
        return _new_page(ui, Editor(looked))
    try:
        schedule = rota.create_schedule(ui.rt, **_fields(form), rotation=plan_of(form), actor=ui.viewer, now=ui.now)
    except PagerPalError as fault:
        return _new_page(ui, Editor(form.refused(fault)), fault.status)
    return ui.go(f"/schedules/{schedule.id}", "The schedule is there. This is who is on call when.")


def edit(schedule_id: Id, ui: UiDep) -> Response:
    """The form of a schedule."""
    return _edit_page(ui, schedule_id)


def change(schedule_id: Id, ui: UiDep, form: FormDep) -> Response:
    """Save a schedule; or only change the shape of the form, or look at what it would be."""
    looked = _only_looked_at(form)
    if looked is not None:
        return _edit_page(ui, schedule_id, looked)
    try:
        _save(ui, schedule_id, form)
    except PagerPalError as fault:
        return _edit_page(ui, schedule_id, form.refused(fault), fault.status)
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
        return schedule_response(ui, schedule_id, Form(), {"entry": form.named("entry").refused(fault)}, fault.status)
    return ui.go(f"/schedules/{schedule_id}#windows", "Added.")


def remove_entry(schedule_id: Id, entry_id: Id, ui: UiDep) -> Response:
    """Let an entry count no longer."""
    try:
        rota.void_entry(ui.rt, schedule_id=schedule_id, entry_id=entry_id, actor=ui.viewer, now=ui.now)
    except PagerPalError as fault:
        return ui.go(f"/schedules/{schedule_id}#windows", fault.message, kind="bad")
    return ui.go(f"/schedules/{schedule_id}#windows", "Taken away.")


def make_calendar(schedule_id: Id, ui: UiDep) -> Response:
    """Make the address of the schedule's calendar feed and show it once; the one before ends."""
    try:
        made = rota.make_schedule_calendar(ui.rt, schedule_id=schedule_id, actor=ui.viewer, now=ui.now)
    except PagerPalError as fault:
        return ui.go("/oncall", fault.message, kind="bad")
    return ui.go(f"/schedules/{schedule_id}#feed", secrets={FEED: made.url})


def revoke_calendar(schedule_id: Id, ui: UiDep) -> Response:
    """End the address of the schedule's calendar feed."""
    try:
        rota.revoke_schedule_calendar(ui.rt, schedule_id=schedule_id, actor=ui.viewer, now=ui.now)
    except PagerPalError as fault:
        return ui.go(f"/schedules/{schedule_id}#feed", fault.message, kind="bad")
    return ui.go(f"/schedules/{schedule_id}#feed", "Revoked. Calendars that read it get nothing any more.")


def schedule_response(
    ui: Ui, schedule_id: int, query: Form, forms: Mapping[str, Form] | None = None, status: int = 200
) -> Response:
    """The page of a schedule; `forms` are those that came back with errors."""
    return ui.page(
        "oncall/detail.html",
        "Schedule",
        lambda tx: {
            **schedule_page(tx, schedule_id, ui.signed_in, query, forms or {}, ui.now),
            "new_feed": ui.secret(FEED),
        },
        status=status,
    )


def _only_looked_at(form: Form) -> Form | None:
    shaped = reshaped(form)
    if shaped is not None:
        return shaped
    if form.value("do") != "preview":
        return None
    try:
        plan_of(form)
    except PagerPalError as fault:
        return form.refused(fault)
    return form


def _save(ui: Ui, schedule_id: int, form: Form) -> None:
    def look(tx: Tx) -> dict[str, Any]:
        schedule, editor = _stored(tx, ui, schedule_id)
        typed = rotation_change(replace(editor, form=form), boundary_of(tx, schedule, ui.now), ui.now)
        return {} if typed is None else {"rotation": typed[0], "effective_from": typed[1]}

    rotation = ui.rt.db.read(look)
    effective_from = rotation.pop("effective_from", None)
    rota.update_schedule(
        ui.rt,
        schedule_id=schedule_id,
        changes={**_fields(form), "is_active": form.is_on("is_active"), **rotation},
        effective_from=effective_from,
        actor=ui.viewer,
        now=ui.now,
    )


def _fields(form: Form) -> dict[str, Any]:
    return {
        "name": form.value("name"),
        "timezone": form.value("timezone"),
        "team_id": form.maybe_id("team_id"),
        "escalation_to_user_id": form.maybe_id("escalation_to_user_id"),
        "escalation_delay_minutes": form.number("escalation_delay_minutes"),
    }


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


def _stored(tx: Tx, ui: Ui, schedule_id: int) -> tuple[Schedule, Editor]:
    schedule = queries.get_schedule(tx, schedule_id)
    return schedule, editor_of(schedule, queries.rotations_of(tx, schedule_id), ui.now)


def _edit_page(ui: Ui, schedule_id: int, form: Form | None = None, status: int = 200) -> Response:
    def build(tx: Tx) -> dict[str, object]:
        schedule, editor = _stored(tx, ui, schedule_id)
        editor = editor if form is None else replace(editor, form=form)
        return {"schedule": schedule, **editor_view(tx, editor, schedule, ui.now)}

    return ui.page("oncall/edit.html", "Edit the schedule", build, status=status)


def _new_page(ui: Ui, editor: Editor, status: int = 200) -> Response:
    return ui.page(
        "oncall/new.html",
        "New schedule",
        lambda tx: {"schedule": None, **editor_view(tx, editor, None, ui.now)},
        status=status,
    )
