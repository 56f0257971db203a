"""The doors of vendors, with one person who was paged for one incident, and the ways to sign what vendors send."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import pytest
from httpx2 import Response
from starlette.testclient import TestClient

from app.accounts import queries as accounts
from app.accounts.types import ContactMethod, Role, Urgency, User
from app.escalation import running
from app.escalation.types import Assignee, AssigneeType, Escalation, Level
from app.incidents import queries as incidents
from app.incidents.types import Actor, Incident, Severity
from app.main import create_app
from app.notify import inbound, queries as outbox, service as notify, threads
from app.notify.callbacks import infobip_path
from app.notify.inbound import IntegrationState
from app.notify.models import ChannelRow
from app.notify.types import (
    Claim,
    NewNotification,
    Notification,
    NotificationFilter,
    NotificationKind,
    Outcome,
    Report,
    message_ref,
)
from app.platform.db import Db, Tx
from app.platform.runtime import Runtime
from app.platform.settings import Settings
from app.platform.types import PageQuery
from app.usecases import answer, catalogue, people
from app.usecases.deliver.consequences import record
from tests.support.client import Client
from tests.support.people import add_admin, add_user
from tests.support.webhooks import Case
from tests.support.world import World

BASE_URL = "https://pagerpal.example.com"
TWILIO_TOKEN = "twilio-auth-token-for-tests-only"
SLACK_SECRET = "slack-signing-secret-for-tests-only"
NUMBER = "+15005550010"


@dataclass
class Doors:
    """The application, its vendors' secrets, and what is in the database."""

    rt: Runtime
    world: World
    client: TestClient
    admin: User
    people: dict[str, User] = field(default_factory=dict)
    policy_id: int = 0

    # --- the cast -------------------------------------------------------------------------------------------------

    @property
    def now(self) -> datetime:
        """What time it is."""
        return self.rt.clock.now()

    def person(self, name: str, *, role: Role = Role.RESPONDER) -> User:
        """Somebody with an email contact method; made at the first mention."""
        if name not in self.people:
            self.people[name] = add_user(self.rt, name, actor=self.admin, role=role)
        return self.people[name]

    def phone(
        self, name: str, number: str = NUMBER, *, channel: str = "twilio_sms", minutes: int = 0, verified: bool = True
    ) -> int:
        """Give somebody a number that is paged for what is urgent; the contact method's id."""
        user = self.person(name)
        method = people.add_contact_method(
            self.rt,
            user_id=user.id,
            channel=channel,
            address=number,
            actor=self.admin,
            now=self.now,
            verified=verified,
        )
        people.add_rule(
            self.rt,
            user_id=user.id,
            urgency=Urgency.HIGH,
            delay_minutes=minutes,
            contact_method_id=method.id,
            actor=self.admin,
            now=self.now,
        )
        return method.id

    def methods(self, name: str) -> list[ContactMethod]:
        """How somebody is reached, oldest first."""
        user = self.person(name)
        return self.rt.db.read(lambda tx: accounts.contact_methods_of(tx, user.id))

    def drop_email(self, name: str) -> None:
        """Somebody has no email any more."""
        user = self.person(name)
        for method in self.methods(name):
            if method.channel == "email":
                people.remove_contact_method(
                    self.rt, user_id=user.id, contact_method_id=method.id, actor=self.admin, now=self.now
                )

    def slack_account(self, name: str, slack_user: str) -> None:
        """An admin enters somebody's Slack id."""
        changes = {"slack_user_id": slack_user}
        people.update_user(self.rt, user_id=self.person(name).id, changes=changes, actor=self.admin, now=self.now)

    def policy(self, *names: str) -> None:
        """Whom incidents page: one person a level, 15 minutes each."""
        levels = [
            Level(number, 15, (Assignee(AssigneeType.USER, self.person(name).id),))
            for number, name in enumerate(names, start=1)
        ]
        made = catalogue.create_policy(
            self.rt, name=f"Policy {self.rt.ids.hex32()}", levels=levels, actor=self.admin, now=self.now
        )
        self.policy_id = made.id

    def incident(self, title: str = "Disk full") -> int:
        """Open an incident by that policy; its pages are in the outbox."""
        actor = Actor(self.admin.id, self.admin.name, self.admin.id, "api")
        opened = answer.open_incident(
            self.rt, title=title, severity=Severity.CRITICAL, policy_id=self.policy_id, actor=actor, now=self.now
        )
        return opened.id

    def sent(self, incident_id: int, channel: str, *, provider_id: str | None = None, ref: str = "") -> Notification:
        """Let the page of an incident by this channel have gone out, under the vendor's name for it."""

        def write(tx: Tx) -> None:
            claims = notify.claim(tx, now=self.now, owner="t", busy={})
            for claim in claims:
                mine = claim.notification.incident_id == incident_id and claim.notification.channel == channel
                report = Report(Outcome.SENT, provider_message_id=provider_id if mine else None)
                record(tx, claim, report, now=self.now, roll=0.5)

        self.rt.db.write(write)
        [page] = [each for each in self.pages(incident_id) if each.channel == channel]
        return page

    def begin(self, incident_id: int, channel: str) -> Callable[[str], None]:
        """Let the page of an incident by this channel be on its way; call the result when the vendor has taken it."""
        claims = self.rt.db.write(lambda tx: notify.claim(tx, now=self.now, owner="t", busy={}))
        [claim] = [
            each
            for each in claims
            if (each.notification.incident_id, each.notification.channel) == (incident_id, channel)
        ]

        def finish(provider_id: str) -> None:
            report = Report(Outcome.SENT, provider_message_id=provider_id)
            self.rt.db.write(lambda tx: record(tx, claim, report, now=self.now, roll=0.5))

        return finish

    def believe(self, secret: str | None) -> None:
        """Vendors sign with this secret."""
        changes = {"twilio_auth_token": secret, "slack_signing_secret": secret} if secret else {}
        object.__setattr__(self.rt, "settings", self.rt.settings.model_copy(update=changes))

    def posted(
        self,
        incident_id: int,
        channel: str = "C123ABC456",
        ts: str = "1772443400.000100",
        *,
        config: dict[str, Any] | None = None,
    ) -> None:
        """Let an incident have been posted to a channel in Slack, which is configured so."""

        def write(tx: Tx) -> None:
            new = NewNotification(
                kind=NotificationKind.TEAM,
                channel="slack",
                due_at=self.now,
                facts={"incident": incident_id},
                incident_id=incident_id,
                channel_id=self._slack_channel(tx, config or {}),
            )
            post = outbox.get_notification(tx, notify.insert_one(tx, new, now=self.now))
            threads.keep(tx, Claim(post), message_ref(channel=channel, ts=ts))

        self.rt.db.write(write)

    def _slack_channel(self, tx: Tx, config: dict[str, Any]) -> int:
        return tx.insert(
            ChannelRow,
            name=f"Slack {self.rt.ids.hex32()}",
            driver="slack",
            config=config,
            created_at=self.now,
            updated_at=self.now,
        )

    # --- the vendors ----------------------------------------------------------------------------------------------

    def twilio(self, path: str, fields: Sequence[tuple[str, str]], *, signature: str | None = None) -> Response:
        """What Twilio posts, signed unless another signature is given."""
        made = twilio_signature(f"{BASE_URL}{path}", fields) if signature is None else signature
        return self.client.post(
            path,
            content=urlencode(fields),
            headers={"content-type": "application/x-www-form-urlencoded", "x-twilio-signature": made},
        )

    def sms(self, text: str, *, sender: str = NUMBER, sid: str | None = None, **more: str) -> str:
        """A text message comes in; what its sender is answered."""
        fields = [("MessageSid", sid or self.rt.ids.hex32()), ("From", sender), ("Body", text), *more.items()]
        response = self.twilio("/integrations/twilio_sms/", fields)
        assert response.status_code == 200, response.text
        assert response.headers["content-type"].startswith("text/xml")
        return response.text

    def infobip(self, what: str, results: Any) -> Response:
        """What Infobip posts to one of its two paths."""
        return self.client.post(infobip_path(self.rt.secrets, what), json={"results": results})

    def slack(self, body: bytes, *, content_type: str = "application/json", path: str = "events") -> Response:
        """What Slack posts, signed now."""
        stamp = str(int(self.now.timestamp()))
        made = hmac.new(SLACK_SECRET.encode(), f"v0:{stamp}:".encode() + body, hashlib.sha256).hexdigest()
        return self.client.post(
            f"/integrations/slack/{path}/",
            content=body,
            headers={
                "content-type": content_type,
                "x-slack-request-timestamp": stamp,
                "x-slack-signature": f"v0={made}",
            },
        )

    def press(self, action: str, value: str, *, user: str = "U123ABC456", **more: Any) -> Response:
        """Somebody presses a button under the post."""
        payload = {
            "type": "block_actions",
            "user": {"id": user},
            "container": {"message_ts": "1772443400.000100", "channel_id": "C123ABC456"},
            "response_url": "https://hooks.slack.com/actions/T1/1/fake",
            "actions": [{"action_id": action, "value": value, "action_ts": self.rt.ids.hex32()}],
            **more,
        }
        body = urlencode({"payload": json.dumps(payload)}).encode()
        return self.slack(body, content_type="application/x-www-form-urlencoded", path="interactions")

    def react(self, emoji: str, *, user: str = "U123ABC456", ts: str = "1772443400.000100", **more: Any) -> Response:
        """Somebody reacts to a post."""
        item = {"type": "message", "channel": "C123ABC456", "ts": ts}
        event = {"type": "reaction_added", "user": user, "reaction": emoji, "item": item}
        payload = {"type": "event_callback", "event_id": f"Ev{self.rt.ids.hex32()}", "event": event, **more}
        return self.slack(json.dumps(payload).encode())

    def case(self, case: Case) -> Response:
        """A recorded request, byte by byte, at its own time."""
        self.world.clock.set(case.received_at)
        if case.driver == "twilio":
            path = case.request["served_url"].partition("://")[2].partition("/")[2]
            return self.client.post(f"/{path}", content=case.body, headers=case.headers)
        if case.driver == "infobip":
            what = "infobip_inbound" if case.name.startswith("inbound") else "infobip_reports"
            return self.client.post(infobip_path(self.rt.secrets, what), content=case.body, headers=case.headers)
        path = "interactions" if "form" in case.headers["Content-Type"] else "events"
        return self.client.post(f"/integrations/slack/{path}/", content=case.body, headers=case.headers)

    # --- what is so afterwards ------------------------------------------------------------------------------------

    def status(self, incident_id: int) -> str:
        """The incident's status."""
        return self.found(incident_id).status.value

    def found(self, incident_id: int) -> Incident:
        """The incident."""
        return self.rt.db.read(lambda tx: incidents.get_incident(tx, incident_id))

    def story(self, incident_id: int) -> list[str]:
        """The incident's timeline."""
        return [entry.text for entry in self.rt.db.read(lambda tx: incidents.timeline_of(tx, incident_id))]

    def responders(self, incident_id: int) -> list[tuple[int, str, str]]:
        """Who answered: person, role, way."""
        found = self.rt.db.read(lambda tx: incidents.responders_of(tx, incident_id))
        return [(each.user_id, each.role, each.ack_source) for each in found]

    def pages(self, incident_id: int) -> list[Notification]:
        """Every message about the incident."""
        return self.rt.db.read(lambda tx: outbox.notifications_of(tx, incident_id))

    def messages(self, kind: NotificationKind) -> list[Notification]:
        """Every message of a kind, oldest first."""
        everything = PageQuery(page_size=200)
        found = self.rt.db.read(lambda tx: outbox.list_notifications(tx, NotificationFilter(), everything))
        return [each for each in reversed(found.items) if each.kind is kind]

    def notices(self) -> dict[str, str]:
        """What people were told quietly: address and subject."""
        return {each.address: each.facts["title"] for each in self.messages(NotificationKind.HANDOFF)}

    def escalation(self, incident_id: int) -> Escalation:
        """Where the escalation stands."""
        found = self.rt.db.read(lambda tx: running.escalation_of(tx, incident_id))
        assert found is not None
        return found

    def state(self, vendor: str) -> IntegrationState:
        """How a vendor's door is doing."""
        return self.rt.db.read(inbound.states)[vendor]


