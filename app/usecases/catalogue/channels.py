"""Team channels: made, changed and removed by admins; secrets are encrypted, and masked in the audit (B30)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from app.accounts.service import auditor
from app.accounts.types import User
from app.notify import configs, queries
from app.notify.kinds import channel_kinds, kind_named
from app.notify.types import NotificationChannel
from app.platform.db import Tx
from app.platform.runtime import Runtime
from app.platform.types import JsonObject, JsonValue

_audit = auditor("channel")


def create_channel(
    rt: Runtime,
    *,
    name: str,
    driver: str,
    config: Mapping[str, JsonValue],
    actor: User,
    now: datetime,
    is_active: bool = True,
    description: str = "",
) -> NotificationChannel:
    """Add a channel of the kind `driver` (`email` and `generic` mean what they mean in document 001).

    Raises ChannelInvalid, ChannelNameTaken.
    """
    kind = kind_named(driver, rt.settings)

    def write(tx: Tx) -> NotificationChannel:
        channel = configs.create_channel(
            tx,
            name=name,
            driver=kind,
            config=config,
            is_active=is_active,
            description=description,
            box=rt.secrets,
            settings=rt.settings,
            now=now,
        )
        _audit(tx, "created", channel.id, actor, None, shown_channel(channel), now)
        return channel

    return rt.db.write(write)


def update_channel(
    rt: Runtime, *, channel_id: int, changes: Mapping[str, Any], actor: User, now: datetime
) -> NotificationChannel:
    """Change the named fields (name, config, is_active, description); `***` in `config` keeps a stored secret.

    Raises ChannelMissing, ChannelInvalid, ChannelNameTaken.
    """

    def write(tx: Tx) -> NotificationChannel:
        before = shown_channel(queries.get_channel(tx, channel_id))
        channel = configs.update_channel(tx, channel_id, changes=changes, box=rt.secrets, settings=rt.settings, now=now)
        _audit(tx, "changed", channel_id, actor, before, shown_channel(channel), now)
        return channel

    return rt.db.write(write)


def delete_channel(rt: Runtime, *, channel_id: int, actor: User, now: datetime) -> None:
    """Remove a channel that never said anything. Raises ChannelMissing, ChannelInUse."""

    def write(tx: Tx) -> None:
        before = shown_channel(queries.get_channel(tx, channel_id))
        configs.delete_channel(tx, channel_id)
        _audit(tx, "deleted", channel_id, actor, before, None, now)

    rt.db.write(write)


def shown_channel(channel: NotificationChannel) -> JsonObject:
    """A channel as people may see it: every secret is `***`, and so is the whole configuration of an unknown kind."""
    kind = channel_kinds().get(channel.driver)
    return {
        "id": channel.id,
        "name": channel.name,
        "driver": channel.driver,
        "config": configs.masked(kind, channel.config) if kind else dict.fromkeys(channel.config, "***"),
        "is_active": channel.is_active,
        "description": channel.description,
    }
