"""Statements over schedules and their stored windows."""

from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from functools import cache
from typing import Any, TypeAlias

from sqlalchemy import BindParameter, ColumnElement, bindparam, delete, func, insert, or_, select, update
from sqlalchemy.sql import Select

from app.oncall.models import (
    AbsenceCalendarRow,
    AbsenceRow,
    CalendarTokenRow,
    DutyWatchRow,
    OverrideRow,
    RotationMemberRow,
    RotationRow,
    ScheduleActivityRow,
    ScheduleEntryRow,
    ScheduleRow,
    SwapRequestRow,
)
from app.oncall.types import (
    Absence,
    AbsenceCalendar,
    CalendarToken,
    FoundAbsence,
    Interval,
    Rotation,
    RotationPlan,
    Schedule,
    Swap,
    SwapStatus,
    Window,
)
from app.platform.db import Tx
from app.platform.tables import fields_of, table_of

WindowModel: TypeAlias = type[ScheduleEntryRow] | type[OverrideRow]

# The statements of every answer to who is on call, built once: building one costs more than running it.
_IDS: BindParameter[Any] = bindparam("ids", expanding=True)
_SCHEDULES = select(*fields_of(ScheduleRow, Schedule)).where(ScheduleRow.deleted_at.is_(None))
_SCHEDULE = _SCHEDULES.where(ScheduleRow.id == bindparam("schedule_id"))
_LOCKED_SCHEDULE = _SCHEDULE.with_for_update()
_ROTATIONS = (
    select(*table_of(RotationRow).columns)
    .where(RotationRow.schedule_id.in_(_IDS))
    .order_by(RotationRow.schedule_id, RotationRow.version)
)
_ROTATIONS_KNOWN_AT = _ROTATIONS.where(RotationRow.created_at <= bindparam("as_of"))
_TURNS = (
    select(RotationMemberRow.rotation_id, RotationMemberRow.user_id)
    .where(RotationMemberRow.rotation_id.in_(_IDS))
    .order_by(RotationMemberRow.rotation_id, RotationMemberRow.position)
)
_IN_USE = (
    select(ScheduleActivityRow.schedule_id, ScheduleActivityRow.started_at, ScheduleActivityRow.ended_at)
    .where(ScheduleActivityRow.schedule_id.in_(_IDS))
    .order_by(ScheduleActivityRow.started_at, ScheduleActivityRow.id)
)


def select_schedules() -> "Select[Any]":
    """A select of whole schedules, to be narrowed; deleted ones are left out."""
    return _SCHEDULES


@cache
def _windows_touching(model: WindowModel) -> "Select[Any]":
    return (
        select(*fields_of(model, Window))
        .where(
            model.schedule_id.in_(_IDS),
            model.start_time < bindparam("end"),
            model.end_time > bindparam("start"),
            or_(model.voided_at.is_(None), model.voided_at > bindparam("voided_after")),
        )
        .order_by(model.start_time, model.id)
    )


def windows_between(
    tx: Tx,
    model: WindowModel,
    schedule_ids: Iterable[int],
    start: datetime,
    end: datetime,
    *,
    voided_after: datetime | None = None,
) -> list[Window]:
    """Stored windows that touch [start, end), those left out that were voided until `voided_after`, else `start`."""
    ids = sorted(set(schedule_ids))
    touching = _windows_touching(model)
    return tx.all(Window, touching, ids=ids, start=start, end=end, voided_after=voided_after or start)


def select_windows(model: WindowModel, schedule_id: int) -> "Select[Any]":
    """The stored windows of a schedule that were not voided, by their start."""
    statement = select(*fields_of(model, Window)).where(model.schedule_id == schedule_id, model.voided_at.is_(None))
    return statement.order_by(model.start_time, model.id)


def find_schedule(tx: Tx, schedule_id: int) -> Schedule | None:
    """The schedule, or None."""
    return tx.first(Schedule, _SCHEDULE, schedule_id=schedule_id)


def lock_schedule(tx: Tx, schedule_id: int) -> Schedule | None:
    """The schedule, locked until the transaction ends, so that two windows cannot slip in; None if there is none."""
    return tx.first(Schedule, _LOCKED_SCHEDULE, schedule_id=schedule_id)


def find_window(tx: Tx, model: WindowModel, schedule_id: int, window_id: int) -> Window | None:
    """The stored window of the schedule that was not voided, or None."""
    return tx.first(Window, select_windows(model, schedule_id).where(model.id == window_id))


