"""The editor of an alarm: saving, versions, a live test, a preview of its mail.

Its script saves through the API, while somebody types; without scripts the form is sent to `change`.
"""

from functools import partial
from typing import Annotated

from fastapi import Path, Response
from fastapi.responses import HTMLResponse

from app.accounts.permissions import Permission
from app.alarms import queries
from app.alarms.errors import AlarmChanged
from app.alarms.types import Found
from app.platform.errors import Invalid, PagerPalError
from app.usecases import run_alarms
from app.usecases.run_alarms import Preview
from app.web.ui.forms import Form, FormDep, QueryDep
from app.web.ui.ui import Ui, UiDep
from app.web.ui.views.alarm_editor import (
    Editing,
    Trial,
    editor_page,
    module_names,
    module_view,
    params_in,
    settings_in,
    trial_of,
)

Name = Annotated[str, Path(max_length=100)]
# A mail's HTML has its own styles and nothing else that a page may do: it is shown on its own, in a sandbox.
MAIL_POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'"
HTML = "html"


async def edit(name: Name, ui: UiDep, query: QueryDep) -> Response:
    """The editor, with an older version in it where one is named."""
    return await _page(ui, name, Editing(loaded=query.number("version", default=0)))


async def change(name: Name, ui: UiDep, form: FormDep) -> Response:
    """Save the whole form."""
    try:
        alarm = await run_alarms.change_alarm(
            ui.rt,
            name=name,
            changes=settings_in(form),
            version=form.number("version", default=0) or None,
            actor=ui.viewer,
            now=ui.now,
        )
    except AlarmChanged as overtaken:
        return await _overtaken(ui, name, form, overtaken)
    except PagerPalError as fault:
        return await _page(ui, name, Editing(form=form.refused(fault)), fault.status)
    return ui.go(f"/alarms/{alarm.name}/edit", f"Saved as version {alarm.version}.")


async def restore(name: Name, ui: UiDep, form: FormDep) -> Response:
    """Bring a version back, as a new one."""
    number = form.number("number")
    try:
        alarm = await run_alarms.restore_version(ui.rt, name=name, number=number, actor=ui.viewer, now=ui.now)
    except PagerPalError as fault:
        return ui.go(f"/alarms/{name}/edit", fault.message, kind="bad")
    return ui.go(f"/alarms/{alarm.name}/edit", f"Version {number} is back, as version {alarm.version}.")


async def test(name: Name, ui: UiDep, form: FormDep) -> Response:
    """Ask live, once, with what the form has; nothing is stored and nothing leaves."""
    is_editor = form.has("params") and ui.may(Permission.MANAGE_ALARMS)
    try:
        trial = trial_of(await _found(ui, name, form))
    except PagerPalError as fault:
        trial = _refused(fault)
    if is_editor:
        return await _page(ui, name, Editing(form=form, trial=trial))
    return await _trial_page(ui, name, trial)


async def preview(name: Name, ui: UiDep, form: FormDep) -> Response:
    """The mail that would leave now with what the form has."""
    try:
        shown = await _mail(ui, name, form)
    except PagerPalError as fault:
        return await _page(ui, name, Editing(form=form, trial=_refused(fault)))
    if form.value("as") == HTML:
        return HTMLResponse(shown.message.html, headers={"content-security-policy": MAIL_POLICY})
    return await _page(ui, name, Editing(form=form, trial=Trial(mail=shown)))


async def _found(ui: Ui, name: str, form: Form) -> Found:
    return await run_alarms.try_out(
        ui.rt,
        name=name,
        params=params_in(form) if form.has("params") else None,
        module=form.value("module") or None,
        now=ui.now,
        is_admin=ui.may(Permission.MANAGE_ALARMS),
    )


async def _mail(ui: Ui, name: str, form: Form) -> Preview:
    return await run_alarms.preview(
        ui.rt,
        name=name,
        params=params_in(form),
        content=form.raw("content").replace("\r\n", "\n").strip("\n"),
        title=form.value("title") or None,
        module=form.value("module") or None,
        now=ui.now,
    )


def _refused(fault: PagerPalError) -> Trial:
    faults = tuple(fault.errors) if isinstance(fault, Invalid) else ()
    return Trial(refusal=fault.message, faults=faults)


async def _overtaken(ui: Ui, name: str, form: Form, fault: AlarmChanged) -> Response:
    """The form as it was typed; another save is meant to stand after theirs, which stays among the versions."""
    version = str(fault.extra["current"]["version"])
    again = Form({**form.values, "version": (version,)})
    return await _page(ui, name, Editing(form=again, overtaken=True), fault.status)


async def _page(ui: Ui, name: str, editing: Editing, status: int = 200) -> Response:
    alarm = await ui.rt.db.run_read(partial(queries.get_alarm, name=name))
    chosen = editing.form.value("module") if editing.form else ""
    module = await module_view(ui.rt, chosen or alarm.module)
    shown = Editing(editing.form, editing.trial, editing.overtaken, editing.loaded, module)
    return await ui.rt.db.aside(
        lambda: ui.page(
            "alarms/edit.html",
            alarm.title,
            lambda tx: editor_page(tx, queries.get_alarm(tx, alarm.entry_id), shown, module_names(ui.rt)),
            status=status,
        )
    )


async def _trial_page(ui: Ui, name: str, trial: Trial) -> Response:
    return await ui.rt.db.aside(
        lambda: ui.page(
            "alarms/test.html", "Live test", lambda tx: {"alarm": queries.get_alarm(tx, name), "trial": trial}
        )
    )
