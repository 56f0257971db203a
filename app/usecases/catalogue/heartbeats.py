"""Heartbeats: made, changed and removed by admins; pinged by whoever knows their address."""

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any

from app.accounts.service import auditor
from app.accounts.types import User
from app.checks import heartbeats
from app.checks.heartbeats import FIELDS
from app.checks.types import Heartbeat, NewPing
from app.platform.db import Tx
from app.platform.runtime import Runtime
from app.platform.types import JsonObject

_audit = auditor("heartbeat")


def create_heartbeat(rt: Runtime, *, values: Mapping[str, Any], actor: User, now: datetime) -> Heartbeat:
    """Add a heartbeat with an address of its own. Raises HeartbeatInvalid, HeartbeatNameTaken."""
    uuid = rt.ids.uuid()

    def write(tx: Tx) -> Heartbeat:
        made = heartbeats.create_heartbeat(tx, values=values, uuid=uuid, now=now)
        _audit(tx, "created", made.id, actor, None, _shown(made), now)
        return made

    return rt.db.write(write)


def update_heartbeat(
    rt: Runtime, *, heartbeat_id: int, changes: Mapping[str, Any], actor: User, now: datetime
) -> Heartbeat:
    """Change the named fields. Raises HeartbeatMissing, HeartbeatInvalid, HeartbeatNameTaken."""

    def write(tx: Tx) -> Heartbeat:
        before = heartbeats.get_heartbeat(tx, heartbeat_id)
        changed = heartbeats.change_heartbeat(tx, heartbeat_id, changes=changes, now=now)
        _audit(tx, "changed", heartbeat_id, actor, _shown(before), _shown(changed), now)
        return changed

    return rt.db.write(write)


def delete_heartbeat(rt: Runtime, *, heartbeat_id: int, actor: User, now: datetime) -> None:
    """Remove a heartbeat; its address is good for nothing from then on. Raises HeartbeatMissing."""

    def write(tx: Tx) -> None:
        before = heartbeats.get_heartbeat(tx, heartbeat_id)
        heartbeats.delete_heartbeat(tx, heartbeat_id)
        _audit(tx, "deleted", heartbeat_id, actor, _shown(before), None, now)

    rt.db.write(write)


async def take_ping(rt: Runtime, uuid: str, ping: NewPing, *, now: datetime) -> Heartbeat:
    """Keep a ping and what it says. Raises HeartbeatMissing, Unavailable."""
    # Anybody may try addresses: those that are none must not stand in line with what is written.
    await rt.db.run_read(partial(heartbeats.require_address, uuid=uuid))
    return await rt.db.run(partial(heartbeats.take_ping, uuid=uuid, ping=ping, now=now))


def _shown(beat: Heartbeat) -> JsonObject:
    return {name: getattr(beat, name) for name in FIELDS}
