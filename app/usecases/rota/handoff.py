"""Handing a duty over, now or later: the rest of it goes to somebody else until the rotation's next hand-off (B20)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from app.accounts.permissions import Permission, allows
from app.accounts.types import Identity
from app.oncall import queries, service
from app.oncall.errors import NothingToHandOff
from app.oncall.resolver import Duty, next_boundary, oncall_at, slots
from app.oncall.types import Interval, Slot, Window
from app.platform.db import Tx
from app.platform.errors import FieldError, Forbidden, Invalid
from app.platform.runtime import Runtime
from app.usecases import paging
from app.usecases.rota.records import record, window_view

REASON = "hand-off"


@dataclass(frozen=True, slots=True)
class Handoff:
    """What a hand-off does: from whom (None: nobody was on call), from when until when, by which overrides."""

    schedule_id: int
    from_user_id: int | None
    to_user_id: int
    start_time: datetime
    end_time: datetime
    overrides: tuple[Window, ...] = ()


def hand_off(
    rt: Runtime, *, schedule_id: int, to_user_id: int, identity: Identity, now: datetime, at: datetime | None = None
) -> Handoff:
    """Give what the person on call at `at` (now, where None) still has until the next hand-off to somebody else.

    By admins, and by the person on call. Both people are told. What is somebody else's in between stays theirs.
    Raises ScheduleNotFound, Invalid, Forbidden, NothingToHandOff.
    """
    begins = at or now

    def write(tx: Tx) -> Handoff:
        schedule = service.lock_schedule(tx, schedule_id)
        duty = queries.duties(tx, [schedule_id], begins, begins + queries.HORIZON)[schedule_id]
        current = oncall_at(duty, begins)
        _require_right(identity, current)
        _require_sense(current, to_user_id, begins, now)
        windows = handed_over(duty, current, begins)
        overrides = [
            service.add_override(
                tx,
                schedule_id=schedule_id,
                user_id=to_user_id,
                start_time=window.start,
                end_time=window.end or begins,
                reason=REASON,
                now=now,
            )
            for window in windows
        ]
        done = Handoff(
            schedule_id,
            current.user_id if current else None,
            to_user_id,
            begins,
            overrides[-1].end_time,
            tuple(overrides),
        )
        for override in overrides:
            record(tx, "handed_off", schedule_id, identity.user, None, window_view(override), now)
        paging.tell_handoff(
            tx,
            schedule=schedule,
            from_user_id=done.from_user_id,
            to_user_id=to_user_id,
            at=begins,
            until=done.end_time,
            now=now,
        )
        service.look_again(tx, [schedule_id], now=now)
        return done

    return rt.db.write(write)


def handed_over(duty: Duty, current: Slot | None, at: datetime) -> list[Interval]:
    """What goes over: all that the person on call at `at` has from then until the rotation's next hand-off.

    Without a rotation until the end of their window; in a gap, until somebody comes on. Raises NothingToHandOff.
    """
    boundary = next_boundary(duty, at)
    if current is None:
        following = [slot.start_time for slot in slots(duty, at, at + queries.HORIZON) if slot.start_time > at]
        ends = [each for each in (boundary, *following[:1]) if each is not None]
        if not ends:
            raise NothingToHandOff("Nobody is on call then, and nobody comes on later: make an override instead.")
        return [Interval(at, min(ends))]
    end = boundary or current.end_time
    theirs = [slot for slot in slots(duty, at, end) if slot.user_id == current.user_id]
    return _joined([Interval(max(slot.start_time, at), min(slot.end_time, end)) for slot in theirs])


def _joined(windows: Sequence[Interval]) -> list[Interval]:
    found: list[Interval] = []
    for window in windows:
        if found and found[-1].end == window.start:
            window = Interval(found.pop().start, window.end)
        found.append(window)
    return found


def _require_right(identity: Identity, current: Slot | None) -> None:
    is_theirs = current is not None and current.user_id == identity.user.id
    if not is_theirs and not allows(identity, Permission.MANAGE_SCHEDULES):
        raise Forbidden("Only an admin or the person on call may hand over.")


def _require_sense(current: Slot | None, to_user_id: int, at: datetime, now: datetime) -> None:
    errors = []
    if at < now:
        errors.append(FieldError("at", "must not be in the past: who was on call stays as it was"))
    if current is not None and current.user_id == to_user_id:
        errors.append(FieldError("to_user_id", "is on call then already"))
    if errors:
        raise Invalid("The hand-off is not valid.", errors)
