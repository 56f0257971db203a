"""What a tick says of one alarm, written down with all that follows from it, in one transaction."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.alarms import queries, rules, service as alarms
from app.alarms.inputs import PackedInput
from app.alarms.rules import Changes, MailReason, MailState
from app.alarms.types import Alarm, AlarmEvent, Found, Outcome
from app.notify import queries as outbox
from app.notify.types import NotificationStatus
from app.platform.db import Tx
from app.platform.lease import Held, is_held
from app.platform.logs import get_logger
from app.platform.runtime import Runtime
from app.platform.types import JsonObject
from app.usecases.run_alarms import incidents, mails
from app.usecases.run_alarms.mails import Entry, Posted

ARRIVED = (NotificationStatus.SENT, NotificationStatus.DELIVERED)
LOST = (NotificationStatus.FAILED, NotificationStatus.EXHAUSTED, NotificationStatus.CANCELLED)

SUBJECTS_SHOWN = 20

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Pass:
    """The run that a result belongs to: when it asked, and under which lease, where it needs one."""

    run_id: int
    asked_at: datetime
    lease: Held | None = None


def record(
    tx: Tx, rt: Runtime, alarm: Alarm, found: Found, about: Pass, packed: PackedInput | None = None
) -> JsonObject:
    """Write down what was found; gives the run's line about the alarm. `packed` is what the module was given.

    Steps: 1. see that the answer still counts; 2. begin, touch and end events; 3. say what pages; 4. write the mail.
    """
    if about.lease is not None and not is_held(tx, about.lease):
        return _dropped(alarm, found, "another process leads")
    stored = alarms.lock_for_result(tx, alarm.id, asked_at=about.asked_at)
    if stored is None:
        return _dropped(alarm, found, "the alarm was archived, or asked again, meanwhile")
    now = about.asked_at
    active = queries.active_events(tx, stored.id)
    changes = rules.diff(active, found)
    reasons = weigh(tx, stored, changes, is_sending=rt.settings.notification_sending_enabled, now=now)
    alarms.note_sent(tx, [event.id for event, _ in changes.still if reasons[event.id] is MailReason.TOLD], now=now)
    new = alarms.fire(
        tx, stored, changes.new, content_of=lambda each: mails.single_body(stored, each), new_id=rt.ids.uuid, now=now
    )
    alarms.saw(tx, [event for event, _ in changes.still], now=now)
    alarms.clear(tx, changes.cleared, now=now)
    fresh = list(zip(new, changes.new, strict=True))
    incidents.post(tx, rt, stored, firing=[*fresh, *changes.still], cleared=changes.cleared, now=now)
    entries = [Entry(event, each, MailReason.NEW) for event, each in fresh if stored.enabled]
    again = [
        Entry(event, each, reasons[event.id]) for event, each in changes.still if reasons[event.id] in rules.MAILED
    ]
    posted = _post(tx, stored, [*entries, *again], about)
    is_told = found.outcome is Outcome.UNKNOWN and rules.tells_unknown(stored, stored.unknown_ticks + 1)
    if is_told:
        is_told = mails.post_unknown(tx, stored, found.error, run_id=about.run_id, now=now)
    alarms.note_outcome(tx, stored, found, is_told=is_told, asked_at=now, now=now)
    if packed is not None and found.outcome is not Outcome.UNKNOWN:
        alarms.keep_input(tx, stored, packed, taken_at=now)
    if changes.new or changes.cleared:
        tx.publish("alarms", id=stored.id)
    return {
        **line_of(stored, found, changes, active=len(active)),
        "bundle_new": len(entries),
        "bundle_renotify": len(again),
        "bundles": len(posted.mails),
        "mail_ids": posted.mail_ids,
        "unknown_told": is_told,
        "warnings": [*found.warnings, *posted.warnings],
    }


def weigh(tx: Tx, alarm: Alarm, changes: Changes, *, is_sending: bool, now: datetime) -> dict[str, MailReason]:
    """For each event that goes on, whether it is mailed in this tick and why, by its id."""
    events = [event for event, _ in changes.still]
    statuses = outbox.statuses_of(tx, {mail_id for event in events for mail_id in event.mail_ids})
    return {
        event.id: rules.may_mail(alarm, event, mail_state(event, statuses), is_sending=is_sending, now=now)
        for event in events
    }


def mail_state(event: AlarmEvent, statuses: Mapping[int, NotificationStatus]) -> MailState:
    """What became of the last mail with this event; one place that it arrived at is enough."""
    found = [statuses[mail_id] for mail_id in event.mail_ids if mail_id in statuses]
    if not found:
        return MailState.NONE
    if any(status in ARRIVED for status in found):
        return MailState.ARRIVED
    if any(status not in (*LOST, NotificationStatus.SUPPRESSED) for status in found):
        return MailState.UNDER_WAY
    return MailState.SUPPRESSED if NotificationStatus.SUPPRESSED in found else MailState.LOST


def _post(tx: Tx, alarm: Alarm, entries: Sequence[Entry], about: Pass) -> Posted:
    posted = mails.post(tx, alarm, entries, run_id=about.run_id, now=about.asked_at)
    for events, mail_ids in posted.mails:
        lost = [event for event in events if _was_lost(event)]
        others = [event for event in events if not _was_lost(event)]
        for group, was_lost in ((lost, True), (others, False)):
            if group:
                alarms.note_mail(tx, group, mail_ids, was_lost=was_lost, now=about.asked_at)
    return posted


def _was_lost(event: AlarmEvent) -> bool:
    """Whether the last mail with the event never arrived: what arrives is noted after it was written."""
    if event.mailed_at is None:
        return False
    return event.last_notified is None or event.last_notified < event.mailed_at


def _is_error(alarm: Alarm, found: Found) -> bool:
    return found.outcome is Outcome.UNKNOWN and (found.is_set_up or alarm.enabled)


def line_of(alarm: Alarm, found: Found, changes: Changes, *, active: int) -> JsonObject:
    """What a run says of one alarm, mail apart; `active` is how many events held before."""
    return {
        **_about(alarm, found),
        "is_error": _is_error(alarm, found),
        "detections": len(found.detections),
        "subjects": [detection.subject for detection in found.detections[:SUBJECTS_SHOWN]],
        "new": len(changes.new),
        "still_firing": len(changes.still),
        "cleared": len(changes.cleared),
        "active": active + len(changes.new) - len(changes.cleared),
        "warnings": list(found.warnings),
    }


def line_again(tx: Tx, alarm: Alarm) -> JsonObject:
    """The line of an alarm that was recorded by a run which did not end, by what it has left in the events."""
    at = alarm.last_ran_at
    events = queries.events_told_at(tx, alarm.id, at) if at else []
    seen = [event for event in events if event.last_seen == at]
    mailed = [event for event in events if event.mailed_at == at]
    outcome, is_unknown = alarm.last_outcome or Outcome.UNKNOWN, alarm.last_outcome is Outcome.UNKNOWN
    found = Found(outcome, error=alarm.last_error if is_unknown else "")
    new = sum(event.fire_time == at for event in seen)
    return {
        **_about(alarm, found),
        "is_error": is_unknown and alarm.enabled,
        "detections": len(seen),
        "subjects": [event.subject for event in seen[:SUBJECTS_SHOWN]],
        "new": new,
        "still_firing": len(seen) - new,
        "cleared": sum(event.clear_time == at for event in events),
        "active": len(queries.active_events(tx, alarm.id)),
        "bundle_new": sum(event.fire_time == at for event in mailed),
        "bundle_renotify": sum(event.fire_time != at for event in mailed),
        "bundles": len({tuple(event.mail_ids) for event in mailed}),
        "mail_ids": sorted({mail_id for event in mailed for mail_id in event.mail_ids}),
        "unknown_told": is_unknown and alarm.unknown_told_at == at,
        "warnings": ["recorded before its process ended; how long it took and what it warned of is not known"],
    }


def _about(alarm: Alarm, found: Found) -> dict[str, Any]:
    return {
        "alarm_id": alarm.id,
        "module": alarm.module,
        "module_hash": found.sha256,
        "outcome": found.outcome.value,
        "is_set_up": found.is_set_up,
        "duration_ms": found.duration_ms,
        "error": found.error,
        "error_trace": found.trace,
    }


def _dropped(alarm: Alarm, found: Found, reason: str) -> JsonObject:
    log.info("an alarm's result does not count", alarm=alarm.entry_id, reason=reason)
    return {**_about(alarm, found), "is_error": False, "dropped": reason}


def counters_of(lines: Iterable[JsonObject]) -> JsonObject:
    """What a run did in figures."""
    counted = list(lines)
    outcomes = {f"{outcome.value}": sum(line["outcome"] == outcome for line in counted) for outcome in Outcome}
    sums = {
        name: sum(int(line.get(key, 0)) for line in counted)
        for name, key in (
            ("detections", "detections"), ("events_new", "new"), ("events_still_firing", "still_firing"),
            ("events_cleared", "cleared"), ("events_active", "active"), ("mails", "bundles"),
        )
    }  # fmt: skip
    return {"alarms": len(counted), **outcomes, **sums, "errors": sum(bool(line["is_error"]) for line in counted)}
