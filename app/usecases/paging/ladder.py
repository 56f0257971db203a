"""The ladder: what an escalation does next, decided with reads alone. Writing it down is for `paging` itself.

Every move is a `Climb`: made by one of the functions below (`begin`, `due`, …), then filled in by `decide`, which
asks whom the level stands for at `now`, how they are reached, and goes on to the next level where nobody is. A whole
run that nobody answers is walked by `begin`, then `when_due` at each `standing(…).due_at`, with `inherit` at each
hand-off that `handover.ahead` foresees, all through `decide`: the simulator's pages are the engine's, because there is
no other place that decides them.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from app.escalation.rules import Step, StepReason, due_after, due_backups, first_step, level_of, next_step
from app.escalation.types import (
    FALLBACK_LEVEL,
    Assignee,
    AssigneeType,
    Backup,
    Escalation,
    EscalationStatus,
    Level,
)
from app.incidents.types import SYSTEM, IncidentStatus, NewTimelineEntry, TimelineKind
from app.notify.types import NewNotification
from app.platform.db import Tx
from app.platform.types import JsonObject
from app.usecases.paging.finder import Asked, Finder, Route
from app.usecases.paging.pages import Order as Order, Stance, pages_of

DEFAULT_DELAY_MINUTES = 15
# After a fallback that reached nobody: again after 5 minutes, then less and less often.
UNREACHED_MINUTES = 5
UNREACHED_MINUTES_MAX = 60


@dataclass(slots=True)
class Climb:
    """One move of one escalation.

    Asked: `step` is where it goes. With `on`, the move stays on the level that stands there, and pages `called`
    backups, or the `heirs` of the duty, or else whom the level stands for now, except those in `paged`; it goes on
    where it reaches nobody, unless it `stays_unreached`. `passed` are backups whom the level before did not come to
    page. `reason` says why a move that stays was made. A move that `is_escalation` is told to the channels as one;
    the others come with an event of their own (a reopening, a lapse) or are none.

    Answered by `decide`: the escalation's `status`, `due_at`, `started_at` (of its level) and waiting `backups`, the
    `pages` and timeline `lines` to write, and `first_user`, who gets the incident.
    """

    order: Order
    episode: int
    step: Step
    escalation_id: int = 0
    tries: int = 0
    on: Escalation | None = None
    called: tuple[Backup, ...] = ()
    paged: frozenset[int] = frozenset()
    passed: tuple[Backup, ...] = ()
    heirs: Mapping[int, Route] = field(default_factory=dict)
    stays_unreached: bool = False
    reason: str = ""
    is_escalation: bool = True
    status: EscalationStatus = EscalationStatus.CLIMBING
    due_at: datetime | None = None
    started_at: datetime | None = None
    backups: tuple[Backup, ...] = ()
    pages: list[NewNotification] = field(default_factory=list)
    lines: list[NewTimelineEntry] = field(default_factory=list)
    first_user: int | None = None

    @property
    def level(self) -> int:
        """The number of the level that it goes to, FALLBACK_LEVEL for all admins."""
        return FALLBACK_LEVEL if self.step.level is None else self.step.level.level

    @property
    def round(self) -> int:
        """What the escalation counts: its repeats, or how often nobody was reached."""
        return self.tries if self.status is EscalationStatus.UNREACHED else self.step.round

    def say(self, kind: TimelineKind, text: str, data: JsonObject | None = None) -> None:
        """Add a line to the incident's story."""
        self.lines.append(NewTimelineEntry(self.order.incident.id, kind, text, SYSTEM, data))


def begin(order: Order) -> Climb:
    """The first level of a new incident."""
    return Climb(order, 1, first_step(order.plan))


def begin_again(order: Order, escalation: Escalation) -> Climb:
    """Level 1 in a new episode: after a reopen or a rise to critical."""
    return Climb(order, escalation.episode + 1, first_step(order.plan), escalation.id, is_escalation=False)


def due(order: Order, escalation: Escalation, *, paged: frozenset[int], now: datetime) -> Climb:
    """What time asks for: the backups whose turn it is on the level that stands, else the level after it.

    `paged` are those who have been paged on this level.
    """
    called = due_backups(escalation, now)
    level = level_of(escalation)
    if not called or level is None:
        return leave(order, escalation)
    step = Step(StepReason.BACKUP, level, escalation.round)
    return Climb(
        order, escalation.episode, step, escalation.id, on=escalation, called=called, paged=paged, stays_unreached=True
    )


