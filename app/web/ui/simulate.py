"""What would happen: a source, a time and perhaps a pasted payload in; who would be paged when out. For everybody."""

from dataclasses import replace

from fastapi import Response

from app.alerts.drivers._base import PayloadRejected
from app.platform.errors import PagerPalError
from app.usecases import simulate
from app.web.ui.forms import Form, FormDep, QueryDep
from app.web.ui.ui import Ui, UiDep
from app.web.ui.views.choices import not_in_list
from app.web.ui.views.simulate import outcome, query_of, source_options, typed_again

NEW = Form.of(source_id="", at="", payload="")


def show(ui: UiDep, form: QueryDep) -> Response:
    """The form; with a source in the address also what would happen."""
    return _page(ui, form) if form.has("source_id") else _answer(ui, NEW, None)


def ask(ui: UiDep, form: FormDep) -> Response:
    """What would happen; without a payload at an address of its own, which can be kept and passed on."""
    if form.value("payload"):
        return _page(ui, form)
    return ui.go(f"/simulate?{query_of(form)}")


def _page(ui: Ui, form: Form) -> Response:
    try:
        simulation = _simulated(ui, form)
    except PayloadRejected as fault:
        # Its paths are places in the payload, not fields of the form.
        return _refused(ui, replace(form, errors={"payload": fault.message}), fault)
    except PagerPalError as fault:
        return _refused(ui, form.refused(fault, at="source_id"), fault)
    return _answer(ui, typed_again(form, simulation.at, ui.zone), simulation)


def _refused(ui: Ui, form: Form, fault: PagerPalError) -> Response:
    # htmx swaps nothing in but what comes with 2xx.
    return _answer(ui, form, None, 200 if "hx-request" in ui.request.headers else fault.status)


def _simulated(ui: Ui, form: Form) -> simulate.Simulation:
    source_id = form.maybe_id("source_id")
    if source_id is None:
        raise not_in_list("source_id")
    at = form.instant("at", ui.zone) if form.value("at") else ui.now
    return simulate.simulate_page(ui.rt, source_id=source_id, at=at, now=ui.now, payload=form.value("payload") or None)


def _answer(ui: Ui, form: Form, simulation: simulate.Simulation | None, status: int = 200) -> Response:
    return ui.page(
        "simulate/index.html",
        "What would happen?",
        lambda tx: {
            "form": form,
            "sources": source_options(tx),
            "outcome": outcome(tx, simulation, ui.zone, ui.now) if simulation else None,
        },
        status=status,
    )
