"""The outbox under several processes: claims, leases and fences (B27, architecture «Leases»)."""

from concurrent.futures import ThreadPoolExecutor

from app.notify import queries as outbox, service as notify
from app.notify.types import Claim, NewNotification, NotificationKind, NotificationStatus, Outcome, Report
from app.usecases import answer
from tests.service.notify.conftest import Ward

SENT = Report(Outcome.SENT, subject="said", body="so", provider_message_id="<1@example.com>")
FAILED = Report(Outcome.FAILED, error="connection refused")


def test_a_claimed_row_is_in_flight_with_its_try_written_down_before_anything_is_sent(ward: Ward) -> None:
    incident_id = ward.opens()
    (claim,) = ward.claims()
    row = ward.message(incident_id)
    assert (row.status, row.attempts, row.fence) == (NotificationStatus.IN_FLIGHT, 1, 1)
    assert row.lease_until is not None
    assert (row.lease_until - ward.now).total_seconds() == notify.LEASE_SECONDS
    (attempt,) = ward.reads(lambda tx: outbox.attempts_of(tx, row.id))
    assert (attempt.attempt, attempt.ended_at) == (1, None)
    assert claim.notification == row


def test_what_is_claimed_is_not_claimed_twice(ward: Ward) -> None:
    ward.opens()
    assert len(ward.claims("one")) == 1
    assert ward.claims("two") == []


def test_a_row_that_is_not_due_is_left_alone(ward: Ward) -> None:
    incident_id = ward.opens()
    (claim,) = ward.claims()
    ward.records(claim, FAILED)
    assert ward.statuses(incident_id) == [NotificationStatus.RETRYING]
    assert ward.claims() == []
    due_at = ward.reads(lambda tx: outbox.next_due_at(tx))
    assert due_at == ward.message(incident_id).due_at > ward.now


def test_a_lease_that_ran_out_is_taken_over_as_a_possible_repeat_with_the_same_key(ward: Ward) -> None:
    incident_id = ward.opens()
    (lost,) = ward.claims("one")
    ward.world.clock.advance(seconds=9)
    assert ward.claims("two") == []
    ward.world.clock.advance(seconds=2)
    (taken,) = ward.claims("two")
    assert taken.is_repeat
    assert not lost.is_repeat
    assert taken.notification.idempotency_key == lost.notification.idempotency_key
    assert (taken.notification.fence, taken.notification.attempts) == (2, 2)
    outcomes = [each.outcome for each in ward.reads(lambda tx: outbox.attempts_of(tx, taken.notification.id))]
    assert outcomes == [Outcome.LOST, ""]
    assert ward.message(incident_id).possible_repeat


def test_a_late_record_of_a_lost_lease_changes_nothing(ward: Ward) -> None:
    incident_id = ward.opens()
    (lost,) = ward.claims("one")
    ward.world.clock.advance(seconds=11)
    (taken,) = ward.claims("two")
    before = ward.message(incident_id)
    assert ward.records(lost, SENT) is None
    assert ward.message(incident_id) == before
    assert ward.records(taken, SENT) is not None
    assert ward.records(taken, FAILED) is None
    assert ward.statuses(incident_id) == [NotificationStatus.SENT]


def test_a_renewed_lease_does_not_run_out(ward: Ward) -> None:
    ward.opens()
    (claim,) = ward.claims("one")
    head = claim.notification
    ward.world.clock.advance(seconds=8)
    assert ward.rt.db.write(lambda tx: notify.renew(tx, head.id, fence=head.fence, now=ward.now))
    ward.world.clock.advance(seconds=8)
    assert ward.claims("two") == []
    ward.world.clock.advance(seconds=8)
    ward.claims("two")
    assert not ward.rt.db.write(lambda tx: notify.renew(tx, head.id, fence=head.fence, now=ward.now))


def test_an_answer_cancels_what_waits_and_leaves_what_is_in_flight(ward: Ward) -> None:
    waiting, flying = ward.opens(), 0
    ward.does(answer.acknowledge, waiting)
    assert ward.statuses(waiting) == [NotificationStatus.CANCELLED]
    flying = ward.opens()
    (claim,) = ward.claims()
    ward.does(answer.acknowledge, flying)
    assert ward.statuses(flying) == [NotificationStatus.IN_FLIGHT]
    ward.records(claim, SENT)
    assert ward.statuses(flying) == [NotificationStatus.SENT]


