"""Somebody to page, incidents to page them for, and an outbox to look into."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeVar

import pytest

from app.accounts import queries as accounts
from app.accounts.types import Role, User
from app.escalation import running
from app.escalation.types import Assignee, AssigneeType, Escalation, Level
from app.incidents import queries as incidents
from app.incidents.types import Actor, Incident, Severity
from app.notify import queries as outbox, service as notify
from app.notify.types import Claim, Notification, NotificationStatus, Report
from app.platform.db import Db, Tx
from app.platform.runtime import Runtime
from app.platform.settings import Settings
from app.usecases import answer, catalogue, deliver, people
from tests.support.people import add_admin, add_user, email_of
from tests.support.world import World

T = TypeVar("T")


@dataclass
class Ward:
    """Ravi is level 1, Noor level 2, Ada the admin; mail goes to the world's mail port."""

    rt: Runtime
    world: World
    admin: User
    policy_id: int

    @property
    def now(self) -> datetime:
        """What time it is."""
        return self.rt.clock.now()

    def opens(self, title: str = "Disk full", severity: Severity = Severity.CRITICAL) -> int:
        """An incident opens now and pages level 1; its id."""
        actor = Actor(self.admin.id, self.admin.name, self.admin.id, "api")
        opened = answer.open_incident(
            self.rt, title=title, severity=severity, policy_id=self.policy_id, actor=actor, now=self.now
        )
        return opened.id

    def does(self, what: Callable[..., Incident], incident_id: int, name: str = "Ravi") -> None:
        """Somebody answers."""
        what(self.rt, incident_id=incident_id, actor=Actor(1, name, None, "ui"), now=self.now)

    def run(self, awaited: Awaitable[T]) -> T:
        """The result of a coroutine."""

        async def wait() -> T:
            return await awaited

        return asyncio.run(wait())

    def delivers(self) -> deliver.DeliverOutcome:
        """One pass over what is due."""
        return self.run(deliver.deliver_due(self.rt, self.now))

    def delivers_all(self) -> None:
        """Everything that is due, however long its sends take, and what waits for these."""

        async def whole() -> None:
            for _ in range(10):
                await deliver.deliver_due(self.rt, self.now)
                await deliver.drain(self.rt)

        asyncio.run(whole())

    def passes(self, **length: float) -> None:
        """Time passes, and then what is due is delivered."""
        self.world.clock.advance(**length)
        self.delivers()

    def claims(self, owner: str = "another", **changes: Any) -> list[Claim]:
        """Another process claims what is due, and goes no further."""
        values = {"now": self.now, "owner": owner, "busy": {}, **changes}
        return self.rt.db.write(lambda tx: notify.claim(tx, **values))

    def records(self, claim: Claim, report: Report, **changes: Any) -> notify.Recorded | None:
        """That process records an outcome."""
        values = {"answered": (), "roll": 0.5, "now": self.now, **changes}
        return self.rt.db.write(lambda tx: notify.record(tx, claim, report, **values))

    def reads(self, question: Callable[[Tx], T]) -> T:
        """What the database says."""
        return self.rt.db.read(question)

    def messages(self, incident_id: int) -> list[Notification]:
        """Everything said about an incident."""
        return self.reads(lambda tx: outbox.notifications_of(tx, incident_id))

    def message(self, incident_id: int) -> Notification:
        """The only thing said about an incident."""
        (only,) = self.messages(incident_id)
        return only

    def statuses(self, *incident_ids: int) -> list[NotificationStatus]:
        """The statuses of what is said about these incidents, in order."""
        return [each.status for incident_id in incident_ids for each in self.messages(incident_id)]

    def story(self, incident_id: int) -> str:
        """The incident's timeline as one text."""
        return "\n".join(entry.text for entry in self.reads(lambda tx: incidents.timeline_of(tx, incident_id)))

    def escalation(self, incident_id: int) -> Escalation:
        """Where its escalation stands."""
        found = self.reads(lambda tx: running.escalation_of(tx, incident_id))
        assert found is not None
        return found

    def sent_to(self, name: str) -> list[str]:
        """The subjects of the mails that somebody got."""
        return [mail.subject for mail in self.world.mail.sent if mail.to == email_of(name)]

    def reached_by(self, name: str, channel: str, address: str) -> None:
        """Somebody is paged on this channel instead of by email."""
        found = self.reads(lambda tx: accounts.find_user_by_email(tx, email_of(name)))
        assert found is not None
        rt, user_id = self.rt, found.id
        method = people.add_contact_method(
            rt, user_id=user_id, channel=channel, address=address, verified=True, actor=self.admin, now=self.now
        )
        for rule in self.reads(lambda tx: accounts.rules_of(tx, user_id)):
            people.remove_rule(rt, user_id=user_id, rule_id=rule.id, actor=self.admin, now=self.now)
            people.add_rule(
                rt,
                user_id=user_id,
                urgency=rule.urgency,
                delay_minutes=0,
                contact_method_id=method.id,
                actor=self.admin,
                now=self.now,
            )

    def with_settings(self, **changes: Any) -> "Ward":
        """The same house under other settings."""
        return replace(self, rt=replace(self.rt, settings=self.rt.settings.model_copy(update=changes)))


@pytest.fixture
def settings(database_url: str) -> Settings:
    """A mail server is configured."""
    return Settings(
        pagerpal_env="test",
        database_url=database_url,
        smtp_host="mail.example.com",
        smtp_from="pager@example.com",
        pagerpal_base_url="https://pager.example.com",
    )


@pytest.fixture
def ward(world: World, settings: Settings, db: Db) -> Ward:
    """The house of these tests."""
    rt = world.runtime(settings, db)
    admin = add_admin(rt, "Ada")
    ravi = add_user(rt, "Ravi", actor=admin, role=Role.RESPONDER)
    noor = add_user(rt, "Noor", actor=admin, role=Role.RESPONDER)
    levels = tuple(
        Level(number, 15, (Assignee(AssigneeType.USER, user.id),)) for number, user in enumerate((ravi, noor), start=1)
    )
    policy = catalogue.create_policy(rt, name="On duty", levels=levels, actor=admin, now=rt.clock.now())
    return Ward(rt, world, admin, policy.id)
