"""One's own account: details, password, API tokens, sessions."""

from fastapi import Response

from app.accounts import queries
from app.accounts.push import devices_of
from app.accounts.types import TokenScope
from app.platform.errors import PagerPalError
from app.usecases import people
from app.web.deps import AddressDep, Id
from app.web.ui.forms import Form, FormDep
from app.web.ui.ui import Ui, UiDep
from app.web.ui.views.calendars import NEW_ADDRESS
from app.web.ui.views.choices import not_in_list
from app.web.ui.views.people import browser_name, profile_page
from app.web.ui.views.schedules import own_duty

HOME = "/profile"
NEW_TOKEN = "token"  # noqa: S105  the name under which it is shown once


def show(ui: UiDep) -> Response:
    """One's own profile."""
    return profile(ui)


def change(ui: UiDep, form: FormDep) -> Response:
    """Save one's own details."""
    fields = {"name": form.value("name"), "phone": form.value("phone") or None, "timezone": form.value("timezone")}
    try:
        people.update_own_account(ui.rt, identity=ui.signed_in, changes=fields, now=ui.now)
    except PagerPalError as fault:
        return profile(ui, {"details": form.refused(fault)}, fault.status)
    return ui.go(HOME, "Saved.")


def change_password(ui: UiDep, form: FormDep, address: AddressDep) -> Response:
    """Change one's own password; every other session ends."""
    try:
        people.change_password(
            ui.rt,
            identity=ui.signed_in,
            old_password=form.raw("old_password"),
            new_password=form.raw("new_password"),
            address=address,
            now=ui.now,
        )
    except PagerPalError as fault:
        return profile(ui, {"password": form.named("password").refused(fault)}, fault.status)
    return ui.go(HOME, "Your password is changed; all other sessions have ended.")


def create_token(ui: UiDep, form: FormDep) -> Response:
    """Make an API token and show it once."""
    scope = form.value("scope")
    try:
        if scope not in list(TokenScope):
            raise not_in_list("scope")
        _, text = people.create_token(
            ui.rt, user=ui.viewer, name=form.value("name"), scope=TokenScope(scope), now=ui.now
        )
    except PagerPalError as fault:
        return profile(ui, {"token": form.named("token").refused(fault)}, fault.status)
    return ui.go(HOME, secrets={NEW_TOKEN: text})


def remove_device(device_id: Id, ui: UiDep) -> Response:
    """Push to one of one's own devices no more."""
    people.remove_device(ui.rt, user_id=ui.viewer.id, device_id=device_id, actor=ui.viewer, now=ui.now)
    return ui.go(f"{HOME}#devices", "It is not pushed to any more.")


def revoke_token(token_id: Id, ui: UiDep) -> Response:
    """End an API token."""
    people.revoke_token(ui.rt, user=ui.viewer, token_id=token_id, now=ui.now)
    return ui.go(f"{HOME}#tokens", "Revoked.")


def end_session(session_id: Id, ui: UiDep) -> Response:
    """Sign one of one's own browsers out."""
    people.end_session(ui.rt, user_id=ui.viewer.id, session_id=session_id, actor=ui.viewer, now=ui.now)
    return ui.go(f"{HOME}#sessions", "Signed out there.")


def end_other_sessions(ui: UiDep) -> Response:
    """Sign all other browsers out."""
    for session in ui.rt.db.read(lambda tx: queries.sessions_of(tx, ui.viewer.id, now=ui.now)):
        if session.id != ui.signed_in.session_id:
            people.end_session(ui.rt, user_id=ui.viewer.id, session_id=session.id, actor=ui.viewer, now=ui.now)
    return ui.go(f"{HOME}#sessions", "Signed out everywhere else.")


def profile(ui: Ui, forms: dict[str, Form] | None = None, status: int = 200) -> Response:
    """The profile page; `forms` are those that came back with errors."""
    session_id = ui.signed_in.session_id
    push_key = people.push_public_key(ui.rt, now=ui.now)
    return ui.page(
        "profile/index.html",
        "Your profile",
        lambda tx: {
            **profile_page(tx, ui.viewer.id, session_id=session_id, now=ui.now, forms=forms or {}),
            "new_token": ui.secret(NEW_TOKEN),
            "devices": devices_of(tx, ui.viewer.id),
            "push_key": push_key,
            "device_name": browser_name(ui.request.headers.get("user-agent", "")),
            "new_address": ui.secret(NEW_ADDRESS),
            **own_duty(tx, ui.signed_in, ui.now, ui.zone),
        },
        status=status,
    )
