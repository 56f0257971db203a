"""The editor of an alarm as values: its settings as a form, what its module reads, its versions, what a trial gave."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.accounts import queries as people
from app.accounts.types import User
from app.alarms import kinds, queries
from app.alarms.errors import ModuleMissing, ModuleRefused
from app.alarms.types import SETTINGS, Alarm, AlarmVersion, Description, Found
from app.escalation import queries as policies
from app.platform import strictjson
from app.platform.db import Tx
from app.platform.errors import FieldError, Invalid
from app.platform.runtime import Runtime
from app.platform.strictjson import MalformedJson
from app.platform.types import JsonObject, PageQuery
from app.usecases import run_alarms
from app.usecases.run_alarms import Preview
from app.web.ui.forms import Form
from app.web.ui.views.choices import EVERYTHING, Option
from app.web.ui.words import took

VERSIONS_SHOWN = 30
DEFAULT_WINDOW = "24"
# The frame of every page has an element «content» already.
PREFIX = "alarm"
WORDS: Mapping[str, str] = {
    "module": "module", "title": "title", "content": "description", "enabled": "emails", "recipients": "recipients",
    "renotification_window_hours": "window", "params": "parameters", "pages": "incidents",
    "escalation_policy_id": "policy", "archived": "archived",
}  # fmt: skip
# What stands in the JSON of a new alarm for a parameter that has to be given.
BLANKS: Mapping[str, Any] = {"float": 0.0, "int": 0, "str": "", "bool": False, "list": [], "dict": {}}


@dataclass(frozen=True, slots=True)
class ModuleView:
    """A module as it lies there now; `about` is None where it cannot be run, and `refusal` says why."""

    name: str
    sha256: str = ""
    is_built_in: bool = False
    about: Description | None = None
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class Trial:
    """What a live test or a preview gave; one of the two, or why it could not be done."""

    found: Found | None = None
    took: str = ""
    mail: Preview | None = None
    refusal: str = ""
    faults: tuple[FieldError, ...] = ()


@dataclass(frozen=True, slots=True)
class Editing:
    """What the editor shows beside the stored alarm: a form that came back, what a trial gave, who was faster."""

    form: Form | None = None
    trial: Trial | None = None
    overtaken: bool = False
    loaded: int = 0
    module: ModuleView = field(default_factory=lambda: ModuleView(""))


@dataclass(frozen=True, slots=True)
class VersionLine:
    """A version with who saved it, and which settings differ from the version before it."""

    version: AlarmVersion
    by: User | None
    changed: str


async def module_view(rt: Runtime, name: str) -> ModuleView:
    """The module of that name, as well as it can be shown."""
    try:
        file, about = await run_alarms.find(rt, name)
    except (ModuleMissing, ModuleRefused) as refused:
        return ModuleView(name, refusal=refused.message)
    return ModuleView(name, file.sha256, file.is_built_in, about)


def editor_page(tx: Tx, alarm: Alarm, editing: Editing, module_names: list[str]) -> dict[str, object]:
    """The page of the editor. Raises VersionMissing."""
    settings: Mapping[str, Any] = {name: getattr(alarm, name) for name in SETTINGS}
    if editing.loaded:
        settings = queries.get_version(tx, alarm, editing.loaded).settings()
    versions = queries.list_versions(tx, alarm.id, PageQuery(page_size=VERSIONS_SHOWN))
    return {
        "alarm": alarm,
        "editing": editing,
        "form": (editing.form or form_of(settings, alarm.version)).named(PREFIX),
        "modules": _modules(module_names, alarm.module),
        "policies": policy_options(tx),
        "versions": _version_lines(tx, versions.items),
        "versions_total": versions.total,
    }


def new_page(tx: Tx, module: ModuleView, form: Form | None) -> dict[str, object]:
    """The page of an alarm that is to be made on a module."""
    return {"module": module, "form": (form or new_form(module)).named(PREFIX), "policies": policy_options(tx)}


def form_of(settings: Mapping[str, Any], version: int) -> Form:
    """An alarm's settings as the form of the editor."""
    return Form.of(
        **{
            **settings,
            "content": settings["content"],
            "recipients": "\n".join(settings["recipients"]),
            "renotification_window_hours": f"{settings['renotification_window_hours']:g}",
            "params": shown_params(settings["params"]),
            "escalation_policy_id": settings["escalation_policy_id"] or "",
            "version": version,
        }
    )