def leave(order: Order, escalation: Escalation) -> Climb:
    """The level is over: the next one, the plan again, or the fallback (B24)."""
    step = next_step(escalation.plan, escalation.level, escalation.round)
    episode = escalation.episode + (step.reason is StepReason.REPEAT)
    return Climb(order, episode, step, escalation.id, passed=escalation.backups)


def ask_again(order: Order, escalation: Escalation, *, paged: frozenset[int], reason: str) -> Climb:
    """Nobody who was paged on this level can answer any more: whoever it stands for now, its backups, else the next."""
    level = level_of(escalation)
    if level is None:
        return leave(order, escalation)
    step = Step(StepReason.INHERITED, level, escalation.round)
    return Climb(order, escalation.episode, step, escalation.id, on=escalation, paged=paged, reason=reason)


def inherit(
    order: Order, escalation: Escalation, heirs: Mapping[int, Route], *, paged: frozenset[int], reason: str
) -> Climb:
    """Whoever came on call is paged on the level that stands, which goes on as it would have."""
    step = Step(StepReason.INHERITED, level_of(escalation), escalation.round)
    return Climb(
        order, escalation.episode, step, escalation.id,
        on=escalation, heirs=heirs, paged=paged, stays_unreached=True, reason=reason,
    )  # fmt: skip


def repeat_level(order: Order, escalation: Escalation) -> Climb:
    """The level that stands once more, in a new episode and with its whole delay: a snooze has ended (B25)."""
    step = Step(StepReason.NEXT_LEVEL, level_of(escalation), escalation.round)
    return Climb(order, escalation.episode + 1, step, escalation.id, is_escalation=False)


def call_acknowledger(order: Order, escalation: Escalation, user_id: int) -> Climb:
    """Whoever acknowledged, in a new episode on the level that stands: the acknowledgement has lapsed (B14)."""
    current = level_of(escalation)
    delay = current.delay_minutes if current else DEFAULT_DELAY_MINUTES
    level = Level(escalation.level, delay, (Assignee(AssigneeType.USER, user_id),))
    step = Step(StepReason.NEXT_LEVEL, level, escalation.round)
    return Climb(order, escalation.episode + 1, step, escalation.id, is_escalation=False)


def fall_back(order: Order, escalation: Escalation) -> Climb:
    """All active admins, whatever the plan says."""
    return Climb(order, escalation.episode + 1, Step(StepReason.FALLBACK, None, 0), escalation.id)


def try_again(order: Order, escalation: Escalation) -> Climb:
    """The fallback once more, after it had reached nobody."""
    step = Step(StepReason.FALLBACK, None, escalation.round)
    return Climb(order, escalation.episode + 1, step, escalation.id, tries=escalation.round + 1)


def when_due(order: Order, escalation: Escalation, *, paged: frozenset[int], now: datetime) -> Climb:
    """What an escalation does when its time has come, by what it waited for: an answer, the end of a snooze, …

    `paged` are those who have been paged on the level that stands.
    """
    incident, status = order.incident, escalation.status
    is_acknowledged = incident.status is IncidentStatus.ACKNOWLEDGED
    if status is EscalationStatus.ACKNOWLEDGED or (status is EscalationStatus.SNOOZED and is_acknowledged):
        if incident.assigned_to is None:
            return leave(order, escalation)
        return call_acknowledger(order, escalation, incident.assigned_to)
    match status:
        case EscalationStatus.SNOOZED:
            return repeat_level(order, escalation)
        case EscalationStatus.HELD:
            return begin_again(order, escalation)
        case EscalationStatus.UNREACHED:
            return try_again(order, escalation)
    return due(order, escalation, paged=paged, now=now)


def give_up(escalation: Escalation, *, now: datetime) -> Escalation:
    """The fallback whose pages all failed: it has reached nobody, and is tried again."""
    return replace(
        escalation,
        status=EscalationStatus.UNREACHED,
        due_at=now + unreached_pause(escalation.round),
        round=escalation.round + 1,
    )


def heard(escalation: Escalation, held_until: datetime | None, *, now: datetime) -> Escalation:
    """The digest that its level waited for has left: the level's time begins now, had it been meant to before (B6)."""
    started_at = escalation.level_started_at
    if escalation.status is not EscalationStatus.CLIMBING or held_until != started_at or now <= started_at:
        return escalation
    by = now - started_at
    due_at = None if escalation.due_at is None else escalation.due_at + by
    return replace(escalation, level_started_at=now, due_at=due_at, backups=_shifted(escalation.backups, by))


