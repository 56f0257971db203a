"""`/api/v1/simulate/page`: what is asked, what is answered, and what is refused in the driver's own words."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from app.alerts.detection import drivers
from app.platform.runtime import Runtime
from tests.web.api.conftest import JSON, Caller

PAGE = {
    "after_minutes", "at", "incident", "level", "is_fallback", "round", "user", "channel", "urgency", "reason",
    "message", "problem",
}  # fmt: skip
INCIDENT = {"action", "reason", "id", "group_key", "severity", "title", "fingerprint"}


@pytest.fixture
def ask(viewer: Caller, source: JSON) -> Callable[..., Any]:
    """Asks about the source as somebody who may only look."""
    return lambda **more: viewer.post("/simulate/page", {"source_id": source["id"], **more})


@pytest.fixture
def policy(admin: Caller, responder: Caller, source: JSON) -> JSON:
    """Ravi has 15 minutes, then Ada has 10."""
    assert admin.user is not None
    assert responder.user is not None
    levels = [
        {"level": 1, "delay_minutes": 15, "assignees": [{"type": "user", "id": responder.user.id}]},
        {"level": 2, "delay_minutes": 10, "assignees": [{"type": "user", "id": admin.user.id}]},
    ]
    made: JSON = admin.post("/escalation-policies", {"name": "On duty", "levels": levels}, status=201)
    admin.patch(f"/alert-sources/{source['id']}", {"escalation_policy_id": made["id"]})
    return made


@pytest.mark.usefixtures("policy")
def test_a_viewer_is_told_driver_incident_and_who_is_paged_in_which_minute(ask: Callable[..., Any]) -> None:
    said = ask(payload={"name": "Disk almost full", "severity": "critical", "fingerprint": "disk"})

    assert (said["driver"], said["is_assumed"], said["plan"]) == ("generic", False, "policy On duty, version 1")
    assert said["incident"] == said["incidents"][0]
    assert said["incident"].keys() == INCIDENT
    assert (said["incident"]["action"], said["incident"]["severity"]) == ("create", "critical")
    assert said["incident"]["group_key"] == f"alert:{said['incident']['fingerprint']}"
    assert [(page["after_minutes"], page["level"], page["user"]["name"]) for page in said["pages"]] == [
        (0, 1, "Ravi"), (15, 2, "Ada"), (25, 0, "Ada"),
    ]  # fmt: skip
    assert all(page.keys() == PAGE and page["channel"] == "email" for page in said["pages"])
    assert "policy On duty, level 1 of 2" in said["pages"][0]["reason"]
    assert [page["is_fallback"] for page in said["pages"]] == [False, False, True]
    assert said["under_way"] == []


def test_without_a_payload_a_typical_critical_alert_of_the_driver_is_assumed(
    admin: Caller, viewer: Caller, ask: Callable[..., Any]
) -> None:
    assert (ask()["driver"], ask()["is_assumed"]) == ("generic", True)
    for entry in drivers():
        made = admin.post("/alert-sources", {"name": entry.name, "driver": entry.name}, status=201)
        said = viewer.post("/simulate/page", {"source_id": made["id"]})
        assert (said["driver"], said["incident"]["action"]) == (entry.name, "create")
        assert said["incident"]["severity"] == "critical"
        assert [page["user"]["name"] for page in said["pages"]] == ["Ada"]


def test_where_the_driver_is_detected_the_last_one_is_assumed(
    client: Any, source: JSON, ask: Callable[..., Any]
) -> None:
    alert = {"ruleId": 7, "ruleName": "Checkout", "title": "[Alerting] Checkout", "orgId": 1, "state": "alerting"}
    client.post("/alerts/webhook/", json=alert, headers={"x-api-key": source["api_key"]})
    assert ask()["driver"] == "grafana"


def test_a_payload_may_be_an_object_a_list_or_pasted_text(ask: Callable[..., Any]) -> None:
    alert = '{"name": "Disk", "fingerprint": "d"}'
    answers = [ask(payload={"name": "Disk", "fingerprint": "d"}), ask(payload=f" [{alert}]\n"), ask(payload=alert)]
    answers.append(ask(payload=[{"name": "Disk", "fingerprint": "d"}]))
    assert {said["incident"]["fingerprint"] for said in answers} == {answers[0]["incident"]["fingerprint"]}


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        ("{", "This is not valid JSON"),
        ("", "The body is empty."),
        ("7", "The body needs to be a JSON object or a list of them."),
        ({"weather": "fine"}, "This is no body that we know"),
        ([{"severity": "critical"}], "needs a name, title, alertname or summary."),
        ("[" * 100, "nested more than 64 levels"),
    ],
)
def test_a_payload_that_cannot_be_read_is_422_with_the_drivers_sentence(
    viewer: Caller, source: JSON, payload: Any, words: str
) -> None:
    problem = viewer.refused(422, "POST", "/simulate/page", {"source_id": source["id"], "payload": payload})
    assert words in problem["detail"]


def test_a_source_that_does_not_exist_is_404(viewer: Caller, source: JSON) -> None:
    assert source["id"] != 999
    assert viewer.refused(404, "POST", "/simulate/page", {"source_id": 999})["code"] == "alert_source_not_found"
    viewer.refused(422, "POST", "/simulate/page", {})
    viewer.refused(422, "POST", "/simulate/page", {"source_id": 1, "at": "tomorrow"})
    viewer.refused(422, "POST", "/simulate/page", {"source_id": 1, "payload": 7})


def test_strangers_are_refused(stranger: Caller, source: JSON) -> None:
    stranger.refused(401, "POST", "/simulate/page", {"source_id": source["id"]})


@pytest.mark.usefixtures("policy")
def test_another_time_is_asked_for_who_is_on_call_then(
    admin: Caller, responder: Caller, source: JSON, ask: Callable[..., Any], hour: Callable[[float], str]
) -> None:
    assert responder.user is not None
    made = admin.post("/schedules", {"name": "Prod"}, status=201)
    window = {"user_id": responder.user.id, "start_time": hour(48), "end_time": hour(50)}
    admin.post(f"/schedules/{made['id']}/entries", window, status=201)
    admin.patch(f"/alert-sources/{source['id']}", {"escalation_policy_id": None, "schedule_id": made["id"]})

    assert [page["user"]["name"] for page in ask()["pages"]] == ["Ada"]
    later = ask(at=hour(49))
    assert (later["at"], later["plan"]) == (hour(49), "schedule Prod")
    assert [(page["at"], page["user"]["name"]) for page in later["pages"]] == [
        (hour(49), "Ravi"), (hour(49.25), "Ada"),
    ]  # fmt: skip


@pytest.mark.usefixtures("policy")
def test_an_open_incident_goes_on_beside_what_the_payload_leads_to(
    send: Callable[..., JSON], ask: Callable[..., Any], rt: Runtime
) -> None:
    incident_id = send("Disk")["incident_ids"][0]
    rt.clock.advance(minutes=5)  # type: ignore[attr-defined]
    said = ask(payload={"name": "Disk", "severity": "critical", "fingerprint": "Disk"})
    assert (said["incident"]["action"], said["incident"]["id"]) == ("attach", incident_id)
    assert said["pages"] == []
    # With nothing that sends in this test, the first page still waits.
    assert [(page["after_minutes"], page["user"]["name"]) for page in said["under_way"]] == [
        (0, "Ravi"), (10, "Ada"), (20, "Ada"),
    ]  # fmt: skip


@pytest.mark.usefixtures("policy")
def test_a_time_that_has_passed_is_asked_without_what_is_open_now(
    send: Callable[..., JSON], ask: Callable[..., Any], rt: Runtime
) -> None:
    send("Disk")
    before = (rt.clock.now() - timedelta(hours=1)).isoformat()
    said = ask(payload={"name": "Disk", "severity": "critical", "fingerprint": "Disk"}, at=before)
    assert said["incident"]["action"] == "create"
    assert said["notes"][0]["text"].startswith("The time has passed")


def test_several_incidents_of_one_payload_are_told_apart(ask: Callable[..., Any]) -> None:
    said = ask(payload=[{"name": "a", "status": "resolved"}, {"name": "b"}, {"name": "c"}, {"nothing": 1}])
    assert [each["action"] for each in said["incidents"]] == ["create", "create", "none"]
    assert [each["title"] for each in said["incidents"]] == ["b", "c", "a"]
    assert [(page["incident"], page["message"], page["after_minutes"]) for page in said["pages"]] == [
        (0, 1, 0), (1, 2, 1),
    ]  # fmt: skip
    assert any("alerts[3]" in note["text"] for note in said["notes"])
