"""Calendars of absences: pasted once, or linked and read again every hour; each change with its audit.

A calendar is fetched and read before the transaction begins. Whoever is on the rota with the person is looked at again.
"""

import asyncio
from datetime import datetime, timedelta
from functools import partial
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from app.accounts import queries as people
from app.accounts.service import record_audit
from app.accounts.types import User
from app.oncall import absences, queries, service
from app.oncall.calendar_reader import MAX_BYTES, read_calendar
from app.oncall.errors import AbsenceCalendarMissing, CalendarUnreadable
from app.oncall.types import AbsenceCalendar, CalendarReading
from app.platform.db import Tx
from app.platform.errors import FieldError, Invalid, PagerPalError
from app.platform.lease import Held, is_held
from app.platform.ports import HttpFailed
from app.platform.runtime import Runtime
from app.platform.types import JsonObject

FETCH_SECONDS = 10.0
AT_ONCE = 8
MAX_URL = 2000
PASTED = "Pasted calendar"
SCHEMES = {"http": "http", "https": "https", "webcal": "https", "webcals": "https"}
# Nobody is away from a rota that they are not on; they may come back.
REST = timedelta(days=1)


async def paste_absence_calendar(
    rt: Runtime, *, user_id: int, body: bytes, actor: User, now: datetime
) -> AbsenceCalendar:
    """Add what a calendar file says; one that says just what another pasted one does changes nothing.

    Raises UserMissing, CalendarUnreadable, TooManyCalendars.
    """
    user = await rt.db.run_read(lambda tx: people.get_user(tx, user_id))
    reading = await _read(rt, body, user, now)

    def write(tx: Tx) -> AbsenceCalendar:
        for calendar in queries.absence_calendars_of(tx, user_id):
            if not calendar.url and absences.is_told_by(tx, calendar, reading, now=now):
                return calendar
        return _add(tx, user, "", PASTED, reading, actor, now)

    return await rt.db.run(write)


async def link_absence_calendar(rt: Runtime, *, user_id: int, url: str, actor: User, now: datetime) -> AbsenceCalendar:
    """Add the calendar at an address, once it has been read; one that is linked already is read again.

    Raises UserMissing, Invalid, CalendarUnreadable, TooManyCalendars.
    """
    url = _checked(url)
    user = await rt.db.run_read(lambda tx: people.get_user(tx, user_id))
    reading = await _read(rt, await _fetch(rt, url), user, now)
    sealed = rt.secrets.encrypt(url)

    def write(tx: Tx) -> AbsenceCalendar:
        for calendar in queries.absence_calendars_of(tx, user_id):
            if _leads_to(rt, calendar, url):
                return _apply(tx, user_id, calendar.id, reading, now)
        return _add(tx, user, sealed, urlsplit(url).hostname or url, reading, actor, now)

    return await rt.db.run(write)


def remove_absence_calendar(rt: Runtime, *, user_id: int, calendar_id: int, actor: User, now: datetime) -> None:
    """Take a calendar away, with the absences ahead; those that were stay. Raises AbsenceCalendarMissing."""

    def write(tx: Tx) -> None:
        calendar = absences.lock_calendar(tx, user_id=user_id, calendar_id=calendar_id)
        if absences.remove_calendar(tx, calendar, now=now):
            _look_again(tx, user_id, now)
        _audit(tx, "absence_calendar_removed", user_id, actor, _view(calendar), None, now)

    rt.db.write(write)


async def read_due_calendars(rt: Runtime, now: datetime, lease: Held | None) -> datetime | None:
    """Read again every linked calendar whose time has come, some at once; gives when the next one is due.

    `lease` is checked in each transaction, so that a process that lost it does nothing (B47).
    """
    while due := await rt.db.run(partial(_claim, now=now, lease=lease)):
        await asyncio.gather(*(_read_again(rt, calendar, now, lease) for calendar in due))
    return await rt.db.run_read(absences.next_due_at)


def _claim(tx: Tx, *, now: datetime, lease: Held | None) -> list[AbsenceCalendar]:
    if lease is not None and not is_held(tx, lease):
        return []
    return absences.claim_due(tx, now=now, limit=AT_ONCE)


