"""Reading schedules: what is stored, and who is on call."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from app.accounts import queries as people
from app.oncall import repository
from app.oncall.errors import ScheduleNotFound, SwapNotFound
from app.oncall.models import OverrideRow, ScheduleEntryRow, ScheduleRow, SwapRequestRow
from app.oncall.resolver import Duty, oncall_at, slots
from app.oncall.spans import BEGINNING
from app.oncall.types import (
    Absence,
    AbsenceCalendar,
    Activity,
    CalendarToken,
    Interval,
    Rotation,
    RotationPlan,
    Schedule,
    Slot,
    Swap,
    SwapStatus,
    Window,
)
from app.oncall.wallclock import turn_length
from app.platform.db import Tx, paged
from app.platform.types import Page, PageQuery

# How far ahead «who is next» looks; where nobody comes on for so long, there is nobody to name.
HORIZON = timedelta(days=92)
INSTANT = timedelta(microseconds=1)
# Clocks go forward and back by an hour or so: a shift may be that much longer than its wall-clock hours.
CLOCK_CHANGE = timedelta(hours=27)
NEVER = datetime(9999, 1, 1, tzinfo=UTC)


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


def active_schedules(tx: Tx) -> list[int]:
    """The schedules that are switched on, by id."""
    statement = select(ScheduleRow.id).where(ScheduleRow.is_active, ScheduleRow.deleted_at.is_(None))
    return list(tx.execute(statement.order_by(ScheduleRow.id)).scalars())


def active_schedules_of_team(tx: Tx, team_id: int) -> list[Schedule]:
    """The team's schedules that are switched on."""
    statement = repository.select_schedules().where(ScheduleRow.team_id == team_id, ScheduleRow.is_active)
    return tx.all(Schedule, statement.order_by(ScheduleRow.id))


def list_entries(tx: Tx, schedule_id: int, page: PageQuery) -> Page[Window]:
    """One page of a schedule's fixed entries, by their start. Raises ScheduleNotFound."""
    get_schedule(tx, schedule_id)
    return paged(tx, Window, repository.select_windows(ScheduleEntryRow, schedule_id), page)


def list_overrides(tx: Tx, schedule_id: int, page: PageQuery) -> Page[Window]:
    """One page of a schedule's overrides, by their start. Raises ScheduleNotFound."""
    get_schedule(tx, schedule_id)
    return paged(tx, Window, repository.select_windows(OverrideRow, schedule_id), page)


def rotations_of(tx: Tx, schedule_id: int) -> list[Rotation]:
    """All versions of the schedule's rotation, oldest first."""
    return repository.rotations_of(tx, [schedule_id])


def rotations_at(tx: Tx, schedule_ids: Iterable[int], at: datetime) -> dict[int, Rotation]:
    """The version that rules at the instant, for each of these schedules that has one with members."""
    found: dict[int, Rotation] = {}
    for rotation in repository.rotations_of(tx, schedule_ids):
        if rotation.effective_from <= at:
            found[rotation.schedule_id] = rotation
    return {schedule_id: rotation for schedule_id, rotation in found.items() if rotation.plan.member_ids}


def rotation_at(tx: Tx, schedule_id: int, at: datetime) -> Rotation | None:
    """The version that rules at the instant; None where there is none with members."""
    return rotations_at(tx, [schedule_id], at).get(schedule_id)


def members_of(tx: Tx, schedule_id: int, now: datetime) -> list[int]:
    """Who belongs to a schedule (B22): its rotation now and planned, windows ahead, its team; by user id."""
    schedule = get_schedule(tx, schedule_id)
    ahead = repository.rotations_of(tx, [schedule_id])
    current = rotation_at(tx, schedule_id, now)
    members = {
        user_id
        for rotation in ahead
        if rotation.effective_from > now or rotation == current
        for user_id in rotation.plan.member_ids
    }
    for model in (ScheduleEntryRow, OverrideRow):
        members |= {each.user_id for each in repository.windows_between(tx, model, [schedule_id], now, NEVER)}
    if schedule.team_id is not None:
        members |= {user.id for user in people.team_members(tx, schedule.team_id)}
    return sorted(members)


def schedules_of_user(tx: Tx, user_id: int, since: datetime) -> list[int]:
    """The schedules on which a rotation, or a window that ends after `since`, names the person, by id."""
    return repository.schedules_naming(tx, user_id, since)


