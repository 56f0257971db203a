"""A person's calendars as values: the address of their feed, and where their absences come from."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from app.accounts.types import User
from app.oncall import queries
from app.oncall.types import Absence, AbsenceCalendar
from app.platform.db import Tx
from app.web.ui.forms import Form
from app.web.ui.words import day, moment, zone_of

SHOWN = timedelta(days=366)
SHOWN_ABSENCES = 4
# The name under which a feed's address is shown once.
NEW_ADDRESS = "calendar"


@dataclass(frozen=True, slots=True)
class AbsenceView:
    """When somebody is away, in words, and why."""

    when: str
    summary: str


@dataclass(frozen=True, slots=True)
class CalendarView:
    """A calendar of absences with the next few of them; `more` are further ones within a year."""

    calendar: AbsenceCalendar
    ahead: list[AbsenceView]
    more: int


def calendar_view(tx: Tx, user: User, *, now: datetime, forms: Mapping[str, Form]) -> dict[str, object]:
    """The panels of a person's calendars; absences are told in the person's own zone, where their days are."""
    zone = zone_of(user.timezone)
    absences = queries.absences_by_calendar(tx, user.id, now, now + SHOWN)
    found = [(each, absences.get(each.id, [])) for each in queries.absence_calendars_of(tx, user.id)]
    return {
        "feed": queries.find_calendar_token(tx, user_id=user.id),
        "calendars": [
            CalendarView(
                each,
                [AbsenceView(_when(absence, zone, now), absence.summary) for absence in ahead[:SHOWN_ABSENCES]],
                max(0, len(ahead) - SHOWN_ABSENCES),
            )
            for each, ahead in found
        ],
        "absence_form": forms.get("absences", Form.of("absences", url="", ics="")),
    }


def _when(absence: Absence, zone: ZoneInfo, now: datetime) -> str:
    start, end = (at.astimezone(zone) for at in (absence.start_time, absence.end_time))
    if start.time() != time() or end.time() != time():
        until = f"{end:%H:%M}" if start.date() == end.date() else moment(absence.end_time, zone, now)
        return f"{moment(absence.start_time, zone, now)} – {until}"
    first, last = (day(at, zone, now) for at in (start, end - timedelta(hours=12)))
    return first if first == last else f"{first} – {last}"