def find_overlapping(tx: Tx, schedule_id: int, start: datetime, end: datetime) -> Window | None:
    """The first fixed entry that shares an instant with [start, end), or None."""
    rows = ScheduleEntryRow
    statement = select_windows(rows, schedule_id).where(rows.start_time < end, rows.end_time > start)
    return tx.first(Window, statement.limit(1))


def update_schedule(tx: Tx, schedule_id: int, **values: Any) -> None:
    """Set columns of a schedule."""
    tx.execute(update(ScheduleRow).where(ScheduleRow.id == schedule_id).values(**values))


def void_windows(tx: Tx, model: WindowModel, schedule_id: int, window_ids: Iterable[int], *, now: datetime) -> None:
    """Let these windows count until now and no longer."""
    statement = update(model).where(
        model.schedule_id == schedule_id, model.id.in_(sorted(set(window_ids))), model.voided_at.is_(None)
    )
    tx.execute(statement.values(voided_at=now))


def rotations_of(tx: Tx, schedule_ids: Iterable[int], *, as_of: datetime | None = None) -> list[Rotation]:
    """All versions of these schedules' rotations, oldest first; with `as_of` those that were known then."""
    ids = sorted(set(schedule_ids))
    if as_of is None:
        found = list(tx.execute(_ROTATIONS, {"ids": ids}))
    else:
        found = list(tx.execute(_ROTATIONS_KNOWN_AT, {"ids": ids, "as_of": as_of}))
    members: dict[int, list[int]] = {each.id: [] for each in found}
    if found:
        for rotation_id, user_id in tx.execute(_TURNS, {"ids": sorted(members)}):
            members[rotation_id].append(user_id)
    return [
        Rotation(
            id=each.id,
            schedule_id=each.schedule_id,
            version=each.version,
            effective_from=each.effective_from,
            created_at=each.created_at,
            plan=RotationPlan(
                timezone=each.timezone,
                cadence=each.cadence,
                handoff_time=each.handoff_time,
                start_date=each.start_date,
                member_ids=tuple(members[each.id]),
                handoff_weekday=each.handoff_weekday,
                shift_length_hours=each.shift_length_hours,
                skips_absent=each.skips_absent,
            ),
        )
        for each in found
    ]


def insert_rotation(
    tx: Tx, *, schedule_id: int, version: int, effective_from: datetime, plan: RotationPlan, now: datetime
) -> None:
    """Write one version with its members in order."""
    rotation_id = tx.insert(
        RotationRow,
        schedule_id=schedule_id,
        version=version,
        effective_from=effective_from,
        timezone=plan.timezone,
        cadence=plan.cadence,
        shift_length_hours=plan.shift_length_hours,
        handoff_time=plan.handoff_time,
        handoff_weekday=plan.handoff_weekday,
        start_date=plan.start_date,
        skips_absent=plan.skips_absent,
        created_at=now,
    )
    turns = [
        {"rotation_id": rotation_id, "position": position, "user_id": user_id}
        for position, user_id in enumerate(plan.member_ids)
    ]
    if turns:
        tx.execute(insert(RotationMemberRow), turns)


def in_use_of(tx: Tx, schedule_ids: Iterable[int]) -> dict[int, list[Interval]]:
    """When each of these schedules was switched on, oldest first."""
    wanted = sorted(set(schedule_ids))
    found: dict[int, list[Interval]] = {schedule_id: [] for schedule_id in wanted}
    for schedule_id, started_at, ended_at in tx.execute(_IN_USE, {"ids": wanted}):
        found[schedule_id].append(Interval(started_at, ended_at))
    return found


def begin_use(tx: Tx, schedule_id: int, *, since: datetime) -> None:
    """Count a schedule as switched on from then on."""
    tx.insert(ScheduleActivityRow, schedule_id=schedule_id, started_at=since)


def end_use(tx: Tx, schedule_id: int, *, now: datetime) -> None:
    """Count a schedule as switched off from now on."""
    row = ScheduleActivityRow
    tx.execute(update(row).where(row.schedule_id == schedule_id, row.ended_at.is_(None)).values(ended_at=now))


def schedules_naming(tx: Tx, user_id: int, since: datetime) -> list[int]:
    """The schedules with a rotation or a window ending after `since` of this person, by id."""
    row = ScheduleRow
    turns = select(RotationRow.schedule_id).join(RotationMemberRow, RotationMemberRow.rotation_id == RotationRow.id)
    named = [row.id.in_(turns.where(RotationMemberRow.user_id == user_id))]
    for model in (ScheduleEntryRow, OverrideRow):
        named.append(row.id.in_(select(model.schedule_id).where(model.user_id == user_id, model.end_time > since)))
    statement = select(row.id).where(or_(*named), row.deleted_at.is_(None)).order_by(row.id)
    return list(tx.execute(statement).scalars())


