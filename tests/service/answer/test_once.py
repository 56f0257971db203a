"""An inbound message has its effect once: retries at the same moment, crashes half-way, answers that race."""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from app.accounts.types import User
from app.escalation import running
from app.escalation.types import Assignee, AssigneeType, Level
from app.incidents import queries as incidents
from app.incidents.types import Actor, Severity
from app.notify import inbound, queries as outbox
from app.notify.inbound import Answered, Inbound
from app.notify.types import NotificationFilter, NotificationKind
from app.platform import failpoints
from app.platform.db import Tx
from app.platform.failpoints import FailpointRaised
from app.platform.runtime import Runtime
from app.platform.types import PageQuery
from app.usecases import answer, catalogue, people
from app.usecases.answer.texts import TextMessage, take_text
from tests.support.people import add_admin, add_user

NUMBERS = {"Ravi": "+15005550010", "Noor": "+15005550011", "Vik": "+15005550012"}


@pytest.fixture
def admin(rt: Runtime) -> User:
    """Whoever sets things up."""
    return add_admin(rt)


@pytest.fixture
def incident_id(rt: Runtime, admin: User) -> int:
    """An incident of a plan with three levels, one person with a number on each."""
    levels = []
    for number, (name, phone) in enumerate(NUMBERS.items(), start=1):
        user = add_user(rt, name, actor=admin)
        people.add_contact_method(
            rt,
            user_id=user.id,
            channel="infobip_sms",
            address=phone,
            actor=admin,
            now=rt.clock.now(),
            verified=True,
        )
        levels.append(Level(number, 15, (Assignee(AssigneeType.USER, user.id),)))
    policy = catalogue.create_policy(rt, name="On duty", levels=levels, actor=admin, now=rt.clock.now())
    actor = Actor(admin.id, admin.name, admin.id, "api")
    return answer.open_incident(
        rt, title="Disk full", severity=Severity.CRITICAL, policy_id=policy.id, actor=actor, now=rt.clock.now()
    ).id


@pytest.fixture
def strike() -> Iterator[Callable[[Runtime, str], None]]:
    """Arms a failpoint until the test is over."""

    def arm(rt: Runtime, places: str) -> None:
        failpoints.arm(rt.settings.model_copy(update={"pagerpal_failpoints": places}))

    yield arm
    failpoints.disarm()


def text(rt: Runtime, words: str, *, name: str = "Ravi", vendor_id: str = "M1") -> Answered:
    """Somebody's text message comes in."""
    message = TextMessage(Inbound("infobip", vendor_id, "sms", NUMBERS[name]), words, reply_channel="infobip_sms")
    return asyncio.run(take_text(rt, message, now=rt.clock.now()))


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """What each call returns, all of them begun together."""
    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(lambda call: call(), calls))


def level(rt: Runtime, incident_id: int) -> int:
    """The level that stands."""
    escalation = rt.db.read(lambda tx: running.escalation_of(tx, incident_id))
    assert escalation is not None
    return escalation.level


def replies(rt: Runtime) -> int:
    """How many answers were written."""
    everything = PageQuery(page_size=200)
    found = rt.db.read(lambda tx: outbox.list_notifications(tx, NotificationFilter(), everything))
    return sum(each.kind is NotificationKind.REPLY for each in found.items)


def test_the_same_message_many_times_at_once_is_one_answer(rt: Runtime, incident_id: int) -> None:
    answers = at_once(*[lambda: text(rt, "decline 1") for _ in range(8)])
    assert len({each.text for each in answers}) == 1
    assert {each.outcome for each in answers} == {"decline"}
    assert level(rt, incident_id) == 2
    assert replies(rt) == 1
    lines = [entry.text for entry in rt.db.read(lambda tx: incidents.timeline_of(tx, incident_id))]
    assert lines.count("Ravi declined by SMS") == 1


def test_answers_of_several_people_at_once_are_all_taken(rt: Runtime, incident_id: int) -> None:
    answers = at_once(
        lambda: text(rt, "ack 1", name="Ravi", vendor_id="A"),
        lambda: text(rt, "ack 1", name="Noor", vendor_id="B"),
        lambda: text(rt, "ack 1", name="Vik", vendor_id="C"),
    )
    assert {each.outcome for each in answers} == {"ack"}
    assert sum("it is yours" in each.text for each in answers) == 1
    assert len(rt.db.read(lambda tx: incidents.responders_of(tx, incident_id))) == 3


def test_two_messages_about_the_same_incidents_in_another_order_do_not_lock_each_other_out(
    rt: Runtime, admin: User, incident_id: int
) -> None:
    actor = Actor(admin.id, admin.name, admin.id, "api")
    for number in range(2, 6):
        answer.open_incident(rt, title=f"Disk {number}", severity=Severity.CRITICAL, actor=actor, now=rt.clock.now())
    up = "\n".join(f"ack {number}" for number in range(1, 6))
    down = "\n".join(f"resolve {number}" for number in range(5, 0, -1))
    at_once(lambda: text(rt, up, vendor_id="A"), lambda: text(rt, down, name="Noor", vendor_id="B"))
    found = rt.db.read(lambda tx: incidents.incidents_by_id(tx, range(1, 6)))
    assert {each.status.value for each in found.values()} == {"resolved"}


def test_what_crashes_before_the_commit_leaves_nothing_and_the_retry_does_it(
    rt: Runtime, incident_id: int, strike: Callable[[Runtime, str], None]
) -> None:
    strike(rt, "answer.before_commit=raise")
    with pytest.raises(FailpointRaised):
        text(rt, "decline 1")
    failpoints.disarm()
    assert level(rt, incident_id) == 1
    assert text(rt, "decline 1").outcome == "decline"
    assert level(rt, incident_id) == 2


def test_what_crashes_after_the_commit_is_done_and_the_retry_is_told_so(
    rt: Runtime, incident_id: int, strike: Callable[[Runtime, str], None]
) -> None:
    strike(rt, "answer.after_commit=raise")
    with pytest.raises(FailpointRaised):
        text(rt, "decline 1")
    failpoints.disarm()
    assert level(rt, incident_id) == 2
    assert text(rt, "decline 1").text == "#1 Disk full: declined. The next level is paged."
    assert level(rt, incident_id) == 2
    assert replies(rt) == 1


def test_ids_of_one_vendor_are_nothing_to_another_and_long_ones_are_told_apart(rt: Runtime) -> None:
    now = rt.clock.now()
    messages = [
        Inbound(vendor, name, "sms") for vendor in ("twilio", "infobip") for name in ("1", "x" * 5000, "x" * 4999 + "y")
    ]

    def claims(tx: Tx) -> list[bool]:
        return [inbound.claim(tx, message, now=now) for message in messages]

    assert rt.db.write(claims) == [True] * 6
    assert rt.db.write(claims) == [False] * 6
