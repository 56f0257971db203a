"""Devices that get pushes: what the browser gave to reach it by, encrypted, beside its contact method (B30)."""

import hashlib
import json
from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import Select, delete, select, update

from app.accounts import contacts, queries
from app.accounts.errors import invalid
from app.accounts.models import ContactMethodRow, PushSubscriptionRow
from app.accounts.types import ContactMethod, PushDevice, Urgency
from app.platform.db import Tx
from app.platform.errors import NotFound
from app.platform.secrets import SecretBox
from app.platform.tables import fields_of
from app.platform.webpush import KeyInvalid, Subscription, check

WEBPUSH = "webpush"
MAX_ENDPOINT_LENGTH = 2000
MAX_NAME_LENGTH = 80
MAX_DEVICES = 20


class DeviceMissing(NotFound):
    """This person has no such device."""

    default_code = "device_missing"


def subscribe(
    tx: Tx, *, user_id: int, subscription: Subscription, name: str, box: SecretBox, now: datetime
) -> tuple[PushDevice, bool]:
    """Add a device with a verified contact method and a rule, or renew it where it is known; whether it is new.

    A device that belonged to somebody else is theirs no longer. Raises Invalid.
    """
    _check(subscription)
    row, endpoint_hash = PushSubscriptionRow, _hash(subscription.endpoint)
    sealed = box.encrypt(as_text(subscription))
    known = tx.first(PushDevice, _devices().where(row.endpoint_hash == endpoint_hash))
    if known is not None and known.user_id == user_id:
        tx.execute(update(row).where(row.id == known.id).values(sealed=sealed, updated_at=now))
        _revive(tx, known.contact_method_id, now)
        return known, False
    if known is not None:
        forget(tx, user_id=known.user_id, device_id=known.id, now=now)
    devices = devices_of(tx, user_id)
    if len(devices) >= MAX_DEVICES:
        raise invalid("endpoint", f"is one too many: a person has {MAX_DEVICES} devices at most")
    label = _free_name(name, {device.name for device in devices})
    method = contacts.add_contact_method(tx, user_id=user_id, channel=WEBPUSH, address=label, verified=True, now=now)
    contacts.put_rule(tx, user_id, Urgency.HIGH, 0, method.id)
    device_id = tx.insert(
        row, user_id=user_id, contact_method_id=method.id, endpoint_hash=endpoint_hash, sealed=sealed, name=label,
        created_at=now, updated_at=now,
    )  # fmt: skip
    return get_device(tx, user_id, device_id), True


def forget(tx: Tx, *, user_id: int, device_id: int, now: datetime) -> PushDevice:
    """Take a device away with its contact method and rules. Raises DeviceMissing."""
    device = get_device(tx, user_id, device_id)
    tx.execute(delete(PushSubscriptionRow).where(PushSubscriptionRow.id == device.id))
    if any(each.id == device.contact_method_id for each in queries.contact_methods_of(tx, user_id)):
        contacts.remove_contact_method(tx, user_id=user_id, contact_method_id=device.contact_method_id, now=now)
    return device


def forget_method(tx: Tx, contact_method_id: int) -> None:
    """What a device is reached by is not kept without its contact method."""
    tx.execute(delete(PushSubscriptionRow).where(PushSubscriptionRow.contact_method_id == contact_method_id))


def get_device(tx: Tx, user_id: int, device_id: int) -> PushDevice:
    """This person's device. Raises DeviceMissing."""
    for device in devices_of(tx, user_id):
        if device.id == device_id:
            return device
    raise DeviceMissing("This person has no such device.")


def devices_of(tx: Tx, user_id: int) -> list[PushDevice]:
    """A person's devices, in the order in which they were added."""
    return tx.all(PushDevice, _devices().where(PushSubscriptionRow.user_id == user_id).order_by(PushSubscriptionRow.id))


def sealed_of(tx: Tx, contact_method_ids: Collection[int]) -> dict[int, str]:
    """How these contact methods are pushed to, encrypted."""
    if not contact_method_ids:
        return {}
    row = PushSubscriptionRow
    statement = select(row.contact_method_id, row.sealed).where(row.contact_method_id.in_(sorted(contact_method_ids)))
    return {method_id: sealed for method_id, sealed in tx.execute(statement)}


def as_text(subscription: Subscription) -> str:
    """A subscription as browsers write it, for the channel's address."""
    keys = {"p256dh": subscription.p256dh, "auth": subscription.auth}
    return json.dumps({"endpoint": subscription.endpoint, "keys": keys})


def lose_address(tx: Tx, contact_method_id: int, *, note: str) -> ContactMethod | None:
    """The provider says that the address is no more: no page goes there until it is verified anew."""
    forget_method(tx, contact_method_id)
    row = ContactMethodRow
    tx.execute(update(row).where(row.id == contact_method_id).values(verified_at=None, note=note))
    return tx.first(ContactMethod, select(*fields_of(row, ContactMethod)).where(row.id == contact_method_id))


def _revive(tx: Tx, contact_method_id: int, now: datetime) -> None:
    row = ContactMethodRow
    lost = (row.id == contact_method_id, row.verified_at.is_(None))
    tx.execute(update(row).where(*lost).values(verified_at=now, note=""))


def _check(subscription: Subscription) -> None:
    if not subscription.endpoint.startswith(("https://", "http://")) or not subscription.endpoint.isprintable():
        raise invalid("endpoint", "must be the https:// address that the browser gave")
    if len(subscription.endpoint) > MAX_ENDPOINT_LENGTH:
        raise invalid("endpoint", f"may have {MAX_ENDPOINT_LENGTH} characters")
    try:
        check(subscription)
    except KeyInvalid as wrong:
        raise invalid("keys", f"are not what a browser gives: {wrong}") from wrong


def _free_name(name: str, taken: Collection[str]) -> str:
    """The device's name, with a number where another one has it."""
    plain = "".join(each for each in " ".join(name.split()) if each.isprintable())[:MAX_NAME_LENGTH] or "Device"
    numbered = (f"{plain} ({number})" for number in range(2, MAX_DEVICES + 3))
    return next((each for each in (plain, *numbered) if each not in taken), plain)


def _hash(endpoint: str) -> str:
    return hashlib.sha256(endpoint.encode()).hexdigest()


def _devices() -> "Select[Any]":
    return select(*fields_of(PushSubscriptionRow, PushDevice))
