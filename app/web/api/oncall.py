"""`/api/v1/oncall` and `/schedules/{id}/oncall`: who is up, by the same function that the pager asks (promise 5)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from fastapi import Query

from app.accounts import queries as people
from app.oncall import queries
from app.oncall.types import Schedule
from app.platform.db import Tx
from app.web.api.pages import PageOut, page_out
from app.web.api.schedule_schemas import OncallOut, PersonOut, SlotOut
from app.web.api.times import Instant
from app.web.deps import Id, NowDep, PageDep, RuntimeDep


def current(rt: RuntimeDep, page: PageDep, now: NowDep) -> PageOut[OncallOut]:
    """Who is up on every schedule that is switched on, by the schedules' names."""

    def read(tx: Tx) -> PageOut[OncallOut]:
        found = queries.list_schedules(tx, page, is_active=True)
        shown = {each.schedule_id: each for each in _on_call(tx, found.items, now, None)}
        return page_out(found, lambda schedule: shown[schedule.id])

    return rt.db.read(read)


def show(
    schedule_id: Id,
    rt: RuntimeDep,
    now: NowDep,
    at: Annotated[Instant | None, Query()] = None,
    as_of: Annotated[Instant | None, Query()] = None,
) -> OncallOut:
    """Who is, was or will be on call on one schedule; with `as_of`, as it was known then."""
    return rt.db.read(lambda tx: _on_call(tx, [queries.get_schedule(tx, schedule_id)], at or now, as_of)[0])


def _on_call(tx: Tx, schedules: Sequence[Schedule], at: datetime, as_of: datetime | None) -> list[OncallOut]:
    wanted = [schedule.id for schedule in schedules]
    slots = queries.who_is_on_call(tx, wanted, at, as_of=as_of)
    following = queries.who_is_next(tx, wanted, at, as_of=as_of)
    names = people.users_by_id(tx, [slot.user_id for slot in (*slots.values(), *following.values()) if slot])
    found = []
    for schedule in schedules:
        slot, after = slots.get(schedule.id), following.get(schedule.id)
        found.append(
            OncallOut(
                schedule_id=schedule.id,
                schedule_name=schedule.name,
                user=PersonOut.model_validate(names[slot.user_id]) if slot else None,
                slot=SlotOut.of(slot, names) if slot else None,
                next=SlotOut.of(after, names) if after else None,
            )
        )
    return found