def new_form(module: ModuleView) -> Form:
    """The form of a new alarm: what has to be given stands there to be filled in, the rest as the module has it."""
    specs = module.about.params if module.about else ()
    params = {spec.name: BLANKS[spec.type] if spec.required else spec.default for spec in specs}
    return Form.of(
        entry_id=f"alarm_{module.name}", title=module.about.label if module.about else "", content="", recipients="",
        renotification_window_hours=DEFAULT_WINDOW, params=shown_params(params), escalation_policy_id="",
    )  # fmt: skip


def settings_in(form: Form) -> dict[str, Any]:
    """The settings that the form has. Raises Invalid that names every field that cannot be read."""
    faults: list[FieldError] = []
    settings: dict[str, Any] = {
        "title": form.value("title"),
        "content": form.raw("content").replace("\r\n", "\n").strip("\n"),
        "enabled": form.is_on("enabled"),
        "recipients": recipients_in(form.value("recipients")),
        "renotification_window_hours": _hours(form.value("renotification_window_hours"), faults),
        "params": _params(form.value("params"), faults),
        "pages": form.is_on("pages"),
        "escalation_policy_id": None,
    }
    try:
        settings["escalation_policy_id"] = form.maybe_id("escalation_policy_id")
    except Invalid as fault:
        faults += fault.errors
    if form.has("module"):
        settings["module"] = form.value("module")
        settings["archived"] = form.is_on("archived")
    if faults:
        raise Invalid("Please look at the form.", faults)
    return settings


def params_in(form: Form) -> JsonObject:
    """The parameters that the form has. Raises Invalid."""
    faults: list[FieldError] = []
    params = _params(form.value("params"), faults)
    if faults:
        raise Invalid("Please look at the parameters.", faults)
    return params


def recipients_in(typed: str) -> list[str]:
    """Recipients as they are typed: one on a line, or with commas between."""
    return [word for each in typed.replace("\n", ",").split(",") if (word := each.strip())]


def shown_params(params: JsonObject) -> str:
    """Parameters as the editor shows them."""
    return json.dumps(params, indent=2, ensure_ascii=False)


def trial_of(found: Found) -> Trial:
    """What a live test gave."""
    return Trial(found=found, took=took(found.duration_ms))


def policy_options(tx: Tx) -> list[Option]:
    """The escalation policies, and none."""
    return [("", "none"), *((str(each.id), each.name) for each in policies.list_policies(tx, EVERYTHING).items)]


def module_names(rt: Runtime) -> list[str]:
    """The names of the modules there are; looks into the operator's folder."""
    return kinds.names_of(rt.settings.alarm_modules_dir)


def _version_lines(tx: Tx, versions: Sequence[AlarmVersion]) -> list[VersionLine]:
    names = people.users_by_id(tx, {each.saved_by for each in versions if each.saved_by})
    # The one before the last that is shown is not known here: nothing is said of that one.
    before = [*versions[1:], versions[-1]] if versions else []
    return [
        VersionLine(each, names.get(each.saved_by or 0), _differing(each.settings(), earlier.settings()))
        for each, earlier in zip(versions, before, strict=True)
    ]


def _differing(settings: Mapping[str, Any], earlier: Mapping[str, Any]) -> str:
    return ", ".join(WORDS[name] for name in SETTINGS if settings[name] != earlier[name])


def _params(typed: str, faults: list[FieldError]) -> JsonObject:
    try:
        params = strictjson.loads_text(typed or "{}")
    except MalformedJson as broken:
        faults.append(FieldError("params", broken.message))
        return {}
    if not isinstance(params, dict):
        faults.append(FieldError("params", "Write a JSON object: { … }."))
        return {}
    return params


def _hours(typed: str, faults: list[FieldError]) -> float:
    try:
        return float(typed.replace(",", ".") or 0)
    except ValueError:
        faults.append(FieldError("renotification_window_hours", "Write a number of hours, such as 24 or 0.5."))
        return 0.0


def _modules(names: list[str], chosen: str) -> list[Option]:
    return [(each, each) for each in sorted({*names, chosen})]
