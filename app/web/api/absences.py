"""`/api/v1/users/{id}/unavailability`: calendars of absences, for admins and for the person themselves."""

from datetime import datetime, timedelta

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from app.accounts import queries as people
from app.oncall import queries
from app.oncall.types import AbsenceCalendar
from app.platform.db import Tx
from app.platform.errors import FieldError, Invalid
from app.usecases import rota
from app.web.api.calendar_schemas import AbsenceCalendarOut, AbsenceLink
from app.web.api.reach import require_self_or_admin
from app.web.deps import Id, IdentityDep, NowDep, RuntimeDep
from app.web.guard import CSRF_FIELD, FORM_TYPES, is_json

SHOWN = timedelta(days=366)


def list_calendars(user_id: Id, rt: RuntimeDep, identity: IdentityDep, now: NowDep) -> list[AbsenceCalendarOut]:
    """A person's calendars of absences, each with those of the next twelve months."""
    require_self_or_admin(identity, user_id)

    def read(tx: Tx) -> list[AbsenceCalendarOut]:
        people.get_user(tx, user_id)
        return _shown(tx, queries.absence_calendars_of(tx, user_id), user_id, now)

    return rt.db.read(read)


async def add_calendar(
    user_id: Id, request: Request, rt: RuntimeDep, identity: IdentityDep, now: NowDep
) -> AbsenceCalendarOut:
    """Add a calendar: its content as `text/calendar`, or JSON with the `url` that it is read from every hour."""
    require_self_or_admin(identity, user_id)
    if is_json(request.headers.get("content-type", "")):
        calendar = await rota.link_absence_calendar(
            rt, user_id=user_id, url=await _url(request), actor=identity.user, now=now
        )
    else:
        calendar = await rota.paste_absence_calendar(
            rt, user_id=user_id, body=await _content(request), actor=identity.user, now=now
        )
    [shown] = await rt.db.run_read(lambda tx: _shown(tx, [calendar], user_id, now))
    return shown


def remove_calendar(user_id: Id, calendar_id: Id, rt: RuntimeDep, identity: IdentityDep, now: NowDep) -> None:
    """Take a calendar away with the absences ahead; those that were stay."""
    require_self_or_admin(identity, user_id)
    rota.remove_absence_calendar(rt, user_id=user_id, calendar_id=calendar_id, actor=identity.user, now=now)


def _shown(tx: Tx, calendars: list[AbsenceCalendar], user_id: int, now: datetime) -> list[AbsenceCalendarOut]:
    absences = queries.absences_by_calendar(tx, user_id, now, now + SHOWN)
    return [AbsenceCalendarOut.of(each, absences.get(each.id, [])) for each in calendars]


async def _url(request: Request) -> str:
    sent = await request.json()
    try:
        if isinstance(sent, dict):
            sent = {name: value for name, value in sent.items() if name != CSRF_FIELD}
        return AbsenceLink.model_validate(sent).url
    except ValidationError as error:
        raise RequestValidationError(error.errors()) from None


async def _content(request: Request) -> bytes:
    if request.headers.get("content-type", "").startswith(FORM_TYPES):
        raise Invalid("The calendar cannot be read.", [FieldError("body", "must be sent as text/calendar")])
    return await request.body()
