"""What a channel that was told of an incident hears of it: once, in order, and in the same place (B30)."""

import json
from collections.abc import Iterator

import pytest

from app.notify import queries as outbox
from app.notify.types import NotificationKind, NotificationStatus, message_ref
from app.usecases import answer, climb
from tests.service.notify.conftest import Ward
from tests.service.notify.test_vendors import Desk
from tests.support.loopback import on_loopback
from tests.support.vendors.mattermost import Mattermost
from tests.support.vendors.pagerduty import PagerDuty
from tests.support.vendors.slack import TOKEN, Slack
from tests.support.vendors.twilio import TwilioSms, TwilioVoice

SENT = NotificationStatus.SENT


@pytest.fixture
def slack() -> Iterator[Slack]:
    """Slack, with a bot."""
    with Slack.open() as opened:
        yield opened


def test_slack_edits_its_first_message_and_tells_the_news_in_its_thread(ward: Ward, slack: Slack) -> None:
    desk = Desk(ward, slack)
    desk.delivers()
    (first,) = slack.posts
    assert first.reactions == ["white_check_mark", "x"]
    assert [each["action_id"] for each in first.content["blocks"][-1]["elements"]] == [
        "acknowledge",
        "resolve",
        "escalate",
    ]

    for what in (answer.acknowledge, answer.resolve, answer.close, answer.reopen):
        ward.does(what, desk.incident_id)
        desk.delivers()
    first, *thread = slack.posts
    assert {each.thread_ts for each in thread} == {first.ts}
    assert [each.content["text"] for each in thread] == [
        "Ravi acknowledged", "Ravi resolved", "Ravi closed", "Ravi reopened",
    ]  # fmt: skip
    assert first.edits == 4
    assert "now triggered" in json.dumps(first.content)


def test_what_is_over_offers_nothing_to_do(ward: Ward, slack: Slack) -> None:
    desk = Desk(ward, slack)
    desk.delivers()
    ward.does(answer.resolve, desk.incident_id)
    desk.delivers()
    shown = slack.posts[0].content
    assert "🟢" in shown["text"]
    assert not [block for block in shown["blocks"] if block["type"] == "actions"]


def test_a_message_of_slack_leads_back_to_its_incident(ward: Ward, slack: Slack) -> None:
    desk = Desk(ward, slack)
    desk.delivers()
    ref = message_ref(channel="C0OPS", ts=slack.posts[0].ts)
    assert ward.reads(lambda tx: outbox.incident_of_ref(tx, "slack", ref)) == desk.incident_id


def test_news_waits_for_what_was_said_before_and_comes_in_order(ward: Ward, slack: Slack) -> None:
    slack.server.answer(slack.trouble)
    desk = Desk(ward, slack)
    desk.delivers()
    ward.does(answer.acknowledge, desk.incident_id)
    ward.does(answer.resolve, desk.incident_id)
    desk.delivers()
    assert slack.posts == []
    first_due = ward.reads(outbox.next_due_at)
    assert first_due is not None
    assert first_due > ward.now
    desk.delivers(minutes=6)
    assert [each.thread_ts is None for each in slack.posts] == [True, False, False]
    assert [each.content["text"] for each in slack.posts[1:]] == ["Ravi acknowledged", "Ravi resolved"]


def test_a_first_message_that_is_gone_does_not_keep_the_news_back(ward: Ward, slack: Slack) -> None:
    desk = Desk(ward, slack)
    desk.delivers()
    slack.posts.clear()
    ward.does(answer.acknowledge, desk.incident_id)
    desk.delivers()
    ward.does(answer.resolve, desk.incident_id)
    desk.delivers()
    again, news = slack.posts
    assert "now resolved" in json.dumps(again.content)
    assert (news.thread_ts, news.content["text"]) == (again.ts, "Ravi resolved")


def test_an_escalation_is_heard_once_and_a_reopening_is_no_escalation(ward: Ward, slack: Slack) -> None:
    desk = Desk(ward, slack)
    desk.delivers()
    ward.world.clock.advance(minutes=15)
    ward.run(climb.climb_due(ward.rt, ward.now, None))
    desk.delivers()
    assert [each.content["text"] for each in slack.posts[1:]] == ["Level 2 of 2 paged: Noor (email)"]
    ward.does(answer.resolve, desk.incident_id)
    ward.does(answer.reopen, desk.incident_id)
    desk.delivers()
    assert [each.content["text"] for each in slack.posts[2:]] == ["Ravi resolved", "Ravi reopened"]


def test_an_escalation_by_hand_says_who_and_to_whom(ward: Ward, slack: Slack) -> None:
    desk = Desk(ward, slack)
    desk.delivers()
    ward.does(answer.escalate_now, desk.incident_id)
    desk.delivers()
    assert [each.content["text"] for each in slack.posts[1:]] == ["Ravi escalated", "Level 2 of 2 paged: Noor (email)"]


