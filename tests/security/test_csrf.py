"""Requests that another site makes a browser send, on every route that changes something (F-95, S-14)."""

import re
from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from app.accounts.permissions import Permission
from app.accounts.types import User
from app.platform.runtime import Runtime
from app.web.guard import SAFE_METHODS
from app.web.routes import ROUTES, Door, Route
from tests.support.callers import bearer, browser

FOREIGN = "https://evil.example.net"


def changing() -> Iterator[tuple[str, Route]]:
    """Every method and route that changes something for an account."""
    for route in ROUTES:
        for method in sorted(set(route.methods.split()) - SAFE_METHODS):
            if isinstance(route.permission, Permission):
                yield method, route


def send(client: TestClient, method: str, route: Route, headers: dict[str, str]) -> int:
    path = re.sub(r"\{[^}]+\}", "987654", route.path)
    kind = "application/json" if route.door is Door.API else "application/x-www-form-urlencoded"
    body = b"{}" if route.door is Door.API else b"a=b"
    return client.request(method, path, content=body, headers={"content-type": kind, **headers}).status_code


def test_no_change_goes_through_on_the_cookie_alone(client: TestClient, rt: Runtime, admin: User) -> None:
    headers = {"cookie": browser(rt, admin).cookie, "sec-fetch-site": "same-origin"}
    passed = [f"{method} {route.path}" for method, route in changing() if send(client, method, route, headers) != 403]
    assert not passed, "\n".join(passed)


def test_no_change_that_another_site_sends_goes_through(client: TestClient, rt: Runtime, admin: User) -> None:
    headers = browser(rt, admin).headers(**{"sec-fetch-site": "cross-site"})
    passed = [f"{method} {route.path}" for method, route in changing() if send(client, method, route, headers) != 403]
    assert not passed, "\n".join(passed)


@pytest.mark.parametrize("path", ["/api/v1/me", "/profile"])
def test_no_other_token_stands_in_for_the_sessions_own(client: TestClient, rt: Runtime, admin: User, path: str) -> None:
    mine, theirs = browser(rt, admin), browser(rt, admin)
    method, route = next(each for each in changing() if each[1].path == path and each[0] in ("PATCH", "POST"))
    for token in ("", "f" * 64, theirs.csrf, mine.csrf[:-1], mine.csrf.upper(), f" {mine.csrf} x"):
        assert send(client, method, route, {"cookie": mine.cookie, "x-csrf-token": token}) == 403, token


@pytest.mark.parametrize("path", ["/api/v1/me", "/profile"])
@pytest.mark.parametrize(
    "where",
    [
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "cross-site", "origin": "null"},
        {"origin": FOREIGN},
        {"origin": "null"},
        {"origin": "https://testserver"},
        {"origin": "http://testserver.example.net"},
        {"sec-fetch-site": "nonsense"},
    ],
)
def test_the_right_token_does_not_help_another_site(
    client: TestClient, rt: Runtime, admin: User, path: str, where: dict[str, str]
) -> None:
    mine = browser(rt, admin)
    method, route = next(each for each in changing() if each[1].path == path and each[0] in ("PATCH", "POST"))
    assert send(client, method, route, {"cookie": mine.cookie, "x-csrf-token": mine.csrf, **where}) == 403


def test_a_browser_that_remembers_credentials_does_not_send_them_for_another_site(
    client: TestClient, rt: Runtime, admin: User
) -> None:
    headers = {**bearer(rt, admin), "origin": FOREIGN, "sec-fetch-site": "cross-site"}
    passed = [
        f"{method} {route.path}"
        for method, route in changing()
        if route.door is Door.API and send(client, method, route, headers) != 403
    ]
    assert not passed, "\n".join(passed)


def test_signing_in_for_somebody_else_from_another_site_is_refused(client: TestClient) -> None:
    answer = client.post("/login", data={"email": "a", "password": "b"}, headers={"sec-fetch-site": "cross-site"})
    assert answer.status_code == 403


@pytest.mark.parametrize(
    "where",
    [
        {"sec-fetch-site": "same-origin"},
        {"sec-fetch-site": "none"},
        {"origin": "http://testserver"},
        {"origin": "http://127.0.0.1:8000"},
        {},
    ],
)
def test_our_own_pages_go_through_with_the_sessions_token(
    client: TestClient, rt: Runtime, admin: User, where: dict[str, str]
) -> None:
    mine = browser(rt, admin)
    headers = {"cookie": mine.cookie, "x-csrf-token": mine.csrf, **where}
    assert client.patch("/api/v1/me", json={"name": "Ada L"}, headers=headers).status_code == 200


def test_a_script_without_a_browser_needs_no_token(client: TestClient, rt: Runtime, admin: User) -> None:
    assert client.patch("/api/v1/me", json={"name": "Ada L"}, headers=bearer(rt, admin)).status_code == 200


def test_looking_changes_nothing() -> None:
    verbs = re.compile(
        r"(delete|remove|create|add|set|change|update|send|verify|revoke|end|activate|run|retry|sign_out)(_|$)"
    )
    for route in ROUTES:
        if "GET" in route.methods.split():
            assert not verbs.match(route.handler.__name__), f"GET {route.path} is served by {route.handler.__name__}"
