"""The engine's loop, step by step (seed 003): what begins, goes on, is told again, and clears."""

from dataclasses import replace

import pytest

from app.alarms import queries
from app.alarms.types import ClearReason, Detection, Found, Outcome
from app.notify.types import NotificationStatus
from app.platform.db import Tx
from app.platform.ports import HttpAnswer, MailFailed
from app.usecases import catalogue, deliver, people
from tests.service.alarms.conftest import UNREACHABLE, Watch

DOWN = MailFailed("no connection to the mail server (connection refused)")
REFUSED = MailFailed("no such mailbox", code=550, permanent=True)


def test_what_begins_is_an_event_and_one_mail(watch: Watch) -> None:
    line = watch.ticks("a")
    (event,) = watch.active()
    assert (event.dedupe_key, event.subject, event.clear_time) == ("a", "a fails", None)
    assert event.content == "What to do: look.\n\na fails"
    assert event.fire_time == event.last_seen == event.last_notified == watch.now
    assert watch.mails() == ["a fails"]
    (row,) = watch.rows()
    assert watch.rt.db.read(lambda tx: deliver.why(tx, row.id))["reasons"] == ["Alarm alarm_probe"]
    assert (line["bundle_new"], line["bundle_renotify"], line["outcome"]) == (1, 0, "firing")


def test_many_entities_are_one_mail(watch: Watch) -> None:
    watch.ticks("a", "b", "c")
    (mail,) = watch.world.mail.sent
    assert mail.subject == "Probe: 3 detections"
    text = str(mail.message.get_body(("plain",)))
    assert all(f"{key} fails" in text for key in "abc")
    assert "https://pager.example.com/alarms#alarm_probe" in text
    assert all(event.last_notified == watch.now for event in watch.active())


def test_what_goes_on_is_seen_and_not_told_again(watch: Watch) -> None:
    watch.ticks("a")
    fired = watch.now
    watch.ticks("a")
    (event,) = watch.active()
    assert (event.fire_time, event.last_seen) == (fired, watch.now)
    assert len(watch.mails()) == 1


def test_it_is_told_again_when_the_window_is_over(watch: Watch) -> None:
    watch.sets(renotification_window_hours=1)
    watch.ticks("a")
    for _ in range(11):
        watch.ticks("a")
    assert len(watch.mails()) == 1
    line = watch.ticks("a")
    assert (line["bundle_new"], line["bundle_renotify"]) == (0, 1)
    assert len(watch.mails()) == 2
    assert "still firing, since 2026-03-02 09:05 UTC" in str(watch.world.mail.sent[-1].message.get_body(("plain",)))


def test_a_window_of_0_is_one_mail_for_a_lifecycle(watch: Watch) -> None:
    watch.sets(renotification_window_hours=0)
    for _ in range(5):
        watch.ticks("a", minutes=60 * 24 * 3)
    assert len(watch.mails()) == 1
    watch.ticks()
    watch.ticks("a")
    assert len(watch.mails()) == 2


def test_what_is_gone_clears_and_fires_anew_when_it_comes_back(watch: Watch) -> None:
    watch.ticks("a", "b")
    line = watch.ticks("b")
    gone = watch.event("a")
    assert gone.clear_time == watch.now
    assert (line["cleared"], line["active"]) == (1, 1)
    watch.ticks("a", "b")
    again = watch.event("a")
    assert again.id != gone.id
    assert again.clear_time is None
    assert watch.mails() == ["Probe: 2 detections", "a fails"]


def test_what_began_while_mail_was_off_is_told_once_it_is_on(watch: Watch) -> None:
    watch.sets(enabled=False)
    watch.ticks("a")
    watch.ticks("a")
    assert (len(watch.active()), watch.mails(), watch.event("a").last_notified) == (1, [], None)
    watch.sets(enabled=True)
    line = watch.ticks("a")
    assert (line["bundle_new"], line["bundle_renotify"], watch.mails()) == (0, 1, ["a fails"])
    watch.ticks("a")
    assert len(watch.mails()) == 1


def test_with_mail_off_events_still_clear(watch: Watch) -> None:
    watch.sets(enabled=False)
    watch.ticks("a")
    watch.ticks()
    assert watch.active() == []


def test_archiving_an_alarm_ends_its_events_as_archived_and_tells_nobody_that_they_cleared(watch: Watch) -> None:
    watch.ticks("a", "b")
    watch.ticks("b")
    watch.sets(archived=True)
    assert watch.active() == []
    ended = watch.event("b")
    assert (ended.clear_time, ended.clear_reason) == (watch.now, ClearReason.ARCHIVED)
    assert watch.event("a").clear_reason is ClearReason.NOT_DETECTED
    line = watch.ticks("b")
    assert "archived" in line["dropped"]
    assert watch.mails() == ["Probe: 2 detections"]


