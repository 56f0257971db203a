"""`/api/v1/heartbeats`: what must say every so often that it is well."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from app.accounts.permissions import Permission, allows
from app.checks import heartbeats
from app.checks.heartbeats import FIELDS, state_of
from app.checks.types import Heartbeat, HeartbeatPing, HeartbeatState, Signal
from app.platform.db import Tx
from app.usecases import catalogue
from app.web.api.accounts_schemas import In, Out, ShortText
from app.web.api.pages import PageOut, page_out
from app.web.deps import MAX_ID, Id, IdentityDep, NowDep, PageDep, RuntimeDep

Seconds = Annotated[int, Field(ge=1, le=MAX_ID)]


class HeartbeatOut(Out):
    """A heartbeat; its address is a secret and shown to those who may change it."""

    id: int
    name: str
    period_seconds: int
    grace_seconds: int
    state: HeartbeatState
    last_signal: Signal | None
    last_ping_at: datetime | None
    last_ok_at: datetime | None
    last_exit_code: int | None
    ping_url: str | None
    created_at: datetime
    updated_at: datetime


class PingOut(Out):
    """One ping that is kept."""

    id: int
    signal: Signal
    exit_code: int | None
    method: str
    address: str
    body: str
    received_at: datetime


class HeartbeatNew(In):
    """A heartbeat to be added."""

    name: ShortText
    period_seconds: Seconds
    grace_seconds: Seconds = 300


class HeartbeatChange(In):
    """Fields to change; what is left out stays."""

    name: ShortText = ""
    period_seconds: Seconds = 1
    grace_seconds: Seconds = 1


def list_heartbeats(rt: RuntimeDep, page: PageDep, identity: IdentityDep, now: NowDep) -> PageOut[HeartbeatOut]:
    """One page of heartbeats, by name."""
    base_url = _base_url(rt, allows(identity, Permission.MANAGE_ALARMS))
    found = rt.db.read(lambda tx: heartbeats.list_heartbeats(tx, page))
    return page_out(found, lambda beat: _shown(beat, base_url, now))


def show(heartbeat_id: Id, rt: RuntimeDep, identity: IdentityDep, now: NowDep) -> HeartbeatOut:
    """One heartbeat."""
    base_url = _base_url(rt, allows(identity, Permission.MANAGE_ALARMS))
    return _shown(rt.db.read(lambda tx: heartbeats.get_heartbeat(tx, heartbeat_id)), base_url, now)


def list_pings(heartbeat_id: Id, rt: RuntimeDep) -> list[PingOut]:
    """The pings that are kept, the newest first."""
    return [PingOut.model_validate(ping) for ping in rt.db.read(lambda tx: _pings(tx, heartbeat_id))]


def create(body: HeartbeatNew, rt: RuntimeDep, identity: IdentityDep, now: NowDep) -> HeartbeatOut:
    """Add a heartbeat."""
    made = catalogue.create_heartbeat(rt, values=body.model_dump(), actor=identity.user, now=now)
    return _shown(made, _base_url(rt, True), now)


def change(heartbeat_id: Id, body: HeartbeatChange, rt: RuntimeDep, identity: IdentityDep, now: NowDep) -> HeartbeatOut:
    """Change the fields that are sent."""
    changes = body.model_dump(exclude_unset=True)
    changed = catalogue.update_heartbeat(rt, heartbeat_id=heartbeat_id, changes=changes, actor=identity.user, now=now)
    return _shown(changed, _base_url(rt, True), now)


def delete(heartbeat_id: Id, rt: RuntimeDep, identity: IdentityDep, now: NowDep) -> None:
    """Remove a heartbeat; its address is good for nothing any more."""
    catalogue.delete_heartbeat(rt, heartbeat_id=heartbeat_id, actor=identity.user, now=now)


def _base_url(rt: RuntimeDep, may_see: bool) -> str | None:
    return rt.settings.pagerpal_base_url if may_see else None


def _pings(tx: Tx, heartbeat_id: int) -> list[HeartbeatPing]:
    heartbeats.get_heartbeat(tx, heartbeat_id)
    return heartbeats.pings_of(tx, heartbeat_id)


def _shown(beat: Heartbeat, base_url: str | None, now: datetime) -> HeartbeatOut:
    names = ("id", *FIELDS, "last_signal", "last_ping_at", "last_ok_at", "last_exit_code", "created_at", "updated_at")
    own = {name: getattr(beat, name) for name in names}
    return HeartbeatOut(
        **own, state=state_of(beat, now), ping_url=None if base_url is None else f"{base_url}/ping/{beat.uuid}"
    )
