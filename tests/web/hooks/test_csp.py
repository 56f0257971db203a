"""`/csp-report`: what browsers refused on our pages reaches the log, and nothing else does."""

import json
from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient
from structlog.testing import capture_logs

from app.main import create_app
from app.platform.runtime import Runtime
from app.web.hooks.csp import COMPLAINTS_AT_MOST
from tests.support.client import Client

REPORT = {
    "document-uri": "https://pager.example.com/a/AAAAfakefakefake?next=secret#x",
    "effective-directive": "script-src-elem",
    "blocked-uri": "https://evil.example.com/x.js?y=1",
}


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """One kind of database is enough: a report is not stored."""
    return sqlite_url


@pytest.fixture
def client(rt: Runtime) -> Iterator[TestClient]:
    """Nobody in particular."""
    with Client(create_app(rt=rt, with_clock=False), base_url="http://127.0.0.1:8000") as client:
        yield client


def report(client: TestClient, **fields: object) -> int:
    """Post a report as browsers do; the status of the answer."""
    body = json.dumps({"csp-report": {**REPORT, **fields}})
    return client.post("/csp-report", content=body, headers={"content-type": "application/csp-report"}).status_code


def test_a_complaint_is_said_once_without_what_lets_a_reader_in(client: TestClient) -> None:
    with capture_logs() as lines:
        assert [report(client), report(client)] == [204, 204]
    [line] = [line for line in lines if "directive" in line]
    said = (line["page"], line["directive"], line["refused"])
    assert said == ("pager.example.com/a/***", "script-src-elem", "evil.example.com/x.js")


def test_a_flood_of_complaints_does_not_fill_the_log(client: TestClient) -> None:
    with capture_logs() as lines:
        for number in range(COMPLAINTS_AT_MOST + 5):
            report(client, **{"blocked-uri": f"https://{number}.example.com/"})
    assert len([line for line in lines if "directive" in line]) == COMPLAINTS_AT_MOST


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"[" * 99, 400),
        (b"[]", 422),
        (b'{"csp-report": []}', 422),
        (b'{"csp-report": {"document-uri": "http://[", "blocked-uri": 7}}', 204),
        (b" " * 20_000, 413),
    ],
    ids=["empty", "deep", "list", "no-object", "strange", "large"],
)
def test_strange_reports_are_refused_politely(client: TestClient, body: bytes, status: int) -> None:
    answer = client.post("/csp-report", content=body)
    assert answer.status_code == status
    if status >= 400:
        assert answer.headers["content-type"] == "application/problem+json"
