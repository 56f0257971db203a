"""Swaps: a member asks that somebody takes a slot of theirs; accepted, an override results (B20)."""

from datetime import datetime

from app.accounts import queries as people
from app.accounts.permissions import Permission, allows
from app.accounts.types import Identity
from app.oncall import queries, service
from app.oncall.errors import SwapNoLongerFits
from app.oncall.types import Schedule, Swap, SwapStatus
from app.platform.db import Tx
from app.platform.errors import FieldError, Forbidden, Invalid
from app.platform.runtime import Runtime
from app.usecases import paging
from app.usecases.rota.records import record, swap_view
from app.usecases.rota.windows import is_own

REASON = "swap"


def request_swap(
    rt: Runtime,
    *,
    schedule_id: int,
    start_time: datetime,
    end_time: datetime,
    identity: Identity,
    now: datetime,
    to_user_id: int | None = None,
    note: str = "",
) -> Swap:
    """Ask one person, or any member where None, to take a window that is the asker's own; whoever is asked is told.

    Raises ScheduleNotFound, Invalid, Forbidden.
    """
    asker = identity.user

    def write(tx: Tx) -> Swap:
        schedule = service.lock_schedule(tx, schedule_id)
        if end_time <= now:
            raise Invalid("The swap request is not valid.", [FieldError("end_time", "must be in the future")])
        if end_time > start_time and not is_own(tx, schedule_id, asker.id, start_time, end_time):
            raise Forbidden("Only slots of your own can be swapped: you are not on call for all of this window.")
        swap = service.request_swap(
            tx,
            schedule_id=schedule_id,
            from_user_id=asker.id,
            to_user_id=to_user_id,
            start_time=start_time,
            end_time=end_time,
            note=note,
            now=now,
        )
        record(tx, "swap_requested", schedule_id, asker, None, swap_view(swap), now)
        asked = {to_user_id} if to_user_id else set(queries.members_of(tx, schedule_id, now)) - {asker.id}
        _tell(tx, schedule, swap, asked, f"{asker.name} asks you to take a slot", now)
        tx.publish("schedule", id=schedule_id)
        return swap

    return rt.db.write(write)


def accept_swap(rt: Runtime, *, schedule_id: int, swap_id: int, identity: Identity, now: datetime) -> Swap:
    """Take the slot: by the person asked, or by any member where nobody was named. The asker is told.

    Raises SwapNotFound, SwapIsAnswered, SwapNoLongerFits, Forbidden.
    """
    taker = identity.user

    def write(tx: Tx) -> Swap:
        schedule = service.lock_schedule(tx, schedule_id)
        asked = queries.get_swap(tx, schedule_id, swap_id)
        _require_asked(tx, asked, identity, now)
        swap = _answer(tx, asked, SwapStatus.ACCEPTED, identity, now)
        begins = max(swap.start_time, now)
        if begins >= swap.end_time or not is_own(tx, schedule_id, swap.from_user_id, begins, swap.end_time):
            raise SwapNoLongerFits("The window has passed, or is no longer that of the person who asked.")
        service.add_override(
            tx,
            schedule_id=schedule_id,
            user_id=taker.id,
            start_time=begins,
            end_time=swap.end_time,
            reason=REASON,
            now=now,
        )
        _tell(tx, schedule, swap, {swap.from_user_id}, f"{taker.name} takes your slot", now)
        service.look_again(tx, [schedule_id], now=now)
        return swap

    return rt.db.write(write)


def decline_swap(rt: Runtime, *, schedule_id: int, swap_id: int, identity: Identity, now: datetime) -> Swap:
    """Refuse it: by the person asked, or by any member where nobody was named. The slot stays, the asker is told.

    Raises SwapNotFound, SwapIsAnswered, Forbidden.
    """

    def write(tx: Tx) -> Swap:
        schedule = service.lock_schedule(tx, schedule_id)
        asked = queries.get_swap(tx, schedule_id, swap_id)
        _require_asked(tx, asked, identity, now)
        swap = _answer(tx, asked, SwapStatus.DECLINED, identity, now)
        _tell(tx, schedule, swap, {swap.from_user_id}, f"{identity.user.name} cannot take your slot", now)
        return swap

    return rt.db.write(write)


def cancel_swap(rt: Runtime, *, schedule_id: int, swap_id: int, identity: Identity, now: datetime) -> Swap:
    """Take a request back: by the person who asked, and by admins. Raises SwapNotFound, SwapIsAnswered, Forbidden."""

    def write(tx: Tx) -> Swap:
        service.lock_schedule(tx, schedule_id)
        asked = queries.get_swap(tx, schedule_id, swap_id)
        if asked.from_user_id != identity.user.id and not allows(identity, Permission.MANAGE_SCHEDULES):
            raise Forbidden("Only the person who asked may take the request back.")
        return _answer(tx, asked, SwapStatus.CANCELLED, identity, now)

    return rt.db.write(write)


def _require_asked(tx: Tx, swap: Swap, identity: Identity, now: datetime) -> None:
    user_id = identity.user.id
    if swap.from_user_id == user_id:
        raise Forbidden("Somebody else must answer your own request.")
    is_asked = swap.to_user_id == user_id
    if swap.to_user_id is None:
        is_asked = user_id in queries.members_of(tx, swap.schedule_id, now)
    if not is_asked:
        raise Forbidden("Only the person who was asked may answer.")


def _answer(tx: Tx, asked: Swap, status: SwapStatus, identity: Identity, now: datetime) -> Swap:
    swap = service.answer_swap(
        tx, schedule_id=asked.schedule_id, swap_id=asked.id, status=status, answered_by=identity.user.id, now=now
    )
    record(tx, f"swap_{status.value}", swap.schedule_id, identity.user, swap_view(asked), swap_view(swap), now)
    tx.publish("schedule", id=swap.schedule_id)
    return swap


def _tell(tx: Tx, schedule: Schedule, swap: Swap, user_ids: set[int], subject: str, now: datetime) -> None:
    asker = people.get_user(tx, swap.from_user_id).name

    def text(timezone: str) -> str:
        window = f"{paging.clock_time(swap.start_time, timezone)} to {paging.clock_time(swap.end_time, timezone)}"
        return f"{schedule.name}, the slot of {asker}: {window}." + (f"\n{swap.note}" if swap.note else "")

    paging.tell(
        tx,
        user_ids=user_ids,
        key=f"swap:{swap.id}:{swap.status.value}",
        subject=f"{subject}: {schedule.name}",
        text=text,
        link=f"/schedules/{schedule.id}",
        now=now,
    )
