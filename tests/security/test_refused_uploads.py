"""Callers who are still sending when their body is refused: they are told why before the connection ends (F-80)."""

import json
from base64 import b64encode
from collections.abc import Iterator
from http.client import HTTPConnection

import pytest

from app.platform.settings import Settings
from tests.support.people import PASSWORD, add_admin, email_of
from tests.support.site import Site, free_port, running_site

MIB = 1024 * 1024
BASIC = "Basic " + b64encode(f"{email_of('Ada')}:{PASSWORD}".encode()).decode()


@pytest.fixture
def site(sqlite_url: str) -> Iterator[Site]:
    port = free_port()
    with running_site(Settings(pagerpal_env="test", database_url=sqlite_url), port) as running:
        running.do(add_admin)
        yield running


@pytest.mark.parametrize("headers", [{}, {"content-length": str(10 * MIB)}, {"content-encoding": "gzip"}])
def test_whoever_still_sends_hears_why_it_is_refused(site: Site, headers: dict[str, str]) -> None:
    connection = HTTPConnection(site.url.removeprefix("http://"), timeout=10)
    pieces = (b" " * MIB for _ in range(10))
    known = {"authorization": BASIC, **headers}
    chunked = "content-length" not in headers
    connection.request("POST", "/api/v1/teams", pieces, known, encode_chunked=chunked)
    answer = connection.getresponse()
    said = json.loads(answer.read())
    connection.close()
    assert (answer.status, said["code"]) in {(413, "too_large"), (415, "unsupported_encoding")}
    assert answer.headers["connection"] == "close"