def test_an_alarm_that_is_taken_up_again_begins_anew(watch: Watch) -> None:
    watch.ticks("a")
    watch.sets(archived=True)
    watch.sets(archived=False)
    watch.ticks("a")
    assert (len(watch.active()), watch.mails()) == (1, ["a fails", "a fails"])


def test_an_alarm_that_cannot_know_clears_and_tells_nothing(watch: Watch) -> None:
    watch.ticks("a")
    line = watch.ticks(UNREACHABLE)
    assert (line["outcome"], line["is_error"], line["cleared"]) == ("unknown", True, 0)
    assert [event.dedupe_key for event in watch.active()] == ["a"]
    watch.ticks("a")
    assert len(watch.mails()) == 1


def test_what_alone_was_not_reached_neither_fires_nor_clears_and_the_rest_does_both(watch: Watch) -> None:
    watch.ticks("a", "b")
    found = Found(
        Outcome.FIRING, (Detection("c", "c fails"),), not_known=frozenset({"b", "d"}), warnings=("b was not reached",)
    )
    line = watch.ticks(found)
    assert (line["new"], line["cleared"], line["warnings"]) == (1, 1, ["b was not reached"])
    assert {event.dedupe_key for event in watch.active()} == {"b", "c"}
    stored = watch.stored()
    assert (stored.last_outcome, stored.unknown_ticks) == (Outcome.FIRING, 0)
    assert stored.last_error == "nothing is known of b, d"
    watch.ticks("c")
    assert [event.dedupe_key for event in watch.active()] == ["c"]
    assert watch.stored().last_error == ""
    assert watch.mails() == ["Probe: 2 detections", "c fails"]


def test_the_third_time_that_it_cannot_know_is_told_once(watch: Watch) -> None:
    for _ in range(2):
        watch.ticks(UNREACHABLE)
    assert watch.mails() == []
    watch.ticks(UNREACHABLE)
    assert watch.mails() == ["Probe cannot be evaluated"]
    assert "no answer within 20 s" in str(watch.world.mail.sent[0].message.get_body(("plain",)))
    for _ in range(5):
        watch.ticks(UNREACHABLE)
    assert len(watch.mails()) == 1
    watch.ticks()
    for _ in range(3):
        watch.ticks(UNREACHABLE)
    assert len(watch.mails()) == 2


def test_with_mail_off_nobody_is_told_that_it_cannot_know(watch: Watch) -> None:
    watch.sets(enabled=False)
    for _ in range(4):
        watch.ticks(UNREACHABLE)
    assert watch.rows() == []


def test_told_is_what_has_left(watch: Watch) -> None:
    watch.world.mail.next.append(DOWN)
    watch.ticks("a")
    assert (watch.event("a").last_notified, watch.mails()) == (None, [])
    line = watch.ticks("a")
    assert (line["bundle_renotify"], watch.mails()) == (0, ["a fails"])
    assert watch.event("a").last_notified == watch.now
    watch.ticks("a")
    assert len(watch.mails()) == 1


def test_a_mail_that_was_refused_is_written_anew_at_the_next_tick(watch: Watch) -> None:
    watch.world.mail.next.append(REFUSED)
    watch.ticks("a")
    assert [row.status for row in watch.rows()] == [NotificationStatus.FAILED]
    line = watch.ticks("a")
    assert (line["bundle_renotify"], watch.mails()) == (1, ["a fails"])
    assert watch.event("a").mail_tries == 0


def test_an_address_that_refuses_for_good_is_not_tried_at_every_tick(watch: Watch) -> None:
    watch.world.mail.down = REFUSED
    for _ in range(15):
        watch.ticks("a")
    assert len(watch.rows()) == 4
    watch.ticks("a")
    assert len(watch.rows()) == 5


def test_one_address_that_works_is_enough_to_be_told(watch: Watch) -> None:
    watch.sets(recipients=["gone@example.com", "ops@example.com"])
    watch.world.mail.next.append(REFUSED)
    watch.ticks("a")
    watch.ticks("a")
    assert [row.status for row in watch.rows()] == [NotificationStatus.FAILED, NotificationStatus.SENT]


def test_safe_mode_writes_once_and_counts_as_not_told(watch: Watch) -> None:
    safe = watch.with_settings(notification_sending_enabled=False)
    for _ in range(3):
        safe.ticks("a")
    assert [row.status for row in watch.rows()] == [NotificationStatus.SUPPRESSED]
    assert watch.event("a").last_notified is None
    watch.ticks("a")
    assert watch.mails() == ["a fails"]


