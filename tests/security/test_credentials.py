"""What is taken as a credential, how far it goes, and whose objects it opens (F-96, F-97, S-36, S-37)."""

import base64
import threading
from collections.abc import AsyncIterator
from time import process_time

import pytest
from starlette.testclient import TestClient

from app.accounts import queries
from app.accounts.types import Role, TokenScope, User
from app.main import create_app
from app.platform.runtime import Runtime
from app.usecases import people
from tests.security.asgi import Direct, running
from tests.support.callers import bearer, browser
from tests.support.clock import FrozenClock
from tests.support.people import PASSWORD, add_user


def basic(email: str, password: str) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(f"{email}:{password}".encode()).decode()}


@pytest.fixture
async def direct(rt: Runtime) -> AsyncIterator[Direct]:
    async with running(create_app(rt=rt, with_clock=False)) as app:
        yield app


def test_email_and_password_of_an_account_open_the_api(client: TestClient, admin: User) -> None:
    answer = client.get("/api/v1/me", headers=basic("ADA@example.com", PASSWORD))
    assert answer.json()["email"] == admin.email


@pytest.mark.parametrize("call", [("GET", "/api/v1/me"), ("POST", "/alerts/webhook/")])
@pytest.mark.parametrize(
    "value",
    [
        b"Basic", b"Basic !!!", b"Basic " + base64.b64encode(b"no colon"), b"Basic " + base64.b64encode(b"\xff:\xfe"),
        b"Basic " + base64.b64encode(b":"), b"Basic " + base64.b64encode(b"\x00:\x00"), b"Basic \xff\xfe", b"Bearer",
        b"Bearer \xe9", b"Bearer " + b"x" * 5000, b"Digest a=b", b"\xff\xfe", b"",
    ],
)  # fmt: skip
async def test_credentials_that_make_no_sense_are_refused(
    direct: Direct, admin: User, value: bytes, call: tuple[str, str]
) -> None:
    reply = await direct.call(*call, headers=[(b"authorization", value)])
    assert reply.status == 401


@pytest.mark.parametrize(
    "cookie", [b"pagerpal=", b"pagerpal=\xff", b"pagerpal=%00", b";;;===", b"pagerpal=" + b"x" * 4000]
)
async def test_cookies_that_make_no_sense_are_nobodys(direct: Direct, admin: User, cookie: bytes) -> None:
    reply = await direct.call("GET", "/api/v1/me", headers=[(b"cookie", cookie)])
    assert reply.status == 401


def test_a_wrong_credential_is_not_saved_by_a_right_cookie(client: TestClient, rt: Runtime, admin: User) -> None:
    mine = browser(rt, admin)
    assert client.get("/api/v1/me", headers=mine.headers()).status_code == 200
    assert client.get("/api/v1/me", headers=mine.headers(authorization="Bearer nonsense")).status_code == 401


def test_too_many_wrong_passwords_are_answered_with_when_to_come_back(client: TestClient, admin: User) -> None:
    wrong = basic(admin.email, "wrong-password")
    assert [client.get("/api/v1/me", headers=wrong).status_code for _ in range(6)] == [401] * 5 + [429]
    answer = client.get("/api/v1/me", headers=basic(admin.email, PASSWORD))
    assert answer.status_code == 429
    assert answer.headers["retry-after"] == "1"
    assert answer.json()["code"] == "slow_down"


def test_many_calls_at_once_with_the_right_password_all_get_in(rt: Runtime, admin: User) -> None:
    statuses: list[int] = []

    def call() -> None:
        statuses.append(client.get("/api/v1/me", headers=basic(admin.email, PASSWORD)).status_code)

    # Starlette's client: its event loop has a thread of its own, so that many may call at once.
    with TestClient(create_app(rt=rt, with_clock=False)) as client:
        callers = [threading.Thread(target=call) for _ in range(12)]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join()
    assert statuses == [200] * 12


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        (TokenScope.READ, {"look": 200, "own": 403, "token": 403, "team": 403}),
        (TokenScope.ACT, {"look": 200, "own": 403, "token": 403, "team": 403}),
        (TokenScope.ADMIN, {"look": 200, "own": 200, "token": 201, "team": 201}),
    ],
)
def test_a_token_does_what_its_scope_says(
    client: TestClient, rt: Runtime, admin: User, scope: TokenScope, expected: dict[str, int]
) -> None:
    headers = bearer(rt, admin, scope)
    got = {
        "look": client.get("/api/v1/users", headers=headers).status_code,
        "own": client.patch("/api/v1/me", json={"name": "A"}, headers=headers).status_code,
        "token": client.post("/api/v1/me/tokens", json={"name": "t", "scope": "admin"}, headers=headers).status_code,
        "team": client.post("/api/v1/teams", json={"name": "T"}, headers=headers).status_code,
    }
    assert got == expected


def test_an_admin_token_of_a_responder_stays_a_responder(client: TestClient, rt: Runtime, responder: User) -> None:
    headers = bearer(rt, responder, TokenScope.ADMIN)
    assert client.post("/api/v1/teams", json={"name": "T"}, headers=headers).status_code == 403
    assert client.get("/api/v1/audit", headers=headers).status_code == 403


def test_a_token_is_shown_when_it_is_made_and_never_again(client: TestClient, rt: Runtime, admin: User) -> None:
    headers = bearer(rt, admin)
    made = client.post("/api/v1/me/tokens", json={"name": "cron", "scope": "read"}, headers=headers).json()
    assert client.get("/api/v1/me", headers={"authorization": f"Bearer {made['token']}"}).status_code == 200
    listed = client.get("/api/v1/me/tokens", headers=headers)
    assert made["token"] not in listed.text
    assert {"token", "token_hash"}.isdisjoint(listed.json()[0])
    assert client.delete(f"/api/v1/me/tokens/{made['id']}", headers=headers).status_code == 204
    assert client.get("/api/v1/me", headers={"authorization": f"Bearer {made['token']}"}).status_code == 401


