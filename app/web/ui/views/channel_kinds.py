"""Kinds of channels as a page shows them; built from the plug-ins, so that a new file appears by itself."""

from collections.abc import Mapping
from dataclasses import dataclass

from app.notify.channels._base import ChannelConfig
from app.notify.kinds import channel_kinds
from app.platform.types import JsonObject, JsonValue
from app.web.ui.forms import Form
from app.web.ui.views import config_form
from app.web.ui.views.choices import Option
from app.web.ui.views.config_form import ConfigField, fields_of

EMAIL = "email"
LONG = ("headers", "body_template", "payload_template", "template")
# What every kind has is rarely touched and stands last.
COMMON = ChannelConfig.model_fields.keys()


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
    return Kind(name, channel.label, channel.setup, fields_of(channel.config_model, long=LONG, last=COMMON))


def labels() -> dict[str, str]:
    """What each kind is called."""
    return {EMAIL: "Email", **{name: channel.label for name, channel in channel_kinds().items()}}


def called(channel: str) -> str:
    """What a message's way out is called; one that is gone keeps its name."""
    return labels().get(channel, channel.replace("_", " "))


def contact_kinds() -> list[Option]:
    """The kinds that can reach one person, each with what its address is."""
    return [
        (_contact_name(name), f"{labels()[_contact_name(name)]} ({channel.address_label})")
        for name, channel in sorted(channel_kinds().items())
        if channel.address_label
    ]


def values_of(kind: Kind, config: Mapping[str, JsonValue]) -> dict[str, str]:
    """A stored configuration as the values of its form."""
    return config_form.values_of(kind.fields, config)


def config_of(kind: Kind, form: Form) -> JsonObject:
    """A form's values as a configuration."""
    return config_form.config_of(kind.fields, form)


def _contact_name(name: str) -> str:
    # A contact method of whatever mail back end is stored and shown as `email`.
    return EMAIL if name.startswith("email_") else name