def get_swap(tx: Tx, schedule_id: int, swap_id: int) -> Swap:
    """One swap request of the schedule. Raises SwapNotFound."""
    found = repository.find_swap(tx, schedule_id, swap_id)
    if found is None:
        raise SwapNotFound(swap_id)
    return found


def list_swaps(tx: Tx, schedule_id: int, page: PageQuery, *, status: SwapStatus | None = None) -> Page[Swap]:
    """One page of the schedule's swap requests, by the start of their windows. Raises ScheduleNotFound."""
    get_schedule(tx, schedule_id)
    return paged(tx, Swap, repository.select_swaps(schedule_id, status), page)


def swaps_waiting(tx: Tx, user_id: int, now: datetime) -> list[Swap]:
    """Open requests on all schedules that this person may answer: those to them, and those to any member of theirs."""
    row = SwapRequestRow
    asked = repository.select_swaps(None, SwapStatus.OPEN).where(
        row.end_time > now, row.from_user_id != user_id, row.to_user_id.is_(None) | (row.to_user_id == user_id)
    )
    found = tx.all(Swap, asked)
    mine = {schedule_id: user_id in members_of(tx, schedule_id, now) for schedule_id in {s.schedule_id for s in found}}
    return [swap for swap in found if swap.to_user_id == user_id or mine[swap.schedule_id]]


def duties(
    tx: Tx, schedule_ids: Iterable[int], start: datetime, end: datetime, *, as_of: datetime | None = None
) -> dict[int, Duty]:
    """What decides who is on call on these schedules between two instants; with `as_of`, as it was known then.

    Enough is read around the window that every slot that touches it comes out with its real start and end.
    """
    wanted = sorted(set(schedule_ids))
    if not wanted:
        return {}
    rotations = repository.rotations_of(tx, wanted, as_of=as_of)
    in_use = repository.in_use_of(tx, wanted)
    margin = max((turn_length(each.plan) + CLOCK_CHANGE for each in rotations), default=INSTANT)
    low, high = _shifted(start, -margin), _shifted(end, margin)
    windows = _windows(tx, wanted, low, high, as_of)
    reach = [each for kind in windows for each in kind if each.start_time < end and each.end_time > start]
    furthest = (min([low, *(w.start_time for w in reach)]), max([high, *(w.end_time for w in reach)]))
    if furthest != (low, high):
        low, high = furthest
        windows = _windows(tx, wanted, low, high, as_of)
    entries, overrides = windows
    members = {user_id for each in rotations for user_id in each.plan.member_ids}
    away = {user_id for each in rotations if each.plan.skips_absent for user_id in each.plan.member_ids}
    absences = repository.absences_between(tx, away, low, high, as_of=as_of)
    activity = _activity(tx, members | {window.user_id for window in (*entries, *overrides)}, as_of)
    return {
        schedule_id: Duty(
            schedule_id,
            [window for window in entries if window.schedule_id == schedule_id],
            [window for window in overrides if window.schedule_id == schedule_id],
            activity,
            [rotation for rotation in rotations if rotation.schedule_id == schedule_id],
            [_interval(each, as_of) for each in in_use[schedule_id] if as_of is None or each.start <= as_of],
            absences,
        )
        for schedule_id in wanted
    }


def duty_if(
    tx: Tx,
    schedule_id: int | None,
    start: datetime,
    end: datetime,
    *,
    rotation: RotationPlan | None = None,
    effective_from: datetime | None = None,
    override: Window | None = None,
    without_override: int | None = None,
) -> Duty:
    """A schedule's duty as it would be after a save, to show before it: with another rotation, or another override.

    `schedule_id` is None for a schedule that is not there yet; `override` counts as the newest, `without_override` is
    one that would be ended.
    """
    if schedule_id is None:
        duty = Duty(0, in_use=[Interval(BEGINNING, None)])
    else:
        duty = duties(tx, [schedule_id], start, end)[schedule_id]
    if rotation is not None:
        version = 1 + max((each.version for each in duty.rotations), default=0)
        begins = effective_from or (BEGINNING if schedule_id is None else start)
        planned = Rotation(0, duty.schedule_id, version, begins, start, rotation)
        duty = replace(duty, rotations=[*duty.rotations, planned])
        away = rotation.member_ids if rotation.skips_absent else ()
        margin = turn_length(rotation) + CLOCK_CHANGE
        extra = repository.absences_between(tx, away, _shifted(start, -margin), _shifted(end, margin))
        duty = replace(duty, absences=[*duty.absences, *extra])
    kept = [each for each in duty.overrides if each.id != without_override]
    duty = replace(duty, overrides=kept if override is None else [*kept, replace(override, created_at=NEVER)])
    named = {user_id for each in duty.rotations for user_id in each.plan.member_ids}
    named |= {window.user_id for window in (*duty.entries, *duty.overrides)}
    return replace(duty, activity=_activity(tx, named, None))


