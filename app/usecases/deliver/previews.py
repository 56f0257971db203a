"""What a message would say if it were sent now, worded and dressed exactly as a send does it; nothing is written."""

from dataclasses import fields
from datetime import datetime
from pathlib import Path

from app.notify.channels._base import Channel
from app.notify.kinds import channel_of, config_for_people, kind_named
from app.notify.rendering import TEMPLATES, Occasion, Site, compose
from app.notify.templating import Tailor
from app.notify.types import Claim, DeliveryFailed, Message, NewNotification, Notification, NotificationStatus
from app.platform.runtime import Runtime


async def preview(rt: Runtime, new: NewNotification, *, now: datetime) -> Message:
    """The message of a notification to a person. A template of the operator's counts where its channel is set up."""
    site = Site(rt.settings.pagerpal_base_url, rt.secrets)
    message = compose(Claim(_unwritten(new, now)), site, Occasion(now=now, incidents={}))
    try:
        channel: Channel = channel_of(new.channel, rt.settings)
        config = config_for_people(channel, rt.settings)
    except DeliveryFailed:
        return message
    tailor = Tailor(rt.outside.templates, Path(rt.settings.notify_templates_dir or TEMPLATES))
    kind = kind_named(new.channel, rt.settings)
    return (await tailor.dress(message, kind=kind, channel=channel, config=config)).message


def _unwritten(new: NewNotification, now: datetime) -> Notification:
    given = {field.name for field in fields(NewNotification)}
    own = {field.name: getattr(new, field.name) for field in fields(Notification) if field.name in given}
    state = {
        "id": 0, "subject": "", "body": "", "status": NotificationStatus.IN_FLIGHT, "attempts": 1, "fence": 1,
        "lease_until": None, "provider_message_id": None, "last_error": "", "possible_repeat": False,
        "bundle_id": None, "late_by_seconds": 0, "created_at": now, "sent_at": None, "delivered_at": None,
        "idempotency_key": new.idempotency_key or "preview",
    }  # fmt: skip
    return Notification(**{**own, **state})