def test_an_acknowledged_event_is_told_again_only_after_it_has_cleared(watch: Watch) -> None:
    watch.sets(renotification_window_hours=1)
    watch.ticks("a", "b")
    acked = watch.acks("a")
    assert (acked.acked_by, acked.acked_at) == (watch.admin.id, watch.now)
    watch.ticks("a", "b", minutes=60)
    assert watch.mails() == ["Probe: 2 detections", "b fails"]
    watch.ticks("b")
    watch.ticks("a", "b")
    assert watch.mails()[2:] == ["a fails"]


def test_an_answer_that_comes_after_a_later_one_does_not_count(watch: Watch) -> None:
    watch.ticks("a")
    watch.world.clock.advance(minutes=-1)
    assert "meanwhile" in watch.records()["dropped"]
    assert len(watch.active()) == 1


def test_a_clock_that_was_years_ahead_silences_nothing_once_it_is_right(watch: Watch) -> None:
    watch.ticks("a", minutes=60 * 24 * 1000)
    watch.world.clock.advance(days=-1000)
    watch.ticks("a", "b")
    assert {event.dedupe_key for event in watch.active()} == {"a", "b"}


def test_a_thousand_detections_are_one_mail_that_lists_the_first_hundred(watch: Watch) -> None:
    watch.ticks(*(f"k{number:04}" for number in range(1000)))
    (mail,) = watch.world.mail.sent
    text = str(mail.message.get_body(("plain",)))
    assert mail.subject == "Probe: 1000 detections"
    assert text.count("* k0") == 100
    assert "and 900 more" in text
    assert all(event.last_notified == watch.now for event in watch.active())


def test_of_too_many_detections_the_first_count_and_nothing_clears(watch: Watch) -> None:
    watch.ticks("a")
    many = tuple(Detection(f"k{number}", "fails") for number in range(1000))
    watch.ticks(replace(Found(Outcome.FIRING, many), is_cut=True))
    assert len(watch.active()) == 1000
    assert watch.event("a").clear_time is None


def test_a_team_is_its_members_and_its_addresses(watch: Watch) -> None:
    now, admin = watch.now, watch.admin
    team = people.create_team(watch.rt, name="night", extra_emails=["list@example.com"], actor=admin, now=now)
    people.add_member(watch.rt, team_id=team.id, user_id=admin.id, actor=admin, now=now)
    watch.sets(recipients=["@night", "LIST@example.com"])
    watch.ticks("a")
    assert sorted(mail.to for mail in watch.world.mail.sent) == ["ada@example.com", "list@example.com"]


def test_an_entity_with_readers_of_its_own_is_told_to_them(watch: Watch) -> None:
    watch.ticks(Detection("a", "a fails", recipients=("owner@example.com",)), "b")
    assert sorted((mail.to, mail.subject) for mail in watch.world.mail.sent) == [
        ("ops@example.com", "b fails"), ("owner@example.com", "a fails")
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("driver", "url"),
    [
        ("mattermost", "https://chat.example.com/hooks/s3cret"),
        ("slack", "https://hooks.slack.com/services/T0/B0/s3cret"),
    ],
)
def test_a_chat_is_named_by_its_channel(watch: Watch, driver: str, url: str) -> None:
    config = {"webhook_url": url}
    catalogue.create_channel(watch.rt, name="ops chat", driver=driver, config=config, actor=watch.admin, now=watch.now)
    watch.world.http.next.append(HttpAnswer(200, {}, b"ok"))
    watch.sets(recipients=["ops chat"])
    watch.ticks("a", "b")
    (call,) = watch.world.http.calls
    assert call.url == url
    assert all(f"{key} fails".encode() in call.content for key in "ab")
    assert watch.event("a").last_notified == watch.now


def test_when_no_recipient_is_left_the_admins_are_told(watch: Watch) -> None:
    now, admin = watch.now, watch.admin
    team = people.create_team(watch.rt, name="gone", extra_emails=["x@example.com"], actor=admin, now=now)
    watch.sets(recipients=["@gone"])
    people.delete_team(watch.rt, team_id=team.id, actor=admin, now=now)
    line = watch.ticks("a")
    assert [mail.to for mail in watch.world.mail.sent] == ["ada@example.com"]
    assert "leads nowhere" in line["warnings"][0]


@pytest.mark.parametrize(("ticks", "quiet"), [(2, False), (3, True)])
def test_an_alarm_that_used_to_find_something_and_does_not_is_quiet(watch: Watch, ticks: int, quiet: bool) -> None:
    watch.ticks("a")
    for _ in range(ticks):
        watch.ticks()
    summaries = watch.rt.db.read(lambda tx: _summaries(tx, watch))
    assert summaries["alarm_probe"] is quiet
    assert not any(is_quiet for name, is_quiet in summaries.items() if name != "alarm_probe")


def _summaries(tx: Tx, watch: Watch) -> dict[str, bool]:
    found = queries.summaries(tx, queries.live_alarms(tx), since=watch.now)
    return {each.alarm.entry_id: each.is_quiet for each in found}
