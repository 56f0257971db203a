"""Bodies and addresses that are too much or make no sense: a plain 4xx, never a 5xx (F-80 to F-84, S-28, S-32)."""

import json
from collections.abc import AsyncIterator

import pytest
from starlette.testclient import TestClient

from app.accounts.types import User
from app.main import create_app
from app.platform.runtime import Runtime
from tests.security.asgi import Direct, running
from tests.support.callers import bearer

MIB = 1024 * 1024


@pytest.fixture
async def direct(rt: Runtime) -> AsyncIterator[Direct]:
    async with running(create_app(rt=rt, with_clock=False)) as app:
        yield app


def post(client: TestClient, rt: Runtime, admin: User, body: bytes, **headers: str) -> tuple[int, dict[str, object]]:
    answer = client.post(
        "/api/v1/teams", content=body, headers={"content-type": "application/json", **bearer(rt, admin), **headers}
    )
    return answer.status_code, answer.json()


def test_a_body_over_one_mebibyte_is_refused_by_its_length(client: TestClient, rt: Runtime, admin: User) -> None:
    status, problem = post(client, rt, admin, b'{"name": "' + b"x" * MIB + b'"}')
    assert (status, problem["code"]) == (413, "too_large")


async def test_a_body_over_one_mebibyte_is_refused_while_it_streams_in(
    direct: Direct, rt: Runtime, admin: User
) -> None:
    token = bearer(rt, admin)["authorization"].encode()
    headers = [(b"authorization", token), (b"content-type", b"application/json")]
    reply = await direct.call("POST", "/api/v1/teams", b" " * (MIB + 1), headers=headers, chunks=16)
    assert reply.status == 413
    assert reply.headers[b"connection"] == b"close"


@pytest.mark.parametrize("length", ["-1", "0x10", "99999999999999999999999", "1e3"])
async def test_a_length_that_makes_no_sense_is_refused(direct: Direct, length: str) -> None:
    reply = await direct.call("POST", "/api/v1/teams", b"{}", headers=[(b"content-length", length.encode())])
    assert reply.status == 413


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate, gzip", "GZIP"])
def test_a_compressed_body_is_refused(client: TestClient, encoding: str) -> None:
    answer = client.post("/api/v1/teams", content=b"x", headers={"content-encoding": encoding})
    assert answer.status_code == 415


@pytest.mark.parametrize(
    "body",
    [
        b"{", b"nonsense", b'{"name": NaN}', b'{"name": 1e999}', b'{"name": "a", "name": "b"}', b"\xff\xfe{}",
        b"[" * 100_000, b'{"a":' * 70 + b"1" + b"}" * 70, b'{"name": ' + b"9" * 5000 + b"}",
    ],
)  # fmt: skip
def test_what_is_no_json_of_ours_is_malformed(client: TestClient, rt: Runtime, admin: User, body: bytes) -> None:
    status, problem = post(client, rt, admin, body)
    assert (status, problem["code"], problem["title"]) == (400, "malformed", "Bad Request")


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({}, "name"),
        ({"name": 7}, "name"),
        ({"name": ["a"]}, "name"),
        ({"name": "a", "extra_emails": ["ok@example.com", 7]}, "extra_emails[1]"),
        ({"name": "a", "extra_emails": {}}, "extra_emails"),
        ({"name": "a", "surprise": 1}, "surprise"),
        ({"name": "x" * 501}, "name"),
    ],
)
def test_a_wrong_field_is_named_by_its_path(
    client: TestClient, rt: Runtime, admin: User, body: dict[str, object], path: str
) -> None:
    status, problem = post(client, rt, admin, json.dumps(body).encode())
    assert (status, problem["code"]) == (422, "invalid")
    errors = problem["errors"]
    assert isinstance(errors, list)
    assert [error["path"] for error in errors] == [path]


@pytest.mark.parametrize("kind", ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_the_api_takes_json_only(client: TestClient, rt: Runtime, admin: User, kind: str) -> None:
    headers = {"content-type": kind, **bearer(rt, admin)}
    answer = client.post("/api/v1/teams", content=b'{"name": "a"}', headers=headers)
    assert 400 <= answer.status_code < 500


def test_a_stranger_hears_nothing_about_what_is_wrong_with_the_body(client: TestClient) -> None:
    answer = client.post("/api/v1/teams", content=b"{", headers={"content-type": "application/json"})
    assert answer.status_code == 401


@pytest.mark.parametrize("number", ["0", "-1", "abc", "1.5", str(2**70), "1%00", "%F0%9F%92%A9", "१"])
def test_ids_that_cannot_be_are_refused(client: TestClient, rt: Runtime, admin: User, number: str) -> None:
    answer = client.get(f"/api/v1/users/{number}", headers=bearer(rt, admin))
    assert answer.status_code in (400, 404, 422)
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("query", ["page=0", "page=-1", "page_size=201", "page_size=x", f"page={2**70}", "role=king"])
def test_pages_that_cannot_be_are_refused(client: TestClient, rt: Runtime, admin: User, query: str) -> None:
    assert client.get(f"/api/v1/users?{query}", headers=bearer(rt, admin)).status_code == 422


@pytest.mark.parametrize("path", ["/api/v1/users", "/api/v1/users/"])
def test_a_path_works_with_and_without_its_last_slash(client: TestClient, rt: Runtime, admin: User, path: str) -> None:
    assert client.get(path, headers=bearer(rt, admin)).status_code == 200
    body = {"email": "x@example.com", "name": "X"}
    assert client.post(path, json=body, headers=bearer(rt, admin)).status_code == 201


def test_characters_that_no_database_stores_do_not_arrive(client: TestClient, rt: Runtime, admin: User) -> None:
    status, team = post(client, rt, admin, b'{"name": "a\\u0000b\\ud800", "description": "\\u0000"}')
    assert status == 201
    assert team["name"] == "ab\ufffd"
    assert client.get("/api/v1/users?q=%00", headers=bearer(rt, admin)).status_code == 400
