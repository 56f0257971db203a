"""Slack's door: who is believed, whose button or reaction counts, and who is told what."""

import json
from typing import Any
from urllib.parse import urlencode

import pytest

from app.accounts.types import Role
from app.notify.action_links import LinkAction, token_for
from app.usecases import people
from app.usecases.answer.slack import plain_emoji
from tests.web.hooks.conftest import Doors

ACCOUNT = "U123ABC456"


@pytest.fixture
def posted(doors: Doors) -> Doors:
    """Incident 1 stands in a Slack channel; Ravi, on its first level, is linked to a Slack account."""
    doors.slack_account("Ravi", ACCOUNT)
    doors.policy("Ravi", "Noor")
    doors.incident()
    doors.posted(1)
    return doors


def whispers(doors: Doors) -> list[str]:
    """What single people were shown in Slack."""
    return [json.loads(call.content)["text"] for call in doors.world.http.calls]


def test_a_reaction_acknowledges_and_the_thread_tells_it(posted: Doors) -> None:
    assert posted.react("white_check_mark").status_code == 200
    assert posted.responders(1) == [(posted.person("Ravi").id, "responder", "slack")]
    assert posted.story(1)[-1] == "Ravi acknowledged in Slack"
    assert whispers(posted) == []


def test_a_reaction_declines(posted: Doors) -> None:
    posted.react("x")
    assert posted.escalation(1).level == 2
    assert posted.responders(1) == [(posted.person("Ravi").id, "declined", "slack")]


MEANINGLESS: list[str] = ["tada", "", "white_check_mark2", "X X", "x" * 5000]


def test_a_reaction_that_means_nothing_does_nothing(posted: Doors) -> None:
    for emoji in MEANINGLESS:
        assert posted.react(emoji).status_code == 200
        assert posted.status(1) == "triggered"


def test_a_reaction_under_another_post_does_nothing(posted: Doors) -> None:
    assert posted.react("eyes", ts="1111111111.000001").status_code == 200
    assert posted.status(1) == "triggered"


@pytest.mark.parametrize(
    ("name", "plain"),
    [(":+1::skin-tone-3:", "+1"), ("thumbsup", "+1"), ("+1::skin-tone-6", "+1"), ("Eyes", "eyes"), ("", "")],
)
def test_skin_tones_and_second_names_do_not_matter(name: str, plain: str) -> None:
    assert plain_emoji(name) == plain


def test_whoever_is_linked_to_nobody_is_told_so_alone(posted: Doors) -> None:
    posted.react("eyes", user="U999")
    assert posted.status(1) == "triggered"
    [call] = posted.world.http.calls
    assert call.url == "https://slack.com/api/chat.postEphemeral"
    assert call.headers["authorization"] == "Bearer xoxb-for-tests-only"
    shown = json.loads(call.content)
    assert (shown["channel"], shown["user"]) == ("C123ABC456", "U999")
    assert "U999 belongs to no active responder" in shown["text"]


def test_viewers_and_people_who_left_do_not_count(posted: Doors) -> None:
    posted.person("Vera", role=Role.VIEWER)
    posted.slack_account("Vera", "U2")
    posted.slack_account("Noor", "U3")
    people.deactivate_user(posted.rt, user_id=posted.person("Noor").id, actor=posted.admin, now=posted.now)
    for user in ("U2", "U3"):
        posted.press("acknowledge", "1", user=user)
        posted.react("eyes", user=user)
    assert posted.status(1) == "triggered"
    assert len(whispers(posted)) == 4


def test_an_account_that_two_people_have_counts_for_neither(posted: Doors) -> None:
    posted.slack_account("Noor", ACCOUNT)
    posted.press("acknowledge", "1")
    assert posted.status(1) == "triggered"
    assert "More than one person" in whispers(posted)[0]


