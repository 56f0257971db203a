"""Reading schedules: what is stored, and who is on call."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from app.accounts.queries import activity_of
from app.oncall import repository
from app.oncall.errors import ScheduleNotFound
from app.oncall.models import OverrideRow, ScheduleEntryRow, ScheduleRow
from app.oncall.resolver import Duty, oncall_at, slots
from app.oncall.spans import BEGINNING
from app.oncall.types import Activity, Interval, Schedule, Slot, Window
from app.platform.db import Tx, paged
from app.platform.types import Page, PageQuery

# How far ahead windows are read, so that «until when» is right where another window cuts in later.
HORIZON = timedelta(days=14)


def get_schedule(tx: Tx, schedule_id: int) -> Schedule:
    """The schedule. Raises ScheduleNotFound."""
    found = repository.find_schedule(tx, schedule_id)
    if found is None:
        raise ScheduleNotFound(schedule_id)
    return found


def list_schedules(
    tx: Tx, page: PageQuery, *, q: str = "", team_id: int | None = None, is_active: bool | None = None
) -> Page[Schedule]:
    """One page, by name; `q` looks into the name."""
    statement = repository.select_schedules()
    if q:
        statement = statement.where(ScheduleRow.name.icontains(q, autoescape=True))
    if team_id is not None:
        statement = statement.where(ScheduleRow.team_id == team_id)
    if is_active is not None:
        statement = statement.where(ScheduleRow.is_active == is_active)
    return paged(tx, Schedule, statement.order_by(ScheduleRow.name, ScheduleRow.id), page)


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


def list_entries(tx: Tx, schedule_id: int, page: PageQuery) -> Page[Window]:
    """One page of a schedule's fixed entries, by their start. Raises ScheduleNotFound."""
    get_schedule(tx, schedule_id)
    return paged(tx, Window, repository.select_windows(ScheduleEntryRow, schedule_id), page)


def list_overrides(tx: Tx, schedule_id: int, page: PageQuery) -> Page[Window]:
    """One page of a schedule's overrides, by their start. Raises ScheduleNotFound."""
    get_schedule(tx, schedule_id)
    return paged(tx, Window, repository.select_windows(OverrideRow, schedule_id), page)


def duties(
    tx: Tx, schedule_ids: Iterable[int], start: datetime, end: datetime, *, as_of: datetime | None = None
) -> dict[int, Duty]:
    """What decides who is on call on these schedules between two instants; with `as_of`, as it was known then."""
    wanted = sorted(set(schedule_ids))
    if not wanted:
        return {}
    voided_after = start if as_of is None else min(start, as_of)
    entries, overrides = (
        _known(repository.windows_between(tx, model, wanted, start, end, voided_after=voided_after), as_of)
        for model in (ScheduleEntryRow, OverrideRow)
    )
    intervals = activity_of(tx, {window.user_id for window in (*entries, *overrides)})
    activity = [
        Activity(user_id, started_at, None if as_of and ended_at and ended_at > as_of else ended_at)
        for user_id, known in intervals.items()
        for started_at, ended_at in known
    ]
    return {
        schedule_id: Duty(
            schedule_id,
            [window for window in entries if window.schedule_id == schedule_id],
            [window for window in overrides if window.schedule_id == schedule_id],
            activity,
            in_use=[Interval(BEGINNING, None)],
        )
        for schedule_id in wanted
    }


def _known(windows: list[Window], as_of: datetime | None) -> list[Window]:
    if as_of is None:
        return windows
    return [
        window if window.voided_at is None or window.voided_at <= as_of else replace(window, voided_at=None)
        for window in windows
        if window.created_at <= as_of
    ]


def who_is_on_call(
    tx: Tx, schedule_ids: Iterable[int], at: datetime, *, as_of: datetime | None = None
) -> dict[int, Slot | None]:
    """The slot that covers the instant on each schedule; None in a gap."""
    found = duties(tx, schedule_ids, at, at + HORIZON, as_of=as_of)
    return {schedule_id: oncall_at(duty, at) for schedule_id, duty in found.items()}


def who_is_next(
    tx: Tx, schedule_ids: Iterable[int], at: datetime, *, as_of: datetime | None = None
) -> dict[int, Slot | None]:
    """The first slot that begins after the instant on each schedule; None where none does for two weeks."""
    found = duties(tx, schedule_ids, at, at + HORIZON, as_of=as_of)
    following = {}
    for schedule_id, duty in found.items():
        current = oncall_at(duty, at)
        ahead = slots(duty, current.end_time if current else at, at + HORIZON)
        following[schedule_id] = ahead[0] if ahead else None
    return following


def slots_of(tx: Tx, schedule_id: int, start: datetime, end: datetime) -> list[Slot]:
    """Who covers what on the schedule between two instants: the slots that touch [start, end), whole."""
    return slots(duties(tx, [schedule_id], start, end)[schedule_id], start, end)
