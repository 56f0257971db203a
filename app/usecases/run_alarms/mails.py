"""The mail of a tick: one for each alarm, with everything that it has to say (more where entities have readers of
their own). It goes through the outbox, so retries, leases and receipts are those of every other message.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from app.alarms.rules import MailReason
from app.alarms.types import SEVERITIES, Alarm, AlarmEvent, Detection
from app.notify import service as notify
from app.notify.alarm_text import CONTEXT_LIMIT, LISTED_AT_MOST
from app.notify.types import NewNotification, NotificationKind
from app.platform.db import Tx
from app.platform.types import JsonObject
from app.usecases.run_alarms.recipients import Target, targets_of


@dataclass(frozen=True, slots=True)
class Entry:
    """One entity in a mail: its event (None in a preview), what was detected now, and why it is in."""

    event: AlarmEvent | None
    detection: Detection
    reason: MailReason


@dataclass(slots=True)
class Posted:
    """What was written: the notifications of each mail with the events in it, and what was odd."""

    mails: list[tuple[list[AlarmEvent], list[int]]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def mail_ids(self) -> list[int]:
        """Every notification."""
        return [mail_id for _, ids in self.mails for mail_id in ids]


def post(tx: Tx, alarm: Alarm, entries: Sequence[Entry], *, run_id: int, now: datetime) -> Posted:
    """Write the mail of these entries, one for each set of readers."""
    posted = Posted()
    if entries and not alarm.recipients and not all(entry.detection.recipients for entry in entries):
        posted.warnings.append("mail is on, and there are no recipients")
    for words, bundle in by_readers(alarm, entries).items():
        targets, warnings = targets_of(tx, words)
        posted.warnings += warnings
        events = [entry.event for entry in bundle if entry.event is not None]
        ids = _send(tx, alarm, facts_of(alarm, bundle), targets, key=f"{run_id}:{','.join(words)}", now=now)
        if ids:
            posted.mails.append((events, ids))
    return posted


def post_unknown(tx: Tx, alarm: Alarm, error: str, *, run_id: int, now: datetime) -> bool:
    """Tell the recipients that the alarm cannot know; whether there was anybody to tell."""
    targets, _ = targets_of(tx, alarm.recipients)
    ticks = alarm.unknown_ticks + 1
    facts: JsonObject = {
        "title": f"{alarm.title} cannot be evaluated",
        "text": f"The last {ticks} times nothing could be found out: nothing new fires, nothing clears.\n\n{error}",
        "alarm": alarm.entry_id,
        "severity": "warning",
        "detections": [],
        "event_ids": [],
        "link": link_of(alarm),
    }
    return bool(_send(tx, alarm, facts, targets, key=f"{run_id}:unknown", now=now))


def by_readers(alarm: Alarm, entries: Iterable[Entry]) -> dict[tuple[str, ...], list[Entry]]:
    """The entries by who is told: an entity's own readers take the place of the alarm's."""
    bundles: dict[tuple[str, ...], list[Entry]] = {}
    for entry in entries:
        own = entry.event.recipients if entry.event else list(entry.detection.recipients)
        words = tuple(own or alarm.recipients)
        if words:
            bundles.setdefault(words, []).append(entry)
    return bundles


def facts_of(alarm: Alarm, entries: Sequence[Entry], *, is_synthetic: bool = False) -> JsonObject:
    """What a mail with these entries is made of."""
    count = len(entries)
    return {
        "title": entries[0].detection.subject if count == 1 else f"{alarm.title}: {count} detections",
        "text": alarm.content,
        "alarm": alarm.entry_id,
        "severity": min((entry.detection.severity for entry in entries), key=SEVERITIES.index),
        "detections": [_listed(entry) for entry in entries[:LISTED_AT_MOST]],
        "unlisted": max(0, count - LISTED_AT_MOST),
        "event_ids": [entry.event.id for entry in entries if entry.event is not None],
        "link": link_of(alarm),
        "is_synthetic": is_synthetic,
    }


def single_body(alarm: Alarm, detection: Detection) -> str:
    """What a mail about this detection alone says, as the event keeps it."""
    return "\n\n".join(part for part in (alarm.content.strip(), detection.subject, detection.body_context) if part)


def link_of(alarm: Alarm) -> str:
    """The alarm's place on the dashboard."""
    return f"/alarms#{alarm.entry_id}"


def new_mail(alarm: Alarm, facts: JsonObject, target: Target, *, key: str, now: datetime) -> NewNotification:
    """One message of a mail, to one of its places."""
    return NewNotification(
        kind=NotificationKind.ALARM,
        channel=target.channel,
        address=target.address,
        channel_id=target.channel_id,
        due_at=now,
        facts=facts,
        urgency="low",
        idempotency_key=f"alarm:{alarm.id}:{key}:{target.channel_id or target.address}",
    )


def _send(tx: Tx, alarm: Alarm, facts: JsonObject, targets: Sequence[Target], *, key: str, now: datetime) -> list[int]:
    return [notify.insert_one(tx, new_mail(alarm, facts, each, key=key, now=now), now=now) for each in targets]


def _listed(entry: Entry) -> JsonObject:
    is_old = entry.event is not None and entry.reason is not MailReason.NEW
    return {
        "subject": entry.detection.subject,
        "context": entry.detection.body_context[:CONTEXT_LIMIT],
        "since": entry.event.fire_time.isoformat() if is_old and entry.event else None,
    }
