"""Whom a level stands for just now, and how to reach them; every question is asked of the database once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from app.accounts import queries as people
from app.accounts.types import Reach, Urgency, User
from app.escalation.rules import Step
from app.escalation.types import Assignee, AssigneeType
from app.oncall import queries as oncall
from app.platform.db import Tx


@dataclass(frozen=True, slots=True)
class Route:
    """Why a person is paged: the assignee that led to them, and the slot on call where there was one (B15)."""

    assignee: Assignee
    via: str


class Finder:
    """Whom assignees stand for just now and how to reach them; every question is asked of the database once."""

    def __init__(self, tx: Tx, now: datetime) -> None:
        self._tx = tx
        self._now = now
        self._users: dict[int, User] = {}
        self._routes: dict[Assignee, dict[int, Route]] = {}
        self._admins: dict[int, Route] | None = None
        self._reach: dict[tuple[int, Urgency], list[Reach]] = {}

    def load(self, asked: Sequence[tuple[Step, Urgency]]) -> None:
        """Ask what these steps will need, all at once."""
        wanted = {assignee for step, _ in asked if step.level for assignee in step.level.assignees}
        self._assignees([assignee for assignee in sorted(wanted, key=repr) if assignee not in self._routes])
        if self._admins is None and any(step.level is None for step, _ in asked):
            admins = people.active_admins(self._tx)
            self._users |= {user.id: user for user in admins}
            self._admins = {user.id: Route(Assignee(AssigneeType.USER, user.id), "fallback: admin") for user in admins}
        for urgency in Urgency:
            missing = {
                user_id
                for step, loudness in asked
                if loudness is urgency
                for user_id in self.routes(step)
                if (user_id, urgency) not in self._reach
            }
            if missing:
                found = people.reach_of(self._tx, missing, urgency=urgency)
                self._reach |= {(user_id, urgency): found.get(user_id, []) for user_id in missing}

    def routes(self, step: Step) -> dict[int, Route]:
        """The active people that a step stands for, each with why; the first assignee that names them counts."""
        if step.level is None:
            return dict(self._admins or {})
        found: dict[int, Route] = {}
        for assignee in step.level.assignees:
            for user_id, route in self._routes.get(assignee, {}).items():
                found.setdefault(user_id, route)
        return found

    def reach(self, user_id: int, urgency: Urgency) -> list[Reach]:
        """How pages of that urgency get to the person."""
        return self._reach.get((user_id, urgency), [])

    def name(self, user_id: int) -> str:
        """The person's name."""
        return self._users[user_id].name if user_id in self._users else f"user {user_id}"

    def _assignees(self, wanted: Sequence[Assignee]) -> None:
        self._users |= people.users_by_id(self._tx, _ids(wanted, AssigneeType.USER))
        for assignee in wanted:
            if assignee.type is AssigneeType.USER:
                user = self._users.get(assignee.id)
                active = user is not None and user.is_active
                self._routes[assignee] = {assignee.id: Route(assignee, "named directly")} if active else {}
        self._on_call(wanted, _ids(wanted, AssigneeType.SCHEDULE))
        for assignee in wanted:
            if assignee.type is AssigneeType.TEAM:
                self._routes[assignee] = self._team(assignee)

    def _on_call(self, wanted: Sequence[Assignee], schedule_ids: list[int]) -> None:
        known = oncall.schedules_by_id(self._tx, schedule_ids)
        active = [schedule_id for schedule_id, schedule in known.items() if schedule.is_active]
        covered = oncall.who_is_on_call(self._tx, active, self._now)
        backups = {each.escalation_to_user_id for each in known.values() if each.escalation_to_user_id}
        covering = {slot.user_id for slot in covered.values() if slot}
        self._users |= people.users_by_id(self._tx, backups | covering)
        for assignee in wanted:
            if assignee.type is not AssigneeType.SCHEDULE:
                continue
            schedule, slot = known.get(assignee.id), covered.get(assignee.id)
            if schedule is not None and slot is not None:
                via = f"on call for {schedule.name}: {slot.id}, until {slot.end_time.isoformat()}"
                self._routes[assignee] = {slot.user_id: Route(assignee, via)}
                continue
            backup = self._users.get(schedule.escalation_to_user_id or 0) if schedule else None
            via = f"nobody on call for {schedule.name}: its backup" if schedule else ""
            self._routes[assignee] = {backup.id: Route(assignee, via)} if backup and backup.is_active else {}

    def _team(self, assignee: Assignee) -> dict[int, Route]:
        schedules = oncall.active_schedules_of_team(self._tx, assignee.id)
        covered = oncall.who_is_on_call(self._tx, [schedule.id for schedule in schedules], self._now)
        on_call = [slot.user_id for slot in covered.values() if slot]
        self._users |= people.users_by_id(self._tx, on_call)
        if on_call:
            return {user_id: Route(assignee, "on call for the team") for user_id in on_call}
        members = people.team_members(self._tx, assignee.id)
        self._users |= {user.id: user for user in members}
        return {user.id: Route(assignee, "member of the team") for user in members}


def _ids(wanted: Sequence[Assignee], kind: AssigneeType) -> list[int]:
    return [assignee.id for assignee in wanted if assignee.type is kind]
