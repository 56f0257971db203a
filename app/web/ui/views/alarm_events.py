"""The page of one alarm event as values: what fired, its mail as it was sent, the same entity before."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from app.accounts import queries as people
from app.alarms import queries, rules
from app.alarms.types import AlarmEvent, EventFilter
from app.incidents import queries as incidents
from app.notify import queries as outbox
from app.notify.types import Notification
from app.platform.db import Tx
from app.platform.types import JsonValue, PageQuery
from app.web.ui.views.alarms import event_state_said, window_said
from app.web.ui.words import duration

HISTORY = 20
MAILS_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Earlier:
    """One firing of the entity in its history; `lasted` is empty while it holds."""

    event: AlarmEvent
    state: str
    lasted: str


@dataclass(frozen=True, slots=True)
class Mail:
    """A message with the event in it: to which place, and what became of it."""

    notification: Notification
    to: str


def event_page(tx: Tx, event_id: str) -> dict[str, object]:
    """Everything about one event. Raises EventMissing."""
    event = queries.get_event(tx, event_id)
    alarm = queries.get_alarm(tx, event.entry_id)
    same = EventFilter(alarm_id=event.alarm_id, dedupe_key=event.dedupe_key)
    history = queries.list_events(tx, same, PageQuery(page_size=HISTORY))
    mails = _mails(tx, event.mail_ids)
    description, context = rules.parts_of(event)
    return {
        "event": event,
        "alarm": alarm,
        "description": description,
        "context": context,
        "state": event_state_said(event),
        "lasted": _lasted(event),
        "acked_by": people.find_user(tx, event.acked_by) if event.acked_by else None,
        "incident": incidents.get_incident(tx, event.incident_id) if event.incident_id else None,
        "mails": mails,
        "as_sent": next((each.notification for each in mails if each.notification.body), None),
        "history": [Earlier(each, event_state_said(each), _lasted(each)) for each in history.items],
        "history_total": history.total,
        "window": window_said(alarm.renotification_window_hours),
        "extra": [(key, _shown(value)) for key, value in event.extra_data.items()],
        "recipients": event.recipients or alarm.recipients,
    }


def _mails(tx: Tx, mail_ids: Sequence[int]) -> list[Mail]:
    found = [each for mail_id in mail_ids[:MAILS_SHOWN] if (each := outbox.find_notification(tx, mail_id))]
    channels = outbox.channels_by_id(tx, {each.channel_id for each in found if each.channel_id})
    return [
        Mail(each, channels[each.channel_id].name if each.channel_id in channels else each.address) for each in found
    ]


def _lasted(event: AlarmEvent) -> str:
    return duration((event.clear_time - event.fire_time).total_seconds()) if event.clear_time else ""


def _shown(value: JsonValue) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
