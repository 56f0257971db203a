"""Calendars of a person: the address of their feed, and their absences; on their page and on one's own profile."""

from functools import partial

from fastapi import Response

from app.oncall.types import AbsenceCalendar
from app.platform.errors import FieldError, Invalid, PagerPalError
from app.usecases import rota
from app.web.deps import Id
from app.web.ui.forms import Form, FormDep
from app.web.ui.places import Place, own, theirs
from app.web.ui.ui import Ui, UiDep
from app.web.ui.views.calendars import NEW_ADDRESS


def make_address(user_id: Id, ui: UiDep) -> Response:
    """Make a person's feed a new address and show it once."""
    return _make_address(ui, theirs(ui, user_id))


def make_own_address(ui: UiDep) -> Response:
    """Make one's own feed a new address and show it once."""
    return _make_address(ui, own(ui))


def revoke_address(user_id: Id, ui: UiDep) -> Response:
    """End the address of a person's feed."""
    return _revoke_address(ui, theirs(ui, user_id))


def revoke_own_address(ui: UiDep) -> Response:
    """End the address of one's own feed."""
    return _revoke_address(ui, own(ui))


async def add_absences(user_id: Id, ui: UiDep, form: FormDep) -> Response:
    """Add a calendar of a person's absences, by its address or its content."""
    return await _add_absences(ui, theirs(ui, user_id), form)


async def add_own_absences(ui: UiDep, form: FormDep) -> Response:
    """Add a calendar of one's own absences, by its address or its content."""
    return await _add_absences(ui, own(ui), form)


def remove_absences(user_id: Id, calendar_id: Id, ui: UiDep) -> Response:
    """Take a calendar of a person's absences away."""
    return _remove_absences(ui, theirs(ui, user_id), calendar_id)


def remove_own_absences(calendar_id: Id, ui: UiDep) -> Response:
    """Take a calendar of one's own absences away."""
    return _remove_absences(ui, own(ui), calendar_id)


def _make_address(ui: Ui, place: Place) -> Response:
    made = rota.make_personal_calendar(ui.rt, user_id=place.user_id, actor=ui.viewer, now=ui.now)
    return ui.go(place.path, secrets={NEW_ADDRESS: made.url})


def _revoke_address(ui: Ui, place: Place) -> Response:
    rota.revoke_personal_calendar(ui.rt, user_id=place.user_id, actor=ui.viewer, now=ui.now)
    return ui.go(f"{place.path}#calendar", "Revoked. Whoever had the address sees nothing any more.")


async def _add_absences(ui: Ui, place: Place, form: Form) -> Response:
    field = "ics" if form.value("ics") else "url"
    try:
        calendar = await _added(ui, place, form)
    except PagerPalError as fault:
        forms = {"absences": form.named("absences").refused(fault, at=field)}
        return await ui.rt.db.aside(partial(place.page, forms, fault.status))
    return ui.go(f"{place.path}#absences-{calendar.id}", f"Added: {calendar.name}.")


async def _added(ui: Ui, place: Place, form: Form) -> AbsenceCalendar:
    url, ics = form.value("url"), form.raw("ics")
    if bool(url) == bool(ics.strip()):
        raise Invalid("Please look at the form.", [FieldError("url", "Give an address or a content.")])
    if url:
        return await rota.link_absence_calendar(ui.rt, user_id=place.user_id, url=url, actor=ui.viewer, now=ui.now)
    body = ics.encode()
    return await rota.paste_absence_calendar(ui.rt, user_id=place.user_id, body=body, actor=ui.viewer, now=ui.now)


def _remove_absences(ui: Ui, place: Place, calendar_id: int) -> Response:
    rota.remove_absence_calendar(ui.rt, user_id=place.user_id, calendar_id=calendar_id, actor=ui.viewer, now=ui.now)
    return ui.go(f"{place.path}#calendar", "Removed. What was before stays as it was.")
