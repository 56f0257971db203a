"""A plug-in's typed configuration as a form: made out of its model, so that a new file appears by itself."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args, get_origin

from pydantic import BaseModel

from app.platform import strictjson
from app.platform.configs import key_of, secret_fields
from app.platform.strictjson import MalformedJson
from app.platform.types import JsonObject, JsonValue
from app.web.ui.forms import Form
from app.web.ui.views.choices import Option
from app.web.ui.words import heading

PREFIX = "config."


@dataclass(frozen=True, slots=True)
class ConfigField:
    """One field of a configuration."""

    name: str
    title: str
    help: str
    required: bool
    secret: bool
    is_long: bool
    is_text: bool
    default: str
    choices: tuple[Option, ...]


def fields_of(model: type[BaseModel], *, long: Collection[str] = (), last: Collection[str] = ()) -> list[ConfigField]:
    """The fields of a model in its order; `long` ones have several lines, those of `last` come after the others."""
    secret = secret_fields(model)
    return [
        ConfigField(
            name=key_of(name, info),
            title=heading(key_of(name, info)),
            help=info.description or "",
            required=info.is_required(),
            secret=key_of(name, info) in secret,
            is_long=name in long,
            is_text=_is_text(info.annotation),
            default="" if info.is_required() else _text(info.get_default(call_default_factory=True), ""),
            choices=_choices(info.annotation),
        )
        for name, info in sorted(model.model_fields.items(), key=lambda field: field[0] in last)
    ]


def values_of(fields: Sequence[ConfigField], config: Mapping[str, JsonValue]) -> dict[str, str]:
    """A stored configuration as the values of its form."""
    return {f"{PREFIX}{field.name}": _text(config.get(field.name), field.default) for field in fields}


def config_of(fields: Sequence[ConfigField], form: Form) -> JsonObject:
    """A form's values as a configuration: what is empty is left out, what is no text is read as JSON."""
    typed = {field: form.value(f"{PREFIX}{field.name}") for field in fields}
    return {field.name: text if field.is_text else _json(text) for field, text in typed.items() if text}


def _text(value: object, default: str) -> str:
    if value is None:
        return default
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple) and all(isinstance(each, str) and "," not in each for each in value):
        return ", ".join(value)
    if isinstance(value, dict | list | tuple):
        return json.dumps(value, indent=1 if isinstance(value, dict) else None) if value else ""
    return str(value)


def _json(text: str) -> JsonValue:
    # What cannot be read stays text, so that the model's own check names the field.
    try:
        return strictjson.loads_text(text)
    except MalformedJson:
        return text


def _choices(annotation: object) -> tuple[Option, ...]:
    if annotation is bool:
        return (("true", "yes"), ("false", "no"))
    return tuple((str(each), str(each)) for each in get_args(annotation)) if get_origin(annotation) is Literal else ()


def _is_text(annotation: object) -> bool:
    return annotation is str or get_origin(annotation) is Literal