def test_a_contact_method_counts_once_it_is_verified(posted: Doors) -> None:
    posted.phone("Noor", "U7", channel="slack", verified=False)
    posted.react("eyes", user="U7")
    assert posted.status(1) == "triggered"
    posted.phone("Noor", "U8", channel="slack")
    posted.react("eyes", user="U8")
    assert posted.responders(1) == [(posted.person("Noor").id, "responder", "slack")]


def test_the_bot_s_own_reactions_are_nobody_s(posted: Doors) -> None:
    bot: dict[str, Any] = {"authorizations": [{"user_id": "U0BOT", "is_bot": True}]}
    posted.react("white_check_mark", user="U0BOT", **bot)
    assert whispers(posted) == []
    assert posted.status(1) == "triggered"


@pytest.mark.parametrize(
    ("action", "status", "says"),
    [
        ("acknowledge", "acknowledged", "#1 Disk full: acknowledged, it is yours."),
        ("pagerpal_ack", "acknowledged", "#1 Disk full: acknowledged, it is yours."),
        ("resolve", "resolved", "#1 Disk full: resolved."),
        ("escalate", "triggered", "#1 Disk full: escalated. The next level is paged."),
        ("pagerpal_decline", "triggered", "#1 Disk full: declined. The next level is paged."),
    ],
)
def test_a_button_does_what_it_says_and_its_presser_is_told(posted: Doors, action: str, status: str, says: str) -> None:
    response = posted.press(action, "INC-1")
    assert (response.status_code, response.json()["text"]) == (200, says)
    assert posted.status(1) == status
    [call] = posted.world.http.calls
    assert (call.method, call.url) == ("POST", "https://hooks.slack.com/actions/T1/1/fake")
    assert json.loads(call.content) == {"response_type": "ephemeral", "replace_original": False, "text": says}


def test_a_button_under_a_post_that_is_not_known_goes_by_its_own_word(posted: Doors) -> None:
    posted.incident("Load high")
    [page] = posted.pages(2)
    token = token_for(posted.rt.secrets, page.id, LinkAction.ACKNOWLEDGE, created_at=posted.now)
    elsewhere: dict[str, Any] = {"container": {"message_ts": "1.1", "channel_id": "C9"}}
    posted.press("acknowledge", token, **elsewhere)
    assert (posted.status(1), posted.status(2)) == ("triggered", "acknowledged")
    for value in ("", "x", "INC-99", token[:-1], "9" * 30):
        assert posted.press("resolve", value, **elsewhere).status_code == 200
    assert (posted.status(1), posted.status(2)) == ("triggered", "acknowledged")


def test_the_reader_of_a_page_can_say_that_it_was_not_useful(posted: Doors) -> None:
    [page] = [each for each in posted.pages(1) if each.channel == "email"]
    token = token_for(posted.rt.secrets, page.id, LinkAction.NOT_USEFUL, created_at=posted.now)
    for _ in range(2):
        assert "it is noted" in posted.press("not_useful", token).json()["text"]
    assert posted.story(1).count("Ravi did not find the page useful") == 1
    posted.slack_account("Noor", "U2")
    assert "Only whoever got this page" in posted.press("not_useful", token, user="U2").json()["text"]
    assert posted.status(1) == "triggered"


def test_a_post_about_several_incidents_needs_a_button_that_names_one(posted: Doors) -> None:
    posted.incident("Load high")
    posted.posted(2)
    posted.react("eyes")
    assert "about several incidents" in whispers(posted)[0]
    posted.press("acknowledge", "2")
    assert (posted.status(1), posted.status(2)) == ("triggered", "acknowledged")


def test_other_buttons_and_other_requests_are_taken_and_ignored(posted: Doors) -> None:
    assert posted.press("open_link", "1").json() == {"ok": True}
    assert posted.press("acknowledge", "1", type="view_submission").json() == {"ok": True}
    assert posted.react("eyes", type="app_rate_limited").json() == {"ok": True}
    assert posted.slack(b"token=x&command=%2Fx", content_type="application/x-www-form-urlencoded").status_code == 200
    assert posted.status(1) == "triggered"


