"""`/api/v1/me/push-subscriptions`: the browsers and phones that get one's pages by web push."""

from datetime import datetime
from typing import Annotated

from fastapi import Response
from pydantic import Field

from app.accounts import push as devices
from app.platform.webpush import Subscription
from app.usecases import people
from app.web.api.accounts_schemas import In, Out, ShortText
from app.web.deps import Id, IdentityDep, NowDep, RuntimeDep


class PushKeys(In):
    """The keys that a browser gave."""

    p256dh: ShortText
    auth: ShortText


class PushNew(In):
    """What `PushSubscription.toJSON()` says, and what the person calls the device."""

    endpoint: Annotated[str, Field(max_length=2000)]
    keys: PushKeys
    expirationTime: float | None = None
    name: ShortText = ""


class DeviceOut(Out):
    """A device, without what it is reached by."""

    id: int
    contact_method_id: int
    name: str
    created_at: datetime
    updated_at: datetime


class DevicesOut(Out):
    """One's own devices, and the key with which another one subscribes."""

    public_key: str
    devices: list[DeviceOut]


def list_devices(rt: RuntimeDep, identity: IdentityDep, now: NowDep) -> DevicesOut:
    """One's own devices."""
    public_key = people.push_public_key(rt, now=now)
    found = rt.db.read(lambda tx: devices.devices_of(tx, identity.user.id))
    return DevicesOut(public_key=public_key, devices=[DeviceOut.model_validate(each) for each in found])


def add_device(body: PushNew, rt: RuntimeDep, identity: IdentityDep, now: NowDep, response: Response) -> DeviceOut:
    """Add a device, or renew one that is known, which is 200."""
    subscription = Subscription(body.endpoint, body.keys.p256dh, body.keys.auth)
    device, is_new = people.add_device(rt, user=identity.user, subscription=subscription, name=body.name, now=now)
    response.status_code = 201 if is_new else 200
    return DeviceOut.model_validate(device)


def remove_device(device_id: Id, rt: RuntimeDep, identity: IdentityDep, now: NowDep) -> None:
    """Push to this device no more."""
    people.remove_device(rt, user_id=identity.user.id, device_id=device_id, actor=identity.user, now=now)
