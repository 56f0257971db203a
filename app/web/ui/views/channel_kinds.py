"""Kinds of channels as a page shows them; built from the plug-ins, so that a new file appears by itself."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from app.notify.channels._base import Channel, ChannelConfig, secret_fields
from app.platform.plugins import load
from app.platform.redact import HIDDEN
from app.platform.types import JsonObject, JsonValue
from app.web.ui.views.choices import Option

CHANNELS = load("app.notify.channels", Channel)
EMAIL = "email"
PREFIX = "config."


@dataclass(frozen=True, slots=True)
class ConfigField:
    """One field of a channel's configuration."""

    name: str
    title: str
    help: str
    required: bool
    secret: bool
    is_long: bool
    default: str


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of channel with the fields of its configuration."""

    name: str
    label: str
    fields: list[ConfigField]


def kinds() -> list[Kind]:
    """Every kind that there is, by label."""
    return sorted((kind_of(name) for name in CHANNELS), key=lambda kind: kind.label)


def kind_of(name: str) -> Kind:
    """The kind of this name; one that is gone has no fields."""
    channel = CHANNELS.get(name)
    return Kind(name, channel.label, _fields(channel.config_model)) if channel else Kind(name, name, [])


def labels() -> dict[str, str]:
    """What each kind is called."""
    return {EMAIL: "Email", **{name: channel.label for name, channel in CHANNELS.items()}}


def contact_kinds() -> list[Option]:
    """The kinds that can reach one person, each with what its address is."""
    return [
        (_contact_name(name), f"{labels()[_contact_name(name)]} ({channel.address_label})")
        for name, channel in sorted(CHANNELS.items())
        if channel.address_label
    ]


def values_of(kind: Kind, config: Mapping[str, JsonValue]) -> dict[str, str]:
    """A stored configuration as the values of its form."""
    return {f"{PREFIX}{field.name}": _text(config.get(field.name), field.default) for field in kind.fields}


def config_of(typed: Mapping[str, str]) -> JsonObject:
    """A form's values as a configuration; what is empty is left out, what looks like JSON is read as such."""
    return {name: _value(text) for name, text in typed.items() if text}


def _contact_name(name: str) -> str:
    # A contact method of whatever mail back end is stored and shown as `email`.
    return EMAIL if name.startswith("email_") else name


def _fields(model: type[ChannelConfig]) -> list[ConfigField]:
    secret = secret_fields(model)
    return [
        ConfigField(
            name=name,
            title=name.replace("_", " ").capitalize(),
            help=info.description or "",
            required=info.is_required(),
            secret=name in secret,
            is_long=name in ("headers", "body_template"),
            default="" if info.is_required() else _text(info.get_default(call_default_factory=True), ""),
        )
        for name, info in model.model_fields.items()
    ]


def _text(value: object, default: str) -> str:
    if value is None:
        return default
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list | tuple):
        return json.dumps(value, indent=1) if value else ""
    return str(value)


def _value(text: str) -> JsonValue:
    if text == HIDDEN or text[:1] not in ("{", "[", "t", "f", "-", *"0123456789"):
        return text
    try:
        value: JsonValue = json.loads(text)
    except ValueError:
        return text
    return value
