"""Headers on every answer, whoever asks and whatever comes out (S-13 to S-17, S-43)."""

import re
from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from app.accounts.types import User
from app.main import create_app
from app.platform.runtime import Runtime
from app.usecases import catalogue
from app.web.routes import ROUTES
from tests.support.callers import bearer
from tests.support.client import Client

EXPECTED = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "x-frame-options": "DENY",
}
ANYWHERE = sorted({re.sub(r"\{[^}]+\}", "1", route.path) for route in ROUTES} | {"/nowhere", "/api/v1/nowhere"})


def with_settings(rt: Runtime, **changes: object) -> Runtime:
    fields = {name: getattr(rt, name) for name in Runtime.__slots__}
    return Runtime(**fields | {"settings": rt.settings.model_copy(update=changes)})


@pytest.fixture
def https_client(rt: Runtime) -> Iterator[TestClient]:
    app = create_app(rt=with_settings(rt, pagerpal_base_url="https://pager.example.com"), with_clock=False)
    with Client(app, base_url="https://pager.example.com", follow_redirects=False) as caller:
        yield caller


def test_every_answer_to_a_stranger_carries_the_protective_headers(client: TestClient) -> None:
    for path in ANYWHERE:
        for method in ("GET", "POST"):
            answer = client.request(method, path)
            assert EXPECTED.items() <= answer.headers.items(), path
            policy = answer.headers["content-security-policy"]
            assert "default-src 'none'" in policy
            assert "frame-ancestors 'none'" in policy
            assert "unsafe" not in policy
            assert "*" not in policy
            assert "server" not in answer.headers
            assert re.fullmatch(r"[0-9a-f]{32}", answer.headers["x-trace-id"]), path


def test_nothing_of_an_account_is_kept_by_a_cache(client: TestClient, rt: Runtime, admin: User) -> None:
    answer = client.get("/api/v1/me", headers=bearer(rt, admin))
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"


def test_strict_transport_is_asked_for_only_over_https(client: TestClient, https_client: TestClient) -> None:
    assert "strict-transport-security" not in client.get("/api/v1/me").headers
    assert "max-age=31536000" in https_client.get("/api/v1/me").headers["strict-transport-security"]


def test_a_stranger_sees_no_description_of_the_api(client: TestClient) -> None:
    for path in ("/docs", "/redoc", "/openapi.json"):
        assert client.get(path).status_code in (303, 401, 404)


def test_a_browser_is_never_asked_for_basic_credentials(client: TestClient) -> None:
    answer = client.get("/api/v1/me")
    assert answer.status_code == 401
    assert "basic" not in answer.headers["www-authenticate"].lower()


@pytest.mark.parametrize("method", ["TRACE", "PROPFIND", "PUT"])
def test_other_methods_are_refused_with_those_that_are_known(client: TestClient, method: str) -> None:
    answer = client.request(method, "/api/v1/users/1")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, PATCH"
    assert answer.headers["content-type"] == "application/problem+json"


def test_only_named_origins_may_read_answers(rt: Runtime, admin: User) -> None:
    app = create_app(rt=with_settings(rt, allowed_origins=("https://status.example.com",)), with_clock=False)
    with Client(app) as caller:
        friend = caller.get("/api/v1/me", headers={"origin": "https://status.example.com", **bearer(rt, admin)})
        stranger = caller.get("/api/v1/me", headers={"origin": "https://evil.example.net", **bearer(rt, admin)})
        asked = caller.options(
            "/api/v1/users",
            headers={"origin": "https://evil.example.net", "access-control-request-method": "POST"},
        )
    assert friend.headers["access-control-allow-origin"] == "https://status.example.com"
    assert "access-control-allow-origin" not in stranger.headers
    assert "access-control-allow-origin" not in asked.headers


def test_without_named_origins_there_is_no_cors_at_all(client: TestClient, rt: Runtime, admin: User) -> None:
    answer = client.get("/api/v1/me", headers={"origin": "http://testserver", **bearer(rt, admin)})
    assert not [name for name in answer.headers if name.startswith("access-control-")]


def test_a_delivery_has_one_trace_id_from_the_answer_to_the_alert(client: TestClient, rt: Runtime, admin: User) -> None:
    _, key = catalogue.create_source(rt, name="trace", actor=admin, now=rt.clock.now())
    alert = {"name": "Disk full", "status": "firing", "severity": "critical"}
    answer = client.post("/alerts/webhook/generic/", json=alert, headers={"x-api-key": key})
    assert answer.status_code == 202
    assert answer.json()["trace_id"] == answer.headers["x-trace-id"]