def test_a_person_who_was_paged_in_slack_sees_what_became_of_it(ward: Ward, slack: Slack) -> None:
    ward.reached_by("Ravi", "slack", "U0RAVI")
    there = ward.with_settings(slack_bot_token=TOKEN, slack_api_url=f"{slack.url}/api")
    there = Ward(on_loopback(there.rt), ward.world, ward.admin, ward.policy_id)
    incident_id = there.opens()
    there.delivers_all()
    (page,) = slack.posts
    assert page.channel == "D0RAVI"
    there.does(answer.acknowledge, incident_id, "Noor")
    there.delivers_all()
    page, news = slack.posts
    assert (news.content["text"], news.thread_ts, page.edits) == ("Noor acknowledged", page.ts, 1)


def test_a_message_about_several_incidents_keeps_its_words_and_hears_of_each_in_its_thread(
    ward: Ward, slack: Slack
) -> None:
    ward.reached_by("Ravi", "slack", "U0RAVI")
    there = ward.with_settings(slack_bot_token=TOKEN, slack_api_url=f"{slack.url}/api")
    there = Ward(on_loopback(there.rt), ward.world, ward.admin, ward.policy_id)
    there.opens("first")
    there.delivers_all()
    second, third = there.opens("second"), there.opens("third")
    there.delivers_all()
    ward.world.clock.advance(seconds=61)
    there.delivers_all()
    _, bundle = slack.posts
    assert "2 more incidents" in bundle.content["text"]
    for incident_id in (second, third):
        there.does(answer.acknowledge, incident_id, "Noor")
    there.delivers_all()
    *_, one, other = slack.posts
    assert bundle.edits == 0
    assert {one.thread_ts, other.thread_ts} == {bundle.ts}
    # They leave side by side: which one arrives first is nobody's promise.
    said = {each.content["text"] for each in (one, other)}
    assert all(any(f"#{incident_id}" in text for text in said) for incident_id in (second, third)), said
    assert len(said) == 2


@pytest.mark.parametrize("kind", [TwilioSms, TwilioVoice])
def test_a_person_who_was_texted_or_called_hears_nothing_more(ward: Ward, kind: type[TwilioSms]) -> None:
    with kind.open() as twilio:
        ward.reached_by("Ravi", kind.kind, "+491511234567")
        values = {"twilio_account_sid": "AC0000example", "twilio_auth_token": "example-auth-token",
                  "twilio_from": "+15005550006", "twilio_base_url": twilio.url}  # fmt: skip
        there = ward.with_settings(**values)
        there = Ward(on_loopback(there.rt), ward.world, ward.admin, ward.policy_id)
        incident_id = there.opens()
        there.delivers_all()
        there.does(answer.acknowledge, incident_id)
        there.does(answer.resolve, incident_id)
        there.delivers_all()
        assert len(twilio.requests) == 1
    kinds = [each.kind for each in ward.messages(incident_id) if each.channel == kind.kind]
    assert kinds == [NotificationKind.PAGE]


def test_pagerduty_follows_under_one_key(ward: Ward) -> None:
    with PagerDuty.open() as pagerduty:
        desk = Desk(ward, pagerduty)
        desk.delivers()
        (key,) = pagerduty.incidents
        seen = [pagerduty.incidents[key]]
        for what in (answer.acknowledge, answer.resolve, answer.close, answer.reopen):
            ward.does(what, desk.incident_id)
            desk.delivers()
            seen.append(pagerduty.incidents[key])
        assert list(pagerduty.incidents) == [key]
        assert seen == ["triggered", "acknowledged", "resolved", "resolved", "triggered"]
        assert ward.reads(lambda tx: outbox.incident_of_ref(tx, "pagerduty", key)) == desk.incident_id


def test_pagerduty_wakes_nobody_for_what_is_over(ward: Ward) -> None:
    with PagerDuty.open() as pagerduty:
        pagerduty.server.answer(pagerduty.trouble)
        desk = Desk(ward, pagerduty)
        desk.delivers()
        ward.does(answer.resolve, desk.incident_id)
        desk.delivers(minutes=6)
        assert [each.json()["event_action"] for each in pagerduty.requests] == ["trigger", "resolve"]
        assert pagerduty.incidents == {}


def test_mattermost_gets_a_short_message_for_each(ward: Ward) -> None:
    with Mattermost.open() as mattermost:
        desk = Desk(ward, mattermost)
        desk.delivers()
        ward.does(answer.acknowledge, desk.incident_id)
        desk.delivers()
        opened, acknowledged = (each.json() for each in mattermost.requests)
        assert opened["priority"] == {"priority": "urgent"}
        assert "priority" not in acknowledged
        assert acknowledged["attachments"][0]["text"] == "Ravi acknowledged"


def test_a_channel_that_is_switched_off_hears_nothing_more(ward: Ward, slack: Slack) -> None:
    desk = Desk(ward, slack)
    desk.delivers()
    desk.switches_off()
    ward.does(answer.acknowledge, desk.incident_id)
    desk.delivers()
    assert len(slack.posts) == 1


def test_repeating_an_answer_tells_nothing_twice(ward: Ward, slack: Slack) -> None:
    desk = Desk(ward, slack)
    desk.delivers()
    for _ in range(3):
        ward.does(answer.acknowledge, desk.incident_id)
    ward.does(answer.resolve, desk.incident_id)
    ward.does(answer.resolve, desk.incident_id)
    desk.delivers()
    assert [each.content["text"] for each in slack.posts[1:]] == ["Ravi acknowledged", "Ravi resolved"]
