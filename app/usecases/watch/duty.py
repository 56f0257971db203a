"""The watch over who is on call: who comes on inherits what is open, both people are told, shifts and gaps announced.

Each schedule has a row with a due time: the next change of person, the next notice, or a change that was just made.
Only what is so now counts, so a look that comes late, or twice, catches up and repeats nothing.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy.exc import SQLAlchemyError

from app.oncall import queries as oncall, watching
from app.oncall.types import DutyWatch
from app.platform.db import Tx
from app.platform.errors import PagerPalError, Unavailable
from app.platform.failpoints import fp
from app.platform.lease import Held, is_held
from app.platform.logs import get_logger
from app.platform.runtime import Runtime
from app.usecases import paging
from app.usecases.watch import announcements
from app.usecases.watch.outlook import Outlook, outlooks

BATCH = 100
# How far back a gap's beginning is looked for.
BACK = timedelta(days=30)
# A page that was decided just before a hand-off may be committed just after it was looked at.
SECOND_LOOK = timedelta(seconds=60)
LONGEST_PAUSE = timedelta(hours=24)
AFTER_A_FAULT = timedelta(minutes=5)

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class DutyOutcome:
    """What one pass did; `next_due_at` is when a schedule must be looked at again, None if there is none."""

    looked: int
    next_due_at: datetime | None


async def watch_duty(rt: Runtime, now: datetime, lease: Held | None) -> DutyOutcome:
    """Look at every schedule that is due, each in its own transaction, in which `lease` is checked (B47).

    Steps: 1. begin to watch schedules that are new; 2. look at those that are due; 3. find out when the next one is.
    """
    if await rt.db.run_read(watching.unwatched):
        await rt.db.run(partial(_begin, now=now, lease=lease))
    waiting = await rt.db.run_read(partial(watching.due, now=now, limit=BATCH))
    looked = 0
    for schedule_id in waiting:
        looked += await _look_safely(rt, schedule_id, now, lease)
        fp("duty.after_commit")
    return DutyOutcome(looked, await rt.db.run_read(watching.next_due_at))


def _begin(tx: Tx, *, now: datetime, lease: Held | None) -> None:
    if lease is None or is_held(tx, lease):
        watching.begin(tx, now=now)


async def _look_safely(rt: Runtime, schedule_id: int, now: datetime, lease: Held | None) -> bool:
    try:
        return await rt.db.run(partial(look, schedule_id=schedule_id, now=now, lease=lease))
    except Unavailable:
        raise
    except (PagerPalError, SQLAlchemyError, LookupError, TypeError, ValueError, AttributeError):
        # One schedule that cannot be looked at does not hide the others.
        log.exception("a schedule could not be looked at", schedule_id=schedule_id)
        await rt.db.run(partial(watching.put_off, schedule_id=schedule_id, until=now + AFTER_A_FAULT))
        return False


def look(tx: Tx, schedule_id: int, *, now: datetime, lease: Held | None) -> bool:
    """Look at one schedule, if it is still due, and do what follows. Whether it was looked at."""
    if lease is not None and not is_held(tx, lease):
        return False
    watch = watching.find_watch(tx, schedule_id)
    if watch is None or watch.due_at > now:
        return False
    schedule = oncall.schedules_by_id(tx, [schedule_id]).get(schedule_id)
    if schedule is None:
        watching.put_off(tx, schedule_id, until=now + LONGEST_PAUSE)
        return False
    [seen] = outlooks(tx, [schedule], now, back=BACK)
    changed = _hand_over(tx, seen, watch)
    if schedule.is_active:
        announcements.announce_shifts(tx, seen)
        announcements.announce_gaps(tx, seen)
    shift = seen.current
    watching.saw(
        tx,
        watch,
        user_id=shift.user_id if shift else None,
        slot_id=shift.slot.id if shift else "",
        due_at=_next_look(seen, changed=changed),
        now=now,
    )
    fp("duty.before_commit")
    return True


def _hand_over(tx: Tx, seen: Outlook, watch: DutyWatch) -> bool:
    """Pass on what is open to whoever is on call, and tell both people of the change. Whether there was one."""
    shift, schedule, now = seen.current, seen.schedule, seen.now
    on_call = shift.user_id if shift else None
    changed = watch.looked_at is not None and watch.user_id != on_call
    inherited = 0
    if shift is not None:
        before = seen.before(shift)
        giver = watch.user_id if changed else (before.user_id if before else None)
        inherited = paging.inherit(
            tx,
            schedule=schedule,
            slot=shift.slot,
            from_user_id=giver,
            began_before=None if changed else shift.start,
            now=now,
        )
    if changed and watch.looked_at is not None:
        gap_start = seen.gap.start if seen.gap else None
        began = shift.start if shift else gap_start
        paging.tell_handoff(
            tx,
            schedule=schedule,
            from_user_id=watch.user_id,
            to_user_id=on_call,
            at=began if began is not None and began > watch.looked_at else now,
            until=None if shift is None or seen.is_last(shift) else shift.end,
            now=now,
        )
        tx.publish("schedule", id=schedule.id)
    if changed or inherited:
        log.info("duty handed over", schedule_id=schedule.id, from_id=watch.user_id, to_id=on_call, inherited=inherited)
    return changed


def _next_look(seen: Outlook, *, changed: bool) -> datetime:
    now = seen.now
    moments = [now + LONGEST_PAUSE, *announcements.moments(seen)]
    moments += [shift.end for shift in seen.shifts] + [shift.start for shift in seen.shifts]
    if changed:
        moments.append(now + SECOND_LOOK)
    return min(moment for moment in moments if moment > now)
