"""Fixed entries and overrides: admins anywhere, members over what is their own (B16, B22)."""

from datetime import datetime

from app.accounts.permissions import Permission, allows
from app.accounts.types import Identity, User
from app.oncall import queries, service
from app.oncall.resolver import gaps
from app.oncall.types import Window
from app.platform.db import Tx
from app.platform.errors import Forbidden
from app.platform.runtime import Runtime
from app.usecases.rota.records import record, window_view


def add_entry(
    rt: Runtime,
    *,
    schedule_id: int,
    user_id: int,
    start_time: datetime,
    end_time: datetime,
    actor: User,
    now: datetime,
    reason: str = "",
) -> Window:
    """Add a fixed entry. Raises ScheduleNotFound, Invalid, OverlappingSlot."""

    def write(tx: Tx) -> Window:
        entry = service.add_entry(
            tx,
            schedule_id=schedule_id,
            user_id=user_id,
            start_time=start_time,
            end_time=end_time,
            reason=reason,
            now=now,
        )
        record(tx, "entry_added", schedule_id, actor, None, window_view(entry), now)
        service.look_again(tx, [schedule_id], now=now)
        return entry

    return rt.db.write(write)


def void_entry(rt: Runtime, *, schedule_id: int, entry_id: int, actor: User, now: datetime) -> None:
    """Let an entry count no longer. Raises ScheduleNotFound, WindowNotFound, WindowIsPast."""

    def write(tx: Tx) -> None:
        entry = service.void_entry(tx, schedule_id=schedule_id, entry_id=entry_id, now=now)
        record(tx, "entry_voided", schedule_id, actor, window_view(entry), None, now)
        service.look_again(tx, [schedule_id], now=now)

    rt.db.write(write)


def add_override(
    rt: Runtime,
    *,
    schedule_id: int,
    user_id: int,
    start_time: datetime,
    end_time: datetime,
    identity: Identity,
    now: datetime,
    reason: str = "",
) -> Window:
    """Add an override: an admin anywhere, a member where the whole window is their own now (B22).

    Raises ScheduleNotFound, Invalid, Forbidden.
    """

    def write(tx: Tx) -> Window:
        service.lock_schedule(tx, schedule_id)
        _require_own(tx, identity, schedule_id, start_time, end_time)
        override = service.add_override(
            tx,
            schedule_id=schedule_id,
            user_id=user_id,
            start_time=start_time,
            end_time=end_time,
            reason=reason,
            now=now,
        )
        record(tx, "override_added", schedule_id, identity.user, None, window_view(override), now)
        service.look_again(tx, [schedule_id], now=now)
        return override

    return rt.db.write(write)


def change_override(
    rt: Runtime,
    *,
    schedule_id: int,
    override_id: int,
    user_id: int,
    start_time: datetime,
    end_time: datetime,
    identity: Identity,
    now: datetime,
    reason: str = "",
) -> Window:
    """Put another override in the place of one; what that one covered until now stays as it was.

    A member may change one that is their own, and give away no more than that. What a shorter one leaves goes to whom
    entries and rotation say. Raises ScheduleNotFound, WindowNotFound, WindowIsPast, Invalid, Forbidden.
    """

    def write(tx: Tx) -> Window:
        before = service.void_override(tx, schedule_id=schedule_id, override_id=override_id, now=now)
        if not allows(identity, Permission.MANAGE_SCHEDULES):
            if before.user_id != identity.user.id:
                raise Forbidden("Only an admin may change an override of somebody else.")
            if start_time < before.start_time or end_time > before.end_time:
                raise Forbidden("Only an admin may make an override longer; ask for a swap instead.")
        begins = start_time if before.start_time > now else max(start_time, now)
        override = service.add_override(
            tx,
            schedule_id=schedule_id,
            user_id=user_id,
            start_time=begins,
            end_time=end_time,
            reason=reason or before.reason,
            now=now,
        )
        record(tx, "override_changed", schedule_id, identity.user, window_view(before), window_view(override), now)
        service.look_again(tx, [schedule_id], now=now)
        return override

    return rt.db.write(write)


def void_override(rt: Runtime, *, schedule_id: int, override_id: int, identity: Identity, now: datetime) -> None:
    """Let an override count no longer: an admin any, a member one that is their own.

    Raises ScheduleNotFound, WindowNotFound, WindowIsPast, Forbidden.
    """

    def write(tx: Tx) -> None:
        override = service.void_override(tx, schedule_id=schedule_id, override_id=override_id, now=now)
        if override.user_id != identity.user.id and not allows(identity, Permission.MANAGE_SCHEDULES):
            raise Forbidden("Only an admin may end an override of somebody else.")
        record(tx, "override_voided", schedule_id, identity.user, window_view(override), None, now)
        service.look_again(tx, [schedule_id], now=now)

    rt.db.write(write)


def is_own(tx: Tx, schedule_id: int, user_id: int, start: datetime, end: datetime) -> bool:
    """Whether the person is on call for every instant of the window: only then may they give it away."""
    covered = queries.slots_of(tx, schedule_id, start, end)
    return not gaps(covered, start, end) and all(slot.user_id == user_id for slot in covered)


def _require_own(tx: Tx, identity: Identity, schedule_id: int, start: datetime, end: datetime) -> None:
    if allows(identity, Permission.MANAGE_SCHEDULES) or is_own(tx, schedule_id, identity.user.id, start, end):
        return
    raise Forbidden("Only an admin may change windows of other people; ask for a swap instead.")
