"""How a checker is set up, as a form made out of its parameters' model: a new checker appears by itself."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from math import isfinite
from typing import Any, get_origin

from app.checks.checkers._base import Checker
from app.checks.types import CheckConfig
from app.platform import strictjson
from app.platform.strictjson import MalformedJson
from app.platform.types import JsonValue
from app.web.ui.forms import Form, wrong
from app.web.ui.views.choices import Option
from app.web.ui.words import heading

PREFIX = "params."
YES_NO: tuple[Option, ...] = (("true", "yes"), ("false", "no"))
LIMITS = ("warning_threshold", "critical_threshold")
MOST = 1e9


@dataclass(frozen=True, slots=True)
class ParamField:
    """One parameter: a list has a line for each entry, a switch two choices, everything else is a figure."""

    name: str
    title: str
    help: str
    is_list: bool
    choices: tuple[Option, ...]

    @property
    def key(self) -> str:
        """What the field is called on the form."""
        return f"{PREFIX}{self.name}"


def fields_of(checker: Checker) -> list[ParamField]:
    """The parameters in their order."""
    return [
        ParamField(
            name=name,
            title=heading(name),
            help=info.description or "",
            is_list=get_origin(info.annotation) is tuple,
            choices=YES_NO if info.annotation is bool else (),
        )
        for name, info in checker.params_model.model_fields.items()
    ]


def form_of(checker: Checker, config: CheckConfig) -> Form:
    """A stored set-up as its form."""
    params = {field.key: _text(field, config.params.get(field.name)) for field in fields_of(checker)}
    figures: Mapping[str, float | None] = {name: getattr(config, name) for name in (*LIMITS, "timeout")}
    return Form.of(
        **params,
        **{name: _text(None, value) for name, value in figures.items()},
        cadence_seconds=config.cadence_seconds or 0,
        enabled=config.enabled,
    )


def changes_in(checker: Checker, form: Form) -> dict[str, Any]:
    """What the form says; a figure that is left empty goes back to the checker's own. Raises Invalid."""
    return {
        "params": {field.name: _param(field, form) for field in fields_of(checker)},
        **{name: _figure(form, name) for name in (*LIMITS, "timeout")},
        "cadence_seconds": form.maybe_number("cadence_seconds"),
        "enabled": form.is_on("enabled"),
    }


def _param(field: ParamField, form: Form) -> JsonValue:
    typed = form.value(field.key)
    if field.is_list:
        return [line.strip() for line in typed.splitlines() if line.strip()]
    if not typed:
        return None
    # What cannot be read stays text, so that the checker's own words stand beside the field.
    with suppress(MalformedJson):
        return strictjson.loads_text(typed)
    return typed


def _figure(form: Form, name: str) -> float | None:
    typed = form.value(name)
    if not typed:
        return None
    try:
        value = float(typed)
    except ValueError:
        raise wrong(name, "Write a number.") from None
    if not (isfinite(value) and 0 <= value <= MOST):
        raise wrong(name, f"Write a number from 0 to {MOST:g}.")
    return value


def _text(field: ParamField | None, value: JsonValue) -> str:
    if field is not None and field.is_list:
        return "\n".join(map(str, value)) if isinstance(value, list | tuple) else ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return f"{value:g}"
    return "" if value is None else str(value)
