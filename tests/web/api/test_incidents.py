"""`/api/v1/incidents`: what is open, its story, and the answers people give."""

from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient

from app.platform.runtime import Runtime
from app.usecases import people
from tests.support.clock import FrozenClock
from tests.web.api.conftest import JSON, Caller

FIELDS = {
    "id", "number", "title", "description", "summary", "metadata", "status", "severity", "source_id", "group_key",
    "assigned_to", "created_at", "updated_at", "acknowledged_at", "resolved_at", "closed_at", "alert_count",
    "firing_alert_count",
}  # fmt: skip
DETAIL = {"alerts", "timeline", "notifications", "responders", "checks", "analysis", "escalation", "runs"}

Send = Callable[..., JSON]


@pytest.fixture
def incident(send: Send) -> str:
    """The path of an open incident."""
    return f"/incidents/{send()['incident_ids'][0]}"


def titles(page: JSON) -> list[str]:
    """The titles on a page."""
    return [incident["title"] for incident in page["items"]]


def test_an_incident_tells_everything_that_belongs_to_it(
    admin: Caller, viewer: Caller, send: Send, clock: FrozenClock
) -> None:
    sent = send("Disk")
    [listed] = viewer.get("/incidents")["items"]
    assert listed.keys() >= FIELDS
    assert not listed.keys() & DETAIL

    shown = viewer.get(f"/incidents/{sent['incident_ids'][0]}")
    assert shown.keys() >= FIELDS | DETAIL
    assert (shown["number"], shown["alert_count"], shown["firing_alert_count"]) == (shown["id"], 1, 1)
    assert [alert["name"] for alert in shown["alerts"]] == ["Disk"]
    assert (shown["checks"], shown["analysis"]) == ([], None)
    first = shown["timeline"][0]
    assert first.keys() >= {"seq", "kind", "text", "actor", "authenticated_as", "source", "at"}
    assert [entry["seq"] for entry in shown["timeline"]] == list(range(1, len(shown["timeline"]) + 1))
    assert first["actor"] == {"id": None, "name": "PagerPal"}
    assert first["at"] == "2026-03-02T09:00:00Z"
    assert shown["escalation"].keys() >= {"policy", "level", "due_at"}
    assert [run["run_id"] for run in shown["runs"]] == sent["run_ids"]
    assert admin.user is not None
    [page] = shown["notifications"]
    assert (page["user_id"], page["user_name"], page["status"]) == (admin.user.id, admin.user.name, "pending")


def test_who_acts_and_who_was_signed_in_are_both_kept(admin: Caller, responder: Caller, incident: str) -> None:
    assert admin.user is not None
    assert responder.user is not None
    taken = admin.post(f"{incident}/ack", {"acting_as_user_id": responder.user.id, "note": "on my way"})

    assert (taken["status"], taken["assigned_to"]) == ("acknowledged", responder.user.id)
    said = next(entry for entry in taken["timeline"] if entry["kind"] == "acknowledged")
    assert said["actor"] == {"id": responder.user.id, "name": "Ravi"}
    assert said["authenticated_as"] == {"id": admin.user.id, "name": admin.user.name}
    assert said["source"] == "api"
    assert "on my way" in said["text"]
    [who] = taken["responders"]
    assert (who["user_id"], who["user_name"], who["ack_source"]) == (responder.user.id, "Ravi", "api")


def test_only_an_active_responder_can_be_acted_as(
    rt: Runtime, admin: Caller, viewer: Caller, responder: Caller, incident: str
) -> None:
    assert admin.user is not None
    assert viewer.user is not None
    assert responder.user is not None
    people.deactivate_user(rt, user_id=responder.user.id, actor=admin.user, now=rt.clock.now())
    for user_id in (viewer.user.id, responder.user.id, 99):
        problem = admin.refused(422, "POST", f"{incident}/ack", {"acting_as_user_id": user_id})
        assert problem["errors"][0]["path"] == "acting_as_user_id"


@pytest.mark.parametrize("verb", ["ack", "acknowledge"])
def test_acknowledging_twice_changes_nothing(responder: Caller, incident: str, verb: str) -> None:
    taken = responder.post(f"{incident}/{verb}")
    again = responder.post(f"{incident}/{verb}", {})
    assert taken["status"] == "acknowledged"
    assert len(again["timeline"]) == len(taken["timeline"])
    assert again["acknowledged_at"] == taken["acknowledged_at"]


