"""`/api/v1/schedules`: who is on call over time, with fixed entries and overrides."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import Query

from app.accounts import queries as people
from app.oncall import queries
from app.oncall.resolver import gaps
from app.oncall.types import Schedule, Slot, Swap, SwapStatus, Window
from app.platform.db import Tx
from app.platform.errors import FieldError, Invalid
from app.platform.types import Page
from app.usecases import rota
from app.web.api.pages import PageOut, page_out
from app.web.api.schedule_schemas import (
    GapOut,
    HandoffNew,
    HandoffOut,
    ScheduleChange,
    ScheduleNew,
    ScheduleOut,
    SlotOut,
    SwapNew,
    SwapOut,
    WindowNew,
    WindowOut,
)
from app.web.api.times import Instant
from app.web.deps import Id, IdentityDep, NowDep, PageDep, RuntimeDep

SHOWN = timedelta(days=56)
LONGEST = timedelta(days=400)

Days = Annotated[int, Query(ge=1, le=366)]
From = Annotated[Instant | None, Query(alias="from")]
To = Annotated[Instant | None, Query()]


def list_schedules(
    rt: RuntimeDep, page: PageDep, now: NowDep, q: Annotated[str, Query(max_length=200)] = ""
) -> PageOut[ScheduleOut]:
    """One page of schedules, by name."""

    def read(tx: Tx) -> PageOut[ScheduleOut]:
        found = queries.list_schedules(tx, page, q=q)
        return page_out(found, lambda schedule: _schedule(tx, schedule, now))

    return rt.db.read(read)


def show(schedule_id: Id, rt: RuntimeDep, now: NowDep) -> ScheduleOut:
    """One schedule."""
    return rt.db.read(lambda tx: _schedule(tx, queries.get_schedule(tx, schedule_id), now))


def create(body: ScheduleNew, rt: RuntimeDep, identity: IdentityDep, now: NowDep) -> ScheduleOut:
    """Add a schedule; a rotation counts from its start date on."""
    rotation = body.rotation.plan() if body.rotation else None
    fields = body.model_dump(exclude={"rotation"})
    schedule = rota.create_schedule(rt, **fields, rotation=rotation, actor=identity.user, now=now)
    return rt.db.read(lambda tx: _schedule(tx, schedule, now))


def change(schedule_id: Id, body: ScheduleChange, rt: RuntimeDep, identity: IdentityDep, now: NowDep) -> ScheduleOut:
    """Change the fields that are sent; another rotation makes a new version, and the past stays."""
    changes = body.model_dump(exclude_unset=True, exclude={"rotation", "effective_from"})
    if "rotation" in body.model_fields_set:
        changes["rotation"] = body.rotation.plan() if body.rotation else None
    schedule = rota.update_schedule(
        rt,
        schedule_id=schedule_id,
        changes=changes,
        effective_from=body.effective_from,
        actor=identity.user,
        now=now,
    )
    return rt.db.read(lambda tx: _schedule(tx, schedule, now))


def delete(schedule_id: Id, rt: RuntimeDep, identity: IdentityDep, now: NowDep) -> None:
    """Take a schedule that nothing pages by out of use."""
    rota.delete_schedule(rt, schedule_id=schedule_id, actor=identity.user, now=now)


def list_slots(schedule_id: Id, rt: RuntimeDep, now: NowDep, from_: From = None, to: To = None) -> list[SlotOut]:
    """Who covers what between two instants, the next eight weeks unless told otherwise."""
    start = from_ or now
    end = to or start + SHOWN
    if not start < end <= start + LONGEST:
        raise Invalid("Ask for at most 400 days.", [FieldError("to", "must be after from, by 400 days at most")])

    def read(tx: Tx) -> list[SlotOut]:
        queries.get_schedule(tx, schedule_id)
        return _slots_out(tx, queries.slots_of(tx, schedule_id, start, end))

    return rt.db.read(read)


def list_gaps(schedule_id: Id, rt: RuntimeDep, now: NowDep, days: Days = 14) -> list[GapOut]:
    """The windows of the coming days in which nobody active is on call."""
    end = now + timedelta(days=days)

    def read(tx: Tx) -> list[GapOut]:
        queries.get_schedule(tx, schedule_id)
        found = gaps(queries.slots_of(tx, schedule_id, now, end), now, end)
        return [GapOut(start_time=start, end_time=until, reason="nobody is on call") for start, until in found]

    return rt.db.read(read)


def list_entries(schedule_id: Id, rt: RuntimeDep, page: PageDep) -> PageOut[WindowOut]:
    """One page of fixed entries, by their start."""
    return _windows(rt, lambda tx: queries.list_entries(tx, schedule_id, page), is_override=False)


def add_entry(schedule_id: Id, body: WindowNew, rt: RuntimeDep, identity: IdentityDep, now: NowDep) -> WindowOut:
    """Add a fixed entry, which must not overlap another."""
    entry = rota.add_entry(rt, schedule_id=schedule_id, **body.model_dump(), actor=identity.user, now=now)
    return _window(rt, entry, is_override=False)


def void_entry(schedule_id: Id, entry_id: Id, rt: RuntimeDep, identity: IdentityDep, now: NowDep) -> None:
    """Let an entry count no longer; one that has ended stays as it was."""
    rota.void_entry(rt, schedule_id=schedule_id, entry_id=entry_id, actor=identity.user, now=now)


def list_overrides(schedule_id: Id, rt: RuntimeDep, page: PageDep) -> PageOut[WindowOut]:
    """One page of overrides, by their start."""
    return _windows(rt, lambda tx: queries.list_overrides(tx, schedule_id, page), is_override=True)


def add_override(schedule_id: Id, body: WindowNew, rt: RuntimeDep, identity: IdentityDep, now: NowDep) -> WindowOut:
    """Add an override: anywhere by an admin, over one's own window by a member."""
    override = rota.add_override(rt, schedule_id=schedule_id, **body.model_dump(), identity=identity, now=now)
    return _window(rt, override, is_override=True)


