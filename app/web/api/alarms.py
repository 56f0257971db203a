"""`/api/v1/alarms`, `/alarm-events` and `/engine-runs`: your own questions, what fired, and what the engine did."""

from datetime import datetime, timedelta
from typing import Annotated

from fastapi import Path, Query

from app.accounts.permissions import Permission, allows
from app.accounts.types import Identity
from app.alarms import queries
from app.alarms.types import Alarm, EventFilter, EventState, Saved
from app.platform.db import Tx
from app.platform.runtime import Runtime
from app.usecases import run_alarms
from app.web.api.alarm_schemas import (
    AlarmAutosave,
    AlarmChange,
    AlarmNew,
    AlarmOut,
    AlarmPreview,
    AlarmTest,
    EngineRunOut,
    EventOut,
    ModuleOut,
    PreviewOut,
    RunNow,
    TrialOut,
    VersionOut,
)
from app.web.api.pages import PageOut, page_out
from app.web.deps import Id, IdentityDep, NowDep, PageDep, RuntimeDep

DAY = timedelta(days=1)
AlarmName = Annotated[str, Path(min_length=1, max_length=100)]
EventId = Annotated[str, Path(min_length=1, max_length=64)]
Hours = Annotated[float, Query(gt=0, le=24 * 3650, allow_inf_nan=False)]


def list_alarms(
    rt: RuntimeDep, page: PageDep, identity: IdentityDep, now: NowDep, archived: bool | None = False
) -> PageOut[AlarmOut]:
    """One page of alarms by entry id; archived ones only where they are asked for."""

    is_editor = _may_edit(identity)

    def read(tx: Tx) -> PageOut[AlarmOut]:
        found = queries.list_alarms(tx, page, archived=archived)
        shown = {each.alarm.id: each for each in queries.summaries(tx, found.items, since=now - DAY)}
        return page_out(found, lambda alarm: AlarmOut.of(shown[alarm.id]).for_reader(is_editor=is_editor))

    return rt.db.read(read)


def show_alarm(name: AlarmName, rt: RuntimeDep, identity: IdentityDep, now: NowDep) -> AlarmOut:
    """One alarm, archived or not."""
    found = rt.db.read(lambda tx: _shown(tx, queries.get_alarm(tx, name), now))
    return found.for_reader(is_editor=_may_edit(identity))


async def create_alarm(body: AlarmNew, rt: RuntimeDep, identity: IdentityDep, now: NowDep) -> AlarmOut:
    """Add an alarm; its parameters are checked against the module's PARAMS."""
    settings = body.model_dump(exclude_unset=True, exclude={"entry_id"})
    made = await run_alarms.create_alarm(rt, entry_id=body.entry_id, settings=settings, actor=identity.user, now=now)
    return await _read(rt, made, now)


async def change_alarm(
    name: AlarmName, body: AlarmChange, rt: RuntimeDep, identity: IdentityDep, now: NowDep
) -> AlarmOut:
    """Change the settings that are sent; an old `version` is answered with 409 and the alarm as it is."""
    changed = await run_alarms.change_alarm(
        rt, name=name, changes=body.changes(), version=body.version, actor=identity.user, now=now
    )
    return await _read(rt, changed, now)


async def autosave(
    name: AlarmName, body: AlarmAutosave, rt: RuntimeDep, identity: IdentityDep, now: NowDep
) -> AlarmOut:
    """The same for an editor that saves while somebody types."""
    changes = body.changes()
    saved = await run_alarms.change_alarm(
        rt, name=name, changes=changes, version=body.version, actor=identity.user, now=now, how=Saved.AUTOSAVED
    )
    return await _read(rt, saved, now)


async def try_alarm(
    name: AlarmName, rt: RuntimeDep, identity: IdentityDep, now: NowDep, body: AlarmTest | None = None
) -> TrialOut:
    """Ask live, once, with unsaved parameters; nothing is stored and nothing leaves."""
    asked = body or AlarmTest()
    is_admin = _may_edit(identity)
    found = await run_alarms.try_out(
        rt, name=name, params=asked.params, module=asked.module, now=now, is_admin=is_admin
    )
    return TrialOut.of(found)


