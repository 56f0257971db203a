"""Storms: at most one message a minute to one contact method, and nothing is lost in it (B29)."""

from app.notify.types import Notification, NotificationStatus, Outcome, Report
from app.platform.ports import MailFailed
from app.usecases import answer
from tests.service.notify.conftest import Ward

SENT, BUNDLED, PENDING = NotificationStatus.SENT, NotificationStatus.BUNDLED, NotificationStatus.PENDING
CANCELLED = NotificationStatus.CANCELLED


def opens_many(ward: Ward, count: int) -> list[int]:
    return [ward.opens(f"Disk {number} full") for number in range(count)]


def test_the_first_goes_at_once_and_the_others_come_together_a_minute_later(ward: Ward) -> None:
    ids = opens_many(ward, 5)
    ward.delivers()
    assert ward.sent_to("Ravi") == [f"[CRITICAL] #{ids[0]} Disk 0 full"]
    assert ward.statuses(*ids) == [SENT, PENDING, PENDING, PENDING, PENDING]

    ward.passes(seconds=59)
    assert len(ward.sent_to("Ravi")) == 1
    ward.passes(seconds=1)
    assert ward.sent_to("Ravi")[1:] == ["[CRITICAL] 4 more incidents"]
    assert ward.statuses(*ids) == [SENT, SENT, BUNDLED, BUNDLED, BUNDLED]
    head = ward.message(ids[1])
    assert {ward.message(each).bundle_id for each in ids[2:]} == {head.id}
    assert all(ward.message(each).sent_at == head.sent_at for each in ids[1:])


def test_two_hundred_incidents_in_ten_minutes_are_at_most_one_message_a_minute(ward: Ward) -> None:
    ids = []
    for _ in range(100):
        ids += opens_many(ward, 2)
        ward.passes(seconds=6)
    for _ in range(2):
        ward.passes(seconds=60)
    assert len(ward.sent_to("Ravi")) <= 12
    assert set(ward.statuses(*ids)) <= {SENT, BUNDLED}
    assert ward.delivers().next_due_at is None


def test_one_persons_storm_does_not_hold_up_another(ward: Ward) -> None:
    opens_many(ward, 20)
    ward.delivers()
    escalated = ward.opens("Database down")
    ward.does(answer.escalate_now, escalated)
    ward.delivers()
    assert ward.sent_to("Noor") == [f"[CRITICAL] #{escalated} Database down"]


def test_what_is_answered_while_it_waits_drops_out(ward: Ward) -> None:
    ids = opens_many(ward, 4)
    ward.delivers()
    ward.does(answer.acknowledge, ids[2])
    ward.passes(seconds=60)
    assert ward.sent_to("Ravi")[1:] == ["[CRITICAL] 2 more incidents"]
    assert ward.statuses(*ids) == [SENT, SENT, CANCELLED, BUNDLED]


def test_one_that_waited_alone_is_sent_as_itself(ward: Ward) -> None:
    ids = opens_many(ward, 2)
    ward.delivers()
    ward.passes(seconds=60)
    assert ward.sent_to("Ravi")[1:] == [f"[CRITICAL] #{ids[1]} Disk 1 full"]


def test_a_head_that_is_answered_hands_its_bundle_over(ward: Ward) -> None:
    ids = opens_many(ward, 4)
    ward.delivers()
    ward.world.mail.next.append(MailFailed("connection refused"))
    ward.passes(seconds=60)
    assert ward.statuses(*ids) == [SENT, NotificationStatus.RETRYING, BUNDLED, BUNDLED]

    ward.does(answer.acknowledge, ids[1])
    assert ward.statuses(*ids) == [SENT, CANCELLED, PENDING, BUNDLED]
    ward.delivers()
    assert ward.sent_to("Ravi")[1:] == ["[CRITICAL] 2 more incidents"]
    assert ward.statuses(*ids) == [SENT, CANCELLED, SENT, BUNDLED]
    assert ward.message(ids[3]).bundle_id == ward.message(ids[2]).id


def test_a_head_that_fails_for_good_fails_what_it_carries_and_each_incident_pages_on(ward: Ward) -> None:
    ids = opens_many(ward, 3)
    ward.delivers()
    ward.world.mail.next.append(MailFailed("no such mailbox", code=550, permanent=True))
    ward.passes(seconds=60)
    for incident_id in ids[1:]:
        ravis, noors = ward.messages(incident_id)
        assert ravis.status is NotificationStatus.FAILED
        assert noors.status in (SENT, PENDING)
        assert "no such mailbox" in ward.story(incident_id)
    assert ward.escalation(ids[0]).level == 1


def test_a_page_that_never_went_out_keeps_nobody_waiting(ward: Ward) -> None:
    ward.world.mail.next.append(MailFailed("connection refused"))
    ids = opens_many(ward, 2)
    ward.delivers()
    assert ward.statuses(*ids) == [NotificationStatus.RETRYING, PENDING]
    ward.does(answer.acknowledge, ids[0])
    ward.delivers()
    assert ward.sent_to("Ravi") == [f"[CRITICAL] #{ids[1]} Disk 1 full"]


def test_after_an_outage_the_backlog_comes_as_one_message_a_minute(ward: Ward) -> None:
    ward.world.mail.next.extend(MailFailed("connection refused") for _ in range(500))
    ids = []
    for _ in range(20):
        ids += opens_many(ward, 3)
        ward.passes(seconds=70)
    ward.world.mail.next.clear()
    for _ in range(20):
        ward.passes(seconds=30)
    assert len([subject for subject in ward.sent_to("Ravi")]) <= 4
    assert set(ward.statuses(*ids)) <= {SENT, BUNDLED}


def test_a_lost_head_is_sent_again_with_all_that_it_carried(ward: Ward) -> None:
    ids = opens_many(ward, 3)
    ward.delivers()
    ward.world.clock.advance(seconds=60)
    (claim,) = ward.claims("dies")
    assert [row.incident_id for row in claim.all] == ids[1:]
    ward.passes(seconds=11)
    assert ward.sent_to("Ravi")[1:] == ["[CRITICAL] 2 more incidents (possible repeat)"]


def test_an_unknown_outcome_marks_everything_in_the_bundle(ward: Ward) -> None:
    ids = opens_many(ward, 3)
    ward.delivers()
    ward.world.clock.advance(seconds=60)
    (claim,) = ward.claims()
    ward.records(claim, Report(Outcome.UNKNOWN, error="lost"))

    def uncertain(row: Notification) -> bool:
        return row.possible_repeat or row.status is NotificationStatus.UNKNOWN

    assert all(uncertain(ward.message(each)) for each in ids[1:])


def test_a_large_bundle_names_every_page_that_it_carries(ward: Ward) -> None:
    ids = opens_many(ward, 120)
    ward.delivers()
    ward.passes(seconds=60)
    assert ward.sent_to("Ravi")[1:] == ["[CRITICAL] 119 more incidents"]
    assert ward.statuses(*ids).count(BUNDLED) == 118