@pytest.mark.parametrize(
    "extra", [{"role": "admin"}, {"is_active": False}, {"email": "x@example.com"}, {"login_enabled": True}, {"id": 1}]
)
def test_nobody_gives_themselves_more_than_their_own_fields(
    client: TestClient, rt: Runtime, responder: User, extra: dict[str, object]
) -> None:
    answer = client.patch("/api/v1/me", json={"name": "Ravi", **extra}, headers=bearer(rt, responder))
    assert answer.status_code == 422
    assert rt.db.read(lambda tx: queries.get_user(tx, responder.id)) == responder


@pytest.mark.parametrize("extra", [{"credential_version": 1}, {"password_hash": "x"}, {"id": 9}, {"created_at": "x"}])
def test_admins_set_no_field_that_is_not_offered(
    client: TestClient, rt: Runtime, admin: User, extra: dict[str, object]
) -> None:
    headers = bearer(rt, admin)
    body = {"email": "new@example.com", "name": "New", **extra}
    assert client.post("/api/v1/users", json=body, headers=headers).status_code == 422
    assert client.patch(f"/api/v1/users/{admin.id}", json=extra, headers=headers).status_code == 422


def test_no_answer_shows_a_hash_or_a_version(client: TestClient, rt: Runtime, admin: User, responder: User) -> None:
    headers = bearer(rt, admin)
    paths = ("/me", "/users", f"/users/{responder.id}", "/me/tokens", "/me/sessions", "/teams", "/audit")
    for path in paths:
        text = client.get(f"/api/v1{path}", headers=headers).text
        assert "argon2" not in text, path
        assert "credential_version" not in text, path
        assert "token_hash" not in text, path


def test_how_somebody_is_reached_is_for_them_and_for_admins(
    client: TestClient, rt: Runtime, admin: User, responder: User
) -> None:
    other = add_user(rt, "Noor", actor=admin, role=Role.RESPONDER)
    mine, boss = bearer(rt, responder), bearer(rt, admin)
    method = rt.db.read(lambda tx: queries.contact_methods_of(tx, other.id))[0]
    for path in ("contact-methods", "notification-rules"):
        assert client.get(f"/api/v1/users/{responder.id}/{path}", headers=mine).status_code == 200
        assert client.get(f"/api/v1/users/{other.id}/{path}", headers=mine).status_code == 403
        assert client.get(f"/api/v1/users/{other.id}/{path}", headers=boss).status_code == 200
    address = {"channel": "email", "address": "evil@example.net"}
    assert client.post(f"/api/v1/users/{other.id}/contact-methods", json=address, headers=mine).status_code == 403
    place = f"/api/v1/users/{other.id}/contact-methods/{method.id}"
    assert client.delete(place, headers=mine).status_code == 403
    assert client.delete(f"/api/v1/me/contact-methods/{method.id}", headers=mine).status_code == 404


def test_only_an_admin_vouches_for_an_address(client: TestClient, rt: Runtime, admin: User, responder: User) -> None:
    address = {"channel": "email", "address": "second@example.com", "verified": True}
    path = f"/api/v1/users/{responder.id}/contact-methods"
    assert client.post(path, json=address, headers=bearer(rt, responder)).status_code == 403
    answer = client.post(path, json=address, headers=bearer(rt, admin))
    assert (answer.status_code, answer.json()["verified"]) == (201, True)


def test_a_rule_cannot_use_somebody_elses_contact_method(
    client: TestClient, rt: Runtime, admin: User, responder: User
) -> None:
    method = rt.db.read(lambda tx: queries.contact_methods_of(tx, admin.id))[0]
    rule = {"urgency": "high", "delay_minutes": 5, "contact_method_id": method.id}
    answer = client.post("/api/v1/me/notification-rules", json=rule, headers=bearer(rt, responder))
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["path"] == "contact_method_id"


def test_a_session_at_the_api_ends_with_the_role(client: TestClient, rt: Runtime, admin: User, responder: User) -> None:
    mine = browser(rt, responder)
    assert client.get("/api/v1/me", headers=mine.headers()).status_code == 200
    people.update_user(rt, user_id=responder.id, changes={"role": Role.VIEWER}, actor=admin, now=rt.clock.now())
    assert client.get("/api/v1/me", headers=mine.headers()).status_code == 401


def test_an_idle_session_is_a_stranger(client: TestClient, rt: Runtime, admin: User, clock: FrozenClock) -> None:
    mine = browser(rt, admin)
    clock.advance(hours=12)
    assert client.get("/api/v1/me", headers=mine.headers()).status_code == 401


@pytest.mark.usefixtures("full_cost_password_hashes")
def test_an_unknown_account_takes_as_long_as_a_wrong_password(rt: Runtime, admin: User, client: TestClient) -> None:
    def seconds(email: str) -> float:
        # CPU seconds of the whole process: what a hash costs, whatever else the machine does.
        taken = []
        for number in range(5):
            started = process_time()
            client.get("/api/v1/me", headers=basic(email, f"wrong-{number}"))
            taken.append(process_time() - started)
        return sorted(taken)[2]

    known, unknown = seconds(admin.email), seconds("nobody@example.com")
    assert 0.4 < known / unknown < 2.5