async def preview(name: AlarmName, rt: RuntimeDep, now: NowDep, body: AlarmPreview | None = None) -> PreviewOut:
    """The mail that would leave now, from a live run; made up only where nothing fires."""
    asked = body or AlarmPreview()
    made = await run_alarms.preview(rt, name=name, **asked.model_dump(), now=now)
    return PreviewOut.of(made)


def list_versions(name: AlarmName, rt: RuntimeDep, page: PageDep, identity: IdentityDep) -> PageOut[VersionOut]:
    """One page of an alarm's versions, the newest first."""
    found = rt.db.read(lambda tx: queries.list_versions(tx, queries.get_alarm(tx, name).id, page))
    is_editor = _may_edit(identity)
    return page_out(found, lambda version: VersionOut.of(version).for_reader(is_editor=is_editor))


def show_version(name: AlarmName, number: Id, rt: RuntimeDep, identity: IdentityDep) -> VersionOut:
    """One version of an alarm."""
    found = rt.db.read(lambda tx: queries.get_version(tx, queries.get_alarm(tx, name), number))
    return VersionOut.of(found).for_reader(is_editor=_may_edit(identity))


async def restore_version(name: AlarmName, number: Id, rt: RuntimeDep, identity: IdentityDep, now: NowDep) -> AlarmOut:
    """Set everything as it was in a version, which makes a new one."""
    restored = await run_alarms.restore_version(rt, name=name, number=number, actor=identity.user, now=now)
    return await _read(rt, restored, now)


async def list_modules(rt: RuntimeDep) -> list[ModuleOut]:
    """Every module with its PARAMS, those of ALARM_MODULES_DIR too."""
    return [ModuleOut.of(each) for each in await run_alarms.list_modules(rt)]


async def run(rt: RuntimeDep, now: NowDep, body: RunNow | None = None) -> EngineRunOut:
    """Ask every alarm now, or one; a dry run stores and tells nothing."""
    asked = body or RunNow()
    running = run_alarms.dry_run if asked.dry_run else run_alarms.run_now
    return EngineRunOut.of(await running(rt, now, name=asked.name))


def list_events(
    rt: RuntimeDep,
    page: PageDep,
    now: NowDep,
    alarm: Annotated[str | None, Query(max_length=100)] = None,
    state: EventState | None = None,
    since_hours: Hours | None = None,
    dedupe_key: Annotated[str | None, Query(max_length=500)] = None,
) -> PageOut[EventOut]:
    """One page of events, the newest first; what still holds counts as of now."""

    def read(tx: Tx) -> PageOut[EventOut]:
        alarm_id = queries.get_alarm(tx, alarm).id if alarm else None
        since = now - timedelta(hours=since_hours) if since_hours else None
        filters = EventFilter(alarm_id=alarm_id, state=state, since=since, dedupe_key=dedupe_key)
        return page_out(queries.list_events(tx, filters, page), EventOut.of)

    return rt.db.read(read)


def show_event(event_id: EventId, rt: RuntimeDep) -> EventOut:
    """One event."""
    return EventOut.of(rt.db.read(lambda tx: queries.get_event(tx, event_id)))


async def acknowledge_event(event_id: EventId, rt: RuntimeDep, identity: IdentityDep, now: NowDep) -> EventOut:
    """Stop the mail about an event until it clears; repeating changes nothing."""
    return EventOut.of(await run_alarms.acknowledge(rt, event_id=event_id, actor=identity.user, now=now))


def list_runs(rt: RuntimeDep, page: PageDep) -> PageOut[EngineRunOut]:
    """One page of the engine's runs, the newest first."""
    return page_out(rt.db.read(lambda tx: queries.list_runs(tx, page)), EngineRunOut.of)


def show_run(run_id: Id, rt: RuntimeDep) -> EngineRunOut:
    """One run with its line about each alarm."""
    return EngineRunOut.of(rt.db.read(lambda tx: queries.get_run(tx, run_id)))


def _may_edit(identity: Identity) -> bool:
    return allows(identity, Permission.MANAGE_ALARMS)


async def _read(rt: Runtime, alarm: Alarm, now: datetime) -> AlarmOut:
    return await rt.db.run_read(lambda tx: _shown(tx, alarm, now))


def _shown(tx: Tx, alarm: Alarm, now: datetime) -> AlarmOut:
    (summary,) = queries.summaries(tx, [alarm], since=now - DAY)
    return AlarmOut.of(summary)