def absences_between(
    tx: Tx, user_ids: Iterable[int], start: datetime, end: datetime, *, as_of: datetime | None = None
) -> list[Absence]:
    """When these people are away between two instants; with `as_of`, as their calendars said then."""
    wanted = sorted(set(user_ids))
    if not wanted:
        return []
    row = AbsenceRow
    statement = select(row.__table__).where(row.user_id.in_(wanted), row.start_time < end, row.end_time > start)
    if as_of is not None:
        statement = statement.where(row.created_at <= as_of)
    found = []
    for each in tx.execute(statement.order_by(row.start_time, row.id)):
        is_known_void = each.voided_at is not None and (as_of is None or each.voided_at <= as_of)
        # A calendar changes nothing of the past: what it says counts from when it was read until it was taken back.
        begins = max(each.start_time, each.created_at)
        ends = min(each.end_time, each.voided_at) if is_known_void else each.end_time
        if max(begins, start) < min(ends, end):
            found.append(Absence(each.id, each.user_id, begins, ends, each.summary))
    return found


def absences_changed_at(tx: Tx, user_ids: Iterable[int]) -> datetime | None:
    """When the calendars of these people last said something new; None where they never said anything."""
    row = AbsenceRow
    latest = select(func.max(row.created_at), func.max(row.voided_at)).where(row.user_id.in_(sorted(set(user_ids))))
    found = [at for at in tx.execute(latest).one() if at is not None]
    return max(found, default=None)


def find_calendar_token(tx: Tx, *, schedule_id: int | None = None, user_id: int | None = None) -> CalendarToken | None:
    """The feed address that counts: the newest one of the schedule or the person, unless it was revoked."""
    row = CalendarTokenRow
    statement = select(*fields_of(row, CalendarToken)).where(row.revoked_at.is_(None), _opens(schedule_id, user_id))
    return tx.first(CalendarToken, statement.order_by(row.id.desc()).limit(1))


def find_token_by_hash(tx: Tx, token_hash: str) -> CalendarToken | None:
    """The feed address with this secret, unless it was revoked."""
    row = CalendarTokenRow
    statement = select(*fields_of(row, CalendarToken)).where(row.token_hash == token_hash, row.revoked_at.is_(None))
    return tx.first(CalendarToken, statement)


def revoke_calendar_tokens(
    tx: Tx, *, schedule_id: int | None = None, user_id: int | None = None, now: datetime
) -> bool:
    """End every feed address of the schedule or the person; whether there was one."""
    row = CalendarTokenRow
    statement = update(row).where(row.revoked_at.is_(None), _opens(schedule_id, user_id))
    return tx.execute(statement.values(revoked_at=now)).rowcount > 0


def touch_calendar_token(tx: Tx, token_id: int, *, now: datetime) -> None:
    """Note that the feed was fetched."""
    tx.execute(update(CalendarTokenRow).where(CalendarTokenRow.id == token_id).values(last_used_at=now))


def _opens(schedule_id: int | None, user_id: int | None) -> ColumnElement[bool]:
    row = CalendarTokenRow
    return row.schedule_id == schedule_id if schedule_id is not None else row.user_id == user_id


def absence_calendars_of(tx: Tx, user_id: int) -> list[AbsenceCalendar]:
    """The person's calendars of absences that were not removed, oldest first."""
    row = AbsenceCalendarRow
    statement = _select_calendars().where(row.user_id == user_id).order_by(row.id)
    return tx.all(AbsenceCalendar, statement)


def lock_absence_calendar(tx: Tx, calendar_id: int) -> AbsenceCalendar | None:
    """The calendar, locked until the transaction ends; None where there is none, or it was removed."""
    return tx.first(AbsenceCalendar, _select_calendars().where(AbsenceCalendarRow.id == calendar_id).with_for_update())


def due_absence_calendars(tx: Tx, *, now: datetime, limit: int) -> list[AbsenceCalendar]:
    """Calendars that must be read again, the longest overdue first, each locked until the transaction ends."""
    row = AbsenceCalendarRow
    statement = _select_calendars().where(row.due_at <= now).order_by(row.due_at, row.id).limit(limit)
    return tx.all(AbsenceCalendar, statement.with_for_update(skip_locked=True))


