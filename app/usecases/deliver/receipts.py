"""Receipts: what vendors say became of messages that were sent (B33). Late, repeated and out of order as they come.

A receipt only ever moves a message forward: `sent` to `delivered`, or to `failed` and then on to the reader's next way.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from app.incidents import service as incidents
from app.incidents.types import Incident, IncidentStatus, NewTimelineEntry, TimelineKind
from app.notify import inbound, queries as outbox, service as notify
from app.notify.types import DeliveryReceipt, Notification, NotificationKind, NotificationStatus, ReceiptState
from app.platform.db import Tx
from app.platform.runtime import Runtime
from app.usecases import paging

# Whose messages get receipts, by the beginning of the channel's name.
VENDORS = {"twilio_sms": "twilio", "twilio_voice": "twilio", "infobip_sms": "infobip", "infobip_whatsapp": "infobip"}


async def take_receipts(rt: Runtime, vendor: str, receipts: Sequence[DeliveryReceipt], *, now: datetime) -> int:
    """Record what a vendor says, all of it in one transaction; how many messages it was news for.

    Receipts for messages that nobody knows are passed over: other programs use the same account. One that is faster
    than the end of the very send that it is about is kept for that.
    """

    def write(tx: Tx) -> int:
        known = outbox.of_receipts(tx, [each.provider_message_id for each in receipts])
        locked = incidents.lock_many(tx, _incidents_of(tx, known))
        news = 0
        for receipt in receipts:
            message = known.get(receipt.provider_message_id)
            if message is None or message.status is NotificationStatus.IN_FLIGHT:
                _keep_early(tx, vendor, receipt, now)
            else:
                news += _record(tx, message, receipt, locked, now)
        inbound.note(tx, vendor, "receipts", now=now)
        return news

    return await rt.db.run(write)


def came_early(tx: Tx, channel: str, provider_message_id: str) -> bool:
    """Whether the receipt of this message is there already, while the end of its send is only now written down."""
    vendor = VENDORS.get(channel)
    return vendor is not None and inbound.find_early_receipt(tx, vendor, provider_message_id) is not None


def take_early_receipt(tx: Tx, message: Notification, *, now: datetime) -> None:
    """Record the receipt that came early. Lock the incidents that the message is about first."""
    vendor = VENDORS.get(message.channel)
    if vendor is None or message.provider_message_id is None:
        return
    kept = inbound.find_early_receipt(tx, vendor, message.provider_message_id)
    if kept is not None:
        _record(tx, message, kept, incidents.lock_many(tx, _incidents_of(tx, {"": message})), now)


def _incidents_of(tx: Tx, known: Mapping[str, Notification]) -> set[int]:
    about = [row for head in known.values() for row in (head, *outbox.bundled_in(tx, head.id))]
    return {row.incident_id for row in about if row.incident_id is not None}


def _keep_early(tx: Tx, vendor: str, receipt: DeliveryReceipt, now: datetime) -> None:
    channels = [channel for channel, of in VENDORS.items() if of == vendor]
    if receipt.state is not ReceiptState.ON_ITS_WAY and outbox.is_sending(tx, channels):
        inbound.keep_early_receipt(tx, vendor, receipt, now=now)


def _record(
    tx: Tx, message: Notification, receipt: DeliveryReceipt, locked: dict[int, Incident], now: datetime
) -> bool:
    match receipt.state:
        case ReceiptState.ON_ITS_WAY:
            return False
        case ReceiptState.DELIVERED:
            news = notify.deliver_by_receipt(tx, message.id, at=receipt.at)
        case ReceiptState.FAILED:
            error = f"not delivered: {receipt.error}" if receipt.error else "not delivered"
            lost = notify.fail_by_receipt(tx, message.id, error=error)
            for page in lost:
                _go_on(tx, page, locked.get(page.incident_id or 0), error, now)
            news = bool(lost)
    if news:
        tx.publish("notifications", id=message.id, incident_id=message.incident_id)
        if message.incident_id is not None:
            tx.publish("incident", id=message.incident_id)
    return news


def named(tx: Tx, message: Notification) -> str:
    """How an incident's story calls a message: by its reader, or by the name that people gave the team's channel."""
    name = message.facts.get("user_name")
    if name:
        return f"{message.channel} to {name}"
    channels = outbox.channels_by_id(tx, [message.channel_id] if message.channel_id is not None else [])
    return f"Message to {next((each.name for each in channels.values()), message.channel)}"


def _go_on(tx: Tx, page: Notification, incident: Incident | None, error: str, now: datetime) -> None:
    """Say it in the incident, and page on by the reader's next way, else the next level; an answered one pages nobody.

    A page of a level that is over, or of an incident that somebody has, is only told.
    """
    if page.incident_id is None:
        return
    what = named(tx, page)
    following = None
    if page.kind is NotificationKind.PAGE and incident is not None and incident.status is IncidentStatus.TRIGGERED:
        following = notify.bring_forward(tx, page, now=now)
    then = f"; {following.channel} is tried now" if following is not None else ""
    line = NewTimelineEntry(
        page.incident_id, TimelineKind.DELIVERY, f"{what} {error}{then}",
        data={"notification_id": page.id, "status": page.status.value},
    )  # fmt: skip
    incidents.add_timeline(tx, [line], now=now)
    if following is None:
        paging.page_on_if_lost(tx, page, now, f"no message of it got through ({error})")
