"""What a change of a schedule would do, shown before it is saved: both drawings, the differences, what to look out for.

The pager's own function answers for both sides, on a duty as it is and on one as it would be.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from app.accounts import queries as people
from app.accounts.types import Urgency
from app.oncall import queries
from app.oncall.resolver import Duty
from app.oncall.types import Absence
from app.platform.db import Tx
from app.web.ui.views.duty import Stretch, stretches
from app.web.ui.views.rota_board import knowing
from app.web.ui.views.rota_days import WEEK_DAYS, days_from, monday_of
from app.web.ui.views.rota_drawing import Pencil, Row
from app.web.ui.views.rota_marks import Mark, Marks

PREVIEW_DAYS = 4 * WEEK_DAYS
SHOWN = 12
# Side by side there is half the room on a desk; on a phone they stand below each other.
HALF = 0.48


@dataclass(frozen=True, slots=True)
class Difference:
    """A window that goes from one person to another by the change; None is nobody."""

    start: datetime
    end: datetime
    before: int | None
    after: int | None


@dataclass(frozen=True, slots=True)
class DifferenceLine:
    """The same for a table."""

    start: str
    end: str
    before: Mark | None
    after: Mark | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Before and after a change; `before` is empty where there was nothing yet. `more` differences are left out."""

    title: str
    marks: Marks
    before: Sequence[Row]
    after: Sequence[Row]
    differences: Sequence[DifferenceLine]
    more: int
    warnings: Sequence[str]


def compare(
    tx: Tx,
    pencil: Pencil,
    before: Duty | None,
    after: Duty,
    *,
    first: date,
    count: int,
    since: datetime,
    warns_of_all: bool = True,
) -> Comparison:
    """Both sides over `count` days from `first` on; differences count from `since` on.

    Warnings are about all of that time, or else only about what changes.
    """
    days = days_from(first, count, pencil.zone, pencil.now)
    start, end = days[0].start, days[-1].end
    new = pencil.divided(stretches(after, start, end))
    old = pencil.divided(stretches(before, start, end)) if before else []
    # What is only considered cannot be opened yet.
    pencil = replace(knowing(tx, pencil, _people_in(old, new)), href=lambda _: "")
    found = differences(old, new, max(start, since), end) if before else []
    ahead = [each for each in new if each.end > since and (warns_of_all or _is_changed(each, found))]
    return Comparison(
        title=f"{pencil.moment(start)} to {pencil.moment(end)}",
        marks=pencil.marks,
        before=pencil.week_rows(old, days, HALF) if before else [],
        after=pencil.week_rows(new, days, HALF if before else 1),
        differences=[_line(each, end, pencil) for each in found[:SHOWN]],
        more=max(0, len(found) - SHOWN),
        warnings=warnings_of(tx, ahead, pencil),
    )


def first_day(at: datetime, pencil: Pencil) -> date:
    """The Monday of the week of an instant, where a preview begins."""
    return monday_of(at.astimezone(pencil.zone).date())


def differences(old: Sequence[Stretch], new: Sequence[Stretch], start: datetime, end: datetime) -> list[Difference]:
    """Where the two sides name different people, in order; pieces that touch and agree are one."""
    edges = {each for stretch in (*old, *new) for each in (stretch.start, stretch.end)}
    found: list[Difference] = []
    at = start
    for edge in sorted({each for each in edges if start < each < end} | {end}):
        one, other = _holder(old, at), _holder(new, at)
        if one != other:
            joins = bool(found) and (found[-1].end, found[-1].before, found[-1].after) == (at, one, other)
            found.append(Difference(found.pop().start if joins else at, edge, one, other))
        at = edge
    return found


def warnings_of(tx: Tx, ahead: Sequence[Stretch], pencil: Pencil) -> list[str]:
    """Gaps, people whom no page reaches, and people who are away while they would be on call."""
    gaps = [each for each in ahead if each.slot is None]
    said = [f"Nobody is on call from {pencil.moment(each.start)} to {pencil.moment(each.end)}." for each in gaps]
    user_ids = _people_in(ahead)
    return [*_shortened(said, "gaps"), *unreachable(tx, user_ids, pencil), *conflicts_in(tx, ahead, pencil)]


def unreachable(tx: Tx, user_ids: Iterable[int], pencil: Pencil) -> list[str]:
    """The people whom no page of high urgency reaches."""
    reach = people.reach_of(tx, user_ids, urgency=Urgency.HIGH)
    return [
        f"{pencil.marks[user_id].name} cannot be paged: no verified contact method, or no rule that uses one."
        for user_id, ways in reach.items()
        if not ways
    ]


def _line(difference: Difference, end: datetime, pencil: Pencil) -> DifferenceLine:
    until = pencil.moment(difference.end)
    return DifferenceLine(
        pencil.moment(difference.start),
        f"{until} and on" if difference.end == end else until,
        pencil.marks[difference.before] if difference.before else None,
        pencil.marks[difference.after] if difference.after else None,
    )


def _is_changed(stretch: Stretch, found: Sequence[Difference]) -> bool:
    return any(each.start < stretch.end and stretch.start < each.end for each in found)


def _people_in(*runs: Sequence[Stretch]) -> set[int]:
    return {each.slot.user_id for run in runs for each in run if each.slot}


def conflicts_in(tx: Tx, ahead: Sequence[Stretch], pencil: Pencil) -> list[str]:
    """Who is on call while they are away, in words; the absences come out of people's own calendars."""
    if not ahead:
        return []
    absences = queries.absences_between(tx, _people_in(ahead), ahead[0].start, ahead[-1].end)
    said = []
    for absence in absences:
        shifts = [each for each in ahead if _meets(each, absence)]
        if shifts:
            what = f" ({absence.summary})" if absence.summary else ""
            away = f"{pencil.moment(absence.start_time)} to {pencil.moment(absence.end_time)}"
            from_when = " and from ".join(pencil.moment(each.start) for each in shifts)
            said.append(f"{pencil.marks[absence.user_id].name} is away{what} {away}, and on call from {from_when}.")
    return _shortened(said, "conflicts with leave")


def _meets(stretch: Stretch, absence: Absence) -> bool:
    if stretch.slot is None or stretch.slot.user_id != absence.user_id:
        return False
    return stretch.start < absence.end_time and absence.start_time < stretch.end


def _shortened(said: list[str], what: str) -> list[str]:
    return [*said[:SHOWN], f"And {len(said) - SHOWN} more {what}."] if len(said) > SHOWN else said


def _holder(stretches_: Sequence[Stretch], at: datetime) -> int | None:
    return next((each.slot.user_id for each in stretches_ if each.slot and each.start <= at < each.end), None)
