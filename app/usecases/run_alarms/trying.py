"""Trying an alarm out: a live test, a preview of its mail, and a run of the whole engine that stores nothing."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from app.alarms import queries, rules, running
from app.alarms.errors import AlarmInvalid
from app.alarms.rules import MailReason
from app.alarms.types import Alarm, Detection, EngineRun, Found, ParamSpec, RunStatus, Trigger
from app.notify.types import Message
from app.platform.db import Tx
from app.platform.errors import Forbidden
from app.platform.runtime import Runtime
from app.platform.types import JsonObject
from app.usecases import deliver
from app.usecases.run_alarms import mails
from app.usecases.run_alarms.asking import ask, find
from app.usecases.run_alarms.mails import Entry
from app.usecases.run_alarms.recipients import EMAIL, Target
from app.usecases.run_alarms.recording import counters_of, line_of, weigh

SYNTHETIC = Detection(
    dedupe_key="example",
    subject="Example: what a detection of this alarm looks like",
    body_context="Here stands what the module says of the entity.",
)


@dataclass(frozen=True, slots=True)
class Preview:
    """The mail that would leave now; `is_synthetic`: nothing fires, so its detection is made up."""

    message: Message
    found: Found
    is_synthetic: bool


async def try_out(
    rt: Runtime, *, name: str, params: JsonObject | None, now: datetime, module: str | None = None, is_admin: bool
) -> Found:
    """Ask live, once, with these parameters or the stored ones; nothing is stored and nothing leaves.

    Only admins may change where an alarm looks. Raises AlarmMissing, AlarmInvalid, ModuleMissing, ModuleRefused,
    Forbidden.
    """
    alarm = await rt.db.run_read(partial(queries.get_alarm, name=name))
    return await _found(rt, alarm, module or alarm.module, params, now=now, is_admin=is_admin)


async def preview(
    rt: Runtime,
    *,
    name: str,
    params: JsonObject | None,
    content: str | None,
    now: datetime,
    title: str | None = None,
    module: str | None = None,
) -> Preview:
    """The mail that these settings would make now, from a live run; made up only where nothing fires.

    Raises AlarmMissing, AlarmInvalid, ModuleMissing, ModuleRefused.
    """
    alarm = await rt.db.run_read(partial(queries.get_alarm, name=name))
    found = await _found(rt, alarm, module or alarm.module, params, now=now, is_admin=True)
    shown = replace(alarm, title=title or alarm.title, content=alarm.content if content is None else content)
    detections = found.detections or (SYNTHETIC,)
    entries = [Entry(None, each, MailReason.NEW) for each in detections]
    # The first set of readers: each gets one mail, and most alarms have one.
    bundle = next(iter(mails.by_readers(shown, entries).values()), entries)
    facts = mails.facts_of(shown, bundle, is_synthetic=not found.detections)
    target = Target(EMAIL, "preview@example.invalid")
    message = await deliver.preview(rt, mails.new_mail(shown, facts, target, key="preview", now=now), now=now)
    return Preview(message, found, not found.detections)


async def dry_run(rt: Runtime, now: datetime, *, name: str | None = None) -> EngineRun:
    """What a run would do now; nothing is stored and nothing leaves. Raises AlarmMissing."""
    asked = await rt.db.run_read(queries.live_alarms)
    if name is not None:
        only = await rt.db.run_read(partial(queries.get_alarm, name=name))
        asked = [only]
    places = asyncio.Semaphore(running.SIDE_BY_SIDE)
    lines = await asyncio.gather(*(_dry(rt, alarm, places, now) for alarm in asked))
    per_alarm = {alarm.entry_id: line for alarm, line in zip(asked, lines, strict=True)}
    counters = counters_of(lines)
    return EngineRun(
        id=0,
        boundary=None,
        trigger=Trigger.MANUAL,
        status=RunStatus.DONE,
        owner=rt.owner,
        started_at=now,
        finished_at=rt.clock.now(),
        errors=int(counters["errors"]),
        counters=counters,
        per_alarm=per_alarm,
        error="",
    )


async def _dry(rt: Runtime, alarm: Alarm, places: asyncio.Semaphore, now: datetime) -> JsonObject:
    async with places:
        found = await ask(rt, alarm.module, alarm.params, now=now)
    return await rt.db.run_read(partial(_dry_line, rt=rt, alarm=alarm, found=found, now=now))


def _dry_line(tx: Tx, rt: Runtime, alarm: Alarm, found: Found, now: datetime) -> JsonObject:
    active = queries.active_events(tx, alarm.id)
    changes = rules.diff(active, found)
    reasons = weigh(tx, alarm, changes, is_sending=rt.settings.notification_sending_enabled, now=now)
    again = [
        Entry(event, each, reasons[event.id]) for event, each in changes.still if reasons[event.id] in rules.MAILED
    ]
    new = [Entry(None, each, MailReason.NEW) for each in changes.new] if alarm.enabled else []
    bundles = mails.by_readers(alarm, [*new, *again])
    line = line_of(alarm, found, changes, active=len(active))
    return {**line, "bundle_new": len(new), "bundle_renotify": len(again), "bundles": len(bundles), "mail_ids": []}


async def _found(
    rt: Runtime, alarm: Alarm, module: str, params: JsonObject | None, *, now: datetime, is_admin: bool
) -> Found:
    given = alarm.params if params is None else params
    _, about = await find(rt, module, anew=True)
    _, errors = rules.checked_params(about.params, given)
    if errors:
        raise AlarmInvalid(errors)
    if not is_admin and (module != alarm.module or _moves(about.params, given, alarm.params)):
        raise Forbidden("Only admins may change where an alarm looks.")
    return await ask(rt, module, given, now=now)


def _moves(specs: tuple[ParamSpec, ...], given: Mapping[str, object], stored: Mapping[str, object]) -> bool:
    return any(spec.is_place and given.get(spec.name) != stored.get(spec.name) for spec in specs)