def decide(tx: Tx, climbs: Sequence[Climb], *, now: datetime) -> None:
    """Fill in what these moves come to at `now`; reads only, and as many of them for two hundred moves as for one."""
    moving = list(climbs)
    find = Finder(tx, now)
    while moving:
        find.load([_asked(climb) for climb in moving])
        moving = [climb for climb in moving if not _settle(climb, find, now)]


def standing(climb: Climb) -> Escalation:
    """The escalation as a move leaves it. Raises ValueError for one that was not decided."""
    if climb.started_at is None:
        raise ValueError("a move stands nowhere before it was decided")
    return Escalation(
        id=climb.escalation_id,
        incident_id=climb.order.incident.id,
        plan=climb.order.plan,
        episode=climb.episode,
        level=climb.level,
        round=climb.round,
        status=climb.status,
        due_at=climb.due_at,
        level_started_at=climb.started_at,
        backups=climb.backups,
    )


def unreached_pause(tries: int) -> timedelta:
    """How long a fallback that reached nobody waits before it is tried again."""
    return timedelta(minutes=min(UNREACHED_MINUTES_MAX, UNREACHED_MINUTES * 2 ** min(tries, 10)))


def _asked(climb: Climb) -> Asked:
    named = (*climb.called, *climb.passed, *(climb.on.backups if climb.on else ()))
    return Asked(
        climb.step,
        climb.order.urgency,
        frozenset((*climb.heirs, *(backup.user_id for backup in named))),
        frozenset(backup.schedule_id for backup in named),
    )


def _settle(climb: Climb, find: Finder, now: datetime) -> bool:
    """Try whom the move asks for, one group after the other; False when it goes on to the next level."""
    _say_passed(climb, find)
    for routes in _groups(climb, find):
        _say_unreachable(climb, routes, find)
        climb.pages = pages_of(climb.order, _stance(climb), routes, find)
        if climb.pages:
            _say_paged(climb, find)
            break
    if climb.pages or (climb.on is not None and climb.stays_unreached):
        _stand(climb, find, now)
        return True
    if climb.step.level is None:
        climb.status, climb.started_at = EscalationStatus.UNREACHED, now
        climb.due_at = now + unreached_pause(climb.tries)
        if climb.tries == 0:
            climb.say(TimelineKind.UNREACHED, "Nobody to page: there is no active admin who can be reached")
        return True
    _pass(climb, find)
    return False


def _stance(climb: Climb) -> Stance:
    reason = StepReason.BACKUP if climb.called else climb.step.reason
    return Stance(climb.episode, climb.level, climb.step.round, reason)


def _groups(climb: Climb, find: Finder) -> Iterator[dict[int, Route]]:
    """Whom to page: the first group in which anybody can be reached is paged, and no other."""
    if climb.called:
        yield _backup_routes(climb, find)
        return
    if climb.heirs:
        yield {user_id: route for user_id, route in climb.heirs.items() if user_id not in climb.paged}
        return
    routes = find.routes(climb.step, with_backups=climb.order.plan.has_backups_inside)
    yield {user_id: route for user_id, route in routes.items() if user_id not in climb.paged}
    # The people on duty cannot be reached: whoever waits behind them is not kept waiting (B26).
    climb.called = _waiting(climb, find)
    if climb.called:
        yield _backup_routes(climb, find)


def _backup_routes(climb: Climb, find: Finder) -> dict[int, Route]:
    found: dict[int, Route] = {}
    for backup in climb.called:
        schedule = find.schedule_name(backup.schedule_id)
        if not find.is_active(backup.user_id):
            text = f"Backup of {schedule} not paged: {find.name(backup.user_id)} is not active"
            climb.say(TimelineKind.WARNING, text)
        elif backup.user_id not in climb.paged:
            assignee = Assignee(AssigneeType.SCHEDULE, backup.schedule_id)
            found.setdefault(backup.user_id, Route(assignee, f"backup of {schedule}"))
    return found


def _waiting(climb: Climb, find: Finder) -> tuple[Backup, ...]:
    """The backups that the level still waits to page, had this move not come."""
    if climb.on is not None:
        return climb.on.backups
    return tuple(find.backups(climb.step)) if climb.order.plan.has_backups_inside else ()


