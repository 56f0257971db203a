"""Devices that are pushed to: the server key they subscribe with, adding one, taking one away; with the audit."""

from datetime import datetime

from app.accounts import push, service
from app.accounts.types import PushDevice, User
from app.notify.push_key import find_push_key, keep_push_key
from app.platform.db import Tx
from app.platform.runtime import Runtime
from app.platform.types import JsonObject
from app.platform.webpush import Subscription, private_key_of, public_text
from app.usecases import paging
from app.usecases.people.reach import page_on_if_cut_off


def push_public_key(rt: Runtime, *, now: datetime) -> str:
    """The key that a browser subscribes with; made now where there is none yet. Raises KeyInvalid."""
    known = rt.db.read(lambda tx: find_push_key(tx, rt.settings, rt.secrets))
    private = known or rt.db.write(lambda tx: keep_push_key(tx, rt.settings, rt.secrets, now=now))
    return public_text(private_key_of(private))


def add_device(
    rt: Runtime, *, user: User, subscription: Subscription, name: str, now: datetime
) -> tuple[PushDevice, bool]:
    """Let one of the person's browsers get pushes, at once for what is urgent; whether it is new. Raises Invalid."""

    def write(tx: Tx) -> tuple[PushDevice, bool]:
        # Whatever key the browser subscribed with, there must be one to push with.
        keep_push_key(tx, rt.settings, rt.secrets, now=now)
        device, is_new = push.subscribe(
            tx, user_id=user.id, subscription=subscription, name=name, box=rt.secrets, now=now
        )
        paging.page_unreached(tx, now)
        if is_new:
            _audit(tx, "device_added", user, None, _view(device), now)
        return device, is_new

    return rt.db.write(write)


def remove_device(rt: Runtime, *, user_id: int, device_id: int, actor: User, now: datetime) -> None:
    """Push to this device no more; its rules go with it. Raises DeviceMissing."""

    def write(tx: Tx) -> None:
        device = push.forget(tx, user_id=user_id, device_id=device_id, now=now)
        page_on_if_cut_off(tx, user_id, now)
        _audit(tx, "device_removed", actor, _view(device), None, now, user_id=user_id)

    rt.db.write(write)


def _view(device: PushDevice) -> JsonObject:
    return {"id": device.id, "name": device.name}


def _audit(
    tx: Tx,
    action: str,
    actor: User,
    before: JsonObject | None,
    after: JsonObject | None,
    now: datetime,
    *,
    user_id: int | None = None,
) -> None:
    service.record_audit(
        tx, actor=actor, action=action, object_type="user", object_id=user_id or actor.id, before=before, after=after,
        now=now,
    )  # fmt: skip
