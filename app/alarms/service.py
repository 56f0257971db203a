"""Writing alarms, their versions and events, and the engine's runs inside the caller's transaction."""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from app.alarms import queries, repository, rules
from app.alarms.errors import AlarmChanged, AlarmInvalid, AlarmMissing, AlarmNameTaken, EventCleared
from app.alarms.inputs import PackedInput
from app.alarms.models import AlarmRow, AlarmVersionRow
from app.alarms.types import (
    SETTINGS,
    Alarm,
    AlarmEvent,
    ClearReason,
    Detection,
    EngineRun,
    EventState,
    Found,
    Outcome,
    RunStatus,
    Saved,
    Trigger,
)
from app.platform.db import Tx
from app.platform.errors import FieldError
from app.platform.types import JsonObject

TITLE_LENGTH = 200
CONTENT_LENGTH = 50_000
RECIPIENTS_AT_MOST = 50
WINDOW_AT_MOST = 8760
PARAMS_LENGTH = 50_000
VERSIONS_KEPT = 500
INPUT_KEPT_FOR = timedelta(days=30)
INPUTS_BYTES = 64 * 1024 * 1024
# More than one is removed at a time, so that it is not done at every tick.
INPUTS_REMOVED = 100


# --- what people set ----------------------------------------------------------------------------------------------


def create_alarm(tx: Tx, *, entry_id: str, settings: Mapping[str, Any], saved_by: int | None, now: datetime) -> Alarm:
    """Add an alarm; `settings` has every one of SETTINGS, its parameters checked.

    Raises AlarmInvalid, AlarmNameTaken.
    """
    entry_id = rules.entry_id_of(entry_id)
    errors = settings_errors(settings)
    if not rules.is_entry_id(entry_id):
        errors.insert(0, FieldError("entry_id", "must be alarm_ and small letters, digits and _, and no reserved word"))
    if errors:
        raise AlarmInvalid(errors)
    if tx.scalar(select(AlarmRow.id).where(AlarmRow.entry_id == entry_id)) is not None:
        raise AlarmNameTaken(entry_id)
    alarm_id = tx.insert(AlarmRow, entry_id=entry_id, **settings, version=1, created_at=now, updated_at=now)
    alarm = queries.get_alarm(tx, entry_id)
    _add_version(tx, alarm, Saved.CREATED, saved_by, now)
    tx.publish("alarms", id=alarm_id)
    return alarm


def change_alarm(
    tx: Tx,
    alarm: Alarm,
    *,
    changes: Mapping[str, Any],
    version: int | None,
    how: Saved,
    saved_by: int | None,
    shown: Callable[[Alarm], JsonObject],
    now: datetime,
) -> Alarm:
    """Change these settings, which makes a version where anything differs.

    `version` is the one that was read; `shown` makes the alarm that a conflict tells. Raises AlarmInvalid,
    AlarmChanged.
    """
    stored = repository.lock_alarm(tx, alarm.id)
    if stored is None:
        raise AlarmMissing(alarm.entry_id)
    if version is not None and version != stored.version:
        raise AlarmChanged(version, stored.version, shown(stored))
    wanted = {name: getattr(stored, name) for name in SETTINGS} | dict(changes)
    errors = settings_errors(wanted)
    if errors:
        raise AlarmInvalid(errors)
    differing = {name: wanted[name] for name in SETTINGS if wanted[name] != getattr(stored, name)}
    if not differing:
        return stored
    number = stored.version + 1
    repository.change_alarm(tx, stored.id, {**differing, "version": number, "updated_at": now})
    changed = queries.get_alarm(tx, stored.entry_id)
    _add_version(tx, changed, how, saved_by, now)
    repository.forget_versions(tx, stored.id, below=number - VERSIONS_KEPT)
    tx.publish("alarms", id=stored.id)
    return changed