def test_what_was_in_flight_when_its_sender_died_is_not_sent_again_once_it_is_answered(ward: Ward) -> None:
    incident_id = ward.opens()
    ward.claims("dies")
    ward.does(answer.resolve, incident_id)
    ward.passes(seconds=11)
    assert ward.statuses(incident_id) == [NotificationStatus.CANCELLED]
    assert ward.world.mail.sent == []


def test_the_same_page_is_written_once(ward: Ward) -> None:
    incident_id = ward.opens()
    row = ward.message(incident_id)
    again = NewNotification(
        kind=NotificationKind.PAGE,
        channel="email",
        due_at=ward.now,
        facts={},
        incident_id=incident_id,
        page_key=row.page_key,
    )
    ward.rt.db.write(lambda tx: notify.insert_many(tx, [again, again], now=ward.now))
    assert len(ward.messages(incident_id)) == 1


def test_full_providers_take_nothing_and_hold_up_nobody_else(ward: Ward) -> None:
    first = ward.opens()
    ward.reached_by("Ravi", "webhook", "https://hooks.example.com/ravi")
    second = ward.opens()
    claimed = ward.claims(busy={"people:email": notify.SENDS_PER_CHANNEL})
    assert [claim.notification.incident_id for claim in claimed] == [second]
    assert ward.statuses(first) == [NotificationStatus.PENDING]
    assert ward.reads(lambda tx: outbox.next_due_at(tx, full=["people:email"])) is not None


def test_only_so_many_of_one_provider_are_claimed_at_a_time(ward: Ward) -> None:
    new = [
        NewNotification(kind=NotificationKind.TEAM, channel="webhook", due_at=ward.now, facts={"n": number})
        for number in range(30)
    ]
    ward.rt.db.write(lambda tx: notify.insert_many(tx, new, now=ward.now))
    assert len(ward.claims(busy={"people:webhook:": 4})) == notify.SENDS_PER_CHANNEL - 4


def test_pages_go_before_everything_else(ward: Ward) -> None:
    new = [
        NewNotification(kind=NotificationKind.TEAM, channel="email", due_at=ward.now, facts={"n": number})
        for number in range(30)
    ]
    ward.rt.db.write(lambda tx: notify.insert_many(tx, new, now=ward.now))
    ward.world.clock.advance(seconds=1)
    incident_id = ward.opens()
    claimed = ward.claims()
    assert claimed[0].notification.incident_id == incident_id


def test_many_processes_at_once_never_claim_the_same_row_nor_two_for_one_person(ward: Ward) -> None:
    pages = [ward.opens(f"Disk {number} full") for number in range(20)]
    new = [
        NewNotification(kind=NotificationKind.TEAM, channel="webhook", due_at=ward.now, facts={"n": number})
        for number in range(60)
    ]
    ward.rt.db.write(lambda tx: notify.insert_many(tx, new, now=ward.now))

    def work(name: str) -> list[Claim]:
        return [claim for _ in range(10) for claim in ward.claims(name)]

    with ThreadPoolExecutor(4) as processes:
        claims = [claim for found in processes.map(work, ["one", "two", "three", "four"]) for claim in found]
    ids = [claim.notification.id for claim in claims]
    assert len(ids) == len(set(ids)) == 61
    assert [claim.notification.incident_id for claim in claims if claim.notification.incident_id] == [pages[0]]


def test_the_same_words_about_two_incidents_at_one_instant_are_two_messages(ward: Ward) -> None:
    def say(incident_id: int) -> None:
        said = NewNotification(
            kind=NotificationKind.TEAM, channel="webhook", due_at=ward.now, facts={"text": "it is over"},
            incident_id=incident_id,
        )  # fmt: skip
        ward.rt.db.write(lambda tx: notify.insert_many(tx, [said], now=ward.now))

    both = ward.opens("Pages slow"), ward.opens("Search slow")
    for incident_id in both:
        say(incident_id)
    assert [[each.kind for each in ward.messages(one)].count(NotificationKind.TEAM) for one in both] == [1, 1]