def void_override(schedule_id: Id, override_id: Id, rt: RuntimeDep, identity: IdentityDep, now: NowDep) -> None:
    """Let an override count no longer; one that has ended stays as it was."""
    rota.void_override(rt, schedule_id=schedule_id, override_id=override_id, identity=identity, now=now)


def change_override(
    schedule_id: Id, override_id: Id, body: WindowNew, rt: RuntimeDep, identity: IdentityDep, now: NowDep
) -> WindowOut:
    """Put another override in the place of one; what it covered until now stays."""
    override = rota.change_override(
        rt, schedule_id=schedule_id, override_id=override_id, **body.model_dump(), identity=identity, now=now
    )
    return _window(rt, override, is_override=True)


def hand_off(schedule_id: Id, body: HandoffNew, rt: RuntimeDep, identity: IdentityDep, now: NowDep) -> HandoffOut:
    """Hand the duty over until the rotation's next hand-off: by an admin or the person on call."""
    done = rota.hand_off(rt, schedule_id=schedule_id, **body.model_dump(), identity=identity, now=now)
    names = rt.db.read(lambda tx: people.users_by_id(tx, [done.to_user_id]))
    return HandoffOut.of(done, names)


def list_swaps(
    schedule_id: Id, rt: RuntimeDep, page: PageDep, status: Annotated[SwapStatus | None, Query()] = None
) -> PageOut[SwapOut]:
    """One page of swap requests, by the start of their windows."""

    def read(tx: Tx) -> PageOut[SwapOut]:
        found = queries.list_swaps(tx, schedule_id, page, status=status)
        names = people.users_by_id(tx, [swap.from_user_id for swap in found.items])
        return page_out(found, lambda swap: SwapOut.of(swap, names))

    return rt.db.read(read)


def request_swap(schedule_id: Id, body: SwapNew, rt: RuntimeDep, identity: IdentityDep, now: NowDep) -> SwapOut:
    """Ask that somebody takes a window of one's own."""
    return _swap(rt, rota.request_swap(rt, schedule_id=schedule_id, **body.model_dump(), identity=identity, now=now))


def accept_swap(schedule_id: Id, swap_id: Id, rt: RuntimeDep, identity: IdentityDep, now: NowDep) -> SwapOut:
    """Take the slot; an override results."""
    return _swap(rt, rota.accept_swap(rt, schedule_id=schedule_id, swap_id=swap_id, identity=identity, now=now))


def decline_swap(schedule_id: Id, swap_id: Id, rt: RuntimeDep, identity: IdentityDep, now: NowDep) -> SwapOut:
    """Refuse to take the slot; it stays where it is."""
    return _swap(rt, rota.decline_swap(rt, schedule_id=schedule_id, swap_id=swap_id, identity=identity, now=now))


def cancel_swap(schedule_id: Id, swap_id: Id, rt: RuntimeDep, identity: IdentityDep, now: NowDep) -> SwapOut:
    """Take one's own request back."""
    return _swap(rt, rota.cancel_swap(rt, schedule_id=schedule_id, swap_id=swap_id, identity=identity, now=now))


def _schedule(tx: Tx, schedule: Schedule, now: datetime) -> ScheduleOut:
    return ScheduleOut.of(schedule, queries.rotations_of(tx, schedule.id), now)


def _swap(rt: RuntimeDep, swap: Swap) -> SwapOut:
    return SwapOut.of(swap, rt.db.read(lambda tx: people.users_by_id(tx, [swap.from_user_id])))


def _windows(rt: RuntimeDep, find: Callable[[Tx], Page[Window]], *, is_override: bool) -> PageOut[WindowOut]:
    def read(tx: Tx) -> PageOut[WindowOut]:
        found = find(tx)
        names = people.users_by_id(tx, [window.user_id for window in found.items])
        return page_out(found, lambda window: WindowOut.of(window, names, is_override=is_override))

    return rt.db.read(read)


def _window(rt: RuntimeDep, window: Window, *, is_override: bool) -> WindowOut:
    names = rt.db.read(lambda tx: people.users_by_id(tx, [window.user_id]))
    return WindowOut.of(window, names, is_override=is_override)


def _slots_out(tx: Tx, slots: list[Slot]) -> list[SlotOut]:
    names = people.users_by_id(tx, [slot.user_id for slot in slots])
    return [SlotOut.of(slot, names) for slot in slots]
