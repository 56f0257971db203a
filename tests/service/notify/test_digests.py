"""Quiet hours: pages of low urgency wait, leave as one digest, and are never lost in it (B6)."""

from datetime import datetime, timedelta

import pytest

from app.accounts import queries as accounts
from app.incidents.types import Actor, Severity
from app.notify import queries as outbox, repository
from app.notify.types import Notification, NotificationFilter, NotificationKind, NotificationStatus, Outcome, Report
from app.platform.ports import MailFailed
from app.platform.types import PageQuery
from app.usecases import answer, climb, deliver, people
from tests.service.notify.conftest import Ward
from tests.support.people import email_of

SENT, BUNDLED, HELD = NotificationStatus.SENT, NotificationStatus.BUNDLED, NotificationStatus.HELD
CANCELLED, PENDING = NotificationStatus.CANCELLED, NotificationStatus.PENDING
RETRYING, FAILED = NotificationStatus.RETRYING, NotificationStatus.FAILED
DOWN = MailFailed("could not connect", permanent=False)


@pytest.fixture
def night(ward: Ward) -> Ward:
    """It is 09:00, and Ravi wants quiet until 17:00."""
    found = ward.reads(lambda tx: accounts.find_user_by_email(tx, email_of("Ravi")))
    assert found is not None
    changes = {"quiet_from": "08:00", "quiet_to": "17:00"}
    people.update_user(ward.rt, user_id=found.id, changes=changes, actor=ward.admin, now=ward.now)
    return ward


def opens(ward: Ward, *titles: str, severity: Severity = Severity.INFO) -> list[int]:
    ids = [ward.opens(title, severity) for title in titles]
    ward.delivers()
    return ids


def digests(ward: Ward) -> list[Notification]:
    found = ward.reads(lambda tx: outbox.list_notifications(tx, NotificationFilter(), PageQuery(page_size=200)))
    return [each for each in found.items if each.kind is NotificationKind.DIGEST]


def morning(ward: Ward) -> datetime:
    return ward.now.replace(hour=17, minute=0)


def climbs(ward: Ward) -> None:
    ward.run(climb.climb_due(ward.rt, ward.now, None))


def test_what_is_held_leaves_as_one_message(night: Ward) -> None:
    ids = opens(night, "Disk", "Swap", "Cache")
    assert night.statuses(*ids) == [HELD, HELD, HELD]
    assert {night.message(each).due_at for each in ids} == {morning(night)}
    (digest,) = digests(night)
    assert (digest.status, digest.due_at) == (PENDING, morning(night))

    night.passes(hours=7, minutes=59)
    assert night.sent_to("Ravi") == []
    night.passes(minutes=1)
    assert night.sent_to("Ravi") == ["[INFO] Digest: 3 incidents waited for you"]
    assert night.statuses(*ids) == [BUNDLED, BUNDLED, BUNDLED]
    assert {night.message(each).bundle_id for each in ids} == {digest.id}
    text = digests(night)[0].body
    assert all(title in text for title in ("Disk", "Swap", "Cache"))
    assert text.count("/a/***") == 3


def test_levels_time_does_not_run_while_its_page_is_held(night: Ward) -> None:
    (incident_id,) = opens(night, "Disk")
    assert night.escalation(incident_id).due_at == morning(night) + timedelta(minutes=15)
    night.passes(hours=8)
    night.passes(minutes=14)
    climbs(night)
    assert night.sent_to("Noor") == []
    night.passes(minutes=1)
    climbs(night)
    night.delivers()
    assert night.sent_to("Noor") == [f"[INFO] #{incident_id} Disk"]


def test_what_was_answered_is_not_in_the_digest_and_an_empty_one_does_not_leave(night: Ward) -> None:
    first, second = opens(night, "Disk", "Swap")
    night.does(answer.acknowledge, first)
    assert night.statuses(first) == [CANCELLED]
    night.does(answer.resolve, second)
    night.passes(hours=8)
    assert night.sent_to("Ravi") == []
    assert [each.status for each in digests(night)] == [CANCELLED]
    assert night.delivers().next_due_at is None


def test_digest_that_cannot_leave_is_tried_again_without_what_was_answered_meanwhile(night: Ward) -> None:
    first, second = opens(night, "Disk", "Swap")
    night.world.mail.next.append(DOWN)
    night.passes(hours=8)
    assert [each.status for each in digests(night)] == [RETRYING]
    night.does(answer.acknowledge, first)
    night.passes(minutes=5)
    assert night.sent_to("Ravi") == ["[INFO] Digest: 1 incident waited for you"]
    assert night.statuses(first, second) == [CANCELLED, BUNDLED]


