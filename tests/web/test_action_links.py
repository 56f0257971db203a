"""`/a/{token}`: what a person, a mail gateway and a stranger get who follow a link of a message (B31)."""

import asyncio
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import pytest
from starlette.testclient import TestClient

from app.accounts.types import User
from app.escalation.types import Assignee, AssigneeType, Level
from app.incidents import queries as incidents
from app.incidents.types import Actor, Incident, IncidentStatus, Severity
from app.main import create_app
from app.notify import queries as outbox
from app.notify.action_links import VALID_FOR
from app.platform.db import Db
from app.platform.runtime import Runtime
from app.platform.settings import Settings
from app.usecases import answer, catalogue, deliver, people
from tests.support.callers import bearer, browser
from tests.support.client import Client
from tests.support.people import add_admin, add_user
from tests.support.world import World

LINK = re.compile(r"(Acknowledge|Resolve|Escalate|Say so): https://pager\.example\.com(/a/\S+)")
BUTTON = re.compile(r'name="action" value="(\w+)"')


@dataclass
class Mailed:
    """Ravi was paged; his mail's links by their words."""

    rt: Runtime
    world: World
    client: TestClient
    admin: User
    incident_id: int
    ravi_id: int
    links: dict[str, str]

    @property
    def incident(self) -> Incident:
        """The incident as it is now."""
        return self.rt.db.read(lambda tx: incidents.get_incident(tx, self.incident_id))

    @property
    def story(self) -> list[str]:
        """Its timeline."""
        return [entry.text for entry in self.rt.db.read(lambda tx: incidents.timeline_of(tx, self.incident_id))]

    def press(self, link: str, action: str | None = None) -> tuple[int, str]:
        """Post the page's form, by one of its buttons or without."""
        response = self.client.post(self.links[link], data={"action": action} if action else {})
        return response.status_code, response.text


@pytest.fixture
def mailed(world: World, db: Db, database_url: str) -> Iterator[Mailed]:
    """A page is in Ravi's inbox."""
    settings = Settings(
        pagerpal_env="test",
        database_url=database_url,
        smtp_host="mail.example.com",
        smtp_from="pager@example.com",
        pagerpal_base_url="https://pager.example.com",
    )
    rt = world.runtime(settings, db)
    admin = add_admin(rt, "Ada")
    levels = []
    for number, name in enumerate(("Ravi", "Noor"), start=1):
        user = add_user(rt, name, actor=admin)
        levels.append(Level(number, 15, (Assignee(AssigneeType.USER, user.id),)))
    policy = catalogue.create_policy(rt, name="On duty", levels=levels, actor=admin, now=rt.clock.now())
    actor = Actor(admin.id, admin.name, admin.id, "api")
    opened = answer.open_incident(
        rt, title="<Disk> full", severity=Severity.CRITICAL, policy_id=policy.id, actor=actor, now=rt.clock.now()
    )
    asyncio.run(deliver.deliver_due(rt, rt.clock.now()))
    body = world.mail.sent[0].message.get_body(("plain",))
    assert body is not None
    links = dict(LINK.findall(body.get_content()))
    app = create_app(rt=rt, with_clock=False)
    with Client(app, base_url="https://pager.example.com", raise_server_exceptions=False) as client:
        yield Mailed(rt, world, client, admin, opened.id, levels[0].assignees[0].id, links)


def test_looking_names_the_incident_offers_every_action_and_changes_nothing(mailed: Mailed) -> None:
    assert set(mailed.links) == {"Acknowledge", "Resolve", "Escalate", "Say so"}
    before = mailed.story
    for path in mailed.links.values():
        for spelling in (path, f"{path}/"):
            response = mailed.client.get(spelling)
            assert response.status_code == 200
            assert "&lt;Disk&gt; full" in response.text
            assert set(BUTTON.findall(response.text)) == {"acknowledge", "resolve", "escalate", "not_useful"}
            assert "no-store" in response.headers["cache-control"]
            assert "no-referrer" in response.headers["referrer-policy"]
        assert mailed.client.head(path).status_code == 200
    assert mailed.story == before
    assert mailed.incident.status is IncidentStatus.TRIGGERED


@pytest.mark.parametrize("action", [None, "acknowledge"])
def test_the_button_acknowledges_as_the_person_who_got_the_mail(mailed: Mailed, action: str | None) -> None:
    status, text = mailed.press("Acknowledge", action)
    assert status == 200
    assert "Acknowledged, Ravi." in text
    assert mailed.incident.status is IncidentStatus.ACKNOWLEDGED
    assert mailed.incident.assigned_to == mailed.ravi_id
    assert mailed.story[-1] == "Ravi acknowledged by email link"


def test_the_first_button_is_what_the_link_is_for(mailed: Mailed) -> None:
    for word, path in mailed.links.items():
        wanted = "not_useful" if word == "Say so" else word.lower()
        assert BUTTON.findall(mailed.client.get(path).text)[0] == wanted


