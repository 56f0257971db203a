"""`/api/v1/pipelines`: definitions by name, the built-in ones read-only, and a verdict on what is not kept."""

from typing import Any

from tests.web.api.conftest import Caller

CONFIG: dict[str, Any] = {
    "version": "1.0",
    "nodes": [{"id": "look", "type": "context", "next": "tell"}, {"id": "tell", "type": "notify"}],
}


def test_definitions_are_made_shown_changed_and_removed(admin: Caller, viewer: Caller) -> None:
    body = {"name": "calm", "description": "Look, then tell.", "config": CONFIG, "tags": ["a"], "is_active": True}
    made = admin.post("/pipelines", body, status=201)
    assert {key: made[key] for key in body} == body
    assert (made["version"], made["built_in"]) == (1, False)
    assert viewer.get("/pipelines/calm") == made
    assert admin.patch("/pipelines/calm", {"description": "", "version": 1})["version"] == 2
    admin.refused(409, "PATCH", "/pipelines/calm", {"description": "x", "version": 1})
    admin.delete("/pipelines/calm")
    viewer.refused(404, "GET", "/pipelines/calm")


def test_the_built_in_ones_are_listed_and_read_only(admin: Caller) -> None:
    listed = admin.get("/pipelines", page_size=4, page=2)
    assert (listed["total"], [each["name"] for each in listed["items"]]) == (6, ["ai-analyzed", "full"])
    assert all(each["built_in"] for each in listed["items"])
    admin.refused(409, "PATCH", "/pipelines/full", {"description": "mine"})
    admin.refused(409, "DELETE", "/pipelines/full")


def test_a_bad_definition_is_refused_with_every_place(admin: Caller) -> None:
    bad = {"nodes": [{"id": "a", "type": "shell", "next": "b"}], "extra": 1}
    problem = admin.refused(422, "POST", "/pipelines", {"name": "bad", "config": bad})
    paths = [error["path"] for error in problem["errors"]]
    assert paths == ["config.extra", "config.nodes[0].type", "config.nodes[0].next"]


def test_validate_answers_and_keeps_nothing(admin: Caller) -> None:
    good = admin.post("/pipelines/calm/validate", {"config": CONFIG})
    assert (good["valid"], good["errors"], good["chain"]) == (True, [], "look → tell")
    assert [(node["id"], node["stage"]) for node in good["nodes"]] == [("look", "CHECK"), ("tell", "NOTIFY")]
    admin.refused(404, "GET", "/pipelines/calm")
    stored = admin.post("/pipelines/full/validate")
    assert stored["chain"] == "ingest → check → analyze → notify"
    admin.refused(404, "POST", "/pipelines/calm/validate")


def test_validate_answers_to_whatever_it_is_asked(admin: Caller) -> None:
    deep: Any = []
    for _ in range(40):
        deep = [deep]
    junk: list[Any] = [None, [], 7, "nodes", {}, {"nodes": {}}, {"nodes": [None, 3]}, {"nodes": [{"id": deep}]}, deep]
    for config in junk:
        found = admin.post("/pipelines/calm/validate", {"config": config})
        assert not found["valid"]
        assert all(error["path"].startswith("config") and error["message"] for error in found["errors"])
