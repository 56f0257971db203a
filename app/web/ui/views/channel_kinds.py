"""Kinds of channels as a page shows them; built from the plug-ins, so that a new file appears by itself."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args, get_origin

from app.notify.channels._base import ChannelConfig, key_of, secret_fields
from app.notify.kinds import channel_kinds
from app.platform import strictjson
from app.platform.strictjson import MalformedJson
from app.platform.types import JsonObject, JsonValue
from app.web.ui.forms import Form
from app.web.ui.views.choices import Option
from app.web.ui.words import heading

EMAIL = "email"
PREFIX = "config."
LONG = ("headers", "body_template", "payload_template", "template")
# What every kind has is rarely touched and stands last.
COMMON = ChannelConfig.model_fields.keys()


@dataclass(frozen=True, slots=True)
class ConfigField:
    """One field of a channel's configuration."""

    name: str
    title: str
    help: str
    required: bool
    secret: bool
    is_long: bool
    is_text: bool
    default: str
    choices: tuple[Option, ...]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of channel, what to do at the vendor, and the fields of its configuration."""

    name: str
    label: str
    setup: str
    fields: list[ConfigField]


def kinds() -> list[Kind]:
    """Every kind that a team can have, by label."""
    names = [name for name, channel in channel_kinds().items() if channel.for_teams]
    return sorted(map(kind_of, names), key=lambda kind: kind.label)


def kind_of(name: str) -> Kind:
    """The kind of this name; one that is gone has no fields."""
    channel = channel_kinds().get(name)
    if channel is None:
        return Kind(name, name, "", [])
    return Kind(name, channel.label, channel.setup, _fields(channel.config_model))


def labels() -> dict[str, str]:
    """What each kind is called."""
    return {EMAIL: "Email", **{name: channel.label for name, channel in channel_kinds().items()}}


def contact_kinds() -> list[Option]:
    """The kinds that can reach one person, each with what its address is."""
    return [
        (_contact_name(name), f"{labels()[_contact_name(name)]} ({channel.address_label})")
        for name, channel in sorted(channel_kinds().items())
        if channel.address_label
    ]


def values_of(kind: Kind, config: Mapping[str, JsonValue]) -> dict[str, str]:
    """A stored configuration as the values of its form."""
    return {f"{PREFIX}{field.name}": _text(config.get(field.name), field.default) for field in kind.fields}


def config_of(kind: Kind, form: Form) -> JsonObject:
    """A form's values as a configuration: what is empty is left out, what is no text is read as JSON."""
    typed = {field: form.value(f"{PREFIX}{field.name}") for field in kind.fields}
    return {field.name: text if field.is_text else _json(text) for field, text in typed.items() if text}


def _contact_name(name: str) -> str:
    # A contact method of whatever mail back end is stored and shown as `email`.
    return EMAIL if name.startswith("email_") else name


def _fields(model: type[ChannelConfig]) -> list[ConfigField]:
    secret = secret_fields(model)
    return [
        ConfigField(
            name=key_of(name, info),
            title=heading(key_of(name, info)),
            help=info.description or "",
            required=info.is_required(),
            secret=key_of(name, info) in secret,
            is_long=name in LONG,
            is_text=_is_text(info.annotation),
            default="" if info.is_required() else _text(info.get_default(call_default_factory=True), ""),
            choices=_choices(info.annotation),
        )
        for name, info in sorted(model.model_fields.items(), key=lambda field: field[0] in COMMON)
    ]


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
    # What cannot be read stays text, so that the kind's own check names the field.
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
