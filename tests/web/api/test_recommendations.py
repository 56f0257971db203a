"""`/intelligence/*` of document 001: what is recommended, and what this machine shows now."""

from typing import Any

import psutil
import pytest
from fastapi.testclient import TestClient

from tests.support.world import World
from tests.web.api.conftest import JSON, Caller
from tests.web.api.test_intelligence import KEY, answers

FIELDS = {
    "incident_id", "provider", "analysis_run_id", "fallback_used", "summary", "probable_cause", "confidence", "count",
    "recommendations", "found_at",
}  # fmt: skip
OF_EACH = {"type", "priority", "title", "description", "details", "actions", "incident_id"}


def ask(caller: Caller, method: str, path: str, body: Any = None, /, *, status: int = 200, **query: Any) -> JSON:
    """One request to a path outside `/api/v1`."""
    headers = {"authorization": f"Bearer {caller.token}"}
    answered = caller.client.request(method, f"/intelligence{path}", json=body, params=query, headers=headers)
    assert answered.status_code == status, answered.text
    found: JSON = answered.json()
    return found


@pytest.fixture
def incident(admin: Caller) -> JSON:
    """An incident of another host."""
    made: JSON = admin.post("/incidents", {"title": "Disk full on db-02", "severity": "critical"}, status=201)
    return made


def test_the_local_one_is_always_there_and_every_kind_is_listed(admin: Caller, viewer: Caller) -> None:
    assert ask(viewer, "GET", "/health/") == {"status": "ok", "provider": "local", "active": None}
    kinds = ask(viewer, "GET", "/providers/")
    assert (kinds["active"], kinds["count"]) == ("local", 8)
    assert {each["provider"] for each in kinds["providers"]} == {
        "local", "openai", "claude", "gemini", "copilot", "grok", "ollama", "mistral",
    }  # fmt: skip
    admin.post(
        "/intelligence/providers",
        {"name": "main", "provider": "openai", "config": {"api_key": KEY}, "is_active": True},
        status=201,
    )
    assert ask(viewer, "GET", "/health") == {"status": "ok", "provider": "openai", "active": "main"}
    kinds = ask(viewer, "GET", "/providers")
    assert [each["configured"] for each in kinds["providers"] if each["is_active"]] == [["main"]]


def test_the_local_one_is_set_up_tried_and_chosen_like_any_other(admin: Caller, viewer: Caller) -> None:
    made = admin.post("/intelligence/providers", {"name": "here", "provider": "local", "config": {}}, status=201)
    path = f"/intelligence/providers/{made['id']}"
    assert admin.patch(path, {"config": {"top_n_processes": 2}})["config"] == {"top_n_processes": 2}
    trial = admin.post(f"{path}/test")
    assert (trial["success"], trial["analysis"]["provider"], trial["analysis"]["total_tokens"]) == (True, "local", None)
    admin.post(f"{path}/activate")
    assert ask(viewer, "GET", "/health")["active"] == "here"
    assert len(ask(viewer, "GET", "/memory")["top_processes"]) == 2
    problem = admin.refused(422, "PATCH", path, {"config": {"scan_paths": ["relative"], "api_key": "x"}})
    assert {error["path"] for error in problem["errors"]} == {"config.scan_paths[0]", "config.api_key"}


def test_looking_at_an_incident_asks_nobody_and_keeps_nothing(
    admin: Caller, viewer: Caller, incident: JSON, world: World
) -> None:
    provider = {"name": "main", "provider": "openai", "config": {"api_key": KEY}, "is_active": True}
    admin.post("/intelligence/providers", provider, status=201)
    found = ask(viewer, "GET", "/recommendations/", incident_id=incident["id"])
    assert found.keys() == FIELDS
    assert (found["incident_id"], found["provider"], found["analysis_run_id"]) == (incident["id"], "local", None)
    assert "This is about db-02, which cannot be looked at from here" in found["summary"]
    assert found["count"] == len(found["recommendations"]) > 0
    assert found["recommendations"][0].keys() == OF_EACH
    assert (found["recommendations"][0]["type"], found["recommendations"][0]["incident_id"]) == ("disk", incident["id"])
    only = ask(viewer, "GET", "/recommendations", incident_id=incident["id"], analysis_type="network")
    assert all(each["type"] == "network" for each in only["recommendations"])
    assert admin.get("/analysis-runs")["total"] == 0
    assert world.http.calls == []