async def _read_again(rt: Runtime, calendar: AbsenceCalendar, now: datetime, lease: Held | None) -> None:
    user = await rt.db.run_read(lambda tx: people.get_user(tx, calendar.user_id))
    reading: CalendarReading | None = None
    reason = ""
    if user.is_active:
        try:
            reading = await _read(rt, await _fetch(rt, rt.secrets.decrypt(calendar.url)), user, now)
        except PagerPalError as fault:
            reason = fault.message

    def write(tx: Tx) -> None:
        if lease is not None and not is_held(tx, lease):
            return
        if reading is not None:
            _apply(tx, user.id, calendar.id, reading, now)
        elif user.is_active:
            absences.note_failure(tx, calendar, reason, now=now)
        else:
            absences.postpone(tx, calendar, until=now + REST)

    try:
        await rt.db.run(write)
    except AbsenceCalendarMissing:
        # Removed while it was being read.
        return


async def _fetch(rt: Runtime, url: str) -> bytes:
    try:
        answer = await rt.outside.http.request(
            "GET", url, headers={"accept": "text/calendar"}, timeout_seconds=FETCH_SECONDS, max_bytes=MAX_BYTES + 1
        )
    except HttpFailed as failed:
        raise CalendarUnreadable(f"The calendar cannot be fetched: {failed.reason}.") from None
    if 300 <= answer.status < 400:
        raise CalendarUnreadable("The calendar has moved: give the address that a browser ends at.")
    if answer.status != 200:
        raise CalendarUnreadable(f"The calendar cannot be fetched: its server answers {answer.status}.")
    return answer.body


async def _read(rt: Runtime, body: bytes, user: User, now: datetime) -> CalendarReading:
    return await rt.outside.blocking(lambda: read_calendar(body, zone=ZoneInfo(user.timezone), now=now))


def _add(
    tx: Tx, user: User, url: str, name: str, reading: CalendarReading, actor: User, now: datetime
) -> AbsenceCalendar:
    calendar = absences.add_calendar(tx, user_id=user.id, url=url, name=name, now=now)
    calendar = _apply(tx, user.id, calendar.id, reading, now)
    _audit(tx, "absence_calendar_added", user.id, actor, None, _view(calendar), now)
    return calendar


def _apply(tx: Tx, user_id: int, calendar_id: int, reading: CalendarReading, now: datetime) -> AbsenceCalendar:
    calendar = absences.lock_calendar(tx, user_id=user_id, calendar_id=calendar_id)
    if absences.apply_reading(tx, calendar, reading, now=now):
        _look_again(tx, user_id, now)
    return absences.lock_calendar(tx, user_id=user_id, calendar_id=calendar_id)


def _look_again(tx: Tx, user_id: int, now: datetime) -> None:
    service.look_again(tx, queries.schedules_of_user(tx, user_id, now), now=now)


def _leads_to(rt: Runtime, calendar: AbsenceCalendar, url: str) -> bool:
    try:
        return bool(calendar.url) and rt.secrets.decrypt(calendar.url) == url
    except PagerPalError:
        return False


def _checked(url: str) -> str:
    """The address to fetch; calendars' own schemes mean HTTPS. Raises Invalid."""
    scheme, _, rest = url.strip().partition("://")
    wanted = f"{SCHEMES.get(scheme.lower(), '')}://{rest}"
    try:
        is_address = scheme.lower() in SCHEMES and bool(urlsplit(wanted).hostname) and len(wanted) <= MAX_URL
    except ValueError:
        is_address = False
    if not is_address or any(c.isspace() or not c.isprintable() for c in rest):
        raise Invalid("The address is not valid.", [FieldError("url", "must be an address such as https://…/away.ics")])
    return wanted


def _view(calendar: AbsenceCalendar) -> JsonObject:
    return {"id": calendar.id, "name": calendar.name, "is_linked": bool(calendar.url)}


def _audit(
    tx: Tx, action: str, user_id: int, actor: User, before: JsonObject | None, after: JsonObject | None, now: datetime
) -> None:
    record_audit(
        tx, actor=actor, action=action, object_type="user", object_id=user_id, before=before, after=after, now=now
    )
