"""Whatever is put into a path, a query or a body of the API is answered by 4xx at worst, never by 5xx.

On PostgreSQL, which refuses more than SQLite: numbers out of range, U+0000, times beyond its calendar.
"""

import json
import re
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.platform.runtime import Runtime
from app.web.routes import ROUTES, Door, Route
from tests.web.api.conftest import JSON, Caller

pytestmark = pytest.mark.postgresql

PARAMETER = re.compile(r"\{[^}]*\}")
VALUES: tuple[Any, ...] = (
    None, True, -1, 0, 1, 2**31, 2**63, 10**400, 1.5, 1e308, "", " ", "x", "\x00", "\ud83d", "é" * 300, "x" * 20_000,
    [], {}, [None], [[]], [{}], {"x": {}}, "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59.999999-14:00",
    "2026-03-02T09:00:00Z", "2026-03-02T09:00:00", "1e400", "%", "_", "' OR 1=1 --", "../../etc/passwd",
)  # fmt: skip
NAMES = (
    "name", "title", "severity", "driver", "team_id", "escalation_policy_id", "schedule_id", "grouping", "group_labels",
    "config", "levels", "repeat", "ack_timeout_minutes", "timezone", "escalation_delay_minutes", "user_id",
    "start_time", "end_time", "until", "note", "acting_as_user_id", "reason", "keep_old_hours", "status",
    "source_id", "payload", "at",
)  # fmt: skip
QUERIES = (
    "page",
    "page_size",
    "q",
    "status",
    "severity",
    "source_id",
    "assigned_to",
    "from",
    "to",
    "at",
    "as_of",
    "days",
)
# Those that would shut out the caller, or that wait for the outside.
LEFT_OUT = ("/api/v1/me", "/api/v1/users", "/metrics", "/openapi.json")


@pytest.fixture
def database_url(postgresql_url: str) -> str:
    """The kind of database that refuses more."""
    return postgresql_url


def routes(method: str) -> list[Route]:
    """The routes of the API that take this method."""
    api = [route for route in ROUTES if route.door is Door.API and not route.path.startswith(LEFT_OUT)]
    return [route for route in api if method in route.methods.split()]


def status_of(caller: Caller, method: str, path: str, **more: Any) -> int:
    """How a request is answered."""
    headers = {"authorization": f"Bearer {caller.token}", "content-type": "application/json"}
    return caller.client.request(method, path, headers=headers, **more).status_code


@pytest.fixture
def things(admin: Caller, rt: Runtime, source: JSON) -> None:
    """One of each kind, so that number 1 is there."""
    assert admin.user is not None
    level = {"level": 1, "delay_minutes": 5, "assignees": [{"type": "user", "id": admin.user.id}]}
    admin.post("/escalation-policies", {"name": "Duty", "levels": [level]}, status=201)
    admin.post("/schedules", {"name": "Duty"}, status=201)
    admin.post("/teams", {"name": "shop"}, status=201)
    admin.post(f"/alert-sources/{source['id']}/test-alert", status=202)


@pytest.fixture
def document(client: TestClient, admin: Caller) -> JSON:
    """The product's own description of its API."""
    spec: JSON = client.get("/openapi.json", headers={"authorization": f"Bearer {admin.token}"}).json()
    return spec


@pytest.mark.usefixtures("things")
def test_no_strange_path_is_a_5xx(admin: Caller) -> None:
    for method in ("GET", "POST", "PATCH", "DELETE"):
        for route in routes(method):
            for value in ("0", "-1", "99", str(2**31), str(2**63 - 1), str(2**63), "x", "%00", "1.5", "1e9", "%F0%9F"):
                path = PARAMETER.sub(value, route.path)
                if path != route.path:
                    assert status_of(admin, method, path, content=b"{}") < 500, f"{method} {path}"


@pytest.mark.usefixtures("things")
def test_no_strange_query_is_a_5xx(admin: Caller, document: JSON) -> None:
    texts = [value for value in VALUES if isinstance(value, str) and "\ud83d" not in value and len(value) < 5000]
    for route in routes("GET"):
        path = PARAMETER.sub("1", route.path)
        for name in _parameters_of(document, route.path):
            for value in (*texts, str(2**31), str(2**63), "-1", "0"):
                assert status_of(admin, "GET", path, params={name: value}) < 500, f"{path}?{name}={value!r}"


@pytest.mark.usefixtures("things")
@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_no_strange_body_is_a_5xx(admin: Caller, document: JSON, method: str) -> None:
    good: JSON = {"name": "n", "title": "t", "severity": "info", "user_id": 1, "note": "n",
                  "start_time": "2026-03-02T09:00:00Z", "end_time": "2026-03-02T10:00:00Z",
                  "levels": [{"level": 1, "delay_minutes": 1, "assignees": [{"type": "user", "id": 1}]}]}  # fmt: skip
    for route in routes(method):
        path = PARAMETER.sub("1", route.path)
        for content in (b"", b"{", b"[]", b"null", b'"x"', b"1", b"\xff", b"[" * 100 + b"]" * 100, b'{"a":1,"a":2}'):
            assert status_of(admin, method, path, content=content) < 500, f"{path} {content[:20]!r}"
        fields = sorted(_fields_of(document, method, route.path))
        for name in fields:
            for value in VALUES:
                body = {key: each for key, each in good.items() if key in fields} | {name: value}
                assert status_of(admin, method, path, content=_json(body)) < 500, f"{path} {name}={value!r:.60}"


def _parameters_of(document: JSON, path: str) -> list[str]:
    """What the query of a list may hold."""
    parameters = document["paths"][path]["get"].get("parameters", ())
    return [each["name"] for each in parameters if each["in"] == "query"]


def _fields_of(document: JSON, method: str, path: str) -> set[str]:
    """The fields that a body of this operation may have."""
    content = document["paths"][path][method.lower()].get("requestBody", {}).get("content", {})
    schema = content.get("application/json", {}).get("schema", {})
    named = [each["$ref"] for each in (schema, *schema.get("anyOf", ())) if "$ref" in each]
    return {
        name for each in named for name in document["components"]["schemas"][each.split("/")[-1]].get("properties", {})
    } & set(NAMES)


def _json(body: JSON) -> bytes:
    # Lone surrogates as escapes, numbers of any size: as a stranger would write them.
    return json.dumps(body).encode()


@pytest.mark.parametrize("number", ["1%0A", "%201", "+1", "1_0", "1.0", "%D9%A1", "x"])
def test_only_digits_name_a_thing(admin: Caller, number: str) -> None:
    [error] = admin.refused(422, "GET", f"/users/{number}")["errors"]
    assert error["path"] == "user_id"
