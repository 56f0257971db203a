"""Setting alarms up: made, changed, saved while typing, brought back, acknowledged; each change with its audit."""

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any

from app.accounts.service import auditor
from app.accounts.types import User
from app.alarms import queries, rules, service as alarms
from app.alarms.errors import AlarmInvalid, ModuleMissing, ModuleRefused
from app.alarms.types import SETTINGS, Alarm, AlarmEvent, AlarmVersion, ClearReason, Saved
from app.escalation import queries as policies
from app.incidents.types import Actor
from app.platform.clock import rfc3339
from app.platform.db import Tx
from app.platform.errors import FieldError
from app.platform.runtime import Runtime
from app.platform.types import JsonObject
from app.usecases.run_alarms import incidents
from app.usecases.run_alarms.asking import find
from app.usecases.run_alarms.recipients import recipient_errors

_audit = auditor("alarm")

DEFAULTS: Mapping[str, Any] = {
    "content": "",
    "enabled": False,
    "recipients": [],
    "renotification_window_hours": 24.0,
    "params": {},
    "pages": False,
    "escalation_policy_id": None,
    "archived": False,
}


async def create_alarm(rt: Runtime, *, entry_id: str, settings: Mapping[str, Any], actor: User, now: datetime) -> Alarm:
    """Add an alarm; `settings` has `module` and any other of SETTINGS. Raises AlarmInvalid, AlarmNameTaken."""
    given = {**DEFAULTS, "title": rules.entry_id_of(entry_id).removeprefix("alarm_").replace("_", " "), **settings}
    given["recipients"] = rules.recipients_of(given["recipients"])
    errors = await _module_errors(rt, given["module"], given["params"])

    def write(tx: Tx) -> Alarm:
        _refuse([*errors, *_named_errors(tx, given)])
        alarm = alarms.create_alarm(tx, entry_id=entry_id, settings=given, saved_by=actor.id, now=now)
        _audit(tx, "created", alarm.entry_id, actor, None, shown_settings(alarm), now)
        return alarm

    return await rt.db.run(write)


async def change_alarm(
    rt: Runtime,
    *,
    name: str,
    changes: Mapping[str, Any],
    version: int | None,
    actor: User,
    now: datetime,
    how: Saved = Saved.SAVED,
) -> Alarm:
    """Change these settings; with `version` only if the alarm still is at it. What does not differ makes no version.

    Archiving an alarm ends its events, and what they have opened.

    Raises AlarmMissing, AlarmInvalid, AlarmChanged.
    """
    alarm = await rt.db.run_read(partial(queries.get_alarm, name=name))
    wanted = {name: getattr(alarm, name) for name in SETTINGS} | dict(changes)
    if "recipients" in changes:
        wanted["recipients"] = rules.recipients_of(changes["recipients"])
    is_new_question = (wanted["module"], wanted["params"]) != (alarm.module, alarm.params)
    # A module that is broken or gone must not keep anybody from changing the words, or from archiving the alarm.
    errors = await _module_errors(rt, wanted["module"], wanted["params"]) if is_new_question else []
    differing = {name: value for name, value in wanted.items() if name in changes}

    def write(tx: Tx) -> Alarm:
        before = queries.get_alarm(tx, alarm.entry_id)
        _refuse([*errors, *_named_errors(tx, differing)])
        changed = alarms.change_alarm(
            tx, before, changes=differing, version=version, how=how, saved_by=actor.id, shown=shown_alarm, now=now
        )
        if changed.archived:
            _retire(tx, rt, changed, actor, now)
        if _is_worth_an_entry(before, changed, how):
            _audit(tx, how.value, changed.entry_id, actor, shown_settings(before), shown_settings(changed), now)
        return changed

    return await rt.db.run(write)


async def restore_version(rt: Runtime, *, name: str, number: int, actor: User, now: datetime) -> Alarm:
    """Set everything as it was in a version, which makes a new one.

    Raises AlarmMissing, VersionMissing, AlarmInvalid.
    """

    def read(tx: Tx) -> AlarmVersion:
        return queries.get_version(tx, queries.get_alarm(tx, name), number)

    version = await rt.db.run_read(read)
    changes = version.settings()
    return await change_alarm(rt, name=name, changes=changes, version=None, actor=actor, now=now, how=Saved.RESTORED)


async def acknowledge(rt: Runtime, *, event_id: str, actor: User, now: datetime) -> AlarmEvent:
    """Acknowledge an event: it is mailed no more until it clears. Raises EventMissing, EventCleared."""

    def write(tx: Tx) -> AlarmEvent:
        before = queries.get_event(tx, event_id)
        event = alarms.acknowledge(tx, event_id, user_id=actor.id, now=now)
        if before.acked_at is None:
            alarm = queries.get_alarm(tx, event.entry_id)
            _audit(
                tx, "acknowledged", alarm.entry_id, actor, None, {"event": event.id, "entity": event.dedupe_key}, now
            )
        return event

    return await rt.db.run(write)


def shown_settings(alarm: Alarm) -> JsonObject:
    """What people have set, as the audit keeps it."""
    return {name: getattr(alarm, name) for name in SETTINGS}


def shown_alarm(alarm: Alarm) -> JsonObject:
    """The alarm as a conflict tells it."""
    return {
        "id": alarm.id,
        "entry_id": alarm.entry_id,
        "version": alarm.version,
        **shown_settings(alarm),
        "updated_at": rfc3339(alarm.updated_at),
    }


def _retire(tx: Tx, rt: Runtime, alarm: Alarm, actor: User, now: datetime) -> None:
    """End what an archived alarm says: no tick will ever say that it is over."""
    active = queries.active_events(tx, alarm.id)
    if active:
        alarms.clear(tx, active, reason=ClearReason.ARCHIVED, now=now)
        incidents.end(tx, rt, alarm, active, actor=Actor(actor.id, actor.name, source="alarms"), now=now)


def _is_worth_an_entry(before: Alarm, after: Alarm, how: Saved) -> bool:
    """What somebody types is kept in the versions; the audit has what changes what the alarm does."""
    differing = {name for name in SETTINGS if getattr(before, name) != getattr(after, name)}
    return bool(differing - {"title", "content"} if how is Saved.AUTOSAVED else differing)


async def _module_errors(rt: Runtime, module: str, params: JsonObject) -> list[FieldError]:
    try:
        _, about = await find(rt, module)
    except (ModuleMissing, ModuleRefused) as refused:
        return [FieldError("module", refused.message)]
    return rules.checked_params(about.params, params)[1]


def _named_errors(tx: Tx, settings: Mapping[str, Any]) -> list[FieldError]:
    errors = recipient_errors(tx, settings.get("recipients", ()))
    policy_id = settings.get("escalation_policy_id")
    if policy_id is not None and policies.find_policy(tx, policy_id) is None:
        errors.append(FieldError("escalation_policy_id", "names no escalation policy"))
    return errors


def _refuse(errors: list[FieldError]) -> None:
    if errors:
        raise AlarmInvalid(errors)
