"""What people do to messages: send a lost one again, try a channel out."""

from datetime import datetime

from app.incidents import service as incidents
from app.incidents.types import Actor, NewTimelineEntry, TimelineKind
from app.notify import queries as outbox, service as notify
from app.notify.errors import IncidentOver
from app.notify.types import NewNotification, Notification, NotificationKind
from app.platform.db import Tx
from app.platform.runtime import Runtime
from app.usecases.deliver.claims import answered_among


def retry(rt: Runtime, *, notification_id: int, actor: Actor, now: datetime) -> Notification:
    """Send a failed or exhausted message again now.

    Raises NotificationMissing, NotRetriable, IncidentOver once nobody has to be told any more.
    """
    return rt.db.write(lambda tx: _retry(tx, notification_id, actor, now))


def send_test(rt: Runtime, *, channel_id: int, actor: Actor, now: datetime) -> Notification:
    """Write a test message to a channel; it goes out at once. Raises ChannelMissing."""

    def write(tx: Tx) -> Notification:
        channel = outbox.get_channel(tx, channel_id)
        text = f"{actor.name} tries out the channel {channel.name}. If you read this, it works."
        new = NewNotification(
            kind=NotificationKind.TEST,
            channel=channel.driver,
            channel_id=channel.id,
            due_at=now,
            facts={"title": "Test message from PagerPal", "text": text, "severity": "info"},
        )
        return outbox.get_notification(tx, notify.insert_one(tx, new, now=now))

    return rt.db.write(write)


def _unanswered(tx: Tx, digest: Notification, now: datetime) -> list[int]:
    """The pages of a lost digest that somebody still has to read. Raises IncidentOver when all were answered."""
    lost = outbox.lost_with(tx, digest.id)
    locked = incidents.lock_many(tx, {each.incident_id for each in lost if each.incident_id})
    answered = answered_among(locked.values(), now)
    left = [each.id for each in lost if each.incident_id not in answered]
    if lost and not left:
        raise IncidentOver("answered")
    return left


def _retry(tx: Tx, notification_id: int, actor: Actor, now: datetime) -> Notification:
    notification = outbox.get_notification(tx, notification_id)
    if notification.incident_id is not None:
        incident = incidents.lock(tx, notification.incident_id)
        if notification.kind is NotificationKind.PAGE and not incident.status.is_open:
            raise IncidentOver(incident.status.value)
    saying = _unanswered(tx, notification, now) if notification.kind is NotificationKind.DIGEST else []
    sent_again = notify.retry(tx, notification_id, saying=saying, now=now)
    if notification.incident_id is not None:
        to = notification.facts.get("user_name") or notification.channel
        text = f"{actor.name} had the message to {to} sent again"
        line = NewTimelineEntry(notification.incident_id, TimelineKind.DELIVERY, text, actor)
        incidents.add_timeline(tx, [line], now=now)
        tx.publish("incident", id=notification.incident_id)
    return sent_again
