"""Absences as rows: what a person's calendars say, kept so that a newer reading changes what is ahead and no past.

A row is never moved: one that a calendar no longer has, or has otherwise, counts until now, and another one follows.
"""

from datetime import datetime, timedelta

from app.oncall import repository
from app.oncall.errors import AbsenceCalendarMissing, TooManyCalendars
from app.oncall.models import AbsenceCalendarRow
from app.oncall.types import AbsenceCalendar, CalendarReading
from app.platform.db import Tx

READ_EVERY = timedelta(hours=1)
SHORTEST_WAIT = timedelta(minutes=5)
LONGEST_WAIT = timedelta(hours=6)
MAX_CALENDARS = 20


def add_calendar(tx: Tx, *, user_id: int, url: str, name: str, now: datetime) -> AbsenceCalendar:
    """Add a calendar, empty yet; with a `url` (ciphertext) it is read again by itself. Raises TooManyCalendars."""
    if len(repository.absence_calendars_of(tx, user_id)) >= MAX_CALENDARS:
        raise TooManyCalendars(MAX_CALENDARS)
    calendar_id = tx.insert(AbsenceCalendarRow, user_id=user_id, url=url, name=name, created_at=now)
    return lock_calendar(tx, user_id=user_id, calendar_id=calendar_id)


def lock_calendar(tx: Tx, *, user_id: int, calendar_id: int) -> AbsenceCalendar:
    """The person's calendar, locked until the transaction ends. Raises AbsenceCalendarMissing."""
    calendar = repository.lock_absence_calendar(tx, calendar_id)
    if calendar is None or calendar.user_id != user_id:
        raise AbsenceCalendarMissing(calendar_id)
    return calendar


def is_told_by(tx: Tx, calendar: AbsenceCalendar, reading: CalendarReading, *, now: datetime) -> bool:
    """Whether the calendar says exactly this already."""
    return set(repository.stored_absences(tx, calendar.id, after=now).values()) == set(reading.absences)


def apply_reading(tx: Tx, calendar: AbsenceCalendar, reading: CalendarReading, *, now: datetime) -> bool:
    """Let the calendar say what was read of it at `now`; whether somebody is away otherwise than before."""
    stored = repository.stored_absences(tx, calendar.id, after=now)
    known = {(each.uid, each.start_time, each.end_time): (absence_id, each) for absence_id, each in stored.items()}
    fresh = []
    for absence in reading.absences:
        absence_id, before = known.pop((absence.uid, absence.start_time, absence.end_time), (0, None))
        if before is None:
            fresh.append(absence)
        elif before.summary != absence.summary:
            repository.rename_absence(tx, absence_id, absence.summary)
    repository.void_absences(tx, calendar.id, [absence_id for absence_id, _ in known.values()], now=now)
    repository.insert_absences(tx, calendar, fresh, now=now)
    repository.update_absence_calendar(
        tx,
        calendar.id,
        name=reading.name or calendar.name,
        read_at=now,
        last_error=" ".join(reading.faults),
        due_at=now + READ_EVERY if calendar.url else None,
    )
    return bool(fresh or known)


def note_failure(tx: Tx, calendar: AbsenceCalendar, reason: str, *, now: datetime) -> None:
    """Keep why the calendar could not be read; what it said before stays, and it is tried again, ever more rarely."""
    overdue = now - (calendar.read_at or calendar.created_at) - READ_EVERY
    wait = min(max(overdue, SHORTEST_WAIT), LONGEST_WAIT)
    repository.update_absence_calendar(tx, calendar.id, last_error=reason, due_at=now + wait)


def postpone(tx: Tx, calendar: AbsenceCalendar, *, until: datetime) -> None:
    """Do not read the calendar again until then."""
    repository.update_absence_calendar(tx, calendar.id, due_at=until)


def remove_calendar(tx: Tx, calendar: AbsenceCalendar, *, now: datetime) -> bool:
    """Take a calendar away with what it says of the time ahead; whether it said anything."""
    ahead = repository.stored_absences(tx, calendar.id, after=now)
    repository.void_absences(tx, calendar.id, ahead, now=now)
    repository.update_absence_calendar(tx, calendar.id, removed_at=now, due_at=None)
    return bool(ahead)


def claim_due(tx: Tx, *, now: datetime, limit: int) -> list[AbsenceCalendar]:
    """The calendars to be read again, longest overdue first; whoever dies over one leaves it for a later try."""
    due = repository.due_absence_calendars(tx, now=now, limit=limit)
    for calendar in due:
        repository.update_absence_calendar(tx, calendar.id, due_at=now + SHORTEST_WAIT)
    return due


def next_due_at(tx: Tx) -> datetime | None:
    """When the next calendar must be read again; None where none is linked."""
    return repository.next_absence_calendar_due_at(tx)
