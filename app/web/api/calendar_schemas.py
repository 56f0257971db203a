"""Calendar feeds and absences in JSON."""

from collections.abc import Iterable
from datetime import datetime

from pydantic import Field

from app.accounts.types import User
from app.oncall.types import Absence, AbsenceCalendar, Slot
from app.web.api.accounts_schemas import In, Out
from app.web.api.schedule_schemas import SlotOut


class CalendarAddressOut(Out):
    """The address of a feed and the secret in it; both are in this answer and never again."""

    token: str
    url: str


class AbsenceLink(In):
    """Where a calendar of absences is."""

    url: str = Field(max_length=2000)


class AbsenceOut(Out):
    """A window in which a person is away."""

    summary: str
    start_time: datetime
    end_time: datetime


class AbsenceCalendarOut(Out):
    """A calendar of somebody's absences with those of the next twelve months.

    A linked one is read again at `next_read_at`; `last_error` says why it could not be read, or what was left out.
    """

    id: int
    name: str
    is_linked: bool
    created_at: datetime
    read_at: datetime | None
    next_read_at: datetime | None
    last_error: str | None
    absences: list[AbsenceOut]

    @classmethod
    def of(cls, calendar: AbsenceCalendar, absences: Iterable[Absence]) -> "AbsenceCalendarOut":
        """A calendar; its address is a secret of the person's and stays here."""
        return cls(
            id=calendar.id,
            name=calendar.name,
            is_linked=bool(calendar.url),
            created_at=calendar.created_at,
            read_at=calendar.read_at,
            next_read_at=calendar.due_at,
            last_error=calendar.last_error or None,
            absences=[AbsenceOut.model_validate(each) for each in absences],
        )


class ConflictOut(Out):
    """A slot of somebody who is away in [start_time, end_time)."""

    slot: SlotOut
    summary: str
    start_time: datetime
    end_time: datetime

    @classmethod
    def of(cls, slot: Slot, absence: Absence, names: dict[int, User]) -> "ConflictOut":
        """A slot and the absence that it collides with."""
        return cls(
            slot=SlotOut.of(slot, names),
            summary=absence.summary,
            start_time=absence.start_time,
            end_time=absence.end_time,
        )
