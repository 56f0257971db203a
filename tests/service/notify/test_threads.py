"""Threads: where an incident was told first, and which incident an answer to that message is about."""

from app.notify import queries as outbox
from app.notify.types import Outcome, Report, message_ref
from tests.service.notify.conftest import Ward

POST = message_ref(channel="D1", ts="1767344400.000100")
SENT = Report(Outcome.SENT, provider_message_id="1767344400.000100", thread_ref=POST)


def test_the_incident_of_a_message_is_found_by_the_vendors_handle(ward: Ward) -> None:
    incident_id = ward.opens()
    (claim,) = ward.claims()
    ward.records(claim, SENT)
    assert ward.reads(lambda tx: outbox.incident_of_ref(tx, "email", POST)) == incident_id
    assert ward.reads(lambda tx: outbox.incident_of_ref(tx, "slack", POST)) is None
    (thread,) = ward.reads(lambda tx: outbox.threads_of(tx, [incident_id]))
    assert (thread.contact_method_id, thread.state) == (claim.notification.contact_method_id, "page")


def test_a_message_about_several_incidents_is_about_no_single_one(ward: Ward) -> None:
    ward.opens("first")
    ward.delivers()
    several = [ward.opens(f"more {number}") for number in range(2)]
    ward.claims()
    ward.world.clock.advance(seconds=61)
    (claim,) = ward.claims()
    assert len(claim.all) == 2
    ward.records(claim, SENT)
    assert ward.reads(lambda tx: outbox.incidents_of_ref(tx, "email", POST)) == several
    assert ward.reads(lambda tx: outbox.incident_of_ref(tx, "email", POST)) is None


def test_a_message_that_did_not_go_out_leaves_no_thread(ward: Ward) -> None:
    incident_id = ward.opens()
    (claim,) = ward.claims()
    ward.records(claim, Report(Outcome.UNKNOWN, thread_ref=POST))
    assert ward.reads(lambda tx: outbox.threads_of(tx, [incident_id])) == []
