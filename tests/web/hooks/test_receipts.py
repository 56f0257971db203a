"""What vendors report of messages that were sent: forward only, and on to the next way when one did not arrive."""

from typing import Any

import pytest

from app.notify.types import NotificationStatus
from tests.web.hooks.conftest import Doors

STATUS = "/integrations/twilio_status/"


def status(doors: Doors, word: str, *, sid: str = "SM1", **more: str) -> None:
    """Twilio's status callback."""
    fields = [("MessageSid", sid), ("MessageStatus", word), *more.items()]
    assert doors.twilio(STATUS, fields).status_code == 200


def page(doors: Doors, channel: str, incident_id: int = 1) -> Any:
    """The page of an incident by that channel."""
    [found] = [each for each in doors.pages(incident_id) if each.channel == channel]
    return found


@pytest.fixture
def climbing(doors: Doors) -> Doors:
    """Ravi, reached by phone only: SMS was sent, a call waits until minute 5; Noor is on the next level."""
    doors.phone("Ravi")
    doors.phone("Ravi", channel="twilio_voice", minutes=5)
    doors.drop_email("Ravi")
    doors.policy("Ravi", "Noor")
    doors.incident()
    doors.sent(1, "twilio_sms", provider_id="SM1")
    return doors


@pytest.mark.parametrize("word", ["delivered", "read"])
def test_a_receipt_makes_sent_delivered(paged: Doors, word: str) -> None:
    for way in ("queued", "sending", "sent", word):
        status(paged, way)
    found = page(paged, "twilio_sms")
    assert (found.status, found.delivered_at) == ("delivered", paged.now)


@pytest.mark.parametrize("later", ["sent", "queued", "undelivered", "failed", "delivered"])
def test_what_has_arrived_stays_so_whatever_comes_after(paged: Doors, later: str) -> None:
    status(paged, "delivered")
    before = page(paged, "twilio_sms")
    paged.world.clock.advance(seconds=5)
    status(paged, later, ErrorCode="30003")
    assert page(paged, "twilio_sms") == before


def test_what_did_not_arrive_brings_the_next_way_forward(climbing: Doors) -> None:
    assert page(climbing, "twilio_voice").due_at > climbing.now
    status(climbing, "undelivered", ErrorCode="30003")
    failed = page(climbing, "twilio_sms")
    assert failed.status == "failed"
    assert failed.last_error == "not delivered: undelivered, 30003: the phone cannot be reached"
    assert page(climbing, "twilio_voice").due_at == climbing.now
    assert climbing.escalation(1).level == 1
    assert climbing.story(1)[-1].endswith("the phone cannot be reached; twilio_voice is tried now")
    status(climbing, "undelivered", ErrorCode="30003")
    status(climbing, "delivered")
    assert page(climbing, "twilio_sms").status == "failed"


def test_the_last_way_that_fails_pages_the_next_level_at_once(climbing: Doors) -> None:
    status(climbing, "failed")
    climbing.sent(1, "twilio_voice", provider_id="CA1")
    assert climbing.escalation(1).level == 1
    fields = [("CallSid", "CA1"), ("CallStatus", "no-answer")]
    assert climbing.twilio(STATUS, fields).status_code == 200
    assert climbing.escalation(1).level == 2
    assert "twilio_voice to Ravi not delivered: no-answer" in climbing.story(1)


def test_a_failure_that_comes_after_the_answer_pages_nobody(climbing: Doors) -> None:
    climbing.sms("ack 1")
    before = [(each.id, each.status) for each in climbing.pages(1) if each.channel != "twilio_sms"]
    status(climbing, "undelivered")
    assert page(climbing, "twilio_sms").status == "failed"
    assert [(each.id, each.status) for each in climbing.pages(1) if each.channel != "twilio_sms"] == before
    assert climbing.status(1) == "acknowledged"
    assert climbing.escalation(1).level == 1


def test_a_failure_of_a_level_that_is_over_only_goes_on_with_its_reader(climbing: Doors) -> None:
    climbing.sms("decline 1")
    level = climbing.escalation(1).level
    status(climbing, "undelivered")
    assert climbing.escalation(1).level == level


def test_messages_that_nobody_knows_are_passed_over(paged: Doors) -> None:
    status(paged, "delivered", sid="SM404")
    assert page(paged, "twilio_sms").status == "sent"
    assert paged.state("twilio").last_outcome == "receipts"


def test_a_receipt_that_overtakes_the_end_of_its_send_is_not_lost(doors: Doors) -> None:
    doors.phone("Ravi")
    doors.drop_email("Ravi")
    doors.policy("Ravi", "Noor")
    doors.incident()
    finish = doors.begin(1, "twilio_sms")
    status(doors, "undelivered", sid="SM7")
    assert page(doors, "twilio_sms").status is NotificationStatus.IN_FLIGHT
    finish("SM7")
    assert page(doors, "twilio_sms").status == "failed"
    assert doors.escalation(1).level == 2


def test_reports_of_a_batch_are_each_taken(doors: Doors) -> None:
    doors.phone("Ravi", channel="infobip_sms")
    doors.policy("Ravi", "Noor")
    for number, name in ((1, "M1"), (2, "M2")):
        doors.incident(f"Disk {number}")
        doors.sent(number, "infobip_sms", provider_id=name)
        doors.world.clock.advance(seconds=61)
    results = [
        {"messageId": "M2", "status": {"groupId": 5, "name": "REJECTED"}, "error": {"name": "EC_BAD"}},
        {"messageId": "M1", "status": {"groupName": "DELIVERED"}, "doneAt": "2026-03-02T09:00:30.000+0000"},
        {"messageId": "somebody else's", "status": {"groupId": 3}},
    ]
    assert doors.infobip("infobip_reports", results).json()["taken"] == 3
    assert page(doors, "infobip_sms", 1).status == "delivered"
    assert page(doors, "infobip_sms", 1).delivered_at.isoformat() == "2026-03-02T09:00:30+00:00"
    assert page(doors, "infobip_sms", 2).last_error == "not delivered: REJECTED, EC_BAD"
