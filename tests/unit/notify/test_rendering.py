"""The words of messages: what somebody reads at three in the morning, and what a mail program makes of it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.notify.rendering import About, Occasion, Site, compose, compose_plainly, kept_text, why_lines
from app.notify.types import Claim, Notification, NotificationKind, NotificationStatus
from app.platform.secrets import SecretBox

NOW = datetime(2026, 3, 2, 3, 16, tzinfo=UTC)
SITE = Site("https://pager.example.com", SecretBox("a-key-for-tests-only-a-key-for-tests-only"))
FACTS = {
    "source": "Grafana prod",
    "alert_name": "HighErrorRate",
    "labels": {"service": "checkout", "region": "eu-1"},
    "summary": "5xx share 7.4 % for 5 min",
    "runbook_url": "https://wiki.example.com/run/1",
    "level": 1,
    "levels": 2,
    "plan": "Checkout",
    "user_name": "Ravi",
    "urgency": "high",
    "why": {"policy_id": 1, "policy_version": 3, "via": "on call for Platform", "rule_delay_minutes": 5},
}

INHERITED_FACTS = {
    **FACTS,
    "why": {"policy_id": 1, "reason": "inherited", "via": "on call for Platform: override-3; took over from Ravi"},
}


def page(number: int = 42, **changes: Any) -> Notification:
    row = Notification(
        id=number,
        kind=NotificationKind.PAGE,
        incident_id=number,
        episode=1,
        level=1,
        round=0,
        user_id=1,
        contact_method_id=1,
        channel_id=None,
        channel="email",
        address="ravi@example.com",
        rule_delay_minutes=0,
        page_key=None,
        urgency="high",
        facts=dict(FACTS),
        subject="",
        body="",
        status=NotificationStatus.IN_FLIGHT,
        attempts=1,
        due_at=NOW,
        waits_for_bundle=False,
        fence=1,
        lease_until=None,
        idempotency_key="0123456789abcdef0123456789abcdef",
        provider_message_id=None,
        last_error="",
        possible_repeat=False,
        bundle_id=None,
        late_by_seconds=0,
        run_id=None,
        created_at=NOW,
        sent_at=None,
        delivered_at=None,
    )
    return replace(row, **changes)


def about(number: int, *, severity: str = "critical", title: str = "Checkout fails") -> About:
    return About(number, title, severity, "triggered", "", "", NOW - timedelta(minutes=4), 14, 13)


def occasion(*abouts: About) -> Occasion:
    return Occasion(NOW, {each.incident_id: each for each in abouts or (about(42),)}, zone="Europe/Berlin")


def test_a_page_says_what_where_since_when_and_what_to_do() -> None:
    message = compose(Claim(page()), SITE, occasion())
    assert message.subject == "[CRITICAL] #42 Checkout fails"
    assert message.text.startswith("● critical: Checkout fails\n")
    for words in (
        "Source: Grafana prod",
        "2026-03-02 04:12 CET (4 min)",
        "13 of 14 firing",
        "level 1 of 2 (Checkout)",
        "5xx share 7.4 % for 5 min",
        "service = checkout",
        "Runbook: https://wiki.example.com/run/1",
        "https://pager.example.com/incidents/42",
        "policy Checkout, level 1 of 2 (version 3)",
        "on call for Platform",
        "high urgency, after 5 min",
    ):
        assert words in message.text, words
    for action in ("Acknowledge", "Resolve", "Escalate"):
        assert f"{action}: https://pager.example.com/a/" in message.text
        assert f">{action}</a>" in message.html


@pytest.mark.parametrize(("severity", "shape"), [("critical", "●"), ("warning", "▲"), ("info", "■")])
def test_severity_is_told_by_shape_and_word(severity: str, shape: str) -> None:
    message = compose(Claim(page()), SITE, occasion(about(42, severity=severity)))
    assert message.text.startswith(f"{shape} {severity}:")
    assert f"{shape} {severity}" in message.html
    assert message.subject.startswith(f"[{severity.upper()}]")


def test_markup_in_an_alert_is_shown_and_not_obeyed() -> None:
    facts = {**FACTS, "summary": "<script>x</script>", "labels": {"<b>": "{{ 7*7 }}"}, "runbook_url": "javascript:x"}
    message = compose(Claim(page(facts=facts)), SITE, occasion(about(42, title="<img src=x> {{ 7*7 }}\r\nBcc: x")))
    assert "<script>" not in message.html
    assert "<img" not in message.html
    assert "javascript:" not in message.html + message.text
    assert "{{ 7*7 }}" in message.html
    assert "49" not in message.html.replace("#", "")
    assert message.subject == "[CRITICAL] #42 <img src=x> {{ 7*7 }} Bcc: x"


def test_every_message_of_an_incident_folds_into_one_thread_and_has_its_own_id() -> None:
    first = compose(Claim(page(1, incident_id=42)), SITE, occasion())
    later = compose(
        Claim(page(2, incident_id=42, facts={**FACTS, "level": 2}, kind=NotificationKind.TEAM)), SITE, occasion()
    )
    assert first.thread_ids == later.thread_ids
    assert first.subject == later.subject
    assert first.message_id != later.message_id
    again = compose(Claim(page(1, incident_id=42, attempts=7)), SITE, occasion())
    assert again.message_id == first.message_id == "<notification-1.0123456789ab@pager.example.com>"


def test_a_possible_repeat_says_so_in_the_subject_and_carries_the_same_id_and_links() -> None:
    first = compose(Claim(page()), SITE, occasion())
    again = compose(Claim(page(possible_repeat=True)), SITE, occasion())
    assert "possible repeat" in again.subject
    assert "Possible repeat" in again.text
    assert "Possible repeat" in again.html
    assert again.message_id == first.message_id
    assert again.facts["links"] == first.facts["links"]


def test_a_late_page_says_how_late() -> None:
    message = compose(Claim(page(late_by_seconds=7500)), SITE, occasion())
    assert "Sent late, by 2 h 5 min" in message.text
    assert "Sent late" in message.html


def test_a_bundle_lists_its_incidents_worst_first_each_with_its_own_link() -> None:
    claim = Claim(page(1), (page(2), page(3)))
    abouts = (about(1, severity="info"), about(2, severity="warning"), about(3, title="Database down"))
    message = compose(claim, SITE, occasion(*abouts))
    assert message.subject == "[CRITICAL] 3 more incidents"
    assert message.severity == "critical"
    order = [message.text.index(f"#{number} ") for number in (3, 2, 1)]
    assert order == sorted(order)
    assert message.text.count("Acknowledge: https://pager.example.com/a/") == 3
    assert len(message.facts["bundle"]) == 2


def test_a_large_bundle_lists_the_first_and_counts_the_rest() -> None:
    claim = Claim(page(1), tuple(page(number) for number in range(2, 200)))
    message = compose(claim, SITE, occasion(*(about(number) for number in range(1, 200))))
    assert "199 incidents" in message.text
    assert "and 179 more" in message.text


def test_a_bundle_with_one_uncertain_page_is_marked_as_a_whole() -> None:
    message = compose(Claim(page(1), (page(2, possible_repeat=True),)), SITE, occasion(about(1), about(2)))
    assert message.possible_repeat
    assert "possible repeat" in message.subject


def test_a_team_hears_what_became_of_the_incident_and_gets_no_answer_links() -> None:
    row = page(kind=NotificationKind.TEAM, user_id=None, facts={"event": "resolved", "text": "Ravi resolved"})
    message = compose(Claim(row), SITE, occasion())
    assert "Ravi resolved" in message.text
    assert "/a/" not in message.text + message.html
    assert message.facts["event"] == "resolved"


def test_the_fallback_is_named_as_such() -> None:
    facts = {**FACTS, "level": 0, "plan": "fallback"}
    message = compose(Claim(page(facts=facts)), SITE, occasion())
    assert "fallback" in message.text
    assert "nobody else could be reached" in message.text


def test_the_fallback_of_what_names_nobody_does_not_say_that_somebody_failed() -> None:
    why = {"via": "fallback: admin", "rule_delay_minutes": 0}
    facts = {**FACTS, "level": 0, "levels": 0, "plan": "fallback", "why": why}
    text = compose(Claim(page(facts=facts)), SITE, occasion()).text
    assert "Fallback: no policy, schedule or team is set for it, so all admins are paged" in text
    assert "nobody else" not in text
    assert "You: fallback: all admins\n" in text
    assert "fallback: admin" not in text


def test_a_plain_message_says_its_title_and_text() -> None:
    row = page(
        kind=NotificationKind.TEST, incident_id=None, facts={"title": "123456 is your code", "text": "Enter it."}
    )
    message = compose(Claim(row), SITE, occasion())
    assert message.subject == "123456 is your code"
    assert "Enter it." in message.text


@pytest.mark.parametrize("facts", [{}, {"labels": 7, "why": "x", "level": "x"}, {"summary": None, "labels": None}])
def test_strange_facts_still_make_a_page(facts: dict[str, Any]) -> None:
    message = compose(Claim(page(facts=facts)), SITE, occasion())
    assert message.subject == "[CRITICAL] #42 Checkout fails"


def test_without_any_template_the_page_still_says_the_least() -> None:
    message = compose_plainly(Claim(page(possible_repeat=True)), SITE, occasion())
    assert message.subject == "#42 Checkout fails (possible repeat)"
    assert "https://pager.example.com/incidents/42" in message.text
    assert message.message_id == compose(Claim(page()), SITE, occasion()).message_id


def test_what_is_kept_lets_nobody_answer_for_another() -> None:
    claim = Claim(page())
    subject, body = kept_text(claim, compose(claim, SITE, occasion()))
    assert subject == "[CRITICAL] #42 Checkout fails"
    assert "Acknowledge: https://pager.example.com/a/***" in body
    code = Claim(page(kind=NotificationKind.TEST, facts={"title": "123456 is your code", "text": "123456"}))
    assert "123456" not in "".join(kept_text(code, compose(code, SITE, occasion())))


def test_why_names_alert_policy_level_slot_and_rule() -> None:
    assert why_lines(dict(FACTS)) == [
        "Alert HighErrorRate from Grafana prod",
        "policy Checkout, level 1 of 2 (version 3)",
        "on call for Platform",
        "Notification rule: high urgency, after 5 min",
    ]


def test_what_somebody_inherits_comes_as_one_message_that_says_so() -> None:
    rows = [page(number, facts=INHERITED_FACTS) for number in (42, 43)]
    message = compose(
        Claim(rows[0], (rows[1],)), SITE, occasion(about(42, title="Disk full"), about(43, severity="warning"))
    )
    assert message.subject == "[CRITICAL] You inherit 2 open incidents"
    for words in (
        "#42 Disk full",
        "#43 Checkout fails",
        "https://pager.example.com/a/",
        "they wait for you now",
    ):
        assert words in message.text, words
        assert words in message.html, words


def test_one_incident_that_somebody_inherits_is_a_page_that_says_so() -> None:
    message = compose(Claim(page(facts=INHERITED_FACTS)), SITE, occasion())
    assert message.subject == "[CRITICAL] #42 Checkout fails"
    assert "You inherit 1 open incident: nobody has answered it" in message.text
    assert "<strong>You inherit 1 open incident</strong>" in message.html
    assert "took over from Ravi" in message.text


def test_pages_that_only_partly_come_with_the_duty_are_more_incidents() -> None:
    rows = (page(42, facts=INHERITED_FACTS), page(43))
    message = compose(Claim(rows[0], (rows[1],)), SITE, occasion(about(42), about(43)))
    assert message.subject == "[CRITICAL] 2 more incidents"


def test_a_notice_says_where_to_look() -> None:
    facts = {"title": "You are on call for Platform", "text": "Until tomorrow.", "link": "/schedules/3"}
    row = page(kind=NotificationKind.HANDOFF, incident_id=None, facts=facts)
    message = compose(Claim(row), SITE, occasion())
    assert message.subject == "You are on call for Platform"
    assert "Until tomorrow.\n\nhttps://pager.example.com/schedules/3\n" in message.text
    assert 'href="https://pager.example.com/schedules/3"' in message.html
