"""`/api/v1/intelligence/providers`: who may be asked; keys go in and never come out, and a test really asks."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from app.platform.ports import HttpAnswer, HttpFailed
from tests.support.world import World
from tests.web.api.conftest import JSON, Caller

PATH = "/intelligence/providers"
KEY = "pl4inly-f4ke-key"


@pytest.fixture
def provider(admin: Caller) -> JSON:
    """An OpenAI provider."""
    body = {"name": "main", "provider": "openai", "config": {"api_key": KEY, "model": "gpt-4o-mini"}}
    made: JSON = admin.post(PATH, body, status=201)
    return made


def answers(world: World, text: str) -> None:
    """The next answer of the provider."""
    choice = {"message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 120, "completion_tokens": 45, "total_tokens": 165}
    body = {"model": "gpt-4o-mini", "choices": [choice], "usage": usage}
    world.http.next.append(HttpAnswer(200, {}, json.dumps(body).encode()))


def test_a_provider_is_made_shown_changed_and_removed(admin: Caller, viewer: Caller, provider: JSON) -> None:
    assert provider["config"] == {"api_key": "***", "model": "gpt-4o-mini"}
    assert (provider["name"], provider["provider"], provider["is_active"]) == ("main", "openai", False)
    path = f"{PATH}/{provider['id']}"
    assert viewer.get(path) == viewer.get(PATH)["items"][0] == provider
    changed = admin.patch(path, {"config": {"api_key": "***", "max_tokens": 500}, "description": "ours"})
    assert changed["config"] == {"api_key": "***", "max_tokens": 500}
    assert (changed["name"], changed["description"]) == ("main", "ours")
    admin.delete(path)
    admin.refused(404, "GET", path)
    audit = admin.get("/audit")
    mine = [entry for entry in audit["items"] if entry["object_type"] == "intelligence_provider"]
    assert [entry["action"] for entry in mine] == ["deleted", "changed", "created"]
    assert KEY not in str(audit)


def test_one_is_active_and_who_lost_its_place_is_in_the_audit(admin: Caller, provider: JSON) -> None:
    body = {"name": "home", "provider": "ollama", "is_active": True}
    other = admin.post(PATH, body, status=201)
    assert admin.post(f"{PATH}/{provider['id']}/activate")["is_active"]
    assert {each["name"]: each["is_active"] for each in admin.get(PATH)["items"]} == {"home": False, "main": True}
    changes = [(entry["object_id"], entry["action"]) for entry in admin.get("/audit")["items"]]
    assert changes[:2] == [(str(other["id"]), "changed"), (str(provider["id"]), "changed")]


def test_a_test_asks_and_says_what_came_of_it(admin: Caller, provider: JSON, world: World) -> None:
    answers(world, '{"summary": "The disk fills up.", "confidence": 0.6}')
    trial = admin.post(f"{PATH}/{provider['id']}/test")
    assert (trial["success"], trial["error"]) == (True, "")
    assert (trial["analysis"]["summary"], trial["analysis"]["total_tokens"]) == ("The disk fills up.", 165)
    assert trial["analysis"]["provider_config"] == {"api_key": "***", "model": "gpt-4o-mini"}
    (call,) = world.http.calls
    assert (call.url, call.headers["Authorization"]) == (
        "https://api.openai.com/v1/chat/completions", f"Bearer {KEY}"
    )  # fmt: skip
    assert admin.get("/analysis-runs", provider="openai")["items"] == [trial["analysis"]]
    assert admin.get("/analysis-runs", status="FAILED")["items"] == []


@pytest.mark.parametrize(
    ("outcome", "error"),
    [
        (HttpAnswer(401, {}, json.dumps({"error": {"message": f"Bad key {KEY}"}}).encode()), "unauthorized: "),
        (HttpAnswer(404, {}, b"{}"), "no_such_model: "),
        (HttpFailed("127.0.0.1 is not a public address", permanent=True), "unreachable: 127.0.0.1"),
    ],
)
def test_a_test_that_fails_says_why_and_shows_no_key(
    admin: Caller, provider: JSON, world: World, outcome: Any, error: str
) -> None:
    world.http.next.append(outcome)
    trial = admin.post(f"{PATH}/{provider['id']}/test")
    assert not trial["success"]
    assert trial["error"].startswith(error)
    assert trial["analysis"]["status"] == "FAILED"
    assert KEY not in str(trial)


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"name": "x", "provider": "oracle"}, "provider"),
        ({"name": "x", "provider": "openai"}, "config.api_key"),
        ({"name": "x", "provider": "openai", "config": {"api_key": "k", "nope": 1}}, "config.nope"),
        ({"name": "x", "provider": "openai", "config": {"api_key": "k", "base_url": "file:///etc"}}, "config.base_url"),
        ({"name": "x", "provider": "openai", "config": {"api_key": ["k"]}}, "config.api_key"),
        ({"name": " ", "provider": "ollama"}, "name"),
    ],
)
def test_what_is_wrong_is_named(admin: Caller, body: JSON, path: str) -> None:
    problem = admin.refused(422, "POST", PATH, body)
    assert [error["path"] for error in problem["errors"]] == [path]


def test_a_name_that_is_taken_and_a_provider_that_is_not_there(admin: Caller, provider: JSON) -> None:
    admin.refused(409, "POST", PATH, {"name": "main", "provider": "ollama"})
    for method, path in [("PATCH", ""), ("DELETE", ""), ("POST", "/activate"), ("POST", "/test")]:
        admin.refused(404, method, f"{PATH}/999{path}", {})


def test_only_admins_change_and_try_providers(
    responder: Caller, viewer: Caller, stranger: Caller, provider: JSON
) -> None:
    path = f"{PATH}/{provider['id']}"
    for caller, status in [(responder, 403), (viewer, 403), (stranger, 401)]:
        for method, place in [("POST", PATH), ("PATCH", path), ("DELETE", path), ("POST", f"{path}/activate"),
                              ("POST", f"{path}/test")]:  # fmt: skip
            caller.refused(status, method, place, {})
    assert responder.get("/analysis-runs")["items"] == []
    stranger.refused(401, "GET", "/analysis-runs")


def test_an_incident_is_analysed_on_request_and_shows_its_analysis(
    admin: Caller, responder: Caller, viewer: Caller, stranger: Caller, provider: JSON, world: World, source: JSON,
    send: Callable[..., JSON],
) -> None:  # fmt: skip
    admin.post(f"{PATH}/{provider['id']}/activate")
    path = f"/incidents/{send()['incident_ids'][0]}"
    assert viewer.get(path)["analysis"] is None
    answers(world, '{"summary": "The disk fills up.", "confidence": 0.6}')
    run = responder.post(f"{path}/analyze")
    assert (run["summary"], run["provider"], run["fallback_used"]) == ("The disk fills up.", "openai", False)
    assert viewer.get(path)["analysis"] == run
    assert viewer.get("/analysis-runs", incident_id=run["incident_id"])["items"] == [run]
    (line,) = [each for each in viewer.get(path)["timeline"] if each["text"].startswith("Analysis")]
    assert (line["text"], line["kind"], line["source"]) == ("Analysis by main: The disk fills up.", "pipeline", "api")
    world.http.next.append(HttpAnswer(401, {}, b"{}"))
    again = responder.post(f"{path}/analyze")
    assert (again["provider"], again["fallback_used"]) == ("local", True)
    assert again["error_message"].startswith("unauthorized: main failed (")
    assert again["summary"]
    for caller, status in [(viewer, 403), (stranger, 401)]:
        caller.refused(status, "POST", f"{path}/analyze")
    responder.refused(404, "POST", "/incidents/999/analyze")