def who_is_on_call(
    tx: Tx, schedule_ids: Iterable[int], at: datetime, *, as_of: datetime | None = None
) -> dict[int, Slot | None]:
    """The slot that covers the instant on each schedule; None in a gap."""
    found = duties(tx, schedule_ids, at, at + INSTANT, as_of=as_of)
    return {schedule_id: oncall_at(duty, at) for schedule_id, duty in found.items()}


def who_is_next(
    tx: Tx, schedule_ids: Iterable[int], at: datetime, *, as_of: datetime | None = None
) -> dict[int, Slot | None]:
    """The first slot that begins after the instant on each schedule; None where none does within HORIZON."""
    found = duties(tx, schedule_ids, at, at + HORIZON, as_of=as_of)
    return {
        schedule_id: next((slot for slot in slots(duty, at, at + HORIZON) if slot.start_time > at), None)
        for schedule_id, duty in found.items()
    }


def slots_of(tx: Tx, schedule_id: int, start: datetime, end: datetime) -> list[Slot]:
    """Who covers what on the schedule between two instants, in whole slots."""
    return slots(duties(tx, [schedule_id], start, end)[schedule_id], start, end)


def absences_between(tx: Tx, user_ids: Iterable[int], start: datetime, end: datetime) -> list[Absence]:
    """When these people are away between two instants, by start."""
    return repository.absences_between(tx, user_ids, start, end)


def conflicts_of(tx: Tx, schedule_id: int, start: datetime, end: datetime) -> list[tuple[Slot, Absence]]:
    """The slots between two instants whose person is away for a part of them, each with that absence."""
    covered = slots_of(tx, schedule_id, start, end)
    away = repository.absences_between(tx, {slot.user_id for slot in covered}, start, end)
    return [
        (slot, absence)
        for slot in covered
        for absence in away
        if absence.user_id == slot.user_id
        and absence.start_time < min(slot.end_time, end)
        and absence.end_time > max(slot.start_time, start)
    ]


def find_calendar_token(tx: Tx, *, schedule_id: int | None = None, user_id: int | None = None) -> CalendarToken | None:
    """The feed address that counts, of a schedule or of a person; None where there is none."""
    return repository.find_calendar_token(tx, schedule_id=schedule_id, user_id=user_id)


def absence_calendars_of(tx: Tx, user_id: int) -> list[AbsenceCalendar]:
    """The person's calendars of absences, oldest first."""
    return repository.absence_calendars_of(tx, user_id)


def absences_by_calendar(tx: Tx, user_id: int, start: datetime, end: datetime) -> dict[int, list[Absence]]:
    """What each of the person's calendars says of the time between two instants, as it stands there."""
    return repository.absences_by_calendar(tx, user_id, start, end)


def _windows(
    tx: Tx, schedule_ids: Sequence[int], start: datetime, end: datetime, as_of: datetime | None
) -> tuple[list[Window], list[Window]]:
    voided_after = start if as_of is None else min(start, as_of)
    entries, overrides = (
        _known(repository.windows_between(tx, model, schedule_ids, start, end, voided_after=voided_after), as_of)
        for model in (ScheduleEntryRow, OverrideRow)
    )
    return entries, overrides


def _known(windows: list[Window], as_of: datetime | None) -> list[Window]:
    if as_of is None:
        return windows
    return [
        window if window.voided_at is None or window.voided_at <= as_of else replace(window, voided_at=None)
        for window in windows
        if window.created_at <= as_of
    ]


def _activity(tx: Tx, user_ids: Iterable[int], as_of: datetime | None) -> list[Activity]:
    return [
        Activity(user_id, started_at, None if as_of and ended_at and ended_at > as_of else ended_at)
        for user_id, known in people.activity_of(tx, user_ids).items()
        for started_at, ended_at in known
        if as_of is None or started_at <= as_of
    ]


def _interval(interval: Interval, as_of: datetime | None) -> Interval:
    still_open = as_of is not None and interval.end is not None and interval.end > as_of
    return Interval(interval.start, None) if still_open else interval


def _shifted(at: datetime, by: timedelta) -> datetime:
    # Near the ends of the calendar there is nothing further to read.
    try:
        return at + by
    except OverflowError:
        return at
