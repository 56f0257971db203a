"""Delivery with its consequences: retries, refusals, lost answers, safe mode, and people who answer meanwhile."""

import asyncio
import json

from sqlalchemy import update

from app.incidents.types import Actor
from app.notify import queries as outbox
from app.notify.models import NotificationRow
from app.notify.types import NotificationStatus
from app.platform.ports import HttpAnswer, HttpFailed, MailFailed, MailServer
from app.usecases import answer, deliver
from tests.service.notify.conftest import Ward

SENT, RETRYING, FAILED = NotificationStatus.SENT, NotificationStatus.RETRYING, NotificationStatus.FAILED
REFUSED = MailFailed("no such mailbox", code=550, permanent=True)
DOWN = MailFailed("no connection to the mail server (connection refused)")
LOST = MailFailed("the connection was lost after the message was sent", outcome_unknown=True)


def test_a_page_is_sent_and_kept_as_it_was_said(ward: Ward) -> None:
    incident_id = ward.opens("Disk full")
    outcome = ward.delivers()
    assert (outcome.sent, outcome.failed, outcome.retried, outcome.next_due_at) == (1, 0, 0, None)
    (mail,) = ward.world.mail.sent
    assert mail.server == MailServer("mail.example.com", 587, None, None, starttls=True, use_tls=False)
    assert mail.to == "ravi@example.com"
    row = ward.message(incident_id)
    assert (row.status, row.subject, row.sent_at) == (SENT, f"[CRITICAL] #{incident_id} Disk full", ward.now)
    assert row.provider_message_id == str(mail.message["Message-ID"])
    assert "Acknowledge: https://pager.example.com/a/***" in row.body


def test_a_mail_server_that_is_down_is_visible_and_the_page_arrives_once_when_it_is_back(ward: Ward) -> None:
    ward.world.mail.next.extend([DOWN, DOWN, DOWN])
    incident_id = ward.opens()
    outcome = ward.delivers()
    row = ward.message(incident_id)
    assert (row.status, row.attempts) == (RETRYING, 1)
    assert "connection refused" in row.last_error
    assert outcome.next_due_at == row.due_at
    assert "email to Ravi not sent yet: no connection" in ward.story(incident_id)

    for _ in range(8):
        ward.passes(seconds=30)
    assert ward.statuses(incident_id) == [SENT]
    assert len(ward.sent_to("Ravi")) == 1
    assert "(possible repeat)" not in ward.sent_to("Ravi")[0]
    assert "email to Ravi sent, at try 4" in ward.story(incident_id)
    assert ward.story(incident_id).count("not sent yet") == 1


def test_a_missing_mail_server_is_named_and_may_be_set_later(ward: Ward) -> None:
    bare = ward.with_settings(smtp_host="")
    incident_id = bare.opens()
    bare.delivers()
    row = ward.message(incident_id)
    assert row.status is RETRYING
    assert row.last_error == "SMTP_HOST is not set, so nothing can be sent by Email"
    ward.passes(minutes=5)
    assert ward.statuses(incident_id) == [SENT]


def test_an_address_refused_for_good_pages_the_next_level_at_once(ward: Ward) -> None:
    ward.world.mail.next.append(REFUSED)
    incident_id = ward.opens()
    ward.delivers()
    assert ward.statuses(incident_id) == [FAILED, SENT]
    assert len(ward.sent_to("Noor")) == 1
    assert ward.escalation(incident_id).level == 2
    assert "email to Ravi failed: no such mailbox" in ward.story(incident_id)


def test_a_level_with_another_way_left_is_not_passed(ward: Ward) -> None:
    ward.reached_by("Ravi", "webhook", "https://hooks.example.com/ravi")
    ward.world.http.next.append(HttpAnswer(404, {}, b"gone"))
    both = ward.opens()
    ward.delivers()
    assert ward.statuses(both)[0] is FAILED
    assert ward.escalation(both).level == 2


