"""Contact methods and notification rules, on a person's page (for admins) and on one's own profile."""

from fastapi import Response

from app.accounts import quiet
from app.accounts.permissions import Permission
from app.accounts.types import Urgency
from app.platform.errors import PagerPalError
from app.usecases import people
from app.web.deps import Id
from app.web.ui.forms import Form, FormDep
from app.web.ui.places import Place, own, theirs
from app.web.ui.ui import Ui, UiDep
from app.web.ui.views.choices import not_in_list


def add_method(user_id: Id, ui: UiDep, form: FormDep) -> Response:
    """Add an address to a person."""
    return _add_method(ui, theirs(ui, user_id), form)


def add_own_method(ui: UiDep, form: FormDep) -> Response:
    """Add an address to oneself."""
    return _add_method(ui, own(ui), form)


def remove_method(user_id: Id, method_id: Id, ui: UiDep) -> Response:
    """Take an address away from a person."""
    return _remove_method(ui, theirs(ui, user_id), method_id)


def remove_own_method(method_id: Id, ui: UiDep) -> Response:
    """Take an address away from oneself."""
    return _remove_method(ui, own(ui), method_id)


def send_code(user_id: Id, method_id: Id, ui: UiDep) -> Response:
    """Send a code to a person's address."""
    return _send_code(ui, theirs(ui, user_id), method_id)


def send_own_code(method_id: Id, ui: UiDep) -> Response:
    """Send a code to one's own address."""
    return _send_code(ui, own(ui), method_id)


def verify(user_id: Id, method_id: Id, ui: UiDep, form: FormDep) -> Response:
    """Verify a person's address by its code."""
    return _verify(ui, theirs(ui, user_id), method_id, form)


def verify_own(method_id: Id, ui: UiDep, form: FormDep) -> Response:
    """Verify one's own address by its code."""
    return _verify(ui, own(ui), method_id, form)


def add_rule(user_id: Id, ui: UiDep, form: FormDep) -> Response:
    """Add a notification rule for a person."""
    return _add_rule(ui, theirs(ui, user_id), form)


def add_own_rule(ui: UiDep, form: FormDep) -> Response:
    """Add a notification rule for oneself."""
    return _add_rule(ui, own(ui), form)


def remove_rule(user_id: Id, rule_id: Id, ui: UiDep) -> Response:
    """Take a person's rule away."""
    return _remove_rule(ui, theirs(ui, user_id), rule_id)


def remove_own_rule(rule_id: Id, ui: UiDep) -> Response:
    """Take one's own rule away."""
    return _remove_rule(ui, own(ui), rule_id)


def set_quiet_hours(user_id: Id, ui: UiDep, form: FormDep) -> Response:
    """Save a person's quiet hours."""
    return _set_quiet_hours(ui, theirs(ui, user_id), form)


def set_own_quiet_hours(ui: UiDep, form: FormDep) -> Response:
    """Save one's own quiet hours."""
    return _set_quiet_hours(ui, own(ui), form)


def _set_quiet_hours(ui: Ui, place: Place, form: Form) -> Response:
    # Browsers send times with seconds where somebody typed some.
    changes = {name: form.value(name)[:5] or None for name in quiet.FIELDS}
    try:
        people.update_user(ui.rt, user_id=place.user_id, changes=changes, actor=ui.viewer, now=ui.now)
    except PagerPalError as fault:
        return place.page({"quiet": form.named("quiet").refused(fault)}, fault.status)
    return ui.go(
        f"{place.path}#quiet-hours", "Saved." if changes["quiet_from"] else "No quiet hours: all pages go at once."
    )


def _add_method(ui: Ui, place: Place, form: Form) -> Response:
    try:
        method = people.add_contact_method(
            ui.rt,
            user_id=place.user_id,
            channel=form.value("channel"),
            address=form.value("address"),
            verified=form.is_on("verified") and ui.may(Permission.MANAGE_PEOPLE),
            actor=ui.viewer,
            now=ui.now,
        )
    except PagerPalError as fault:
        return place.page({"method": form.named("method").refused(fault)}, fault.status)
    said = "Added." if method.verified_at else f"Added. Send a code to {method.address} to verify it."
    return ui.go(f"{place.path}#method-{method.id}", said)


def _remove_method(ui: Ui, place: Place, method_id: int) -> Response:
    people.remove_contact_method(ui.rt, user_id=place.user_id, contact_method_id=method_id, actor=ui.viewer, now=ui.now)
    return ui.go(place.path, "Removed.")


def _send_code(ui: Ui, place: Place, method_id: int) -> Response:
    try:
        method = people.send_code(ui.rt, user_id=place.user_id, contact_method_id=method_id, now=ui.now)
    except PagerPalError as fault:
        return _verify_page(place, method_id, Form.of(code=""), fault)
    return ui.go(f"{place.path}#method-{method_id}", f"A code is on its way to {method.address}.")


def _verify(ui: Ui, place: Place, method_id: int, form: Form) -> Response:
    try:
        people.verify_contact_method(
            ui.rt,
            user_id=place.user_id,
            contact_method_id=method_id,
            code=form.value("code"),
            actor=ui.viewer,
            now=ui.now,
        )
    except PagerPalError as fault:
        return _verify_page(place, method_id, form, fault)
    return ui.go(f"{place.path}#method-{method_id}", "Verified.")


def _verify_page(place: Place, method_id: int, form: Form, fault: PagerPalError) -> Response:
    typed = Form.of(code=form.value("code"), method_id=method_id).refused(fault, at="code")
    return place.page({"verify": typed}, fault.status)


def _add_rule(ui: Ui, place: Place, form: Form) -> Response:
    try:
        urgency, method_id = form.value("urgency"), form.maybe_id("contact_method_id")
        if urgency not in list(Urgency) or method_id is None:
            raise not_in_list("urgency" if urgency not in list(Urgency) else "contact_method_id")
        people.add_rule(
            ui.rt,
            user_id=place.user_id,
            urgency=Urgency(urgency),
            delay_minutes=form.number("delay_minutes"),
            contact_method_id=method_id,
            actor=ui.viewer,
            now=ui.now,
        )
    except PagerPalError as fault:
        return place.page({"rule": form.named("rule").refused(fault)}, fault.status)
    return ui.go(f"{place.path}#rules", "Added.")


def _remove_rule(ui: Ui, place: Place, rule_id: int) -> Response:
    people.remove_rule(ui.rt, user_id=place.user_id, rule_id=rule_id, actor=ui.viewer, now=ui.now)
    return ui.go(f"{place.path}#rules", "Removed.")
