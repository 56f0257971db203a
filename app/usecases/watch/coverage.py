"""What is wrong with who is on call: gaps, and people on the rota whom no page would reach (B19, F-71, F-120, F-121).

A warning never disappears because all the time is uncovered: that is a gap from now on without an end.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from app.accounts import queries as people
from app.accounts.types import Reach, Urgency, User
from app.alerts import queries as alerts
from app.escalation import queries as policies
from app.escalation.types import AssigneeType
from app.oncall import queries as oncall
from app.oncall.types import Schedule
from app.platform.db import Tx
from app.usecases.paging import clock_time
from app.usecases.watch.outlook import Outlook, outlooks
from app.usecases.watch.types import BannerLevel


class FindingKind(StrEnum):
    """What is wrong: nobody is on call now, nobody will be, somebody on the rota or the backup cannot be reached."""

    GAP_NOW = "gap_now"
    GAP_AHEAD = "gap_ahead"
    UNREACHABLE = "unreachable"
    BACKUP = "backup"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong with a schedule in the next 14 days; `text` has no full stop, and the schedule's zone.

    `start` and `end` are the gap's, or the shift's of whoever cannot be reached; None: long ago, or not for 14 days.
    `is_danger` says that a page may go astray: something pages by the schedule, and it is so now.
    """

    kind: FindingKind
    schedule_id: int
    is_danger: bool
    text: str
    start: datetime | None = None
    end: datetime | None = None
    user_id: int | None = None

    @property
    def level(self) -> BannerLevel:
        """How loud it is shown."""
        return BannerLevel.DANGER if self.is_danger else BannerLevel.WARNING


def coverage(tx: Tx, schedule_ids: Iterable[int], now: datetime) -> dict[int, list[Finding]]:
    """What is wrong with each of these schedules, now and in the next 14 days, the worst first; [] where nothing is.

    A schedule that is switched off has one finding while something pages by it, and none otherwise.
    """
    schedules = oncall.schedules_by_id(tx, schedule_ids)
    used = schedules_paged_by(tx)
    seen = outlooks(tx, schedules.values(), now)
    on_rota = {shift.user_id for each in seen for shift in each.shifts}
    backups = {each.escalation_to_user_id for each in schedules.values() if each.escalation_to_user_id is not None}
    users = people.users_by_id(tx, on_rota | backups)
    reach = people.reach_of(tx, users, urgency=Urgency.HIGH)
    found: dict[int, list[Finding]] = {schedule_id: [] for schedule_id in schedules}
    for each in seen:
        schedule, is_used = each.schedule, each.schedule.id in used
        if not schedule.is_active:
            if is_used:
                text = "This schedule is switched off, and something pages by it"
                found[schedule.id].append(Finding(FindingKind.GAP_NOW, schedule.id, True, text))
            continue
        findings = [*_gaps(each, is_used), *_unreachable(each, users, reach, is_used), *_backup(schedule, users, reach)]
        found[schedule.id] = sorted(findings, key=lambda finding: not finding.is_danger)
    return found


def schedules_paged_by(tx: Tx) -> set[int]:
    """The schedules that an active alert source or a level of a policy names."""
    return alerts.schedules_of_sources(tx) | policies.targets_named(tx, AssigneeType.SCHEDULE)


def is_paged_by(tx: Tx, schedule: Schedule) -> bool:
    """Whether an alert source or a level of a policy names the schedule."""
    return schedule.id in schedules_paged_by(tx)


def _gaps(seen: Outlook, is_used: bool) -> Iterable[Finding]:
    schedule = seen.schedule
    for gap in seen.gaps:
        if gap is seen.gap:
            until = f" until {clock_time(gap.end, schedule.timezone)}" if gap.end else ""
            text = f"Nobody is on call for {schedule.name}{until}"
            yield Finding(FindingKind.GAP_NOW, schedule.id, is_used, text, gap.start, gap.end)
        elif gap.start is not None:
            text = f"Nobody is on call for {schedule.name} from {clock_time(gap.start, schedule.timezone)}"
            yield Finding(FindingKind.GAP_AHEAD, schedule.id, False, text, gap.start, gap.end)


def _unreachable(
    seen: Outlook, users: Mapping[int, User], reach: Mapping[int, Sequence[Reach]], is_used: bool
) -> Iterable[Finding]:
    schedule = seen.schedule
    known: set[int] = set()
    for shift in seen.shifts:
        if not reach.get(shift.user_id) and shift.user_id not in known:
            known.add(shift.user_id)
            is_now = shift == seen.current
            begins = "" if is_now else f" from {clock_time(shift.start, schedule.timezone)}"
            text = (
                f"{users[shift.user_id].name} is on call for {schedule.name}{begins} and has no usable contact method"
            )
            is_danger = is_used and is_now
            kind = FindingKind.UNREACHABLE
            yield Finding(kind, schedule.id, is_danger, text, shift.start, shift.end, shift.user_id)


def _backup(schedule: Schedule, users: Mapping[int, User], reach: Mapping[int, Sequence[Reach]]) -> Iterable[Finding]:
    user = users.get(schedule.escalation_to_user_id or 0)
    if user is not None and not reach.get(user.id):
        why = "has no usable contact method" if user.is_active else "is not active"
        text = f"{user.name}, the backup of {schedule.name}, {why}"
        yield Finding(FindingKind.BACKUP, schedule.id, False, text, user_id=user.id)


def by_kind(findings: Iterable[Finding]) -> dict[FindingKind, list[Finding]]:
    """The findings of many schedules, by what is wrong."""
    found: dict[FindingKind, list[Finding]] = defaultdict(list)
    for finding in findings:
        found[finding.kind].append(finding)
    return found
