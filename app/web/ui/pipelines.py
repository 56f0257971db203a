"""Pipeline definitions: the list, a definition as a drawing, its JSON. Writing is for admins."""

from typing import Annotated, Any

from fastapi import Path, Response

from app.pipeline import definition_queries as queries
from app.pipeline.errors import DefinitionBuiltIn, DefinitionChanged, DefinitionInvalid
from app.platform.errors import FieldError, PagerPalError
from app.platform.strictjson import MalformedJson, loads_text
from app.platform.types import JsonValue
from app.usecases import catalogue
from app.web.ui.forms import Form, FormDep, QueryDep
from app.web.ui.ui import Ui, UiDep
from app.web.ui.views.pipelines import Drawing, definition_form, definition_list, definition_page, drawing

Name = Annotated[str, Path(max_length=100)]
VALIDATE = "validate"


def index(ui: UiDep) -> Response:
    """Every definition."""
    return ui.page("pipelines/index.html", "Pipelines", definition_list)


def show(name: Name, ui: UiDep) -> Response:
    """One definition."""
    return ui.page("pipelines/detail.html", "Pipeline", lambda tx: definition_page(tx, name))


def new(ui: UiDep, query: QueryDep) -> Response:
    """The form of another definition, which begins as the one named by `from`."""
    origin = query.value("from")
    definition = ui.rt.db.read(lambda tx: queries.get_definition(tx, origin)) if origin else None
    return _form_page(ui, "", definition_form(definition, name=f"my-{origin}" if origin else ""))


def create(ui: UiDep, form: FormDep) -> Response:
    """Add a definition, or only say whether it can be followed."""
    return _save(ui, "", form)


def edit(name: Name, ui: UiDep) -> Response:
    """The form of a definition."""
    definition = ui.rt.db.read(lambda tx: queries.get_definition(tx, name))
    if definition.is_built_in:
        raise DefinitionBuiltIn(name)
    return _form_page(ui, name, definition_form(definition))


def change(name: Name, ui: UiDep, form: FormDep) -> Response:
    """Save a definition as its next version, or only say whether it can be followed."""
    return _save(ui, name, form)


def activate(name: Name, ui: UiDep) -> Response:
    """Let alert sources name a definition again."""
    return _switch(ui, name, True, "It can be used again.")


def deactivate(name: Name, ui: UiDep) -> Response:
    """Switch off a definition that nothing uses."""
    return _switch(ui, name, False, "It is off: no alert source can name it.")


def delete(name: Name, ui: UiDep) -> Response:
    """Remove a definition that nothing uses."""
    try:
        catalogue.delete_definition(ui.rt, name=name, actor=ui.viewer, now=ui.now)
    except PagerPalError as fault:
        return ui.go(f"/pipelines/{name}", fault.message, kind="bad")
    return ui.go("/pipelines", "Deleted.")


def _save(ui: Ui, name: str, form: Form) -> Response:
    """What becomes of a form: it is looked at, kept, or comes back with every fault at its place."""
    try:
        config = loads_text(form.value("config"))
        if form.value("do") == VALIDATE:
            plan = catalogue.check_definition(ui.rt, name=name or form.value("name"), config=config)
            return _form_page(ui, name, form, valid=drawing(plan))
        saved = _keep(ui, name, form, config)
    except MalformedJson as broken:
        return _form_page(ui, name, form, faults=[FieldError(broken.errors[0].path, broken.message)], status=422)
    except DefinitionInvalid as wrong:
        faults = [error for error in wrong.errors if not form.has(error.path)]
        beside = DefinitionInvalid([error for error in wrong.errors if form.has(error.path)])
        refused = form.refused(beside) if beside.errors else form
        return _form_page(ui, name, refused, faults=faults, status=wrong.status)
    except PagerPalError as fault:
        return _form_page(ui, name, _again(ui, name, form, fault), status=fault.status)
    return ui.go(f"/pipelines/{saved}", "Saved. What runs goes on as it began.")


def _keep(ui: Ui, name: str, form: Form, config: JsonValue) -> str:
    said: dict[str, Any] = {
        "description": form.value("description"),
        "tags": [tag.strip() for tag in form.value("tags").split(",") if tag.strip()],
        "config": config,
    }
    if not name:
        return catalogue.create_definition(ui.rt, name=form.value("name"), **said, actor=ui.viewer, now=ui.now).name
    version = form.number("version", default=0) or None
    return catalogue.update_definition(
        ui.rt, name=name, changes=said, version=version, actor=ui.viewer, now=ui.now
    ).name  # fmt: skip


def _again(ui: Ui, name: str, form: Form, fault: PagerPalError) -> Form:
    """The form with what is against it; after somebody else's change the next save is meant to replace theirs."""
    if not isinstance(fault, DefinitionChanged):
        return form.refused(fault)
    stored = ui.rt.db.read(lambda tx: queries.get_definition(tx, name))
    return Form({**form.values, "version": (str(stored.version),)}).refused(fault)


def _switch(ui: Ui, name: str, is_active: bool, said: str) -> Response:
    try:
        catalogue.update_definition(
            ui.rt, name=name, changes={"is_active": is_active}, actor=ui.viewer, now=ui.now
        )  # fmt: skip
    except PagerPalError as fault:
        return ui.go(f"/pipelines/{name}", fault.message, kind="bad")
    return ui.go(f"/pipelines/{name}", said, kind="good" if is_active else "warn")


def _form_page(
    ui: Ui,
    name: str,
    form: Form,
    *,
    faults: list[FieldError] | None = None,
    valid: Drawing | None = None,
    status: int = 200,
) -> Response:
    context = {"name": name, "form": form, "faults": faults or [], "valid": valid}
    title = f"Change {name}" if name else "New pipeline"
    return ui.page("pipelines/edit.html", title, lambda _tx: context, status=status)
