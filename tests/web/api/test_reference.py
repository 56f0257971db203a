"""`/openapi.json` and `/docs`: every route of the API is described, with what it asks for."""

import pytest
from fastapi.testclient import TestClient

from app.web.reference import kind_of
from app.web.routes import ROUTES, Door
from tests.support.people import PASSWORD
from tests.web.api.conftest import Caller


def ask(client: TestClient, caller: Caller, path: str) -> dict[str, object]:
    """A document outside of /api/v1."""
    answered = client.get(path, headers={"authorization": f"Bearer {caller.token}"})
    assert answered.status_code == 200, answered.text
    found: dict[str, object] = answered.json()
    return found


def test_every_route_of_the_api_is_in_the_document(client: TestClient, viewer: Caller) -> None:
    paths = ask(client, viewer, "/openapi.json")["paths"]
    assert isinstance(paths, dict)
    described = {(method.upper(), path) for path, methods in paths.items() for method in methods}
    promised = {(method, route.path) for route in ROUTES if route.door is Door.API for method in route.methods.split()}
    assert described == promised


def test_every_operation_says_what_it_does_and_who_may(client: TestClient, viewer: Caller) -> None:
    paths = ask(client, viewer, "/openapi.json")["paths"]
    assert isinstance(paths, dict)
    for path, methods in paths.items():
        for method, operation in methods.items():
            assert operation.get("description"), f"{method} {path}"
            assert operation.get("x-permission"), f"{method} {path}"


def test_the_document_is_for_those_who_are_signed_in(client: TestClient) -> None:
    answered = client.get("/openapi.json")
    assert (answered.status_code, answered.headers["content-type"]) == (401, "application/problem+json")


def test_the_page_tells_the_same_to_people(client: TestClient, viewer: Caller) -> None:
    assert viewer.user is not None
    assert client.get("/docs", follow_redirects=False).status_code == 303
    client.post("/login", data={"email": viewer.user.email, "password": PASSWORD}, follow_redirects=False)
    page = client.get("/docs").text
    for route in ROUTES:
        if route.door is Door.API:
            assert route.path in page


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "integer"}, "integer"),
        ({"type": "string", "format": "date-time"}, "string (date-time)"),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, "integer or null"),
        ({"type": "array", "items": {"$ref": "#/components/schemas/LevelJson"}}, "list of LevelJson"),
        ({"enum": ["high", "low"], "type": "string"}, "high or low"),
        ({}, "anything"),
    ],
)
def test_a_kind_is_said_in_words(schema: dict[str, object], words: str) -> None:
    assert kind_of(schema) == words