def test_level_begins_when_a_late_digest_has_left(night: Ward) -> None:
    (incident_id,) = opens(night, "Disk")
    night.world.mail.next.append(DOWN)
    night.passes(hours=8)
    night.passes(minutes=5)
    assert len(night.sent_to("Ravi")) == 1
    assert night.escalation(incident_id).due_at == morning(night) + timedelta(minutes=20)


def test_level_begins_with_the_digest_when_nobody_was_there_to_send_it(night: Ward) -> None:
    (incident_id,) = opens(night, "Disk")
    night.world.clock.advance(hours=9)
    climbs(night)
    assert night.escalation(incident_id).level == 1
    night.delivers()
    assert len(night.sent_to("Ravi")) == 1
    assert digests(night)[0].late_by_seconds == 3600
    night.passes(minutes=14)
    climbs(night)
    assert night.escalation(incident_id).level == 1
    night.passes(minutes=1)
    climbs(night)
    assert night.escalation(incident_id).level == 2


def test_level_waits_but_once_for_a_digest_that_never_leaves(night: Ward) -> None:
    (incident_id,) = opens(night, "Disk")
    night.world.clock.advance(hours=9)
    climbs(night)
    night.world.clock.advance(minutes=15)
    climbs(night)
    assert night.escalation(incident_id).level == 2


def test_refused_digest_passes_the_levels_of_all_that_it_said(night: Ward) -> None:
    ids = opens(night, "Disk", "Swap")
    night.world.mail.next.append(MailFailed("no such mailbox", code=550, permanent=True))
    night.passes(hours=8)
    night.passes(minutes=1)
    assert [night.messages(each)[0].status for each in ids] == [FAILED, FAILED]
    assert [night.escalation(each).level for each in ids] == [2, 2]
    assert len(night.sent_to("Noor")) == 2


def test_digest_that_failed_can_be_sent_again_with_what_nobody_has_answered(night: Ward) -> None:
    first, second = opens(night, "Disk", "Swap")
    night.world.mail.next.append(MailFailed("no such mailbox", code=550, permanent=True))
    night.passes(hours=8)
    night.does(answer.acknowledge, first)
    (digest,) = digests(night)
    ada = Actor(night.admin.id, night.admin.name, night.admin.id, "ui")
    retried = deliver.retry(night.rt, notification_id=digest.id, actor=ada, now=night.now)
    assert retried.status is PENDING
    night.passes(minutes=1)
    assert night.sent_to("Ravi") == ["[INFO] Digest: 1 incident waited for you"]
    assert night.messages(second)[0].status is BUNDLED


def test_urgent_page_goes_singly_and_the_digest_waits_for_its_window(night: Ward) -> None:
    (held,) = opens(night, "Disk")
    night.world.clock.advance(hours=8)
    urgent = night.opens("Database down")
    night.delivers()
    assert night.sent_to("Ravi") == [f"[CRITICAL] #{urgent} Database down"]
    assert night.statuses(held) == [HELD]
    night.passes(minutes=1)
    assert night.sent_to("Ravi")[1:] == ["[INFO] Digest: 1 incident waited for you"]
    assert night.escalation(held).due_at == morning(night) + timedelta(minutes=16)


def test_held_page_whose_digest_is_gone_leaves_all_the_same(night: Ward) -> None:
    ids = opens(night, "Disk", "Swap")
    (digest,) = digests(night)
    night.rt.db.write(
        lambda tx: repository.change(tx, [digest.id], expected=[PENDING], status=NotificationStatus.EXHAUSTED)
    )
    night.passes(hours=8)
    assert night.sent_to("Ravi") == ["[INFO] 2 more incidents"]
    assert night.statuses(*ids) == [SENT, BUNDLED]


def test_two_processes_send_one_digest(night: Ward) -> None:
    ids = opens(night, "Disk", "Swap")
    night.world.clock.advance(hours=8)
    (claim,) = night.claims(owner="one")
    assert night.claims(owner="other") == []
    assert {each.incident_id for each in claim.bundled} == set(ids)
    night.records(claim, Report(Outcome.SENT))
    assert night.statuses(*ids) == [BUNDLED, BUNDLED]


def test_lost_digest_is_sent_again_as_a_possible_repeat(night: Ward) -> None:
    opens(night, "Disk")
    night.world.clock.advance(hours=8)
    night.claims(owner="dies")
    night.passes(seconds=61)
    assert night.sent_to("Ravi") == ["[INFO] Digest: 1 incident waited for you (possible repeat)"]


def test_whoever_is_deactivated_gets_no_digest(night: Ward) -> None:
    opens(night, "Disk")
    ravi = night.reads(lambda tx: accounts.find_user_by_email(tx, email_of("Ravi")))
    assert ravi is not None
    people.deactivate_user(night.rt, user_id=ravi.id, actor=night.admin, now=night.now)
    night.passes(hours=8)
    assert night.sent_to("Ravi") == []