def twilio_signature(url: str, fields: Sequence[tuple[str, str]], token: str = TWILIO_TOKEN) -> str:
    """What Twilio signs, written down independently of our own check."""
    said = url + "".join(f"{name}{value}" for name, value in sorted(set(fields)))
    return base64.b64encode(hmac.new(token.encode(), said.encode(), hashlib.sha1).digest()).decode()


@pytest.fixture
def settings(database_url: str) -> Settings:
    """Settings with every vendor's secret set."""
    return Settings(
        pagerpal_env="test",
        database_url=database_url,
        pagerpal_base_url=BASE_URL,
        twilio_auth_token=TWILIO_TOKEN,
        slack_signing_secret=SLACK_SECRET,
        slack_bot_token="xoxb-for-tests-only",
    )


@pytest.fixture
def doors(world: World, settings: Settings, db: Db) -> Iterator[Doors]:
    """The application's doors for vendors."""
    rt = world.runtime(settings, db)
    app = create_app(rt=rt, with_clock=False)
    with Client(app, base_url="http://127.0.0.1:8000", raise_server_exceptions=False) as client:
        yield Doors(rt, world, client, add_admin(rt, "Ada"))


@pytest.fixture
def paged(doors: Doors) -> Doors:
    """Ravi was paged by SMS for incident 1; Noor is on the next level."""
    doors.phone("Ravi")
    doors.policy("Ravi", "Noor")
    doors.incident()
    doors.sent(1, "twilio_sms", provider_id="SM1")
    return doors
