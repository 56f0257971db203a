"""Plays a night twice: asks the simulation, then posts the alert and lets the clock run with nobody answering."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from app.accounts import contacts, queries as accounts
from app.accounts.types import ContactMethod, Identity, Role, TokenScope, Urgency, User
from app.escalation.types import Assignee, AssigneeType, Level as PolicyLevel
from app.notify import queries as outbox
from app.notify.types import Notification, NotificationKind
from app.oncall.types import RotationPlan
from app.platform.db import Tx
from app.platform.runtime import Runtime
from app.platform.tables import Base
from app.usecases import answer, catalogue, people, rota
from tests.smoke.simulate.nights import Did, Night, Person, Schedule
from tests.smoke.story import Story
from tests.support.people import add_user, email_of
from tests.support.world import World

SOURCE = "prod"
# Who asks leaves a trace of its own.
TRACES_OF_ASKING = {"api_tokens"}
EVERY_TABLE = {table.name: select(table) for table in Base.metadata.sorted_tables if table.name not in TRACES_OF_ASKING}


@dataclass(frozen=True, order=True)
class Message:
    """One message as it reached somebody: how long after the alert, who, by which channel, and the levels it says."""

    after: timedelta
    who: str
    channel: str
    levels: tuple[int, ...]

    def __str__(self) -> str:
        levels = "+".join(str(level) for level in self.levels)
        return f"{self.after / timedelta(minutes=1):g} {levels} {self.who} {self.channel}"


class Stage(Story):
    """A night at a company, with everything that the night's value asks for."""

    def __init__(self, rt: Runtime, world: World, night: Night) -> None:
        world.clock.set(night.set_up_at)
        self.night = night
        self.heard: list[Message] = []
        self.ids: dict[str, int] = {}
        super().__init__(rt, world)
        self._set_up()

    # --- setting up -----------------------------------------------------------------------------------------------

    def _set_up(self) -> None:
        for person in self.night.people:
            self._person(person)
        for name, members in self.night.teams.items():
            self._team(name, members)
        for schedule in self.night.schedules:
            self._schedule(schedule)
        self.ids["source"] = self._source()
        _, self.token = people.create_token(self.rt, user=self.admin, name="asks", scope=TokenScope.READ, now=self.now)

    def person(self, name: str) -> User:
        """Somebody by their name; made with the default rules at the first mention."""
        if name not in self.people:
            self._person(Person(name))
        return self.people[name]

    def _person(self, person: Person) -> None:
        role = Role.ADMIN if person.is_admin else Role.RESPONDER
        made = self.people.get(person.name) or add_user(
            self.rt, person.name.capitalize(), actor=self.admin, role=role, signs_in=person.is_admin
        )
        self.people[person.name] = made
        quiet = dict(zip(("quiet_from", "quiet_to", "digest_at"), person.quiet, strict=False))
        changes = {"timezone": person.zone, **quiet}
        people.update_user(self.rt, user_id=made.id, changes=changes, actor=self.admin, now=self.now)
        for old in self.rt.db.read(lambda tx: accounts.rules_of(tx, made.id)):
            people.remove_rule(self.rt, user_id=made.id, rule_id=old.id, actor=self.admin, now=self.now)
        for rule in person.rules:
            address = email_of(person.name) if rule.at == "email" else f"https://{person.name}.example.com/page"
            method = self._reached(made, rule.at, address, is_verified=rule.is_verified)
            people.add_rule(
                self.rt, user_id=made.id, urgency=Urgency(rule.urgency), delay_minutes=rule.after,
                contact_method_id=method.id, actor=self.admin, now=self.now,
            )  # fmt: skip

    def _reached(self, user: User, at: str, address: str, *, is_verified: bool) -> ContactMethod:
        # Not by the use case: that refuses the kinds that an older version had.
        return self.rt.db.write(
            lambda tx: contacts.add_contact_method(
                tx, user_id=user.id, channel=at, address=address, verified=is_verified, now=self.now
            )
        )

    def _team(self, name: str, members: tuple[str, ...]) -> None:
        made = people.create_team(self.rt, name=name, actor=self.admin, now=self.now)
        self.ids[f"team {name}"] = made.id
        for member in members:
            people.add_member(self.rt, team_id=made.id, user_id=self.person(member).id, actor=self.admin, now=self.now)

    def _schedule(self, wanted: Schedule) -> None:
        rotation = wanted.rotation
        made = rota.create_schedule(
            self.rt,
            name=wanted.name,
            team_id=self.ids[f"team {wanted.team}"] if wanted.team else None,
            timezone=wanted.zone,
            is_active=wanted.is_active,
            escalation_delay_minutes=wanted.delay,
            escalation_to_user_id=self.person(wanted.backup).id if wanted.backup else None,
            rotation=RotationPlan(
                timezone=wanted.zone,
                cadence=rotation.cadence,
                handoff_time=rotation.handoff,
                start_date=rotation.starts,
                member_ids=tuple(self.person(name).id for name in rotation.members),
                handoff_weekday=rotation.weekday,
                shift_length_hours=rotation.hours,
            )
            if rotation
            else None,
            actor=self.admin,
            now=self.now,
        )
        self.ids[f"duty {wanted.name}"] = made.id
        for turn in wanted.turns:
            add: Callable[..., Any] = rota.add_override if turn.is_override else rota.add_entry
            who = {"identity": self._as_admin()} if turn.is_override else {"actor": self.admin}
            add(
                self.rt,
                schedule_id=made.id,
                user_id=self.person(turn.who).id,
                start_time=self.night.start + timedelta(minutes=turn.begins),
                end_time=self.night.start + timedelta(minutes=turn.ends),
                now=self.now,
                **who,
            )

    def _source(self) -> int:
        night = self.night
        settings = dict(night.source)
        if night.levels:
            made = catalogue.create_policy(
                self.rt,
                name="On duty",
                levels=tuple(
                    PolicyLevel(number, level.minutes, tuple(self._assignee(each) for each in level.named))
                    for number, level in enumerate(night.levels, start=1)
                ),
                repeat=night.repeat,
                ack_timeout_minutes=night.ack_timeout,
                actor=self.admin,
                now=self.now,
            )
            settings["escalation_policy_id"] = made.id
        elif night.pages_by.startswith("duty "):
            settings["schedule_id"] = self.ids[night.pages_by]
        elif night.pages_by.startswith("team "):
            settings["team_id"] = self.ids[night.pages_by]
        source, key = catalogue.create_source(
            self.rt, name=SOURCE, pipeline="direct", actor=self.admin, now=self.now, **settings
        )
        self.keys[SOURCE] = key
        return source.id

    def _assignee(self, named: str) -> Assignee:
        if named.startswith("team "):
            return Assignee(AssigneeType.TEAM, self.ids[named])
        if named.startswith("duty "):
            return Assignee(AssigneeType.SCHEDULE, self.ids[named])
        return Assignee(AssigneeType.USER, self.person(named).id)

    def _as_admin(self) -> Identity:
        return Identity(self.admin, "test")

    # --- what happened before -------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Let happen what happened before, and come to the start of the night."""
        for did in self.night.did:
            self._come_to(self.night.start - timedelta(minutes=did.before))
            self._do(did)
        self._come_to(self.night.start)
        self.heard.clear()

    def _come_to(self, at: datetime) -> None:
        self.advance(seconds=(at - self.now).total_seconds())

    def _do(self, did: Did) -> None:
        match did.what:
            case "post":
                self.send(did.body)
            case "acknowledge":
                self.acknowledges(did.who)
            case "resolve":
                self.does(did.who, answer.resolve)
            case "snooze":
                self.does(did.who, answer.snooze, until=self.night.start + timedelta(minutes=did.until))
            case "deactivate":
                people.deactivate_user(self.rt, user_id=self.person(did.who).id, actor=self.admin, now=self.now)
                self.settle()
            case "switch off":
                changes = {"is_active": False}
                catalogue.update_source(
                    self.rt, source_id=self.ids["source"], changes=changes, actor=self.admin, now=self.now
                )
            case _:
                raise AssertionError(f"nobody knows how to {did.what}")

    # --- the question and the night itself ------------------------------------------------------------------------

    def ask(self) -> Any:
        """What the simulation says, which must leave nothing behind."""
        before = self._everything()
        asked = {"source_id": self.ids["source"], "payload": self.night.body}
        answered = self.client.post(
            "/api/v1/simulate/page", json=asked, headers={"authorization": f"Bearer {self.token}"}
        )
        assert answered.status_code == 200, answered.text
        assert self._everything() == before, "the simulation left something behind"
        return answered.json()

    def send(self, body: Any, status: int = 202) -> None:
        """The tool posts; everything that is due at once is done."""
        answered = self.client.post(
            "/alerts/webhook/", content=json.dumps(body), headers={"X-API-Key": self.keys[SOURCE]}
        )
        assert answered.status_code == status, answered.text
        self.settle()

    def happen(self) -> list[Message]:
        """The alert really comes, nobody answers, and this is what the outside heard."""
        self.send(self.night.body, 403 if any(did.what == "switch off" for did in self.night.did) else 202)
        self.advance(hours=self.night.hours)
        return sorted(self.heard)

    def _collect(self) -> None:
        for mail in self.world.mail.sent:
            row_id = int(mail.message["Message-ID"].removeprefix("<notification-").partition(".")[0])
            self._hear(mail.to.partition("@")[0], "email", row_id)
        self.world.mail.sent.clear()
        for call in self.world.http.calls:
            row_id = json.loads(call.content)["notification_id"]
            name = call.url.removeprefix("https://").partition(".")[0]
            self._hear(name, "webhook", row_id)
        self.world.http.calls.clear()

    def _hear(self, who: str, channel: str, row_id: int) -> None:
        rows = self.rt.db.read(lambda tx: _said(tx, row_id))
        levels = tuple(sorted(row.level or 0 for row in rows if row.kind is NotificationKind.PAGE))
        if levels:
            self.heard.append(Message(self.now - self.night.start, who, channel, levels))

    def _everything(self) -> dict[str, list[tuple[Any, ...]]]:
        def read(tx: Tx) -> dict[str, list[tuple[Any, ...]]]:
            return {
                name: sorted((tuple(row) for row in tx.execute(rows)), key=repr) for name, rows in EVERY_TABLE.items()
            }

        return self.rt.db.read(read)


def _said(tx: Tx, row_id: int) -> list[Notification]:
    return [outbox.get_notification(tx, row_id), *outbox.bundled_in(tx, row_id)]


def simulated(answered: Any, start: datetime) -> list[Message]:
    """The messages that the simulation expects to get out."""
    messages: dict[int, list[Any]] = {}
    for page in (*answered["pages"], *answered["under_way"]):
        if page["problem"] is None:
            messages.setdefault(page["message"], []).append(page)
    return sorted(
        Message(
            datetime.fromisoformat(pages[0]["at"]) - start,
            pages[0]["user"]["name"].lower(),
            pages[0]["channel"],
            tuple(sorted(page["level"] for page in pages)),
        )
        for pages in messages.values()
    )