def settings_errors(settings: Mapping[str, Any]) -> list[FieldError]:
    """What is wrong with settings in themselves; whether what they name exists is for the caller to know."""
    errors = []
    if not 1 <= len(settings["title"].strip()) <= TITLE_LENGTH:
        errors.append(FieldError("title", f"must have 1 to {TITLE_LENGTH} characters"))
    if len(settings["content"]) > CONTENT_LENGTH:
        errors.append(FieldError("content", f"must have at most {CONTENT_LENGTH} characters"))
    if not rules.is_module_name(settings["module"]):
        errors.append(FieldError("module", "must be small letters, digits and _, beginning with a letter"))
    if len(settings["recipients"]) > RECIPIENTS_AT_MOST:
        errors.append(FieldError("recipients", f"must be at most {RECIPIENTS_AT_MOST}"))
    if not 0 <= settings["renotification_window_hours"] <= WINDOW_AT_MOST:
        errors.append(FieldError("renotification_window_hours", f"must be 0 to {WINDOW_AT_MOST}"))
    if len(json.dumps(settings["params"])) > PARAMS_LENGTH:
        errors.append(FieldError("params", f"must have at most {PARAMS_LENGTH} characters"))
    if settings["pages"] and settings["escalation_policy_id"] is None:
        errors.append(FieldError("escalation_policy_id", "is required for an alarm that pages"))
    return errors


def _add_version(tx: Tx, alarm: Alarm, how: Saved, saved_by: int | None, now: datetime) -> None:
    kept = {name: getattr(alarm, name) for name in SETTINGS}
    tx.insert(
        AlarmVersionRow, alarm_id=alarm.id, version=alarm.version, how=how, saved_by=saved_by, saved_at=now, **kept
    )


# --- events -------------------------------------------------------------------------------------------------------


def fire(
    tx: Tx,
    alarm: Alarm,
    detections: Sequence[Detection],
    *,
    content_of: Callable[[Detection], str],
    new_id: Callable[[], str],
    now: datetime,
) -> list[AlarmEvent]:
    """Begin an event for each of these; `content_of` is what a mail about it alone would say."""
    rows: list[dict[str, Any]] = [
        {
            "id": new_id(),
            "alarm_id": alarm.id,
            "dedupe_key": each.dedupe_key,
            "subject": each.subject,
            "content": content_of(each),
            "severity": each.severity,
            "fire_time": now,
            "clear_time": None,
            "clear_reason": None,
            "last_seen": now,
            "last_notified": None,
            "recipients": list(each.recipients),
            "extra_data": each.extra_data,
            "acked_by": None,
            "acked_at": None,
            "incident_id": None,
            "mail_ids": [],
            "mailed_at": None,
            "mail_tries": 0,
        }
        for each in detections
    ]
    repository.insert_events(tx, rows)
    return [AlarmEvent(**row, entry_id=alarm.entry_id) for row in rows]


def saw(tx: Tx, events: Collection[AlarmEvent], *, now: datetime) -> None:
    """These still hold."""
    repository.change_events(tx, [event.id for event in events], {"last_seen": now})


def clear(
    tx: Tx, events: Collection[AlarmEvent], *, reason: ClearReason = ClearReason.NOT_DETECTED, now: datetime
) -> None:
    """These hold no more, or nobody asks any more whether they do."""
    repository.clear_events(tx, [event.id for event in events], reason=reason, now=now)


def note_mail(tx: Tx, events: Sequence[AlarmEvent], mail_ids: Sequence[int], *, was_lost: bool, now: datetime) -> None:
    """These were put into a mail, which is these notifications; `was_lost`: the one before did not arrive."""
    values: dict[str, Any] = {"mail_ids": list(mail_ids), "mailed_at": now}
    if was_lost:
        values["mail_tries"] = max(event.mail_tries for event in events) + 1
    repository.change_events(tx, [event.id for event in events], values)


def note_sent(tx: Tx, event_ids: Collection[str], *, now: datetime) -> None:
    """A mail with these events has really left."""
    repository.stamp_notified(tx, event_ids, now=now)
    tx.publish("alarms")


def note_incident(tx: Tx, event_id: str, incident_id: int) -> None:
    """This event is part of that incident."""
    repository.change_events(tx, [event_id], {"incident_id": incident_id})


