"""`/api/v1/escalation-policies`: levels in and out, and what is wrong with them."""

from typing import Any

import pytest

from app.platform.runtime import Runtime
from app.usecases import people
from tests.web.api.conftest import JSON, Caller


@pytest.fixture
def level(responder: Caller) -> JSON:
    """A level with Ravi on it."""
    assert responder.user is not None
    return {"level": 1, "delay_minutes": 15, "assignees": [{"type": "user", "id": responder.user.id}]}


@pytest.fixture
def policy(admin: Caller, level: JSON) -> JSON:
    """A policy with that level."""
    made: JSON = admin.post("/escalation-policies", {"name": "Duty", "levels": [level]}, status=201)
    return made


def test_a_policy_comes_back_as_it_was_sent(admin: Caller, viewer: Caller, level: JSON) -> None:
    schedule = admin.post("/schedules", {"name": "Duty"}, status=201)
    team = admin.post("/teams", {"name": "shop"}, status=201)
    wider = {
        "level": 2, "delay_minutes": 0,
        "assignees": [{"type": "schedule", "id": schedule["id"]}, {"type": "team", "id": team["id"]}],
    }  # fmt: skip
    sent = {"name": "Duty", "team_id": team["id"], "repeat": 2, "ack_timeout_minutes": 30, "levels": [level, wider]}
    made = admin.post("/escalation-policies", sent, status=201)
    assert {name: made[name] for name in sent} == sent
    assert made["version"] == 1
    assert viewer.get(f"/escalation-policies/{made['id']}") == made
    assert viewer.get("/escalation-policies")["items"] == [made]


def test_a_change_of_levels_is_a_new_version(admin: Caller, policy: JSON, level: JSON) -> None:
    path = f"/escalation-policies/{policy['id']}"
    changed = admin.patch(path, {"levels": [{**level, "delay_minutes": 5}]})
    assert (changed["version"], changed["name"], changed["levels"][0]["delay_minutes"]) == (2, "Duty", 5)
    assert admin.patch(path, {"repeat": 1})["levels"] == changed["levels"]


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"delay_minutes": -1}, "levels[0].delay_minutes"),
        ({"delay_minutes": "soon"}, "levels[0].delay_minutes"),
        ({"level": 0}, "levels[0].level"),
        ({"assignees": []}, "levels[0].assignees"),
        ({"assignees": [{"type": "robot", "id": 1}]}, "levels[0].assignees[0].type"),
        ({"assignees": [{"type": "user", "id": 99}]}, "levels[0].assignees[0].id"),
        ({"assignees": [{"type": "schedule", "id": 99}]}, "levels[0].assignees[0].id"),
        ({"colour": "red"}, "levels[0].colour"),
    ],
)
def test_a_wrong_level_is_422_and_named(admin: Caller, level: JSON, change: dict[str, Any], path: str) -> None:
    body = {"name": "Duty", "levels": [{**level, **change}]}
    assert admin.refused(422, "POST", "/escalation-policies", body)["errors"][0]["path"] == path


def test_a_duplicate_level_is_422(admin: Caller, policy: JSON, level: JSON) -> None:
    for method, path in (("POST", "/escalation-policies"), ("PATCH", f"/escalation-policies/{policy['id']}")):
        problem = admin.refused(422, method, path, {"name": "Other", "levels": [level, level]})
        assert problem["errors"][0]["path"] == "levels[1].level"


def test_an_inactive_user_is_422(rt: Runtime, admin: Caller, responder: Caller, level: JSON) -> None:
    assert admin.user is not None
    assert responder.user is not None
    people.deactivate_user(rt, user_id=responder.user.id, actor=admin.user, now=rt.clock.now())
    problem = admin.refused(422, "POST", "/escalation-policies", {"name": "Duty", "levels": [level]})
    assert problem["errors"][0] == {
        "path": "levels[0].assignees[0].id", "message": "names a user who is not active"
    }  # fmt: skip


def test_a_policy_that_a_source_uses_cannot_be_deleted(admin: Caller, policy: JSON, source: JSON) -> None:
    path = f"/escalation-policies/{policy['id']}"
    admin.patch(f"/alert-sources/{source['id']}", {"escalation_policy_id": policy["id"]})
    assert "prod" in admin.refused(409, "DELETE", path)["detail"]
    admin.patch(f"/alert-sources/{source['id']}", {"escalation_policy_id": None})
    admin.delete(path)
    admin.refused(404, "GET", path)


def test_names_are_unique_and_what_is_missing_is_404(admin: Caller, policy: JSON, level: JSON) -> None:
    admin.refused(409, "POST", "/escalation-policies", {"name": "Duty", "levels": [level]})
    for method, body in (("GET", None), ("PATCH", {"repeat": 1}), ("DELETE", None)):
        admin.refused(404, method, "/escalation-policies/99", body)


def test_only_admins_write(stranger: Caller, viewer: Caller, responder: Caller, policy: JSON, level: JSON) -> None:
    path = f"/escalation-policies/{policy['id']}"
    stranger.refused(401, "GET", path)
    for caller in (viewer, responder):
        caller.get(path)
        caller.refused(403, "POST", "/escalation-policies", {"name": "Other", "levels": [level]})
        caller.refused(403, "PATCH", path, {"repeat": 1})
        caller.refused(403, "DELETE", path)