def test_analysing_now_asks_the_active_one_and_is_then_the_newest(
    admin: Caller, viewer: Caller, responder: Caller, incident: JSON, world: World
) -> None:
    provider = {"name": "main", "provider": "openai", "config": {"api_key": KEY}, "is_active": True}
    admin.post("/intelligence/providers", provider, status=201)
    recommendation = '{"type": "disk", "priority": "high", "title": "Free space", "description": "", "actions": []}'
    answers(world, f'{{"summary": "The disk fills up.", "confidence": 0.6, "recommendations": [{recommendation}]}}')
    found = ask(responder, "POST", "/recommendations/", {"incident_id": incident["id"]})
    assert (found["provider"], found["summary"], found["count"]) == ("openai", "The disk fills up.", 1)
    assert ask(viewer, "GET", "/recommendations/", incident_id=incident["id"]) == found
    by_local = ask(responder, "POST", "/recommendations/", {"incident_id": incident["id"], "provider": "local"})
    assert (by_local["provider"], by_local["fallback_used"]) == ("local", False)
    assert by_local["analysis_run_id"] > found["analysis_run_id"]
    assert len(world.http.calls) == 1


def test_a_provider_that_there_is_not_is_named_and_nobody_answers_instead(
    admin: Caller, responder: Caller, incident: JSON
) -> None:
    for about in ({}, {"incident_id": incident["id"]}):
        problem = ask(responder, "POST", "/recommendations/", {**about, "provider": "mian"}, status=422)
        (error,) = problem["errors"]
        assert (error["path"], error["message"]) == ("provider", "there is no provider «mian»; there are local")
    assert admin.get("/analysis-runs")["total"] == 0


def test_every_kind_says_what_can_be_set_and_with_which_defaults(viewer: Caller) -> None:
    kinds = {each["provider"]: each for each in ask(viewer, "GET", "/providers/")["providers"]}
    models = {name: {field["name"]: field for field in kind["fields"]} for name, kind in kinds.items()}
    assert {name: fields["model"]["default"] for name, fields in models.items() if name != "local"} == {
        "openai": "gpt-4o-mini", "claude": "claude-sonnet-4-20250514", "gemini": "gemini-2.0-flash",
        "copilot": "openai/gpt-4o", "grok": "grok-3-mini", "ollama": "llama3.1", "mistral": "mistral-small-latest",
    }  # fmt: skip
    assert models["ollama"]["base_url"]["default"] == "http://127.0.0.1:11434"
    key = models["claude"]["api_key"]
    assert (key["required"], key["secret"], key["default"]) == (True, True, None)
    own = {name: field["default"] for name, field in models["local"].items()}
    assert (own["top_n_processes"], own["large_file_threshold_mb"], own["old_file_days"]) == (10, 100.0, 30)
    assert "/var/log" in own["scan_paths"]


def test_without_an_incident_it_is_about_this_machine(responder: Caller) -> None:
    found = ask(responder, "POST", "/recommendations", {})
    assert (found["incident_id"], found["provider"], found["analysis_run_id"]) == (None, "local", None)
    assert ask(responder, "GET", "/recommendations") == found, "a look is shared for a moment"
    assert ask(responder, "POST", "/recommendations/") == found, "without a body"


def test_memory_and_disk_are_as_psutil_says(viewer: Caller) -> None:
    memory = ask(viewer, "GET", "/memory/")
    assert memory["total_bytes"] == psutil.virtual_memory().total
    assert memory["top_processes"][0].keys() == {"pid", "name", "command", "state", "rss_bytes", "cpu_percent"}
    disk = ask(viewer, "GET", "/disk/")
    root = next(mount for mount in disk["mounts"] if mount["path"] == "/")
    assert root["used_percent"] == pytest.approx(psutil.disk_usage("/").percent, abs=0.2)
    assert disk.keys() >= {"large_files", "old_files", "deleted_and_held", "complete", "recommendations", "unseen"}
    assert {each["type"] for each in disk["recommendations"]} <= {"disk"}


@pytest.mark.parametrize("about", ["memory", "disk"])
def test_a_look_at_one_kind_of_trouble_speaks_of_no_other(viewer: Caller, about: str) -> None:
    seen = ask(viewer, "GET", f"/{about}/")
    told = [each["description"] for each in seen["recommendations"]]
    assert seen["summary"] == (told or [f"Nothing about {about} stands out on this machine."])[0]


def test_who_may_and_what_is_not_there(client: TestClient, viewer: Caller, responder: Caller) -> None:
    assert client.get("/intelligence/memory/").status_code == 401
    ask(viewer, "POST", "/recommendations/", {}, status=403)
    ask(viewer, "GET", "/recommendations/", incident_id=999, status=404)
    ask(responder, "POST", "/recommendations/", {"incident_id": 999}, status=404)
    ask(responder, "POST", "/recommendations/", {"analysis_type": "weather"}, status=422)
    ask(viewer, "GET", "/recommendations/", analysis_type="weather", status=422)
