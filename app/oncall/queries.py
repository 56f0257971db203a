"""Reading schedules: what is stored, and who is on call."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from app.accounts.queries import activity_of
from app.oncall import repository
from app.oncall.errors import ScheduleNotFound
from app.oncall.models import OverrideRow, ScheduleEntryRow, ScheduleRow
from app.oncall.resolver import Duty, oncall_at, slots
from app.oncall.types import Activity, Schedule, Slot, Window
from app.platform.db import Tx, paged
from app.platform.types import Page, PageQuery

# How far ahead windows are read, so that «until when» is right where another window cuts in later.
HORIZON = timedelta(days=14)


def get_schedule(tx: Tx, schedule_id: int) -> Schedule:
    """The schedule. Raises ScheduleNotFound."""
    found = tx.first(Schedule, repository.select_schedules().where(ScheduleRow.id == schedule_id))
    if found is None:
        raise ScheduleNotFound(schedule_id)
    return found


def list_schedules(tx: Tx, page: PageQuery) -> Page[Schedule]:
    """One page, by name."""
    return paged(tx, Schedule, repository.select_schedules().order_by(ScheduleRow.name), page)


def schedules_by_id(tx: Tx, schedule_ids: Iterable[int]) -> dict[int, Schedule]:
    """The schedules that exist among these."""
    wanted = sorted(set(schedule_ids))
    if not wanted:
        return {}
    found = tx.all(Schedule, repository.select_schedules().where(ScheduleRow.id.in_(wanted)))
    return {schedule.id: schedule for schedule in found}


def active_schedules_of_team(tx: Tx, team_id: int) -> list[Schedule]:
    """The team's schedules that are switched on."""
    statement = repository.select_schedules().where(ScheduleRow.team_id == team_id, ScheduleRow.is_active)
    return tx.all(Schedule, statement.order_by(ScheduleRow.id))


def entries_of(tx: Tx, schedule_id: int, start: datetime, end: datetime) -> list[Window]:
    """Fixed entries that touch [start, end)."""
    return repository.windows_between(tx, ScheduleEntryRow, [schedule_id], start, end)


def overrides_of(tx: Tx, schedule_id: int, start: datetime, end: datetime) -> list[Window]:
    """Overrides that touch [start, end)."""
    return repository.windows_between(tx, OverrideRow, [schedule_id], start, end)


def duties(tx: Tx, schedule_ids: Iterable[int], start: datetime, end: datetime) -> dict[int, Duty]:
    """What decides who is on call on these schedules between two instants."""
    wanted = sorted(set(schedule_ids))
    if not wanted:
        return {}
    entries = repository.windows_between(tx, ScheduleEntryRow, wanted, start, end)
    overrides = repository.windows_between(tx, OverrideRow, wanted, start, end)
    intervals = activity_of(tx, {window.user_id for window in (*entries, *overrides)})
    activity = [
        Activity(user_id, started_at, ended_at)
        for user_id, known in intervals.items()
        for started_at, ended_at in known
    ]
    return {
        schedule_id: Duty(
            schedule_id,
            [window for window in entries if window.schedule_id == schedule_id],
            [window for window in overrides if window.schedule_id == schedule_id],
            activity,
        )
        for schedule_id in wanted
    }


def who_is_on_call(tx: Tx, schedule_ids: Iterable[int], at: datetime) -> dict[int, Slot | None]:
    """The slot that covers the instant on each schedule; None in a gap."""
    found = duties(tx, schedule_ids, at, at + HORIZON)
    return {schedule_id: oncall_at(duty, at) for schedule_id, duty in found.items()}


def slots_of(tx: Tx, schedule_id: int, start: datetime, end: datetime) -> list[Slot]:
    """Who covers what on the schedule between two instants."""
    return slots(duties(tx, [schedule_id], start, end)[schedule_id], start, end)
