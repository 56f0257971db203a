"""An escalation plan in words: who is paged on which level, how far it is, what comes next."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from app.accounts import queries as people
from app.escalation.rules import StepReason, due_after, next_step
from app.escalation.types import FALLBACK_LEVEL, Assignee, AssigneeType, Escalation, EscalationStatus, Level, Plan
from app.oncall import queries as oncall
from app.platform.db import Tx
from app.platform.types import MAX_PAGE_SIZE, PageQuery
from app.web.ui.views.duty import duties_of
from app.web.ui.words import clock, duration

EVERYTHING = PageQuery(page_size=MAX_PAGE_SIZE)
Names = dict[Assignee, str]


@dataclass(frozen=True, slots=True)
class LevelView:
    """One level in words; `is_current` while its people have time to answer."""

    number: int
    who: str
    said: str
    is_current: bool = False


@dataclass(frozen=True, slots=True)
class PlanView:
    """A plan in words; `after` says what follows its last level."""

    name: str
    levels: list[LevelView]
    after: str


@dataclass(frozen=True, slots=True)
class Next:
    """What happens to an incident by itself, and when (None: not by time)."""

    text: str
    at: datetime | None


def assignee_names(tx: Tx, levels: Iterable[Level], now: datetime, zone: ZoneInfo) -> Names:
    """What every assignee of these levels is called; a schedule names who has it now."""
    named = {assignee for level in levels for assignee in level.assignees}
    users = people.users_by_id(tx, _ids(named, AssigneeType.USER))
    teams = {team.id: team for team in people.list_teams(tx, EVERYTHING).items}
    schedules = oncall.schedules_by_id(tx, _ids(named, AssigneeType.SCHEDULE))
    duties = {duty.schedule.id: duty for duty in duties_of(tx, list(schedules.values()), now, zone)}
    names: Names = {}
    for assignee in named:
        if assignee.type is AssigneeType.USER and assignee.id in users:
            user = users[assignee.id]
            names[assignee] = user.name if user.is_active else f"{user.name} (inactive)"
        elif assignee.type is AssigneeType.TEAM and assignee.id in teams:
            names[assignee] = f"team {teams[assignee.id].name}"
        elif assignee.type is AssigneeType.SCHEDULE and assignee.id in duties:
            duty = duties[assignee.id]
            names[assignee] = f"{duty.schedule.name} ({duty.user.name if duty.user else 'nobody'})"
        else:
            names[assignee] = f"{assignee.type} {assignee.id}, which is gone"
    return names


def level_names(level: Level, names: Names) -> str:
    """Everybody of a level."""
    return ", ".join(names[assignee] for assignee in level.assignees)


def policy_in_words(levels: Sequence[Level], repeat: int, names: Names) -> PlanView:
    """A policy that is not running: the delays as they add up."""
    said = []
    waited = 0
    for level in levels:
        when = "paged at once" if waited == 0 else f"after {minutes(waited)} without an answer"
        has = f"{minutes(level.delay_minutes)} to answer"
        said.append(LevelView(level.level, level_names(level, names), f"{when}, {has}"))
        waited += level.delay_minutes
    return PlanView("", said, after_last(repeat))


def escalation_in_words(escalation: Escalation, names: Names, *, zone: ZoneInfo, now: datetime) -> PlanView:
    """A running escalation: what was paged, what comes."""
    is_climbing = escalation.status is EscalationStatus.CLIMBING
    levels = [
        LevelView(
            level.level,
            level_names(level, names),
            _standing(escalation, level, zone, now),
            is_climbing and level.level == escalation.level,
        )
        for level in escalation.plan.levels
    ]
    left = max(0, escalation.plan.repeat - escalation.round)
    return PlanView(escalation.plan.name, levels, after_last(left) if levels else "All active admins.")


def coming(escalation: Escalation | None, names: Names) -> Next | None:
    """What happens next by itself; None when nothing does."""
    if escalation is None:
        return None
    if escalation.status is EscalationStatus.UNREACHED:
        return Next("Nobody could be paged", None)
    if escalation.status is EscalationStatus.FALLBACK:
        return Next("All active admins were paged", None)
    if escalation.due_at is None:
        return None
    if escalation.status is EscalationStatus.ACKNOWLEDGED:
        return Next("The acknowledgement lapses", escalation.due_at)
    return Next(_next_words(escalation, names), escalation.due_at)


def after_last(repeat: int) -> str:
    """What follows the last level."""
    again = {0: "", 1: "the levels once more, then "}.get(repeat, f"the levels {repeat} times more, then ")
    return f"Then {again}all active admins."


def minutes(count: int) -> str:
    """A delay in words."""
    return duration(count * 60) if count else "no time"


def _next_words(escalation: Escalation, names: Names) -> str:
    step = next_step(escalation.plan, escalation.level, escalation.round)
    if step.level is None:
        return "All active admins are paged"
    who = level_names(step.level, names)
    again = " again" if step.reason is StepReason.REPEAT else ""
    return f"Level {step.level.level} ({who}) is paged{again}"


def _standing(escalation: Escalation, level: Level, zone: ZoneInfo, now: datetime) -> str:
    if level.level < escalation.level or escalation.level == FALLBACK_LEVEL:
        return "passed"
    if level.level == escalation.level:
        started = clock(escalation.level_started_at, zone, now)
        if escalation.level_started_at > now:
            return f"waits for a digest until {started}, then {minutes(level.delay_minutes)} to answer"
        return f"paged {started}, {minutes(level.delay_minutes)} to answer"
    if escalation.status is not EscalationStatus.CLIMBING:
        return "not paged"
    at = _expected(escalation.plan, escalation, level)
    return f"{clock(at, zone, now)} if nobody answers"


def _expected(plan: Plan, escalation: Escalation, level: Level) -> datetime:
    at = escalation.level_started_at
    for each in plan.levels:
        if escalation.level <= each.level < level.level:
            at = due_after(each, at)
    return at


def _ids(named: Iterable[Assignee], kind: AssigneeType) -> list[int]:
    return [assignee.id for assignee in named if assignee.type is kind]