def test_an_incident_goes_through_its_life(responder: Caller, incident: str) -> None:
    for verb, status in (
        ("ack", "acknowledged"), ("resolve", "resolved"), ("resolve", "resolved"), ("close", "closed"),
        ("close", "closed"), ("reopen", "triggered"), ("resolve", "resolved"), ("reopen", "triggered"),
    ):  # fmt: skip
        assert responder.post(f"{incident}/{verb}")["status"] == status


def test_a_step_that_the_table_does_not_have_is_409_and_names_both_states(responder: Caller, incident: str) -> None:
    problem = responder.refused(409, "POST", f"{incident}/close")
    assert "triggered" in problem["detail"]
    assert "closed" in problem["detail"]
    responder.refused(409, "POST", f"{incident}/reopen")
    responder.post(f"{incident}/resolve")
    for verb, body in (
        ("ack", None), ("escalate", None), ("assign", {"user_id": 1}), ("snooze", {"until": "2026-03-02T10:00:00Z"}),
    ):  # fmt: skip
        responder.refused(409, "POST", f"{incident}/{verb}", body)


def test_a_note_is_written_in_any_state(responder: Caller, incident: str) -> None:
    responder.post(f"{incident}/resolve")
    noted = responder.post(f"{incident}/notes", {"note": "it was the cable"})
    assert noted["timeline"][-1]["text"] == "it was the cable"
    for body in ({}, {"note": ""}, {"note": "x" * 10_001}, {"note": 7}):
        assert responder.refused(422, "POST", f"{incident}/notes", body)["errors"][0]["path"] == "note"


def test_snooze_takes_a_time_ahead_with_its_zone(responder: Caller, incident: str) -> None:
    quiet = responder.post(f"{incident}/snooze", {"until": "2026-03-02T13:00:00+02:00"})
    assert quiet["snoozed_until"] == "2026-03-02T11:00:00Z"
    for until in (
        "2026-03-02T08:00:00Z", "2026-03-02T11:00:00", "soon", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00",
    ):  # fmt: skip
        assert responder.refused(422, "POST", f"{incident}/snooze", {"until": until})["errors"][0]["path"] == "until"


def test_an_incident_is_given_to_an_active_responder(admin: Caller, responder: Caller, incident: str) -> None:
    assert responder.user is not None
    assert admin.post(f"{incident}/assign", {"user_id": responder.user.id})["assigned_to"] == responder.user.id
    assert admin.refused(422, "POST", f"{incident}/assign", {"user_id": 99})["errors"][0]["path"] == "user_id"
    assert titles(admin.get("/incidents", assigned_to=responder.user.id)) == ["Disk almost full"]


def test_escalating_pages_the_next_level_at_once(admin: Caller, responder: Caller, send: Send, source: JSON) -> None:
    assert admin.user is not None
    assert responder.user is not None
    levels = [
        {"level": number, "delay_minutes": 15, "assignees": [{"type": "user", "id": user_id}]}
        for number, user_id in ((1, admin.user.id), (2, responder.user.id))
    ]
    policy = admin.post("/escalation-policies", {"name": "Duty", "levels": levels}, status=201)
    admin.patch(f"/alert-sources/{source['id']}", {"escalation_policy_id": policy["id"]})
    incident = f"/incidents/{send('Disk')['incident_ids'][0]}"
    before = admin.get(incident)["escalation"]
    assert (before["level"], before["due_at"]) == (1, "2026-03-02T09:15:00Z")
    assert before["policy"] == {"id": policy["id"], "name": "Duty", "version": 1}

    after = admin.post(f"{incident}/escalate")
    assert after["escalation"]["level"] == 2
    assert [page["user_id"] for page in after["notifications"]] == [admin.user.id, responder.user.id]


def test_the_list_puts_unacknowledged_critical_ones_first(responder: Caller, send: Send) -> None:
    taken = send("taken", severity="critical")["incident_ids"][0]
    send("mild", severity="info")
    send("bad", severity="critical")
    done = send("done", severity="critical")["incident_ids"][0]
    responder.post(f"/incidents/{taken}/ack")
    responder.post(f"/incidents/{done}/resolve")
    assert titles(responder.get("/incidents")) == ["bad", "mild", "taken", "done"]


