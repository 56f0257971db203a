"""News: every channel that was told of an incident also hears what becomes of it, and so do people where it shows.

Each is a row of kind TEAM, written in the transaction that changed the incident, once, and sent after what the same
reader was told of the incident before.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from app.accounts import queries as people
from app.incidents.types import Incident
from app.notify import queries as outbox, service as notify
from app.notify.kinds import channel_kinds
from app.notify.types import NewNotification, NotificationKind, Told
from app.platform.db import Tx


@dataclass(frozen=True, slots=True)
class News:
    """What became of an incident: `event` is `acknowledged`, `escalated`, `resolved`, …; `text` a sentence.

    With `waking` True it is for channels alone that wake somebody, with False for all the others.
    """

    incident: Incident
    event: str
    text: str
    waking: bool | None = None


def tell_channels(
    tx: Tx, incident: Incident, what: str, text: str, *, waking: bool | None = None, now: datetime
) -> None:
    """Every channel that was told of the incident also hears what became of it (B30)."""
    tell_news(tx, [News(incident, what, text, waking)], now=now)


def tell_news(tx: Tx, news: Sequence[News], *, now: datetime) -> None:
    """The same for many incidents, with as many reads as for one."""
    if not news:
        return
    kinds = channel_kinds()
    following = [name for name, kind in kinds.items() if kind.follows_people]
    waking = {name for name, kind in kinds.items() if kind.wakes}
    told = outbox.told_of(tx, [each.incident.id for each in news], people_by=following)
    readers = {each.user_id for places in told.values() for each in places if each.user_id is not None}
    active = {user.id for user in people.users_by_id(tx, readers).values() if user.is_active}
    notify.insert_many(
        tx,
        [
            _message(each, place, now)
            for each in news
            for place in told.get(each.incident.id, ())
            if (place.user_id is None or place.user_id in active) and each.waking in (None, place.channel in waking)
        ],
        now=now,
    )


def _message(news: News, place: Told, now: datetime) -> NewNotification:
    incident = news.incident
    parts = (news.event, news.text, incident.id, place.channel_id, place.contact_method_id, now.isoformat())
    return NewNotification(
        kind=NotificationKind.TEAM,
        channel=place.channel,
        channel_id=place.channel_id,
        user_id=place.user_id,
        contact_method_id=place.contact_method_id,
        address=place.address,
        due_at=now,
        facts={"event": news.event, "text": news.text, "severity": incident.severity.value},
        incident_id=incident.id,
        idempotency_key=hashlib.sha256(repr(parts).encode()).hexdigest()[:32],
    )
