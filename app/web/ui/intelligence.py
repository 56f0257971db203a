"""Intelligence providers: the list, one with its settings, a test, what it would be told. Writing is for admins."""

from typing import Any

from fastapi import Response

from app.intelligence import queries
from app.platform.db import Tx
from app.platform.errors import PagerPalError
from app.usecases import catalogue
from app.usecases.analyze.preview import Preview, preview as previewed
from app.web.deps import Id, PageDep
from app.web.ui.forms import Form, FormDep, QueryDep
from app.web.ui.ui import Ui, UiDep
from app.web.ui.views.provider_kinds import (
    Kind,
    config_of,
    get_kind,
    kind_of,
    kinds,
    labels,
    latest,
    stored_form,
    terms_of,
    values_of,
)

HERE = "/intelligence-providers"


def index(ui: UiDep, page: PageDep) -> Response:
    """Every provider, who answers now, and under which terms."""
    return ui.page(
        "intelligence/index.html",
        "AI providers",
        lambda tx: {
            "page": queries.list_providers(tx, page),
            "active": queries.find_active_provider(tx),
            "terms": terms_of(tx, ui.rt.settings, ui.now),
            "labels": labels(),
            "page_url": lambda number: ui.url_with(page=number),
        },
    )


def show(provider_id: Id, ui: UiDep, query: QueryDep) -> Response:
    """One provider; after a test, with its outcome."""
    return _page(ui, provider_id, tried=query.maybe_id("tried"))


def new(ui: UiDep, query: QueryDep) -> Response:
    """The form for another provider of the kind that was chosen."""
    kind = get_kind(query.value("provider") or kinds()[0].name)
    return _new_page(ui, kind, Form.of(name="", description="", **values_of(kind, {})))


def create(ui: UiDep, form: FormDep) -> Response:
    """Add a provider."""
    kind = get_kind(form.value("provider"))
    try:
        fields = _fields(kind, form)
        provider = catalogue.create_provider(ui.rt, **fields, provider=kind.name, actor=ui.viewer, now=ui.now)
    except PagerPalError as fault:
        return _new_page(ui, kind, form.refused(fault), fault.status)
    return ui.go(f"{HERE}/{provider.id}", "It is kept. Test it, then let it answer.")


def change(provider_id: Id, ui: UiDep, form: FormDep) -> Response:
    """Save a provider's settings."""
    kind = get_kind(form.value("provider"))
    changes = _fields(kind, form)
    try:
        catalogue.update_provider(ui.rt, provider_id=provider_id, changes=changes, actor=ui.viewer, now=ui.now)
    except PagerPalError as fault:
        return _page(ui, provider_id, form.refused(fault), status=fault.status)
    return ui.go(f"{HERE}/{provider_id}", "Saved.")


def activate(provider_id: Id, ui: UiDep) -> Response:
    """Let this one answer, in the place of the one before."""
    return _switch(ui, provider_id, True, "It is asked from now on.", "good")


def deactivate(provider_id: Id, ui: UiDep) -> Response:
    """Ask it no more."""
    return _switch(ui, provider_id, False, "It is asked no more; the local analysis answers.", "warn")


def delete(provider_id: Id, ui: UiDep) -> Response:
    """Remove a provider; its analyses stay."""
    catalogue.delete_provider(ui.rt, provider_id=provider_id, actor=ui.viewer, now=ui.now)
    return ui.go(HERE, "Deleted. What it said stays with its incidents.")


async def test(provider_id: Id, ui: UiDep) -> Response:
    """Ask it about an incident that is made up, and wait for the answer."""
    try:
        run = await catalogue.try_provider(ui.rt, provider_id=provider_id)
    except PagerPalError as fault:
        return ui.go(f"{HERE}/{provider_id}", fault.message, kind="bad")
    return ui.go(f"{HERE}/{provider_id}?tried={run.id}#test")


async def preview(provider_id: Id, ui: UiDep, query: QueryDep) -> Response:
    """What it would be told about an incident, exactly."""
    shown: Preview | None = None
    fault: PagerPalError | None = None
    try:
        shown = await previewed(ui.rt, provider_id=provider_id, incident_id=query.maybe_id("incident_id"))
    except PagerPalError as refused:
        fault = refused
    return await ui.rt.db.aside(lambda: _preview_page(ui, provider_id, query, shown, fault))


def _fields(kind: Kind, form: Form) -> dict[str, Any]:
    return {"name": form.value("name"), "description": form.value("description"), "config": config_of(kind, form)}


def _switch(ui: Ui, provider_id: int, is_active: bool, said: str, tone: str) -> Response:
    changes = {"is_active": is_active}
    catalogue.update_provider(ui.rt, provider_id=provider_id, changes=changes, actor=ui.viewer, now=ui.now)
    return ui.go(f"{HERE}/{provider_id}", said, kind=tone)


def _page(
    ui: Ui, provider_id: int, form: Form | None = None, *, tried: int | None = None, status: int = 200
) -> Response:
    def read(tx: Tx) -> dict[str, object]:
        provider = queries.get_provider(tx, provider_id)
        kind = kind_of(provider.provider)
        questions = latest(tx, kind)
        return {
            "provider": provider,
            "kind": kind,
            "form": form or stored_form(kind, provider),
            "is_stored": True,
            "terms": terms_of(tx, ui.rt.settings, ui.now),
            "questions": questions,
            "tried": next((each for each in questions if each.run.id == tried), None),
        }

    return ui.page("intelligence/detail.html", "AI provider", read, status=status)


def _new_page(ui: Ui, kind: Kind, form: Form, status: int = 200) -> Response:
    return ui.page(
        "intelligence/new.html",
        "New AI provider",
        lambda _tx: {"kinds": kinds(), "kind": kind, "form": form, "is_stored": False},
        status=status,
    )


def _preview_page(
    ui: Ui, provider_id: int, query: Form, shown: Preview | None, fault: PagerPalError | None
) -> Response:
    def read(tx: Tx) -> dict[str, object]:
        provider = queries.get_provider(tx, provider_id)
        terms = terms_of(tx, ui.rt.settings, ui.now)
        form = Form.of(incident_id=shown.incident.id if shown else query.value("incident_id"))
        return {
            "provider": provider,
            "kind": kind_of(provider.provider),
            "preview": shown,
            "terms": terms,
            "form": form.refused(fault, at="incident_id") if fault else form,
        }

    return ui.page("intelligence/preview.html", "What leaves", read, status=fault.status if fault else 200)
