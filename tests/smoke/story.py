"""The whole application in one test: the outside world is fake, time moves only when the story says so.

`post` is a monitoring tool, `advance` is the night passing, `expect_page` is somebody's phone. A page that the story
did not expect fails it at the end. Notices (of hand-offs, shifts, gaps) ask nobody to act and lie in `notices`.
"""

import asyncio
import json
import re
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from email.message import EmailMessage
from typing import Any, TypeVar
from urllib.parse import urlsplit

from app.accounts import queries as accounts
from app.accounts.types import Identity, Team, User
from app.escalation import running
from app.escalation.types import Assignee, AssigneeType, Level
from app.incidents import queries as incidents
from app.incidents.types import OPEN_STATUSES, Actor, Incident, IncidentFilter, TimelineEntry
from app.jobs.desk import Desk
from app.main import create_app
from app.notify import queries as outbox
from app.notify.types import NotificationKind
from app.oncall import watching
from app.oncall.types import Cadence, RotationPlan, Schedule, Window
from app.platform.ports import MailFailed
from app.platform.runtime import Runtime
from app.platform.types import PageQuery
from app.usecases import answer, catalogue, climb, deliver, people, rota as schedules, run_pipeline, watch
from tests.support.client import Client
from tests.support.people import add_admin, add_user, email_of
from tests.support.world import SentMail, World

T = TypeVar("T")

GRAFANA = {"ruleId": 7, "ruleName": "Checkout errors", "title": "[Alerting] Checkout errors", "orgId": 1, "tags": {}}
NOTIFICATION = re.compile(r"<notification-(\d+)\.")
LINK = re.compile(r"https?://\S+/a/\S+")
# A story's tick of everything that is due; more rounds than this without an end is a loop.
ROUNDS = 50


@dataclass(frozen=True)
class Page:
    """One page as it reached somebody."""

    to: str
    subject: str
    text: str
    at: datetime
    message: EmailMessage

    @property
    def links(self) -> list[str]:
        """Every action link in it, in order."""
        return list(dict.fromkeys(LINK.findall(self.text)))