def _stand(climb: Climb, find: Finder, now: datetime) -> None:
    """Where the escalation is after this move, and when it is due again.

    The level's time begins when the first of its pages may be heard: not while all are held for a digest (B6).
    """
    level = climb.step.level
    paged = climb.paged | {page.user_id for page in climb.pages}
    asked_at = now if climb.on is None else climb.on.level_started_at
    heard_at = _heard_at(climb.pages, now)
    climb.started_at = heard_at if climb.on is None or (climb.pages and heard_at < asked_at) else asked_at
    climb.status = EscalationStatus.FALLBACK if level is None else EscalationStatus.CLIMBING
    waiting = [each for each in _waiting(climb, find) if each not in climb.called and each.user_id not in paged]
    climb.backups = _shifted(waiting, climb.started_at - asked_at)
    if level is not None:
        climb.due_at = min([due_after(level, climb.started_at), *(backup.due_at for backup in climb.backups)])


def _heard_at(pages: Sequence[NewNotification], now: datetime) -> datetime:
    """When the first of these pages may be heard: now, unless all wait for a digest."""
    held = [page.held_until for page in pages if page.held_until is not None]
    return min(held) if held and len(held) == len(pages) else now


def _shifted(backups: Iterable[Backup], by: timedelta) -> tuple[Backup, ...]:
    return tuple(replace(backup, due_at=backup.due_at + by) for backup in backups)


def _pass(climb: Climb, find: Finder) -> None:
    """This level reaches nobody: the move goes to the one after it."""
    following = next_step(climb.order.plan, climb.level, climb.step.round)
    if climb.on is not None:
        climb.say(TimelineKind.SKIPPED, f"Level {climb.level} passed: {climb.reason}")
        climb.episode += following.reason is StepReason.REPEAT
    else:
        uncovered = find.uncovered(climb.step)
        because = f" (nobody is on call for {', '.join(uncovered)})" if uncovered else ""
        climb.say(TimelineKind.SKIPPED, f"Level {climb.level} skipped: it reaches nobody now{because}")
        if following.reason is StepReason.REPEAT:
            # A plan that reaches nobody is not walked again: its repeats would find the same people missing.
            following = Step(StepReason.FALLBACK, None, 0)
    climb.step, climb.on, climb.called, climb.paged = following, None, (), frozenset()


def _say_passed(climb: Climb, find: Finder) -> None:
    for backup in climb.passed:
        schedule, name = find.schedule_name(backup.schedule_id), find.name(backup.user_id)
        climb.say(TimelineKind.SKIPPED, f"Backup of {schedule} passed: the level was over before {name}'s turn")
    climb.passed = ()


def _say_unreachable(climb: Climb, routes: Mapping[int, Route], find: Finder) -> None:
    unreachable = [find.name(user_id) for user_id in routes if not find.reach(user_id, climb.order.urgency)]
    if unreachable:
        climb.say(TimelineKind.WARNING, f"No usable contact method: {', '.join(unreachable)}")


def _say_paged(climb: Climb, find: Finder) -> None:
    ways: dict[int, list[str]] = {}
    for page in climb.pages:
        after = f" after {page.rule_delay_minutes} min" if page.rule_delay_minutes else ""
        if page.held_until is not None:
            after = f" held until {page.held_until:%H:%M} UTC"
        ways.setdefault(page.user_id or 0, []).append(f"{page.channel}{after}")
    names = ", ".join(f"{find.name(user_id)} ({', '.join(each)})" for user_id, each in ways.items())
    kind = TimelineKind.FALLBACK if climb.step.level is None else TimelineKind.PAGED
    uncovered = find.uncovered(climb.step)
    if uncovered and climb.on is None:
        climb.say(TimelineKind.WARNING, f"Nobody is on call for {', '.join(uncovered)}")
    climb.say(kind, f"{_opening(climb, find)}: {names}", {"level": climb.level, "users": list(ways)})
    if climb.step.reason is not StepReason.BACKUP:
        climb.first_user = climb.pages[0].user_id


def _opening(climb: Climb, find: Finder) -> str:
    if climb.step.level is None:
        return "Fallback paged"
    if climb.called:
        schedules = dict.fromkeys(find.schedule_name(backup.schedule_id) for backup in climb.called)
        return f"Backup of {', '.join(schedules)} paged"
    if climb.on is not None:
        return f"Level {climb.level} paged anew, because {climb.reason}"
    again = f", round {climb.step.round + 1}" if climb.step.round else ""
    return f"Level {climb.level} of {len(climb.order.plan.levels) or 1} paged{again}"
