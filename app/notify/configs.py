"""Named channel configurations: checked by their kind, their secrets encrypted at rest and shown as `***`."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select, update

from app.notify import circuits, queries
from app.notify.channels._base import Channel, ChannelConfig
from app.notify.errors import ChannelInUse, ChannelInvalid, ChannelNameTaken
from app.notify.kinds import channel_kinds
from app.notify.models import ChannelRow
from app.notify.types import NotificationChannel
from app.platform import configs
from app.platform.db import Tx
from app.platform.errors import FieldError
from app.platform.secrets import SecretBox, SecretUnreadable
from app.platform.settings import Settings
from app.platform.types import JsonObject, JsonValue

NAME_LIMIT = 80


def create_channel(
    tx: Tx,
    *,
    name: str,
    driver: str,
    config: Mapping[str, JsonValue],
    is_active: bool,
    description: str,
    box: SecretBox,
    settings: Settings,
    now: datetime,
) -> NotificationChannel:
    """Make a channel. Raises ChannelNameTaken, ChannelInvalid."""
    kind = _kind(driver)
    _check_name(tx, name, but=None)
    channel_id = tx.insert(
        ChannelRow,
        name=name,
        driver=driver,
        config=seal(kind, config, box, settings),
        is_active=is_active,
        description=description,
        created_at=now,
        updated_at=now,
    )
    tx.publish("channels", id=channel_id)
    return queries.get_channel(tx, channel_id)


def update_channel(
    tx: Tx, channel_id: int, *, changes: Mapping[str, Any], box: SecretBox, settings: Settings, now: datetime
) -> NotificationChannel:
    """Change a channel; `***` in `config` keeps the stored secret. Raises ChannelMissing, ChannelNameTaken,
    ChannelInvalid."""
    channel = queries.get_channel(tx, channel_id)
    values = dict(changes)
    if "name" in values:
        _check_name(tx, values["name"], but=channel_id)
    if "config" in values:
        kind = _kind(channel.driver)
        values["config"] = seal(kind, _kept(kind, values["config"], channel.config, box), box, settings)
    tx.execute(update(ChannelRow).where(ChannelRow.id == channel_id).values(**values, updated_at=now))
    circuits.try_now(tx, channel_id, now=now)
    tx.publish("channels", id=channel_id)
    return queries.get_channel(tx, channel_id)


def delete_channel(tx: Tx, channel_id: int) -> None:
    """Delete a channel that never said anything. Raises ChannelMissing, ChannelInUse."""
    channel = queries.get_channel(tx, channel_id)
    if queries.channel_was_used(tx, channel_id):
        raise ChannelInUse(channel.name)
    tx.execute(delete(ChannelRow).where(ChannelRow.id == channel_id))
    tx.publish("channels", id=channel_id)


def seal(kind: Channel, config: Mapping[str, JsonValue], box: SecretBox, settings: Settings) -> JsonObject:
    """The configuration as it is stored: only what was given, secrets as ciphertext. Raises ChannelInvalid."""
    checked = _checked(kind, config)
    faults = kind.check(checked, settings) if kind.check is not None else {}
    if faults:
        raise ChannelInvalid([FieldError(f"config.{name}", what) for name, what in faults.items()])
    return configs.each_secret(kind.config_model, checked.model_dump(mode="json", exclude_unset=True), box.encrypt)


def unseal(kind: Channel, stored: Mapping[str, JsonValue], box: SecretBox) -> ChannelConfig:
    """The configuration that a send is made with. Raises ChannelInvalid, SecretUnreadable."""
    return _checked(kind, configs.each_secret(kind.config_model, stored, box.decrypt))


def active_configs(tx: Tx, drivers: Iterable[str], box: SecretBox) -> list[ChannelConfig]:
    """The configurations of the active channels of these kinds, the oldest first; unreadable ones are passed over."""
    wanted, found = set(drivers), []
    for channel in queries.active_channels(tx):
        if channel.driver in wanted:
            with suppress(ChannelInvalid, SecretUnreadable):
                found.append(unseal(_kind(channel.driver), channel.config, box))
    return found


def masked(kind: Channel, stored: Mapping[str, JsonValue]) -> JsonObject:
    """The configuration as people see it."""
    return configs.masked(kind.config_model, stored)


def _kept(kind: Channel, given: Mapping[str, JsonValue], stored: JsonObject, box: SecretBox) -> JsonObject:
    try:
        return configs.kept(kind.config_model, given, stored, box.decrypt)
    except configs.ConfigWrong as wrong:
        raise ChannelInvalid(wrong.errors) from None


def _checked(kind: Channel, config: Mapping[str, JsonValue]) -> ChannelConfig:
    try:
        return configs.checked(kind.config_model, config)
    except configs.ConfigWrong as wrong:
        raise ChannelInvalid(wrong.errors) from None


def _kind(driver: str) -> Channel:
    for_teams = {name: kind for name, kind in channel_kinds().items() if kind.for_teams}
    if driver not in for_teams:
        raise ChannelInvalid([FieldError("driver", f"must be one of {', '.join(for_teams)}")])
    return for_teams[driver]


def _check_name(tx: Tx, name: str, *, but: int | None) -> None:
    if not name.strip() or len(name) > NAME_LIMIT:
        raise ChannelInvalid([FieldError("name", f"1 to {NAME_LIMIT} characters")])
    found = tx.scalar(select(ChannelRow.id).where(ChannelRow.name == name))
    if found is not None and found != but:
        raise ChannelNameTaken(name)