def test_the_list_is_narrowed_by_each_filter(responder: Caller, send: Send, source: JSON, clock: FrozenClock) -> None:
    first = send("Disk full")["incident_ids"][0]
    clock.advance(hours=1)
    send("Slow checkout", severity="warning")
    responder.post(f"/incidents/{first}/resolve")

    def found(**query: object) -> list[str]:
        return titles(responder.get("/incidents", **query))

    assert found(status="open") == ["Slow checkout"]
    assert found(status="resolved") == ["Disk full"]
    assert found(status="closed") == []
    assert found(severity="warning") == ["Slow checkout"]
    assert found(q="disk") == ["Disk full"]
    assert found(q=f"#{first}") == ["Disk full"]
    assert found(source_id=source["id"] + 1) == []
    assert found(from_="2026-03-02T10:00:00Z") == ["Slow checkout"]
    assert found(to="2026-03-02T10:00:00Z") == ["Disk full"]
    assert found(from_="2026-03-02T10:00:00+01:00", to="2026-03-02T11:00:00 01:00") == ["Disk full"]
    for query in ({"status": "asleep"}, {"severity": "awful"}, {"from_": "yesterday"}, {"assigned_to": -1}):
        responder.refused(422, "GET", "/incidents", **query)


def test_an_incident_opened_by_hand_pages_like_an_alert(admin: Caller, responder: Caller) -> None:
    assert responder.user is not None
    levels = [{"level": 1, "delay_minutes": 5, "assignees": [{"type": "user", "id": responder.user.id}]}]
    policy = admin.post("/escalation-policies", {"name": "Duty", "levels": levels}, status=201)
    opened = responder.post(
        "/incidents",
        {"title": "Water in the cellar", "severity": "critical", "description": "a lot",
         "escalation_policy_id": policy["id"]},
        status=201,
    )  # fmt: skip
    assert (opened["status"], opened["source_id"], opened["assigned_to"]) == ("triggered", None, responder.user.id)
    assert [page["user_id"] for page in opened["notifications"]] == [responder.user.id]


def test_a_wrong_incident_is_refused_before_anybody_is_paged(responder: Caller) -> None:
    good = {"title": "x", "severity": "critical"}
    for more, path in (
        ({"title": ""}, "title"), ({"severity": "awful"}, "severity"), ({"schedule_id": 99}, "schedule_id"),
        ({"escalation_policy_id": 99}, "escalation_policy_id"), ({"colour": 1}, "colour"),
        ({"schedule_id": 1, "escalation_policy_id": 1}, "schedule_id"),
    ):  # fmt: skip
        assert responder.refused(422, "POST", "/incidents", {**good, **more})["errors"][0]["path"] == path
    assert responder.get("/incidents")["total"] == 0


def test_what_is_not_there_is_404(responder: Caller) -> None:
    responder.refused(404, "GET", "/incidents/99")
    for verb in ("ack", "resolve", "reopen", "close", "escalate"):
        responder.refused(404, "POST", f"/incidents/99/{verb}")
    responder.refused(404, "POST", "/incidents/99/notes", {"note": "x"})


def test_a_body_that_is_no_json_or_no_object_is_refused(client: TestClient, responder: Caller, incident: str) -> None:
    headers = {"authorization": f"Bearer {responder.token}", "content-type": "application/json"}
    broken = client.post(f"/api/v1{incident}/notes", content=b"{", headers=headers)
    assert (broken.status_code, broken.headers["content-type"]) == (400, "application/problem+json")
    responder.refused(422, "POST", f"{incident}/notes", ["note"])


def test_viewers_read_and_responders_act(stranger: Caller, viewer: Caller, incident: str) -> None:
    stranger.refused(401, "GET", incident)
    viewer.get(incident)
    viewer.refused(403, "POST", "/incidents", {"title": "x", "severity": "info"})
    for verb in ("ack", "acknowledge", "resolve", "reopen", "close", "escalate", "snooze", "notes", "assign"):
        viewer.refused(403, "POST", f"{incident}/{verb}", {})


def test_every_path_works_with_a_trailing_slash(responder: Caller, incident: str) -> None:
    assert responder.get("/incidents/")["total"] == 1
    assert responder.get(f"{incident}/")["status"] == "triggered"
    assert responder.post(f"{incident}/ack/")["status"] == "acknowledged"