def test_everybody_refused_ends_with_the_admins_and_says_so(ward: Ward) -> None:
    ward.world.mail.next.extend([REFUSED, REFUSED, REFUSED])
    incident_id = ward.opens()
    ward.delivers()
    assert set(ward.statuses(incident_id)) == {FAILED}
    assert "Fallback paged: Ada" in ward.story(incident_id)
    assert "Nobody could be reached" in ward.story(incident_id)


def test_retry_after_is_honoured(ward: Ward) -> None:
    ward.reached_by("Ravi", "webhook", "https://hooks.example.com/ravi")
    ward.world.http.next.append(HttpAnswer(429, {"retry-after": "240"}, b""))
    incident_id = ward.opens()
    ward.delivers()
    row = ward.message(incident_id)
    assert row.status is RETRYING
    assert 240 <= (row.due_at - ward.now).total_seconds() <= 300
    ward.passes(seconds=239)
    assert len(ward.world.http.calls) == 1
    ward.passes(seconds=61)
    assert ward.statuses(incident_id) == [SENT]
    one, other = ward.world.http.calls
    assert one.headers["Idempotency-Key"] == other.headers["Idempotency-Key"] == row.idempotency_key
    assert json.loads(other.content)["possible_repeat"] is False


def test_a_lost_answer_is_sent_again_once_marked_with_the_same_id(ward: Ward) -> None:
    ward.world.mail.next.append(LOST)
    incident_id = ward.opens()
    ward.delivers()
    assert ward.statuses(incident_id) == [NotificationStatus.UNKNOWN]
    ward.passes(minutes=1)
    (mail,) = ward.world.mail.sent
    row = ward.message(incident_id)
    assert row.status is SENT
    assert mail.subject.endswith("(possible repeat)")
    assert row.idempotency_key[:12] in str(mail.message["Message-ID"])


def test_an_answer_lost_twice_is_given_up_and_pages_on(ward: Ward) -> None:
    ward.world.mail.next.extend([LOST, LOST])
    incident_id = ward.opens()
    ward.delivers()
    ward.passes(minutes=1)
    ravis, noors = ward.messages(incident_id)
    assert ravis.status is NotificationStatus.EXHAUSTED
    assert noors.status is SENT
    assert "the answer was lost twice" in ward.story(incident_id)


def test_after_a_day_a_page_is_given_up(ward: Ward) -> None:
    ward.world.mail.next.extend([DOWN] * 50)
    incident_id = ward.opens()
    ward.delivers()
    ward.passes(hours=23, minutes=50)
    assert ward.messages(incident_id)[0].status is RETRYING
    ward.passes(minutes=9, seconds=59)
    ward.passes(minutes=5)
    first = ward.messages(incident_id)[0]
    assert first.status is NotificationStatus.EXHAUSTED
    assert (ward.now - first.created_at).days >= 1


def test_somebody_who_answers_while_the_page_is_on_its_way_gets_no_second_try(ward: Ward) -> None:
    incident_id = ward.opens()

    class AnsweredMeanwhile:
        """The receiver hangs up while Ravi acknowledges in the browser."""

        async def send(self, *_arguments: object, **_named: object) -> str:
            ward.does(answer.acknowledge, incident_id)
            raise DOWN

    object.__setattr__(ward.rt.outside, "mail", AnsweredMeanwhile())
    ward.delivers()
    assert ward.statuses(incident_id) == [NotificationStatus.CANCELLED]
    ward.passes(hours=1)
    assert ward.world.mail.sent == []


def test_safe_mode_sends_nothing_and_counts_as_sent(ward: Ward) -> None:
    safe = ward.with_settings(notification_sending_enabled=False)
    incident_id = safe.opens()
    outcome = safe.delivers()
    assert outcome.sent == 1
    row = ward.message(incident_id)
    assert (row.status, row.sent_at) == (NotificationStatus.SUPPRESSED, None)
    assert row.subject == f"[CRITICAL] #{incident_id} Disk full"
    assert ward.world.mail.sent == []
    assert ward.escalation(incident_id).level == 1