def test_a_used_link_says_what_happened_and_by_whom(mailed: Mailed) -> None:
    mailed.press("Acknowledge")
    lines = len(mailed.story)
    for status, text in (
        mailed.press("Acknowledge"),
        (409, mailed.client.get(mailed.links["Acknowledge"]).text),
        mailed.press("Resolve", "acknowledge"),
    ):
        assert status == 409
        assert "Ravi acknowledged it by this link on 2026-03-02 at 09:00 UTC" in text
    assert mailed.client.get(mailed.links["Acknowledge"]).status_code == 409
    assert len(mailed.story) == lines


def test_after_acknowledging_the_same_mail_still_resolves(mailed: Mailed) -> None:
    mailed.press("Acknowledge")
    assert mailed.press("Acknowledge", "resolve")[0] == 200
    assert mailed.incident.status is IncidentStatus.RESOLVED
    status, text = mailed.press("Escalate")
    assert status == 409
    assert "resolved" in text


def test_escalating_pages_the_next_level(mailed: Mailed) -> None:
    assert mailed.press("Escalate")[0] == 200
    asyncio.run(deliver.deliver_due(mailed.rt, mailed.rt.clock.now()))
    assert [mail.to for mail in mailed.world.mail.sent] == ["ravi@example.com", "noor@example.com"]


def test_an_expired_link_is_gone(mailed: Mailed) -> None:
    mailed.world.clock.advance(seconds=(VALID_FOR - timedelta(seconds=1)).total_seconds())
    assert mailed.client.get(mailed.links["Resolve"]).status_code == 200
    mailed.world.clock.advance(seconds=1)
    assert mailed.client.get(mailed.links["Resolve"]).status_code == 410
    assert mailed.press("Resolve")[0] == 410


@pytest.mark.parametrize("token", ["x", "A" * 60, "%C3%A4", "..%2f..", "a" * 5000])
def test_an_unknown_link_is_not_found(mailed: Mailed, token: str) -> None:
    assert mailed.client.get(f"/a/{token}").status_code == 404
    assert mailed.client.post(f"/a/{token}").status_code == 404


def test_a_tampered_link_is_not_found(mailed: Mailed) -> None:
    path = mailed.links["Resolve"]
    assert mailed.client.get(path[:-1] + ("A" if path[-1] != "A" else "B")).status_code == 404


def test_an_action_that_does_not_exist_is_refused(mailed: Mailed) -> None:
    assert mailed.press("Acknowledge", "delete")[0] == 422
    assert mailed.client.post(mailed.links["Acknowledge"], content=b"action=" + b"x" * 10_000).status_code == 413
    assert mailed.incident.status is IncidentStatus.TRIGGERED


def test_a_link_of_somebody_who_left_answers_for_nobody(mailed: Mailed) -> None:
    people.deactivate_user(mailed.rt, user_id=mailed.ravi_id, actor=mailed.admin, now=mailed.rt.clock.now())
    assert mailed.client.get(mailed.links["Acknowledge"]).status_code == 403
    assert mailed.press("Acknowledge")[0] == 403


def test_a_page_that_was_not_useful_is_noted_and_changes_nothing_else(mailed: Mailed) -> None:
    status, text = mailed.press("Say so")
    assert status == 200
    assert "Marked as not useful, Ravi." in text
    assert mailed.incident.status is IncidentStatus.TRIGGERED
    assert mailed.story[-1] == "Ravi did not find the page useful"
    [use] = mailed.rt.db.read(lambda tx: outbox.feedback_of(tx, mailed.incident_id))
    assert (use.used_by, use.action) == (mailed.ravi_id, "not_useful")
    status, text = mailed.press("Say so")
    assert status == 409
    assert "Ravi marked it as not useful by this link on 2026-03-02 at 09:00 UTC." in text


def test_feedback_can_be_given_when_all_is_over_and_nothing_else(mailed: Mailed) -> None:
    mailed.press("Resolve")
    page = mailed.client.get(mailed.links["Acknowledge"])
    assert BUTTON.findall(page.text) == ["not_useful"]
    assert mailed.press("Acknowledge", "not_useful")[0] == 200


def test_feedback_is_shown_with_the_incident(mailed: Mailed) -> None:
    mailed.press("Say so")
    headers = bearer(mailed.rt, mailed.admin)
    detail = mailed.client.get(f"/api/v1/incidents/{mailed.incident_id}", headers=headers).json()
    [said] = detail["feedback"]
    assert (said["user_name"], said["verdict"]) == ("Ravi", "not_useful")
    page = mailed.client.get(f"/incidents/{mailed.incident_id}", headers=browser(mailed.rt, mailed.admin).headers())
    assert "found the page not useful" in page.text
