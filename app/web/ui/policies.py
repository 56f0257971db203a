"""Escalation policies: the list, a policy, the editor of its levels. Writing is for admins."""

from typing import Any

from fastapi import Response

from app.platform.errors import PagerPalError
from app.usecases import catalogue
from app.web.deps import Id, PageDep
from app.web.ui.forms import Form, FormDep
from app.web.ui.ui import Ui, UiDep
from app.web.ui.views.policies import (
    Editor,
    editor_view,
    levels_of,
    new_editor,
    policy_list,
    policy_page,
    reshaped,
    typed_editor,
    with_level_errors,
)


def index(ui: UiDep, page: PageDep) -> Response:
    """Every policy."""
    return ui.page(
        "policies/index.html",
        "Policies",
        lambda tx: {
            **policy_list(tx, page, ui.now, ui.zone),
            "page_url": lambda number: ui.url_with(page=number),
        },
    )


def show(policy_id: Id, ui: UiDep) -> Response:
    """One policy."""
    return _page(ui, policy_id)


def new(ui: UiDep) -> Response:
    """The editor of another policy."""
    return _new_page(ui, new_editor())


def create(ui: UiDep, form: FormDep) -> Response:
    """Add a policy, or only change the shape of the form."""
    editor = typed_editor(form)
    changed = reshaped(editor)
    if changed is not None:
        return _new_page(ui, changed)
    try:
        policy = catalogue.create_policy(ui.rt, **_fields(editor), actor=ui.viewer, now=ui.now)
    except PagerPalError as fault:
        return _new_page(ui, with_level_errors(editor, form.refused(fault)), fault.status)
    return ui.go(f"/policies/{policy.id}", "The policy is ready. Let an alert source use it.")


def change(policy_id: Id, ui: UiDep, form: FormDep) -> Response:
    """Save a policy as its next version, or only change the shape of the form."""
    editor = typed_editor(form)
    changed = reshaped(editor)
    if changed is not None:
        return _page(ui, policy_id, changed)
    try:
        policy = catalogue.update_policy(
            ui.rt, policy_id=policy_id, changes=_fields(editor), actor=ui.viewer, now=ui.now
        )
    except PagerPalError as fault:
        return _page(ui, policy_id, with_level_errors(editor, form.refused(fault)), fault.status)
    return ui.go(f"/policies/{policy_id}", f"Saved as version {policy.version}.")


def delete(policy_id: Id, ui: UiDep) -> Response:
    """Remove a policy that nothing uses."""
    try:
        catalogue.delete_policy(ui.rt, policy_id=policy_id, actor=ui.viewer, now=ui.now)
    except PagerPalError as fault:
        return ui.go(f"/policies/{policy_id}", fault.message, kind="bad")
    return ui.go("/policies", "Deleted.")


def _fields(editor: Editor) -> dict[str, Any]:
    form: Form = editor.form
    return {
        "name": form.value("name"),
        "team_id": form.maybe_id("team_id"),
        "repeat": form.number("repeat", default=0),
        "ack_timeout_minutes": form.maybe_number("ack_timeout_minutes"),
        "levels": levels_of(editor),
    }


def _page(ui: Ui, policy_id: int, editor: Editor | None = None, status: int = 200) -> Response:
    return ui.page(
        "policies/detail.html",
        "Policy",
        lambda tx: policy_page(tx, policy_id, editor, ui.now, ui.zone),
        status=status,
    )


def _new_page(ui: Ui, editor: Editor, status: int = 200) -> Response:
    return ui.page("policies/new.html", "New policy", lambda tx: editor_view(tx, editor), status=status)