class Story:
    """A night at a company that uses PagerPal."""

    def __init__(self, rt: Runtime, world: World) -> None:
        self.rt = rt
        self.world = world
        self.admin = add_admin(rt, "Ada")
        self.people: dict[str, User] = {"ada": self.admin}
        self.keys: dict[str, str] = {}
        self.inbox: list[Page] = []
        self.notices: list[Page] = []
        self.app = create_app(rt=rt, with_clock=False)
        self.client = Client(self.app, base_url=rt.settings.pagerpal_base_url, raise_server_exceptions=False)
        self.client.__enter__()
        self._runner = asyncio.Runner()
        self._desk = Desk(rt)
        self.settle()

    def close(self) -> None:
        """End the story: every page must have been expected."""
        unexpected = [f"{page.to}: {page.subject}" for page in self.inbox]
        self._runner.close()
        self.client.__exit__(None, None, None)
        assert not unexpected, f"nobody expected these pages: {unexpected}"

    # --- the cast -------------------------------------------------------------------------------------------------

    def person(self, name: str) -> User:
        """Somebody who can be paged by mail; made at the first mention."""
        if name not in self.people:
            self.people[name] = add_user(self.rt, name.capitalize(), actor=self.admin)
        return self.people[name]

    def schedule(
        self,
        name: str = "Platform",
        *,
        rota: Sequence[str] = (),
        backup: str | None = None,
        delay: int = 15,
        **more: Any,
    ) -> Schedule:
        """A schedule; the people of `rota` have it for a day each, in order, handed over at 09:00 UTC from today on."""
        made = schedules.create_schedule(
            self.rt,
            name=name,
            rotation=self.daily(*rota) if rota else None,
            escalation_delay_minutes=delay,
            escalation_to_user_id=self.person(backup).id if backup else None,
            actor=self.admin,
            now=self.now,
            **more,
        )
        self.settle()
        return made

    def daily(self, *names: str) -> RotationPlan:
        """These people for a day each, in order, from today on."""
        members = tuple(self.person(name).id for name in names)
        return RotationPlan("UTC", Cadence.DAILY, time(9), self.now.date(), members)

    def policy(
        self,
        *,
        levels: list[tuple[int, str | Schedule | Team]],
        repeat: int = 0,
        ack_timeout_minutes: int | None = None,
        **source: Any,
    ) -> None:
        """A policy of (minutes, person, schedule or team) levels, and a Grafana source that pages by it."""
        made = catalogue.create_policy(
            self.rt,
            name="On duty",
            levels=tuple(
                Level(number, minutes, (self._target_of(named),))
                for number, (minutes, named) in enumerate(levels, start=1)
            ),
            repeat=repeat,
            ack_timeout_minutes=ack_timeout_minutes,
            actor=self.admin,
            now=self.now,
        )
        self.source("grafana", escalation_policy_id=made.id, **source)

    def team(self, name: str, *members: str) -> Team:
        """A team."""
        made = people.create_team(self.rt, name=name, actor=self.admin, now=self.now)
        for each in members:
            people.add_member(self.rt, team_id=made.id, user_id=self.person(each).id, actor=self.admin, now=self.now)
        return made

    def source(self, tool: str, **settings: Any) -> None:
        """An alert source for that tool."""
        # Stories are about paging; those about checks and analysis say so.
        settings = {"pipeline": "direct", **settings}
        _, key = catalogue.create_source(self.rt, name=f"{tool} prod", actor=self.admin, now=self.now, **settings)
        self.keys[tool] = key

    # --- what happens ---------------------------------------------------------------------------------------------

    def post(self, tool: str, *, state: str = "alerting", status: int = 202, **changes: Any) -> Any:
        """The tool sends a delivery; everything that is due at once is done."""
        body = json.dumps({**GRAFANA, "state": state, **changes})
        answered = self.client.post("/alerts/webhook/", content=body, headers={"X-API-Key": self.keys[tool]})
        assert answered.status_code == status, answered.text
        self.settle()
        return answered.json()

    def advance(self, **time: float) -> None:
        """Let time pass; what comes due meanwhile happens at its own instant."""
        end = self.now + timedelta(**time)
        due = self._due()
        while (first := min((each for each in due if each is not None), default=None)) is not None and first <= end:
            self.world.clock.advance(seconds=max(0.0, (first - self.now).total_seconds()))
            due = self._settle(due)
        self.world.clock.advance(seconds=(end - self.now).total_seconds())
        self._settle(due)

    def settle(self) -> None:
        """Do everything that is due now, until nothing is."""
        self._settle(self._due())

    def _settle(self, before: Sequence[datetime | None]) -> Sequence[datetime | None]:
        """Do what is due now, given when each is due; when each is due then. Time alone changes none of that."""
        for _ in range(ROUNDS):
            self._run(deliver.deliver_due(self.rt, self.now))
            self._run(climb.climb_due(self.rt, self.now, None))
            self._run(watch.watch_duty(self.rt, self.now, None))
            self._run(run_pipeline.run_due(self.rt, self.now))
            self._collect()
            after = self._due()
            if after == before or not any(each is not None and each <= self.now for each in after):
                break
            before = after
        return self._due() if self._run(watch.audit_unpaged(self.rt, self.now)) else after

    def does(self, name: str, action: Callable[..., Incident], **more: Any) -> None:
        """Somebody acts on the incident from the screen."""
        user = self.person(name)
        actor = Actor(user.id, user.name, self.admin.id, "ui")
        action(self.rt, incident_id=self.incident.id, actor=actor, now=self.now, **more)
        self.settle()

    def resolves_all_but(self, kept: int, name: str) -> None:
        """Somebody resolves every open incident but one."""
        user = self.person(name)
        actor = Actor(user.id, user.name, user.id, "ui")
        open_now = IncidentFilter(statuses=OPEN_STATUSES)
        found = self.rt.db.read(lambda tx: incidents.list_incidents(tx, open_now, PageQuery(page_size=200)))
        for each in found.items:
            if each.id != kept:
                answer.resolve(self.rt, incident_id=each.id, actor=actor, now=self.now)
        self.settle()

    def acknowledges(self, name: str) -> None:
        """Somebody has it."""
        self.does(name, answer.acknowledge)

    def overrides(self, schedule: Schedule, name: str, *, hours: float, after: float = 0) -> Window:
        """Somebody takes a part of a schedule, from `after` hours on."""
        start = self.now + timedelta(hours=after)
        made = schedules.add_override(
            self.rt,
            schedule_id=schedule.id,
            user_id=self.person(name).id,
            start_time=start,
            end_time=start + timedelta(hours=hours),
            identity=Identity(self.admin, "basic"),
            now=self.now,
        )
        self.settle()
        return made

    def hands_off(self, schedule: Schedule, to: str, *, by: str = "ada", at: datetime | None = None) -> None:
        """Somebody hands their duty over, now or later."""
        schedules.hand_off(
            self.rt,
            schedule_id=schedule.id,
            to_user_id=self.person(to).id,
            identity=Identity(self.person(by), "basic"),
            now=self.now,
            at=at,
        )
        self.settle()

    def leaves(self, name: str) -> None:
        """Somebody is deactivated."""
        people.deactivate_user(self.rt, user_id=self.person(name).id, actor=self.admin, now=self.now)
        self.settle()

    def refuses_mail(self) -> None:
        """The mail server refuses the next message for good."""
        self.world.mail.next.append(MailFailed("no such mailbox", code=550, permanent=True))

    def loses_contact_methods(self, name: str) -> None:
        """Somebody can no longer be reached by any way."""
        user = self.person(name)
        for method in self.rt.db.read(lambda tx: accounts.contact_methods_of(tx, user.id)):
            people.remove_contact_method(
                self.rt, user_id=user.id, contact_method_id=method.id, actor=self.admin, now=self.now
            )

    def scanner_follows(self, links: list[str]) -> None:
        """A mail gateway opens every link, as gateways do."""
        assert links, "the mail has no links"
        for link in links:
            assert self.client.get(urlsplit(link).path).status_code == 200
            self.client.head(urlsplit(link).path)
        self.settle()

    def taps(self, link: str, *, action: str = "acknowledge", status: int = 200) -> str:
        """Somebody opens a link and presses the button on the page behind it."""
        path = urlsplit(link).path
        answered = self.client.post(path, data={"action": action}, headers={"accept": "text/html"})
        assert answered.status_code == status, answered.text
        self.settle()
        return answered.text

    # --- what is seen ---------------------------------------------------------------------------------------------

    @property
    def now(self) -> datetime:
        """What time it is in the story."""
        return self.rt.clock.now()

    @property
    def incident(self) -> Incident:
        """The newest incident."""
        found = self.rt.db.read(lambda tx: incidents.list_incidents(tx, IncidentFilter(), PageQuery(page_size=200)))
        assert found.items, "there is no incident"
        return max(found.items, key=lambda incident: incident.id)

    @property
    def timeline(self) -> list[TimelineEntry]:
        """The newest incident's story."""
        incident_id = self.incident.id
        return self.rt.db.read(lambda tx: incidents.timeline_of(tx, incident_id))

    def tells(self, words: str) -> bool:
        """Whether a line of the timeline says this."""
        return any(words in entry.text for entry in self.timeline)

    def expect_page(self, name: str, *, via: str = "email", says: str = "", within_seconds: float = 1) -> Page:
        """Somebody was paged just now, and only once."""
        assert via == "email"
        address = email_of(name.capitalize())
        found = [page for page in self.inbox if page.to == address]
        assert found, f"{name} was not paged; paged were {[(page.to, page.subject) for page in self.inbox]}"
        page = found[0]
        self.inbox.remove(page)
        assert (self.now - page.at).total_seconds() <= within_seconds
        assert says.lower() in (page.subject + page.text).lower(), page.text
        return page

    def expect_notice(self, name: str, *, says: str) -> Page:
        """Somebody was told this; each notice is found once."""
        address = email_of(name.capitalize())
        for notice in self.notices:
            if notice.to == address and says.lower() in (notice.subject + notice.text).lower():
                self.notices.remove(notice)
                return notice
        raise AssertionError(f"{name} was not told; told were {[(each.to, each.subject) for each in self.notices]}")

    def expect_nothing(self) -> None:
        """Nobody heard anything."""
        assert not self.inbox, [(page.to, page.subject) for page in self.inbox]

    def _collect(self) -> None:
        sent: list[SentMail] = self.world.mail.sent
        for mail in sent:
            plain = mail.message.get_body(preferencelist=("plain",))
            assert plain is not None, "a mail without a text part"
            page = Page(mail.to, mail.subject, plain.get_content(), self.now, mail.message)
            (self.notices if self._is_notice(mail) else self.inbox).append(page)
        sent.clear()

    def _is_notice(self, mail: SentMail) -> bool:
        found = NOTIFICATION.search(str(mail.message["Message-ID"]))
        notification_id = int(found.group(1)) if found else 0
        sent = self.rt.db.read(lambda tx: outbox.find_notification(tx, notification_id))
        return sent is not None and sent.kind is NotificationKind.HANDOFF

    def _target_of(self, named: str | Schedule | Team) -> Assignee:
        if isinstance(named, Schedule):
            return Assignee(AssigneeType.SCHEDULE, named.id)
        if isinstance(named, Team):
            return Assignee(AssigneeType.TEAM, named.id)
        return Assignee(AssigneeType.USER, self.person(named).id)

    def _due(self) -> Sequence[datetime | None]:
        """When the next escalation, message and look at a schedule are due."""
        asked = (running.next_due_at, outbox.next_due_at, watching.next_due_at)
        return self.rt.db.read(lambda tx: [each(tx) for each in asked])

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(work)