def test_the_same_request_once_more_does_nothing(posted: Doors) -> None:
    event = {"event_id": "Ev1"}
    for _ in range(3):
        assert posted.react("x", **event).status_code == 200
    assert posted.escalation(1).level == 2
    payload = {
        "type": "block_actions",
        "user": {"id": ACCOUNT},
        "container": {"message_ts": "1772443400.000100", "channel_id": "C123ABC456"},
        "actions": [{"action_id": "escalate", "value": "1"}],
    }
    body = urlencode({"payload": json.dumps(payload)}).encode()
    answers = [posted.slack(body, content_type="application/x-www-form-urlencoded").json() for _ in range(2)]
    assert answers[0] == answers[1]
    assert posted.escalation(1).level == 0


def test_in_safe_mode_nobody_is_told_anything(posted: Doors) -> None:
    safe = posted.rt.settings.model_copy(update={"notification_sending_enabled": False})
    object.__setattr__(posted.rt, "settings", safe)
    posted.press("acknowledge", "1")
    posted.react("eyes", user="U999")
    assert posted.status(1) == "acknowledged"
    assert posted.world.http.calls == []


def test_a_challenge_is_given_back(posted: Doors) -> None:
    response = posted.slack(json.dumps({"type": "url_verification", "challenge": "abc"}).encode())
    assert response.json() == {"challenge": "abc"}
    assert posted.state("slack").last_outcome == "challenge"


def test_forged_and_stale_requests_are_refused_and_counted(posted: Doors) -> None:
    body = json.dumps({"type": "url_verification", "challenge": "abc"}).encode()
    good = posted.slack(body).request.headers
    names = ("x-slack-request-timestamp", "x-slack-signature", "content-type")
    headers = {name: good[name] for name in names}
    assert posted.client.post("/integrations/slack/events/", content=body, headers=headers).status_code == 200
    forged = [
        (body + b" ", headers),
        (body, {**headers, "x-slack-signature": "v0=" + "0" * 64}),
        (body, {**headers, "x-slack-signature": headers["x-slack-signature"].replace("v0", "v1")}),
        (body, {**headers, "x-slack-signature": ""}),
        (body, {**headers, "x-slack-request-timestamp": str(int(headers["x-slack-request-timestamp"]) + 1)}),
        (body, {**headers, "x-slack-request-timestamp": "now"}),
        (body, {**headers, "x-slack-request-timestamp": "9" * 400}),
    ]
    for number, (sent, shown) in enumerate(forged):
        posted.world.clock.advance(seconds=1)
        response = posted.client.post("/integrations/slack/events/", content=sent, headers=shown)
        assert response.status_code in (401, 403), number
    assert posted.state("slack").refused == len(forged)
    posted.world.clock.advance(seconds=294)
    assert posted.client.post("/integrations/slack/events/", content=body, headers=headers).status_code == 403


STRANGE: list[bytes] = [
        b"", b"{", b"[]", b"1", b'{"type": "event_callback"}', b"\xff", b"[" * 100_000,
        b'{"type": "event_callback", "event": {"type": "reaction_added"}}',
        b'{"type": "event_callback", "event_id": "E", "event": {"type": "reaction_added", "user": 1, "item": []}}',
        b'{"type": "block_actions", "actions": [{}]}', b'{"type": "block_actions", "actions": [1], "user": []}',
    ]  # fmt: skip


def test_strange_bodies_with_a_good_signature_are_no_server_error(posted: Doors) -> None:
    for body in STRANGE:
        for content_type in ("application/json", "application/x-www-form-urlencoded", "text/plain", ""):
            for sent in (body, urlencode({"payload": body}).encode()):
                assert posted.slack(sent, content_type=content_type).status_code < 500
        assert posted.status(1) == "triggered"
