"""What nobody expected: told in general words, with an id under which the log has the rest (S-50)."""

from collections.abc import Iterator

import pytest
from sqlalchemy.exc import IntegrityError
from starlette.requests import Request
from starlette.testclient import TestClient

from app.main import create_app
from app.platform.errors import Unavailable
from app.platform.runtime import Runtime
from tests.support.client import Client

SECRET = "postgresql://pager:hunter2@db.example.com"


def explode(request: Request) -> None:
    raise RuntimeError(f"cannot reach {SECRET}")


def collide(request: Request) -> None:
    raise IntegrityError("INSERT INTO users", {"email": "x"}, ValueError(SECRET))


def stand_by(request: Request) -> None:
    raise Unavailable("The database cannot be used just now.", retry_after_seconds=5)


@pytest.fixture
def client(rt: Runtime) -> Iterator[TestClient]:
    app = create_app(rt=rt, with_clock=False)
    for name, handler in (("explode", explode), ("collide", collide), ("stand-by", stand_by)):
        app.add_api_route(f"/api/v1/{name}", handler)
        app.add_api_route(f"/{name}", handler)
    with Client(app, raise_server_exceptions=False, follow_redirects=False) as caller:
        yield caller


def test_the_unexpected_is_a_problem_without_details_at_the_api(
    client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    answer = client.get("/api/v1/explode")
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["content-security-policy"]
    problem = answer.json()
    assert problem["trace_id"] == answer.headers["x-trace-id"]
    assert "hunter2" not in answer.text
    assert "RuntimeError" not in answer.text
    assert "Traceback" not in answer.text


def test_the_unexpected_is_a_page_without_details_at_the_pages(client: TestClient) -> None:
    answer = client.get("/explode", headers={"accept": "text/html"})
    assert answer.status_code == 500
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.headers["x-trace-id"] in answer.text
    assert "hunter2" not in answer.text
    assert "RuntimeError" not in answer.text


def test_two_who_change_the_same_thing_at_once_are_a_conflict(client: TestClient) -> None:
    answer = client.get("/api/v1/collide")
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert "hunter2" not in answer.text


def test_a_database_that_is_away_says_when_to_come_back(client: TestClient) -> None:
    answer = client.get("/api/v1/stand-by")
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "5"
    assert client.get("/stand-by").status_code == 503


def test_an_unknown_address_is_a_problem_for_machines_and_a_page_for_people(client: TestClient) -> None:
    machine = client.get("/api/v1/nowhere")
    assert (machine.status_code, machine.headers["content-type"]) == (404, "application/problem+json")
    person = client.get("/nowhere/<script>alert(1)</script>", headers={"accept": "text/html"})
    assert person.status_code == 404
    assert person.headers["content-type"].startswith("text/html")
    assert "<script>alert" not in person.text


def test_a_page_that_asks_in_pieces_is_sent_to_the_sign_in_page(client: TestClient) -> None:
    answer = client.get("/explode-not-there", headers={"hx-request": "true"})
    assert answer.status_code == 404