def test_without_the_retry_worker_first_sends_go_and_repeats_do_not(ward: Ward) -> None:
    off = ward.with_settings(notification_retry_worker_enabled=False)
    ward.world.mail.next.append(DOWN)
    failing = off.opens()
    off.delivers()
    off.passes(minutes=10)
    fine = off.opens("Database down")
    off.delivers()
    assert ward.statuses(failing, fine) == [RETRYING, SENT]
    assert off.delivers().next_due_at is None
    ward.passes(minutes=1)
    assert ward.statuses(failing) == [SENT]


def test_a_failed_page_can_be_sent_again_by_hand(ward: Ward) -> None:
    ward.world.mail.next.append(REFUSED)
    incident_id = ward.opens()
    ward.delivers()
    failed = ward.messages(incident_id)[0]
    actor = Actor(ward.admin.id, "Ada", ward.admin.id, "ui")
    again = deliver.retry(ward.rt, notification_id=failed.id, actor=actor, now=ward.now)
    assert again.status is NotificationStatus.PENDING
    ward.delivers()
    assert ward.messages(incident_id)[0].status is SENT
    assert "Ada had the message to Ravi sent again" in ward.story(incident_id)


def test_a_page_that_comes_late_says_so(ward: Ward) -> None:
    incident_id = ward.opens()
    ward.passes(hours=2)
    assert ward.message(incident_id).late_by_seconds == 7200
    body = ward.world.mail.sent[0].message.get_body(("plain",))
    assert body is not None
    assert "Sent late, by 2 h 0 min" in body.get_content()


def test_a_hanging_provider_delays_no_other_channel(ward: Ward) -> None:
    hanging = asyncio.Event()

    class Hanging:
        """Never answers."""

        async def request(self, *_arguments: object, **_named: object) -> HttpAnswer:
            await hanging.wait()
            raise HttpFailed("no answer")

    object.__setattr__(ward.rt.outside, "http", Hanging())
    by_mail = ward.opens("Disk full")
    ward.reached_by("Ravi", "webhook", "https://hooks.example.com/ravi")
    stuck = ward.opens("Database down")

    async def two_passes() -> tuple[deliver.DeliverOutcome, int]:
        first = await deliver.deliver_due(ward.rt, ward.now)
        left = await deliver.drain(ward.rt, timeout_seconds=0.01)
        hanging.set()
        assert await deliver.drain(ward.rt) == 0
        return first, left

    outcome, left = asyncio.run(two_passes())
    assert (outcome.sent, outcome.slow, left) == (1, 1, 1)
    assert ward.statuses(by_mail, stuck) == [SENT, RETRYING]


def test_why_tells_the_whole_story_of_a_page(ward: Ward) -> None:
    incident_id = ward.opens()
    ward.delivers()
    row = ward.message(incident_id)
    told = ward.reads(lambda tx: deliver.why(tx, row.id))
    assert told["status"] == "sent"
    assert told["level"] == 1
    assert told["policy"] == {"id": ward.policy_id, "version": 1, "name": "On duty"}
    assert told["user"] == {"id": row.user_id, "name": "Ravi"}
    assert told["notification_rule"] == {
        "urgency": "high",
        "delay_minutes": 0,
        "contact_method_id": row.contact_method_id,
        "channel": "email",
    }
    reasons = "\n".join(str(line) for line in told["reasons"])
    assert "level 1 of 2" in reasons
    assert "named directly" in reasons
    (tried,) = told["attempts"]
    assert tried["outcome"] == "sent"


def test_a_message_that_cannot_be_worded_still_goes(ward: Ward) -> None:
    incident_id = ward.opens()
    row = ward.message(incident_id)
    broken = {"labels": {"a": 1}, "runbook_url": {"x": 1}, "source": {"deep": ["er"]}, "why": {"via": {"a": 1}}}
    ward.rt.db.write(
        lambda tx: tx.execute(update(NotificationRow).where(NotificationRow.id == row.id).values(facts=broken))
    )
    ward.delivers()
    assert ward.statuses(incident_id) == [SENT]
    assert ward.reads(lambda tx: outbox.get_notification(tx, row.id)).subject
