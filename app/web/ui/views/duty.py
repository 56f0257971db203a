"""Who is on call, in words: for the chip on every page, the dashboard, the on-call page and a person's page."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
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
class DutyView:
    """One schedule just now: who has it (None: a gap), until when and then who, and the next gap in words."""

    schedule: Schedule
    user: User | None
    said: str
    gap_said: str


@dataclass(frozen=True, slots=True)
class Stretch:
    """A run of time with one person, or with nobody (a gap)."""

    start: datetime
    end: datetime
    slot: Slot | None


def every_duty(tx: Tx, now: datetime, zone: ZoneInfo) -> list[DutyView]:
    """All schedules that are switched on, by name."""
    schedules = [each for each in oncall.list_schedules(tx, EVERYTHING).items if each.is_active]
    return duties_of(tx, schedules, now, zone)


def duties_of(tx: Tx, schedules: Sequence[Schedule], now: datetime, zone: ZoneInfo) -> list[DutyView]:
    """These schedules just now; times are said in `zone`."""
    found = oncall.duties(tx, [schedule.id for schedule in schedules], now, now + AHEAD)
    ahead = {schedule.id: stretches(found[schedule.id], now, now + AHEAD) for schedule in schedules}
    names = people.users_by_id(tx, _user_ids(ahead.values()))
    return [_view(schedule, ahead[schedule.id], names, now, zone) for schedule in schedules]


def stretches(duty: Duty, start: datetime, end: datetime) -> list[Stretch]:
    """Everything that touches [start, end) in order: slots whole, and the gaps between them."""
    covered = slots(duty, start, end)
    found = [Stretch(slot.start_time, slot.end_time, slot) for slot in covered]
    found += [Stretch(begin, finish, None) for begin, finish in gaps(covered, start, end)]
    return sorted(found, key=lambda each: each.start)


def _view(
    schedule: Schedule, ahead: Sequence[Stretch], names: dict[int, User], now: datetime, zone: ZoneInfo
) -> DutyView:
    current, *later = ahead
    following = next((each for each in later if each.slot), None)
    if current.slot is None:
        said = f"next {_name(following, names)}, {short(following.start, zone, now)}" if following else "nobody planned"
        return DutyView(schedule, None, said, "")
    said = f"until {short(current.end, zone, now)}"
    if following and following.start == current.end:
        said += f", then {_name(following, names)}"
    gap = next((each for each in later if each.slot is None), None)
    return DutyView(
        schedule,
        names.get(current.slot.user_id),
        said,
        f"gap {short(gap.start, zone, now)}" if gap else "",
    )


def _name(stretch: Stretch | None, names: dict[int, User]) -> str:
    user = names.get(stretch.slot.user_id) if stretch and stretch.slot else None
    return user.name if user else "nobody"


def _user_ids(runs: Iterable[Sequence[Stretch]]) -> set[int]:
    return {stretch.slot.user_id for run in runs for stretch in run if stretch.slot}
