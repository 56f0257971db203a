"""Which kinds of channels there are, what their names mean, and the configuration that a send is made with."""

from collections.abc import Mapping

from pydantic import ValidationError

from app.notify import queries
from app.notify.channels._base import Channel, ChannelConfig
from app.notify.types import Circuit, DeliveryFailed
from app.platform.db import Tx
from app.platform.plugins import load
from app.platform.settings import Settings

PACKAGE = "app.notify.channels"
# What document 001 calls some kinds.
OTHER_NAMES = {"webhook": "generic", "email_smtp": "email", "email_ses": "email"}
ALIASES = ("email", "generic")


def channel_kinds() -> Mapping[str, Channel]:
    """Every kind by its name, which is its file's. Raises StartRefused when a file is not what it should be."""
    return load(PACKAGE, Channel)


def kind_named(name: str, settings: Settings) -> str:
    """What a kind's name means: `email` is the one of EMAIL_BACKEND, `generic` is `webhook` (document 001)."""
    return {"email": f"email_{settings.email_backend}", "generic": "webhook"}.get(name, name)


def family_of(name: str) -> str:
    """What document 001 calls a kind: `email` over whichever way, `generic` for `webhook`, others as they are."""
    return OTHER_NAMES.get(name, name)


def channel_of(name: str, settings: Settings) -> Channel:
    """The kind of that name. Raises DeliveryFailed, for good, when this version has no such kind."""
    kind = channel_kinds().get(kind_named(name, settings))
    if kind is None:
        raise DeliveryFailed(f"there is no channel of the kind {name}", permanent=True)
    return kind


def provider_name(tx: Tx, circuit: Circuit) -> str:
    """What people call a provider: the team's channel, or the kind by which people are reached."""
    if circuit.channel_id is not None:
        found = queries.channels_by_id(tx, [circuit.channel_id]).get(circuit.channel_id)
        return f"The channel {found.name}" if found else f"Channel {circuit.channel_id}"
    kind = channel_kinds().get(circuit.channel)
    label = kind.label if kind else circuit.channel.replace("_", " ").capitalize()
    _, _, host = circuit.provider.removeprefix("people:").partition(":")
    return f"{label} to {host}" if host else label


def config_for_people(channel: Channel, settings: Settings) -> ChannelConfig:
    """The configuration by which a contact method is written to: the process's settings.

    Raises DeliveryFailed naming what is not set: not for good, since the operator can set it.
    """
    if channel.from_settings is None:
        raise DeliveryFailed(f"{channel.label} does not reach single persons", permanent=True)
    missing = [name for name in channel.needs if not getattr(settings, name.lower())]
    if missing:
        verb = "is" if len(missing) == 1 else "are"
        raise DeliveryFailed(f"{' and '.join(missing)} {verb} not set, so nothing can be sent by {channel.label}")
    try:
        return channel.config_model.model_validate(channel.from_settings(settings))
    except ValidationError as error:
        fields = ", ".join(sorted({str(fault["loc"][0]) for fault in error.errors() if fault["loc"]}))
        raise DeliveryFailed(f"the settings for {channel.label} are not valid ({fields})") from error
