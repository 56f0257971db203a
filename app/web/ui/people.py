"""People: the list, a person, adding, changing and deactivating them. Writing is for admins."""

from typing import Any

from fastapi import Response

from app.accounts.permissions import Permission
from app.accounts.types import Role, User
from app.platform.errors import PagerPalError
from app.usecases import people
from app.web.deps import Id, PageDep
from app.web.ui.forms import Form, FormDep, QueryDep
from app.web.ui.ui import Ui, UiDep
from app.web.ui.views.calendars import NEW_ADDRESS
from app.web.ui.views.choices import not_in_list, zones
from app.web.ui.views.people import ROLES, people_list, person_page

NEW_PERSON = {"name": "", "email": "", "role": "responder", "phone": "", "timezone": "UTC", "password": ""}


def index(ui: UiDep, query: QueryDep, page: PageDep) -> Response:
    """Everybody, narrowed by the filters."""
    return ui.page(
        "people/index.html",
        "People",
        lambda tx: {
            **people_list(tx, query, page, ui.now, ui.zone),
            "page_url": lambda number: ui.url_with(page=number),
        },
    )


def show(user_id: Id, ui: UiDep) -> Response:
    """One person."""
    return person(ui, user_id)


def new(ui: UiDep) -> Response:
    """The form for another person."""
    form = Form.of(**{**NEW_PERSON, "timezone": ui.viewer.timezone}, login_enabled=True)
    return _new_page(ui, form)


def create(ui: UiDep, form: FormDep) -> Response:
    """Add a person."""
    try:
        user = _create(ui, form)
    except PagerPalError as fault:
        return _new_page(ui, form.refused(fault), fault.status)
    return ui.go(f"/people/{user.id}", f"{user.name} was added.")


def change(user_id: Id, ui: UiDep, form: FormDep) -> Response:
    """Save a person's details."""
    try:
        user = people.update_user(
            ui.rt,
            user_id=user_id,
            changes=_changes(form),
            password=form.raw("password") or None,
            actor=ui.viewer,
            now=ui.now,
        )
    except PagerPalError as fault:
        return person(ui, user_id, {"details": form.refused(fault)}, fault.status)
    return ui.go(f"/people/{user_id}", f"Saved. {user.name} is up to date.")


def deactivate(user_id: Id, ui: UiDep) -> Response:
    """Take a person off duty."""
    try:
        user = people.deactivate_user(ui.rt, user_id=user_id, actor=ui.viewer, now=ui.now)
    except PagerPalError as fault:
        return ui.go(f"/people/{user_id}", fault.message, kind="bad")
    return ui.go(f"/people/{user_id}", f"{user.name} is no longer paged and is signed out.", kind="warn")


def activate(user_id: Id, ui: UiDep) -> Response:
    """Let a person be on duty again."""
    user = people.activate_user(ui.rt, user_id=user_id, actor=ui.viewer, now=ui.now)
    return ui.go(f"/people/{user_id}", f"{user.name} is active again.")


def person(ui: Ui, user_id: int, forms: dict[str, Form] | None = None, status: int = 200) -> Response:
    """The page of a person; `forms` are those that came back with errors."""
    may_edit = ui.may(Permission.MANAGE_PEOPLE) or ui.viewer.id == user_id
    return ui.page(
        "people/detail.html",
        "Person",
        lambda tx: {
            **person_page(tx, user_id, now=ui.now, zone=ui.zone, may_edit=may_edit, forms=forms or {}),
            "new_address": ui.secret(NEW_ADDRESS) if may_edit else None,
        },
        status=status,
    )


def _create(ui: Ui, form: Form) -> User:
    return people.create_user(
        ui.rt, **_changes(form), password=form.raw("password") or None, actor=ui.viewer, now=ui.now
    )


def _changes(form: Form) -> dict[str, Any]:
    role = form.value("role")
    if role not in list(Role):
        raise not_in_list("role")
    return {
        "name": form.value("name"),
        "email": form.value("email"),
        "phone": form.value("phone") or None,
        "timezone": form.value("timezone"),
        "role": Role(role),
        "login_enabled": form.is_on("login_enabled"),
    }


def _new_page(ui: Ui, form: Form, status: int = 200) -> Response:
    return ui.page(
        "people/new.html",
        "New person",
        lambda _tx: {"form": form, "zones": zones(), "roles": ROLES},
        status=status,
    )
