"""Who is on call, in words: for the chip on every page, the dashboard, the on-call page and a person's page."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from app.accounts import queries as people
from app.accounts.types import User
from app.oncall import queries as oncall
from app.oncall.resolver import Duty, gaps, slots
from app.oncall.types import Schedule, Slot
from app.platform.db import Tx
from app.platform.types import MAX_PAGE_SIZE, PageQuery
from app.web.ui.words import short

AHEAD = timedelta(days=14)
EVERYTHING = PageQuery(page_size=MAX_PAGE_SIZE)


@dataclass(frozen=True, slots=True)
class Stretch:
    """A run of time with one person, or with nobody (a gap)."""

    start: datetime
    end: datetime
    slot: Slot | None


@dataclass(frozen=True, slots=True)
class Handoff:
    """The moment at which a schedule goes from one person to another; None is nobody."""

    schedule: Schedule
    at: datetime
    before: User | None
    after: User | None


@dataclass(frozen=True, slots=True)
class DutyView:
    """One schedule just now: who has it (None: a gap), until when and then who, the next gap, and 14 days of hand-offs.

    `slot` is the one that lasts now; `until` is when this view of it becomes old.
    """

    schedule: Schedule
    user: User | None
    said: str
    gap_said: str
    slot: Slot | None = None
    until: datetime | None = None
    handoffs: Sequence[Handoff] = ()

    @property
    def next(self) -> Handoff | None:
        """When somebody else comes on, if that is within the time looked at."""
        return next((each for each in self.handoffs if each.after), None)


def every_duty(tx: Tx, now: datetime, zone: ZoneInfo) -> list[DutyView]:
    """All schedules that are switched on, by name."""
    schedules = [each for each in oncall.list_schedules(tx, EVERYTHING).items if each.is_active]
    return duties_of(tx, schedules, now, zone)


def duties_of(tx: Tx, schedules: Sequence[Schedule], now: datetime, zone: ZoneInfo) -> list[DutyView]:
    """These schedules just now; times are said in `zone`."""
    found = oncall.duties(tx, [schedule.id for schedule in schedules], now, now + AHEAD)
    ahead = {schedule.id: stretches(found[schedule.id], now, now + AHEAD) for schedule in schedules}
    names = people.users_by_id(tx, _user_ids(ahead.values()))
    return [duty_view(schedule, ahead[schedule.id], names, now, zone) for schedule in schedules]


def stretches(duty: Duty, start: datetime, end: datetime) -> list[Stretch]:
    """Everything that touches [start, end) in order: slots whole, and the gaps between them."""
    covered = slots(duty, start, end)
    found = [Stretch(slot.start_time, slot.end_time, slot) for slot in covered]
    found += [Stretch(begin, finish, None) for begin, finish in gaps(covered, start, end)]
    return sorted(found, key=lambda each: each.start)


def handoffs_in(schedule: Schedule, ahead: Sequence[Stretch], names: Mapping[int, User]) -> list[Handoff]:
    """Where one stretch follows another of somebody else; the beginning and the end of what is known are none."""
    return [
        Handoff(schedule, after.start, _user(before, names), _user(after, names))
        for before, after in pairwise(ahead)
        if _user_id(before) != _user_id(after)
    ]


def duty_view(
    schedule: Schedule, ahead: Sequence[Stretch], names: Mapping[int, User], now: datetime, zone: ZoneInfo
) -> DutyView:
    """One schedule from what lies ahead of it, which begins with the stretch that lasts now."""
    current, *later = ahead
    handoffs = handoffs_in(schedule, ahead, names)
    until = later[0].start if later else None
    following = next((each for each in handoffs if each.after), None)
    if current.slot is None:
        said = f"next {_name(following)}, {short(following.at, zone, now)}" if following else "nobody planned"
        return DutyView(schedule, None, said, "", until=until, handoffs=handoffs)
    said = _until_said(current, later, handoffs, now, zone)
    gap = next((each for each in later if each.slot is None), None)
    return DutyView(
        schedule,
        names.get(current.slot.user_id),
        said,
        f"gap {short(gap.start, zone, now)}" if gap else "",
        slot=current.slot,
        until=until,
        handoffs=handoffs,
    )


def _until_said(
    current: Stretch, later: Sequence[Stretch], handoffs: Sequence[Handoff], now: datetime, zone: ZoneInfo
) -> str:
    if not handoffs:
        return "for the next 14 days" if later else f"until {short(current.end, zone, now)}"
    first = handoffs[0]
    said = f"until {short(first.at, zone, now)}"
    return f"{said}, then {_name(first)}" if first.after else said


def _name(handoff: Handoff) -> str:
    return handoff.after.name if handoff.after else "nobody"


def _user_id(stretch: Stretch) -> int | None:
    return stretch.slot.user_id if stretch.slot else None


def _user(stretch: Stretch, names: Mapping[int, User]) -> User | None:
    return names.get(stretch.slot.user_id) if stretch.slot else None


def _user_ids(runs: Iterable[Sequence[Stretch]]) -> set[int]:
    return {stretch.slot.user_id for run in runs for stretch in run if stretch.slot}
