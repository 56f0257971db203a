"""Whom a level stands for just now, and how to reach them; every question is asked of the database once."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.accounts import queries as people
from app.accounts.quiet import PageTime, page_time, quiet_of
from app.accounts.types import Reach, Urgency, User
from app.escalation.rules import Step
from app.escalation.types import Assignee, AssigneeType, Backup
from app.oncall import queries as oncall
from app.oncall.types import Schedule, Slot
from app.platform.db import Tx


@dataclass(frozen=True, slots=True)
class Route:
    """Why a person is paged: the assignee that led to them, and the slot on call where there was one (B15)."""

    assignee: Assignee
    via: str


@dataclass(frozen=True, slots=True)
class Asked:
    """What has to be known for one move: the step it goes to, and the people it names beside the step's own."""

    step: Step
    urgency: Urgency
    user_ids: frozenset[int] = frozenset()
    schedule_ids: frozenset[int] = frozenset()


class Finder:
    """Whom assignees stand for just now and how to reach them; every question is asked of the database once."""

    def __init__(self, tx: Tx, now: datetime) -> None:
        self._tx = tx
        self._now = now
        self._users: dict[int, User] = {}
        self._schedules: dict[int, Schedule] = {}
        self._slots: dict[int, Slot | None] = {}
        self._routes: dict[Assignee, dict[int, Route]] = {}
        self._admins: dict[int, Route] | None = None
        self._reach: dict[tuple[int, Urgency], list[Reach]] = {}

    def load(self, asked: Sequence[Asked]) -> None:
        """Ask what these moves will need, all at once."""
        wanted = {assignee for each in asked if each.step.level for assignee in each.step.level.assignees}
        self._load_schedules({schedule_id for each in asked for schedule_id in each.schedule_ids})
        self._load_users({user_id for each in asked for user_id in each.user_ids})
        self._assignees([assignee for assignee in sorted(wanted, key=repr) if assignee not in self._routes])
        if self._admins is None and any(each.step.level is None for each in asked):
            admins = people.active_admins(self._tx)
            self._users |= {user.id: user for user in admins}
            self._admins = {user.id: Route(Assignee(AssigneeType.USER, user.id), "fallback: admin") for user in admins}
        for urgency in Urgency:
            missing = {
                user_id
                for each in asked
                if each.urgency is urgency
                for user_id in (
                    *each.user_ids,
                    *self.routes(each.step, with_backups=True),
                    *self._backups_of(each.step),
                )
                if (user_id, urgency) not in self._reach
            }
            if missing:
                found = people.reach_of(self._tx, missing, urgency=urgency)
                self._reach |= {(user_id, urgency): found.get(user_id, []) for user_id in missing}

    def routes(self, step: Step, *, with_backups: bool) -> dict[int, Route]:
        """The active people that a step stands for, each with why; the first assignee that names them counts.

        With `with_backups` a schedule on which nobody is on call stands for its backup (B21).
        """
        if step.level is None:
            return dict(self._admins or {})
        found: dict[int, Route] = {}
        for assignee in step.level.assignees:
            routes = self._routes.get(assignee, {})
            if with_backups and not routes and assignee.type is AssigneeType.SCHEDULE:
                routes = self._substitute(assignee)
            for user_id, route in routes.items():
                found.setdefault(user_id, route)
        return found

    def backups(self, step: Step) -> list[Backup]:
        """The backups of the step's schedules on which somebody is on call, each due after its schedule's delay."""
        return [
            Backup(
                schedule.id,
                schedule.escalation_to_user_id,
                self._now + timedelta(minutes=schedule.escalation_delay_minutes),
            )
            for schedule in self._schedules_of(step)
            if schedule.escalation_to_user_id is not None and self._slots.get(schedule.id) is not None
        ]

    def uncovered(self, step: Step) -> list[str]:
        """The names of the step's schedules on which nobody is on call just now."""
        return [schedule.name for schedule in self._schedules_of(step) if self._slots.get(schedule.id) is None]

    def reach(self, user_id: int, urgency: Urgency) -> list[Reach]:
        """How pages of that urgency get to the person."""
        return self._reach.get((user_id, urgency), [])

    def page_time(self, user_id: int, urgency: Urgency, delay_minutes: int) -> PageTime:
        """When a page of a rule with that delay is due, if it is written now."""
        user = self._users.get(user_id)
        return page_time(quiet_of(user) if user else None, urgency, delay_minutes, self._now)

    def name(self, user_id: int) -> str:
        """The person's name."""
        return self._users[user_id].name if user_id in self._users else f"user {user_id}"

    def is_active(self, user_id: int) -> bool:
        """Whether the person is there and active."""
        return user_id in self._users and self._users[user_id].is_active

    def schedule_name(self, schedule_id: int) -> str:
        """The schedule's name."""
        return self._schedules[schedule_id].name if schedule_id in self._schedules else f"schedule {schedule_id}"

    def _load_users(self, user_ids: Iterable[int]) -> None:
        missing = set(user_ids) - self._users.keys()
        if missing:
            self._users |= people.users_by_id(self._tx, missing)

    def _load_schedules(self, schedule_ids: Iterable[int]) -> None:
        missing = set(schedule_ids) - self._schedules.keys()
        if missing:
            self._schedules |= oncall.schedules_by_id(self._tx, missing)

    def _assignees(self, wanted: Sequence[Assignee]) -> None:
        self._load_users(_ids(wanted, AssigneeType.USER))
        self._on_call(_ids(wanted, AssigneeType.SCHEDULE))
        for assignee in wanted:
            if assignee.type is AssigneeType.USER:
                found = {assignee.id: Route(assignee, "named directly")} if self.is_active(assignee.id) else {}
            elif assignee.type is AssigneeType.SCHEDULE:
                found = self._of_schedule(assignee)
            else:
                found = self._of_team(assignee)
            self._routes[assignee] = found

    def _on_call(self, schedule_ids: Sequence[int]) -> None:
        self._load_schedules(schedule_ids)
        asked = [schedule_id for schedule_id in schedule_ids if schedule_id not in self._slots]
        active = [each for each in asked if each in self._schedules and self._schedules[each].is_active]
        covered = oncall.who_is_on_call(self._tx, active, self._now)
        self._slots |= {schedule_id: covered.get(schedule_id) for schedule_id in asked}
        backups = {self._schedules[each].escalation_to_user_id for each in asked if each in self._schedules}
        self._load_users({slot.user_id for slot in covered.values() if slot} | {each for each in backups if each})

    def _of_schedule(self, assignee: Assignee) -> dict[int, Route]:
        slot = self._slots.get(assignee.id)
        return {} if slot is None else {slot.user_id: Route(assignee, on_call_for(self._schedules[assignee.id], slot))}

    def _substitute(self, assignee: Assignee) -> dict[int, Route]:
        schedule = self._schedules.get(assignee.id)
        user_id = schedule.escalation_to_user_id if schedule else None
        if schedule is None or user_id is None or not self.is_active(user_id):
            return {}
        return {user_id: Route(assignee, f"nobody on call for {schedule.name}: its backup")}

    def _of_team(self, assignee: Assignee) -> dict[int, Route]:
        schedules = oncall.active_schedules_of_team(self._tx, assignee.id)
        self._schedules |= {schedule.id: schedule for schedule in schedules}
        self._on_call([schedule.id for schedule in schedules])
        slots = [slot for schedule in schedules if (slot := self._slots.get(schedule.id)) is not None]
        if slots:
            return {slot.user_id: Route(assignee, "on call for the team") for slot in slots}
        members = people.team_members(self._tx, assignee.id)
        self._users |= {user.id: user for user in members}
        return {user.id: Route(assignee, "member of the team") for user in members}

    def _schedules_of(self, step: Step) -> list[Schedule]:
        assignees = step.level.assignees if step.level else ()
        named = [assignee.id for assignee in assignees if assignee.type is AssigneeType.SCHEDULE]
        return [self._schedules[schedule_id] for schedule_id in named if schedule_id in self._schedules]

    def _backups_of(self, step: Step) -> list[int]:
        named = [schedule.escalation_to_user_id for schedule in self._schedules_of(step)]
        return [user_id for user_id in named if user_id is not None]


def on_call_for(schedule: Schedule, slot: Slot) -> str:
    """The reason of a page to whoever has the slot, as `why` shows it."""
    return f"on call for {schedule.name} until {slot.end_time:%Y-%m-%d %H:%M} UTC ({slot.id})"


def _ids(wanted: Sequence[Assignee], kind: AssigneeType) -> list[int]:
    return [assignee.id for assignee in wanted if assignee.type is kind]
