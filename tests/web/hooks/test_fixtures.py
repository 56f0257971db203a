"""Every recorded request of Slack, Twilio and Infobip through the real application, twice, on both databases."""

from datetime import datetime

import pytest

from app.notify.types import NotificationKind
from tests.support.webhooks import Case, answers
from tests.web.hooks.conftest import Doors

CASES = answers()
OUTCOME = {"ack": "acknowledged", "decline": "triggered", "ignored": "triggered", "opt_out": "triggered"}


def prepare(case: Case, doors: Doors) -> dict[str, int]:
    """What must be in the database before; the incidents by the names that the case gives them."""
    needs = case.expected.get("precondition", {})
    channel = "infobip_sms" if case.driver == "infobip" else "twilio_sms"
    doors.world.clock.set(case.received_at)
    for user in needs.get("users", []):
        if "phone" in user:
            doors.phone(user["user"], user["phone"], channel=channel)
        else:
            doors.slack_account(user["user"], user["slack_user_id"])
    doors.policy(*(user["user"] for user in needs.get("users", [])), "backup")
    found: dict[str, int] = {}
    names = [each["incident"] for each in (*needs.get("open_pages", []), *needs.get("posted_messages", []))]
    # The numbers in the texts are those of the incidents.
    for number in range(1, max([int(name.removeprefix("INC-")) for name in names], default=0) + 1):
        found[f"INC-{number}"] = doors.incident(f"Disk {number}")
        if f"INC-{number}" in names and case.driver != "slack":
            doors.sent(found[f"INC-{number}"], channel)
    for post in needs.get("posted_messages", []):
        doors.posted(found[post["incident"]], post["channel"], post["ts"], config=case.expected.get("config"))
    return found


@pytest.mark.parametrize("case", CASES, ids=str)
def test_recorded_request_comes_out_as_expected(doors: Doors, case: Case) -> None:
    doors.believe(case.request.get("secret"))
    found = prepare(case, doors)
    if "seen_event_ids" in case.expected.get("precondition", {}):
        assert doors.case(case).status_code == 200
        found = {}
    first = doors.case(case)
    check_answer(case, first.status_code, first.text, first.headers.get("content-type", ""))
    check_effect(case, doors, found)
    before = {number: (doors.status(number), doors.story(number)) for number in found.values()}
    again = doors.case(case)
    assert (again.status_code, again.text) == (first.status_code, first.text) or first.status_code >= 400
    assert {number: (doors.status(number), doors.story(number)) for number in found.values()} == before


def check_answer(case: Case, status: int, text: str, content_type: str) -> None:
    """What the vendor is answered."""
    wanted = case.expected["http_status"]
    assert status in (wanted if isinstance(wanted, list) else [wanted]), text
    assert case.expected.get("response_contains", "") in text
    assert case.expected.get("response_content_type", "") in content_type


def check_effect(case: Case, doors: Doors, found: dict[str, int]) -> None:
    """What became of the incidents, and who is named for it."""
    outcome, named = case.expected["outcome"], found.get(case.expected.get("incident", ""))
    for number in found.values():
        wanted = OUTCOME.get(outcome, "triggered") if number == named else "triggered"
        assert doors.status(number) == wanted
    if outcome == "opt_out":
        doors.incident("After")
        latest = max(found.values()) + 1
        assert {each.channel for each in doors.pages(latest) if each.kind is NotificationKind.PAGE} == {"email"}
    if named is None:
        return
    if outcome == "decline":
        assert doors.escalation(named).level == 2
    if outcome in ("ack", "decline"):
        [(user_id, _, source)] = doors.responders(named)
        assert source == case.expected.get("ack_source", source)
        assert user_id == doors.person(case.expected.get("actor", "responder-a")).id


REPORTS = [case for case in CASES if case.expected["outcome"] == "delivery_reports"]


@pytest.mark.parametrize("case", REPORTS, ids=str)
def test_recorded_reports_move_their_messages(doors: Doors, case: Case) -> None:
    doors.world.clock.set(case.received_at)
    doors.phone("Ravi", channel="infobip_sms")
    doors.policy("Ravi")
    pages = {}
    for sent in case.expected["precondition"]["sent_messages"]:
        number = doors.incident(sent["notification"])
        pages[sent["notification"]] = doors.sent(number, "infobip_sms", provider_id=sent["message_id"])
        doors.world.clock.advance(seconds=61)
    for _ in range(2):
        assert doors.case(case).status_code == 200
        for report in case.expected["reports"]:
            page = pages[report["notification"]]
            [now] = [each for each in doors.pages(page.incident_id or 0) if each.id == page.id]
            assert now.status == report["state"]
            if report["state"] == "delivered":
                assert now.delivered_at == datetime.fromisoformat(report["at"])
