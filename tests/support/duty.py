"""People with schedules, incidents that page by them, and an outbox to look into; time moves when a test says so."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from app.accounts import queries as accounts
from app.accounts.types import ContactMethod, Role, Team, User
from app.escalation import running
from app.escalation.types import Assignee, AssigneeType, Escalation, Level
from app.incidents import queries as incidents
from app.incidents.types import Actor, Incident, Severity, TimelineEntry
from app.notify import queries as outbox
from app.notify.types import Notification, NotificationKind
from app.oncall import queries as oncall
from app.oncall.types import Schedule, Window
from app.platform.runtime import Runtime
from app.usecases import answer, catalogue, climb, people, rota, watch
from tests.support.people import add_user
from tests.support.world import World

# Somebody by name, a schedule or a team.
Named: TypeAlias = str | Schedule | Team


@dataclass
class Duty:
    """Ada is the admin; everybody else is made at the first mention and reached by email."""

    rt: Runtime
    world: World
    admin: User
    people: dict[str, User] = field(default_factory=dict)

    @property
    def now(self) -> datetime:
        """What time it is."""
        return self.rt.clock.now()

    def person(self, name: str) -> User:
        """Somebody with an email contact method."""
        if name == "ada":
            return self.admin
        if name not in self.people:
            self.people[name] = add_user(self.rt, name.capitalize(), actor=self.admin, role=Role.RESPONDER)
        return self.people[name]

    def contact_methods(self, name: str) -> list[ContactMethod]:
        """How somebody is reached."""
        user_id = self.person(name).id
        return self.rt.db.read(lambda tx: accounts.contact_methods_of(tx, user_id))

    def loses_contact_methods(self, name: str) -> None:
        """Somebody can no longer be reached by any way."""
        for method in self.contact_methods(name):
            people.remove_contact_method(
                self.rt, user_id=self.person(name).id, contact_method_id=method.id, actor=self.admin, now=self.now
            )

    def schedule(self, name: str = "Platform", *, backup: str | None = None, delay: int = 15, **more: Any) -> Schedule:
        """A schedule on which nobody is yet."""
        return rota.create_schedule(
            self.rt,
            name=name,
            escalation_delay_minutes=delay,
            escalation_to_user_id=self.person(backup).id if backup else None,
            actor=self.admin,
            now=self.now,
            **more,
        )

    def covers(self, schedule: Schedule, name: str, *, hours: float = 24, after: float = 0) -> Window:
        """Somebody is on call by a fixed entry, from `after` hours on."""
        start = self.now + timedelta(hours=after)
        return rota.add_entry(
            self.rt,
            schedule_id=schedule.id,
            user_id=self.person(name).id,
            start_time=start,
            end_time=start + timedelta(hours=hours),
            actor=self.admin,
            now=self.now,
        )

    def policy(self, *levels: tuple[int, Sequence[Named]], name: str = "On duty", repeat: int = 0) -> int:
        """A policy of (minutes, people and schedules) levels; its id."""
        made = catalogue.create_policy(
            self.rt,
            name=name,
            levels=tuple(
                Level(number, minutes, tuple(self._assignee(each) for each in named))
                for number, (minutes, named) in enumerate(levels, start=1)
            ),
            repeat=repeat,
            actor=self.admin,
            now=self.now,
        )
        return made.id

    def opens(
        self, title: str = "Disk full", *, policy: int | None = None, schedule: Schedule | None = None,
        severity: Severity = Severity.CRITICAL,
    ) -> int:  # fmt: skip
        """An incident opens now and is paged; its id."""
        actor = Actor(self.admin.id, self.admin.name, self.admin.id, "api")
        opened = answer.open_incident(
            self.rt, title=title, severity=severity, policy_id=policy,
            schedule_id=schedule.id if schedule else None, actor=actor, now=self.now,
        )  # fmt: skip
        return opened.id

    def does(self, action: Callable[..., Incident], incident_id: int, name: str) -> None:
        """Somebody answers."""
        user = self.person(name)
        action(self.rt, incident_id=incident_id, actor=Actor(user.id, user.name, user.id, "ui"), now=self.now)

    def advance(self, **time: float) -> None:
        """Let time pass; escalations step at their own instants, and nothing is sent."""
        end = self.now + timedelta(**time)
        while (due := self.rt.db.read(running.next_due_at)) is not None and due <= end:
            self.world.clock.advance(seconds=max(0.0, (due - self.now).total_seconds()))
            self.steps()
        self.world.clock.advance(seconds=(end - self.now).total_seconds())
        self.steps()

    def steps(self) -> None:
        """One pass over the escalations that are due now."""
        asyncio.run(climb.climb_due(self.rt, self.now, None))

    def watches(self) -> None:
        """One pass of the watch over who is on call."""
        asyncio.run(watch.watch_duty(self.rt, self.now, None))

    def on_call(self, schedule: Schedule) -> int | None:
        """Who is on call now, by id."""
        slot = self.rt.db.read(lambda tx: oncall.who_is_on_call(tx, [schedule.id], self.now))[schedule.id]
        return slot.user_id if slot else None

    def incident(self, incident_id: int) -> Incident:
        """The incident as it is now."""
        return self.rt.db.read(lambda tx: incidents.get_incident(tx, incident_id))

    def escalation(self, incident_id: int) -> Escalation:
        """Its escalation as it is now."""
        found = self.rt.db.read(lambda tx: running.escalation_of(tx, incident_id))
        assert found is not None
        return found

    def pages(self, incident_id: int) -> list[Notification]:
        """Its pages, oldest first."""
        found = self.rt.db.read(lambda tx: outbox.notifications_of(tx, incident_id))
        return [each for each in found if each.kind is NotificationKind.PAGE]

    def paged(self, incident_id: int) -> list[str]:
        """Who was paged for it, in order."""
        names = {user.id: name for name, user in {"ada": self.admin, **self.people}.items()}
        return [names[page.user_id or 0] for page in self.pages(incident_id)]

    def timeline(self, incident_id: int) -> list[TimelineEntry]:
        """Its story."""
        return self.rt.db.read(lambda tx: incidents.timeline_of(tx, incident_id))

    def tells(self, incident_id: int, words: str) -> bool:
        """Whether a line of its story says this."""
        return any(words in entry.text for entry in self.timeline(incident_id))

    def _assignee(self, named: Named) -> Assignee:
        if isinstance(named, Team):
            return Assignee(AssigneeType.TEAM, named.id)
        if isinstance(named, Schedule):
            return Assignee(AssigneeType.SCHEDULE, named.id)
        return Assignee(AssigneeType.USER, self.person(named).id)