def acknowledge(tx: Tx, event_id: str, *, user_id: int | None, now: datetime) -> AlarmEvent:
    """Stop the renotification of an event until it clears; repeating changes nothing.

    Raises EventMissing, EventCleared.
    """
    event = queries.get_event(tx, event_id)
    if event.acked_at is not None:
        return event
    if event.state is EventState.CLEARED:
        raise EventCleared
    repository.acknowledge_event(tx, event_id, user_id=user_id, now=now)
    tx.publish("alarms", id=event.alarm_id)
    return queries.get_event(tx, event_id)


# --- the engine ---------------------------------------------------------------------------------------------------


def begin_run(tx: Tx, *, boundary: datetime | None, trigger: Trigger, owner: str, now: datetime) -> int | None:
    """Begin a run of the engine and return its id; None when the tick of this boundary was begun already."""
    repository.interrupt_runs(tx, begun_before=now - rules.RUN_TAKES, now=now)
    values: dict[str, Any] = {
        "boundary": boundary, "trigger": trigger, "status": RunStatus.RUNNING, "owner": owner, "started_at": now,
        "errors": 0, "counters": {}, "per_alarm": {}, "error": "",
    }  # fmt: skip
    return repository.begin_run(tx, values)


def take_up_run(tx: Tx, boundary: datetime, *, owner: str) -> EngineRun | None:
    """Go on with the tick of this boundary, which its process has left; None where there is nothing to go on with."""
    run = repository.lock_tick(tx, boundary)
    if run is None or not rules.is_left(run):
        return None
    counters = {**run.counters, rules.TAKEN_UP: int(run.counters.get(rules.TAKEN_UP, 0)) + 1}
    repository.change_run(tx, run.id, {"owner": owner, "counters": counters})
    return replace(run, owner=owner, counters=counters)


def end_run(tx: Tx, run_id: int, *, counters: JsonObject, per_alarm: JsonObject, errors: int, now: datetime) -> None:
    """Write down what a run did."""
    values = {"status": RunStatus.DONE, "finished_at": now, "errors": errors}
    repository.change_run(tx, run_id, {**values, "counters": counters, "per_alarm": per_alarm})
    tx.publish("alarms")


def lock_for_result(tx: Tx, alarm_id: int, *, asked_at: datetime) -> Alarm | None:
    """The alarm, locked, if an answer to what was asked at that time still counts.

    It does not once the alarm was archived, or when a later question was answered sooner.
    """
    alarm = repository.lock_alarm(tx, alarm_id)
    if alarm is None or alarm.archived:
        return None
    # Much later than now is a clock that was wrong then: it must not silence the alarm until that time comes.
    is_overtaken = alarm.last_ran_at is not None and timedelta(0) < alarm.last_ran_at - asked_at < rules.RUN_TAKES
    return None if is_overtaken else alarm


def note_outcome(tx: Tx, alarm: Alarm, found: Found, *, is_told: bool, asked_at: datetime, now: datetime) -> Alarm:
    """Keep what a tick says of the alarm itself; `is_told`: a mail was written that it cannot know."""
    is_unknown = found.outcome is Outcome.UNKNOWN
    values: dict[str, Any] = {
        "last_ran_at": asked_at,
        "last_outcome": found.outcome,
        "last_error": found.error or found.not_known_said(),
        "unknown_ticks": alarm.unknown_ticks + 1 if is_unknown else 0,
        "unknown_told_at": (now if is_told else alarm.unknown_told_at) if is_unknown else None,
        "quiet_ticks": 0 if found.detections else alarm.quiet_ticks + 1,
    }
    repository.change_alarm(tx, alarm.id, values)
    return replace(alarm, **values)


def keep_input(tx: Tx, alarm: Alarm, packed: PackedInput, *, taken_at: datetime) -> None:
    """Keep what the alarm was given, for replays: at most 30 days, and 64 MiB in all."""
    repository.forget_inputs(tx, alarm.id, before=taken_at - INPUT_KEPT_FOR)
    repository.keep_input(
        tx, alarm_id=alarm.id, taken_at=taken_at, digest=packed.digest, body=packed.body, size=len(packed.body)
    )
    if repository.input_size(tx, alarm.id) > INPUTS_BYTES:
        before = repository.input_taken_at(tx, alarm.id, offset=INPUTS_REMOVED)
        if before is not None:
            repository.forget_inputs(tx, alarm.id, before=before)
