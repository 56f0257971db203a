"""Alarms: the dashboard, the modules, making an alarm on one of them, asking all of them now. Making is for admins."""

from fastapi import Response

from app.alarms.types import PREFIX
from app.platform.errors import PagerPalError
from app.usecases import run_alarms
from app.web.deps import Id, PageDep
from app.web.ui.forms import Form, FormDep, QueryDep
from app.web.ui.ui import Ui, UiDep
from app.web.ui.views.alarm_editor import module_view, new_page, settings_in
from app.web.ui.views.alarms import dashboard, run_list, run_page

HERE = "/alarms"


def index(ui: UiDep, query: QueryDep) -> Response:
    """Every alarm with what it found lately, and how the engine does."""
    is_running = ui.rt.settings.alarm_worker_enabled
    return ui.page(
        "alarms/index.html", "Alarms", lambda tx: dashboard(tx, query, ui.now, ui.zone, is_running=is_running)
    )


async def modules(ui: UiDep) -> Response:
    """Every module with what it reads; one that cannot be run says why."""
    listed = await run_alarms.list_modules(ui.rt)
    return await ui.rt.db.aside(
        lambda: ui.page("alarms/modules.html", "Alarm modules", lambda _tx: {"modules": listed})
    )


async def new(ui: UiDep, query: QueryDep) -> Response:
    """The form of an alarm on the module that `module` names."""
    return await _new_page(ui, query.value("module"))


async def create(ui: UiDep, form: FormDep) -> Response:
    """Add an alarm; the rest is done in its editor."""
    module = form.value("module")
    try:
        settings = {**settings_in(form), "module": module, "archived": False}
        alarm = await run_alarms.create_alarm(
            ui.rt, entry_id=form.value("entry_id"), settings=settings, actor=ui.viewer, now=ui.now
        )
    except PagerPalError as fault:
        return await _new_page(ui, module, form.refused(fault), fault.status)
    said = "It is asked from the next tick on. Test it now, then switch its mail on."
    return ui.go(f"{HERE}/{alarm.name}/edit", said)


async def run(ui: UiDep) -> Response:
    """Ask every alarm now, as a tick does, mails included."""
    run = await run_alarms.run_now(ui.rt, ui.now)
    return ui.go(f"/engine-runs/{run.id}", "Every alarm was asked.", kind="warn" if run.errors else "good")


def runs(ui: UiDep, page: PageDep) -> Response:
    """What the engine did, newest first."""
    return ui.page(
        "alarms/runs.html",
        "Engine runs",
        lambda tx: {**run_list(tx, page), "page_url": lambda number: ui.url_with(page=number)},
    )


def show_run(run_id: Id, ui: UiDep) -> Response:
    """One run of the engine."""
    return ui.page("alarms/run.html", "Engine run", lambda tx: run_page(tx, run_id))


async def _new_page(ui: Ui, module: str, form: Form | None = None, status: int = 200) -> Response:
    if not module:
        return await modules(ui)
    view = await module_view(ui.rt, module)
    return await ui.rt.db.aside(
        lambda: ui.page(
            "alarms/new.html",
            "New alarm",
            lambda tx: {**new_page(tx, view, form), "prefix": PREFIX},
            status=status,
        )
    )
