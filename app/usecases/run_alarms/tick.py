"""The engine's loop: on every boundary each alarm is asked, side by side, and each answer is recorded as it comes.

A tick that came due while no process ran is run once, however many there were. The unique boundary and the lease in
every transaction are why two processes never run the same tick. One whose process died is taken up by whoever leads
next: what it had recorded, mails too, stands; the rest is asked.
"""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial

from sqlalchemy.exc import SQLAlchemyError

from app.alarms import queries, rules, running, service as alarms
from app.alarms.errors import AlarmArchived
from app.alarms.inputs import pack
from app.alarms.types import Alarm, EngineRun, Found, Outcome, Trigger
from app.platform.db import Tx
from app.platform.errors import PagerPalError, Unavailable
from app.platform.failpoints import fp
from app.platform.lease import Held, is_held
from app.platform.logs import get_logger
from app.platform.redact import redact_text
from app.platform.runtime import Runtime
from app.platform.types import JsonObject
from app.usecases.run_alarms.asking import ask
from app.usecases.run_alarms.recording import Pass, counters_of, line_again, record

UNEXPECTED = (LookupError, TypeError, ValueError, AttributeError, RuntimeError)

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class TickOutcome:
    """What one call did: the run, None where the tick was run before, and when the next one is."""

    run: EngineRun | None
    next_due_at: datetime


async def tick(rt: Runtime, now: datetime, lease: Held | None) -> TickOutcome:
    """Run the tick of the boundary at or before now, if nobody has to its end; `lease` is checked at every write."""
    boundary = rules.boundary_of(now)
    next_due_at = boundary + rules.TICK
    if not await rt.db.run_read(lambda tx: queries.is_due(tx, boundary)):
        return TickOutcome(None, next_due_at)
    begun = await rt.db.run(partial(_begin, rt=rt, boundary=boundary, trigger=Trigger.TICK, lease=lease, now=now))
    if begun is None:
        return TickOutcome(None, next_due_at)
    run = await _run(rt, begun, Pass(begun.run_id, now, lease))
    return TickOutcome(run, next_due_at)


async def run_now(rt: Runtime, now: datetime, *, name: str | None = None) -> EngineRun:
    """Ask every alarm now, or the one of that name, because somebody wants it. Raises AlarmMissing, AlarmArchived."""
    only = None if name is None else await rt.db.run_read(partial(queries.get_alarm, name=name))
    if only is not None and only.archived:
        raise AlarmArchived(only.entry_id)
    begun = await rt.db.run(partial(_begin, rt=rt, boundary=None, trigger=Trigger.MANUAL, lease=None, now=now))
    if begun is None:
        raise Unavailable("The run could not be begun; try again.")
    asked = [alarm for alarm in begun.alarms if only is None or alarm.id == only.id]
    return await _run(rt, replace(begun, alarms=asked), Pass(begun.run_id, now))


@dataclass(frozen=True, slots=True)
class _Begun:
    """A run with the alarms to be asked; `done` are the lines of those that it had recorded before it was left."""

    run_id: int
    alarms: list[Alarm]
    done: JsonObject = field(default_factory=dict)
    counters: JsonObject = field(default_factory=dict)


def _begin(
    tx: Tx, rt: Runtime, boundary: datetime | None, trigger: Trigger, lease: Held | None, now: datetime
) -> _Begun | None:
    if lease is not None and not is_held(tx, lease):
        return None
    run_id = alarms.begin_run(tx, boundary=boundary, trigger=trigger, owner=rt.owner, now=now)
    if run_id is not None:
        return _Begun(run_id, queries.live_alarms(tx))
    left = alarms.take_up_run(tx, boundary, owner=rt.owner) if boundary is not None else None
    return None if left is None else _taken_up(tx, left)


def _taken_up(tx: Tx, run: EngineRun) -> _Begun:
    log.warning("a tick whose process ended is taken up", run=run.id, began_at=run.started_at.isoformat())
    asked, done = list[Alarm](), {}
    for alarm in queries.live_alarms(tx):
        if rules.was_asked_since(alarm, run.started_at):
            done[alarm.entry_id] = line_again(tx, alarm)
        else:
            asked.append(alarm)
    return _Begun(run.id, asked, done, run.counters)


async def _run(rt: Runtime, begun: _Begun, about: Pass) -> EngineRun:
    fp("alarms.after_begin")
    places = asyncio.Semaphore(running.SIDE_BY_SIDE)
    lines = await asyncio.gather(*(_one(rt, alarm, about, places) for alarm in begun.alarms))
    fp("alarms.before_end")
    asked = {alarm.entry_id: line for alarm, line in zip(begun.alarms, lines, strict=True)}
    return await rt.db.run(partial(_end, rt=rt, about=about, per_alarm=begun.done | asked, counters=begun.counters))


def _end(tx: Tx, rt: Runtime, about: Pass, per_alarm: JsonObject, counters: JsonObject) -> EngineRun:
    # Whoever leads now has taken it up.
    if about.lease is None or is_held(tx, about.lease):
        counters = {**counters_of(per_alarm.values()), **counters}
        now, errors = rt.clock.now(), int(counters["errors"])
        alarms.end_run(tx, about.run_id, counters=counters, per_alarm=per_alarm, errors=errors, now=now)
    return queries.get_run(tx, about.run_id)


async def _one(rt: Runtime, alarm: Alarm, about: Pass, places: asyncio.Semaphore) -> JsonObject:
    line = await _recorded(rt, alarm, about, places)
    fp("alarms.after_record")
    return line


async def _recorded(rt: Runtime, alarm: Alarm, about: Pass, places: asyncio.Semaphore) -> JsonObject:
    found = Found(Outcome.UNKNOWN)
    try:
        async with places:
            found = await ask(rt, alarm.module, alarm.params, now=about.asked_at)
        packed = await rt.outside.blocking(partial(pack, found.recording, rt.secrets))
        fp("alarms.after_ask")
        if found.outcome is Outcome.UNKNOWN and found.is_set_up:
            log.warning("an alarm could not be evaluated", alarm=alarm.entry_id, error=found.error)
        return await rt.db.run(partial(record, rt=rt, alarm=alarm, found=found, about=about, packed=packed))
    except (PagerPalError, SQLAlchemyError, OSError, *UNEXPECTED) as error:
        # One alarm whose result cannot be written does not hide the others; the next tick finds the same again.
        log.exception("an alarm's result could not be recorded", alarm=alarm.entry_id)
        return _unrecorded(alarm, found, error)


def _unrecorded(alarm: Alarm, found: Found, error: Exception) -> JsonObject:
    return {
        "alarm_id": alarm.id,
        "module": alarm.module,
        "module_hash": found.sha256,
        "outcome": Outcome.UNKNOWN.value,
        "is_set_up": True,
        "is_error": True,
        "duration_ms": found.duration_ms,
        "error": f"the result could not be recorded: {redact_text(str(error))[:300]}",
        "error_trace": "",
    }
