"""Signing in and out in a browser: cookies, fixation, the end of a session, the first run (S-06, S-08 to S-13)."""

import re
from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from app.accounts import queries
from app.accounts.types import User
from app.main import create_app
from app.platform.runtime import Runtime
from app.usecases import people
from tests.support.callers import browser
from tests.support.client import Client
from tests.support.people import PASSWORD

SIGN_IN = {"email": "ada@example.com", "password": PASSWORD}
FIRST = {"first_run": "1", "name": "Ada", "timezone": "UTC", **SIGN_IN}


@pytest.fixture
def https_client(rt: Runtime) -> Iterator[TestClient]:
    fields = {name: getattr(rt, name) for name in Runtime.__slots__}
    secure = rt.settings.model_copy(
        update={"pagerpal_base_url": "https://pager.example.com", "session_cookie_secure": True}
    )
    app = create_app(rt=Runtime(**fields | {"settings": secure}), with_clock=False)
    with Client(app, base_url="https://pager.example.com", follow_redirects=False) as caller:
        yield caller


def cookie_line(answer: object, name: str) -> str:
    lines: list[str] = answer.headers.get_list("set-cookie")  # type: ignore[attr-defined]
    return next(line for line in lines if line.startswith(f"{name}="))


def test_over_https_the_cookie_is_tied_to_this_host_and_hidden_from_scripts(
    https_client: TestClient, admin: User
) -> None:
    line = cookie_line(https_client.post("/login", data=SIGN_IN), "__Host-pagerpal").lower()
    attributes = {part.strip() for part in line.split(";")[1:]}
    assert {"secure", "httponly", "samesite=lax", "path=/"} <= attributes
    assert not any(part.startswith("domain") for part in attributes)


def test_on_a_plain_local_port_the_cookie_works_without_secure(client: TestClient, admin: User) -> None:
    line = cookie_line(client.post("/login", data=SIGN_IN), "pagerpal").lower()
    assert "secure" not in line
    assert "httponly" in line
    assert client.get("/dashboard").status_code == 200


def test_a_session_that_somebody_planted_is_not_the_one_that_is_signed_in(
    client: TestClient, rt: Runtime, admin: User
) -> None:
    client.cookies.set("pagerpal", "planted-by-somebody-else")
    token = cookie_line(client.post("/login", data=SIGN_IN), "pagerpal").split(";")[0].removeprefix("pagerpal=")
    assert token != "planted-by-somebody-else"
    planted = client.get("/api/v1/me", headers={"cookie": "pagerpal=planted-by-somebody-else"})
    assert planted.status_code == 401


def test_signing_in_again_kills_the_old_session(client: TestClient, rt: Runtime, admin: User) -> None:
    old = browser(rt, admin)
    client.post("/login", data=SIGN_IN, headers={"cookie": old.cookie})
    assert client.get("/api/v1/me", headers={"cookie": old.cookie}).status_code == 401


def test_after_signing_out_the_cookie_is_worth_nothing(client: TestClient, rt: Runtime, admin: User) -> None:
    mine = browser(rt, admin)
    answer = client.post("/logout", headers=mine.headers())
    assert (answer.status_code, answer.headers["location"]) == (303, "/login")
    assert client.get("/dashboard", headers={"cookie": mine.cookie}).status_code == 303


def test_nobody_is_signed_out_by_a_link(client: TestClient, rt: Runtime, admin: User) -> None:
    mine = browser(rt, admin)
    assert client.get("/logout", headers={"cookie": mine.cookie}).status_code in (404, 405)
    assert client.post("/logout", headers={"cookie": mine.cookie}).status_code == 403
    assert client.get("/api/v1/me", headers={"cookie": mine.cookie}).status_code == 200


@pytest.mark.parametrize(
    "where", ["https://evil.example.net/", "//evil.example.net", "/\\evil.example.net", "javascript:alert(1)"]
)
def test_the_way_after_signing_in_never_leads_to_another_site(client: TestClient, admin: User, where: str) -> None:
    answer = client.post("/login", data={**SIGN_IN, "next": where})
    assert answer.headers["location"] == "/dashboard"


def test_a_page_asked_for_before_signing_in_is_shown_after_it(client: TestClient, admin: User) -> None:
    sent = client.get("/incidents/7").headers["location"]
    assert sent == "/login?next=/incidents/7"
    assert 'value="/incidents/7"' in client.get(sent).text
    answer = client.post("/login", data={**SIGN_IN, "next": "/incidents/7"})
    assert answer.headers["location"] == "/incidents/7"


def test_wrong_credentials_look_the_same_whoever_is_meant(client: TestClient, rt: Runtime, admin: User) -> None:
    def page(email: str) -> tuple[int, str]:
        answer = client.post("/login", data={"email": email, "password": "wrong-password"})
        return answer.status_code, answer.text.replace(email, "…")

    assert page("ada@example.com") == page("bob@example.com")
    assert page("ada@example.com")[0] == 401


def test_a_password_is_never_shown_again(client: TestClient, admin: User) -> None:
    answer = client.post("/login", data={"email": "ada@example.com", "password": "my-wrong-secret"})
    assert "my-wrong-secret" not in answer.text


def test_too_many_tries_on_the_page_are_told_to_wait(client: TestClient, admin: User) -> None:
    wrong = {"email": "ada@example.com", "password": "wrong-password"}
    assert [client.post("/login", data=wrong).status_code for _ in range(6)] == [401] * 5 + [429]
    assert client.post("/login", data=SIGN_IN).status_code == 429


def test_there_is_no_default_account(client: TestClient) -> None:
    for email, password in (("admin", "admin"), ("admin@example.com", "admin"), ("", "")):
        assert client.post("/login", data={"email": email, "password": password}).status_code in (401, 422)


def test_the_first_run_needs_the_code_that_the_process_printed(client: TestClient, rt: Runtime) -> None:
    code = people.prepare_setup_code(rt, now=rt.clock.now())
    assert code is not None
    page = client.get("/login")
    assert code not in page.text
    assert client.post("/login", data={**FIRST, "code": "AAAA-AAAA-AAAA"}).status_code == 403
    assert not rt.db.read(queries.has_admin)
    made = client.post("/login", data={**FIRST, "code": code})
    assert made.status_code == 303
    assert client.get("/dashboard").status_code == 200
    again = client.post("/login", data={**FIRST, "email": "eve@example.com", "code": code})
    assert again.status_code == 409


def test_the_token_of_a_form_belongs_to_its_session(client: TestClient, rt: Runtime, admin: User) -> None:
    one, other = browser(rt, admin), browser(rt, admin)
    page = client.get("/profile", headers={"cookie": one.cookie}).text
    tokens = set(re.findall(r'name="csrf_token" value="([0-9a-f]+)"', page))
    assert tokens == {one.csrf}
    assert one.csrf != other.csrf
    name = {"name": "Ada L", "timezone": "UTC", "phone": ""}
    posted = client.post("/profile", data={**name, "csrf_token": one.csrf}, headers={"cookie": other.cookie})
    assert posted.status_code == 403
    posted = client.post("/profile", data={**name, "csrf_token": one.csrf}, headers={"cookie": one.cookie})
    assert posted.status_code == 303
