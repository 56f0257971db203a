"""One schedule made ready for drawing: who is on call over a window, who its people are, how they are told apart."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from app.accounts import queries as people
from app.accounts.types import User
from app.oncall import queries
from app.oncall.resolver import Duty
from app.oncall.types import Schedule
from app.platform.db import Tx
from app.platform.errors import NotFound
from app.web.ui.views.duty import Stretch, stretches
from app.web.ui.views.rota_days import is_drawable
from app.web.ui.views.rota_drawing import Pencil
from app.web.ui.views.rota_marks import Marks, marks_of
from app.web.ui.words import zone_of

# An instant in an address; whole seconds unless somebody's «now» had a part of one.
STAMP, EXACT_STAMP = "%Y%m%dT%H%M%SZ", "%Y%m%dT%H%M%S.%fZ"


@dataclass(frozen=True, slots=True)
class Board:
    """A schedule with what decides who is on call between two instants, and the pencil that draws it.

    `members` is the rotation in its order; `candidates` are the people of the schedule who are active, by name.
    """

    schedule: Schedule
    duty: Duty
    pencil: Pencil
    members: Sequence[int]
    candidates: Sequence[User]

    @property
    def zone(self) -> ZoneInfo:
        """The schedule's zone."""
        return self.pencil.zone

    @property
    def marks(self) -> Marks:
        """How its people are told apart."""
        return self.pencil.marks

    def between(self, start: datetime, end: datetime) -> list[Stretch]:
        """What touches [start, end), in order."""
        return stretches(self.duty, start, end)


def board_of(tx: Tx, schedule_id: int, start: datetime, end: datetime, now: datetime) -> Board:
    """The schedule over a window. Raises ScheduleNotFound."""
    schedule = queries.get_schedule(tx, schedule_id)
    duty = queries.duties(tx, [schedule_id], start, end)[schedule_id]
    ruling = queries.rotation_at(tx, schedule_id, now) or next(iter(reversed(duty.rotations)), None)
    members = list(dict.fromkeys(ruling.plan.member_ids)) if ruling else []
    belonging = queries.members_of(tx, schedule_id, now)
    named = {user_id for rotation in duty.rotations for user_id in rotation.plan.member_ids}
    named |= {window.user_id for window in (*duty.entries, *duty.overrides)}
    # Those who are on the schedule anyway come first, so that their marks stay while one turns its pages.
    order = [*members, *belonging, *sorted(named)]
    known = people.users_by_id(tx, order)
    return Board(
        schedule,
        duty,
        Pencil(marks_of(order, known), zone_of(schedule.timezone), now, slot_href(schedule_id)),
        members,
        sorted((known[each] for each in belonging if known[each].is_active), key=lambda user: user.name),
    )


def knowing(tx: Tx, pencil: Pencil, user_ids: Iterable[int]) -> Pencil:
    """The same pencil with marks for these people, too; those it knew keep theirs."""
    unknown = sorted(set(user_ids) - set(pencil.marks))
    if not unknown:
        return pencil
    known = {mark.user.id: mark.user for mark in pencil.marks.values()} | people.users_by_id(tx, unknown)
    return replace(pencil, marks=marks_of([*pencil.marks, *unknown], known))


def slot_href(schedule_id: int) -> Callable[[Stretch], str]:
    """Where a bar leads: the page of the slot, or gap, that begins then."""
    return lambda stretch: f"/schedules/{schedule_id}/slots/{stamp(stretch.start)}"


def stamp(at: datetime) -> str:
    """An instant as a part of an address."""
    return f"{at:{EXACT_STAMP if at.microsecond else STAMP}}"


def unstamped(text: str) -> datetime:
    """The instant that a part of an address names. Raises NotFound where it names none."""
    for form in (STAMP, EXACT_STAMP):
        try:
            found = datetime.strptime(text, form).replace(tzinfo=UTC)
        except ValueError:
            continue
        if is_drawable(found.date()):
            return found
    raise NotFound("There is no slot of this address.")