def next_absence_calendar_due_at(tx: Tx) -> datetime | None:
    """When the next calendar must be read again; None where none is linked."""
    row = AbsenceCalendarRow
    due_at: datetime | None = tx.scalar(select(func.min(row.due_at)).where(row.removed_at.is_(None)))
    return due_at


def update_absence_calendar(tx: Tx, calendar_id: int, **values: Any) -> None:
    """Set columns of a calendar of absences."""
    tx.execute(update(AbsenceCalendarRow).where(AbsenceCalendarRow.id == calendar_id).values(**values))


def absences_by_calendar(tx: Tx, user_id: int, start: datetime, end: datetime) -> dict[int, list[Absence]]:
    """What each of the person's calendars says of the time between two instants, by start."""
    row = AbsenceRow
    statement = select(row.calendar_id, *fields_of(row, Absence)).where(
        row.user_id == user_id, row.voided_at.is_(None), row.start_time < end, row.end_time > start
    )
    found: dict[int, list[Absence]] = {}
    for calendar_id, *fields in tx.execute(statement.order_by(row.start_time, row.id)):
        found.setdefault(calendar_id, []).append(Absence(*fields))
    return found


def stored_absences(tx: Tx, calendar_id: int, *, after: datetime) -> dict[int, FoundAbsence]:
    """What the calendar said when it was last read, of absences that end after the instant, by id."""
    row = AbsenceRow
    statement = select(row.id, *fields_of(row, FoundAbsence)).where(
        row.calendar_id == calendar_id, row.voided_at.is_(None), row.end_time > after
    )
    return {absence_id: FoundAbsence(*fields) for absence_id, *fields in tx.execute(statement)}


def insert_absences(tx: Tx, calendar: AbsenceCalendar, absences: Iterable[FoundAbsence], *, now: datetime) -> None:
    """Add what a calendar says, as of now."""
    whose = {"calendar_id": calendar.id, "user_id": calendar.user_id, "created_at": now}
    rows = [{**whose, **asdict(absence)} for absence in absences]
    if rows:
        tx.execute(insert(AbsenceRow), rows)


def void_absences(tx: Tx, calendar_id: int, absence_ids: Iterable[int], *, now: datetime) -> None:
    """Let these absences count until now and no longer."""
    row = AbsenceRow
    statement = update(row).where(row.calendar_id == calendar_id, row.id.in_(sorted(absence_ids)))
    tx.execute(statement.values(voided_at=now))


def rename_absence(tx: Tx, absence_id: int, summary: str) -> None:
    """Call an absence otherwise."""
    tx.execute(update(AbsenceRow).where(AbsenceRow.id == absence_id).values(summary=summary))


def _select_calendars() -> "Select[Any]":
    row = AbsenceCalendarRow
    return select(*fields_of(row, AbsenceCalendar)).where(row.removed_at.is_(None))


def select_swaps(schedule_id: int | None = None, status: SwapStatus | None = None) -> "Select[Any]":
    """Swap requests by the start of their windows, to be narrowed."""
    row = SwapRequestRow
    statement = select(*fields_of(row, Swap)).order_by(row.start_time, row.id)
    if schedule_id is not None:
        statement = statement.where(row.schedule_id == schedule_id)
    if status is not None:
        statement = statement.where(row.status == status)
    return statement


def find_swap(tx: Tx, schedule_id: int, swap_id: int) -> Swap | None:
    """The swap request of the schedule, or None."""
    return tx.first(Swap, select_swaps(schedule_id).where(SwapRequestRow.id == swap_id))


def answer_swap(tx: Tx, swap_id: int, status: SwapStatus, *, answered_by: int, now: datetime) -> bool:
    """Close an open request; whether it was open still."""
    row = SwapRequestRow
    statement = update(row).where(row.id == swap_id, row.status == SwapStatus.OPEN)
    values = {"status": status, "answered_at": now, "answered_by": answered_by}
    return tx.execute(statement.values(**values)).rowcount == 1


def look_again(tx: Tx, schedule_ids: Iterable[int], *, now: datetime) -> None:
    """Let the watch look at these schedules now; one that it does not know yet, it finds by itself."""
    row = DutyWatchRow
    # One that is due already is written too: whoever looks at it just now must notice that it looked too early.
    tx.execute(update(row).where(row.schedule_id.in_(sorted(set(schedule_ids)))).values(due_at=now))


def forget_watch(tx: Tx, schedule_id: int) -> None:
    """Watch a schedule no longer."""
    tx.execute(delete(DutyWatchRow).where(DutyWatchRow.schedule_id == schedule_id))
