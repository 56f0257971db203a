"""Outgoing HTTP over real sockets on loopback."""

import asyncio
from collections.abc import AsyncIterator
from ipaddress import ip_network
from pathlib import Path

import pytest

from app.platform.addresses import AddressFilter
from app.platform.http import OutboundHttp
from app.platform.ports import HttpFailed
from tests.support.authority import Authority
from tests.support.http_server import Answer, HttpServer

LOOPBACK = [ip_network("127.0.0.0/8")]


@pytest.fixture
async def http() -> AsyncIterator[OutboundHttp]:
    client = OutboundHttp(AddressFilter(LOOPBACK))
    yield client
    await client.close()


async def test_method_headers_and_body_arrive_and_the_answer_comes_back(
    http: OutboundHttp, http_server: HttpServer
) -> None:
    http_server.answer(Answer(201, b'{"id": 7}', {"X-Name": "a"}))
    answer = await http.request(
        "PUT", f"{http_server.url}/hook?x=1", headers={"X-Test": "yes"}, content=b"body", timeout_seconds=5
    )
    assert (answer.status, answer.body, answer.headers["x-name"]) == (201, b'{"id": 7}', "a")
    (request,) = http_server.requests
    assert (request.method, request.path, request.body) == ("PUT", "/hook?x=1", b"body")
    assert request.headers["x-test"] == "yes"


async def test_redirects_are_answers_and_are_not_followed(http: OutboundHttp, http_server: HttpServer) -> None:
    http_server.answer(Answer(302, b"", {"Location": f"{http_server.url}/other"}))
    assert (await http.request("GET", http_server.url, timeout_seconds=5)).status == 302
    assert len(http_server.requests) == 1


async def test_a_large_answer_is_cut_at_the_limit(http: OutboundHttp, http_server: HttpServer) -> None:
    http_server.answer_by(lambda _request: Answer(200, b"x" * 1_000_000))
    assert len((await http.request("GET", http_server.url, timeout_seconds=5)).body) == 65536
    assert len((await http.request("GET", http_server.url, timeout_seconds=5, max_bytes=10)).body) == 10


async def test_a_server_that_never_answers_is_cut_off_with_an_unknown_outcome(
    http: OutboundHttp, http_server: HttpServer
) -> None:
    http_server.answer(Answer(hangs=True))
    with pytest.raises(HttpFailed, match="no answer within") as failed:
        await http.request("POST", http_server.url, content=b"x", timeout_seconds=0.2)
    assert failed.value.outcome_unknown
    assert not failed.value.permanent


async def test_an_answer_byte_by_byte_does_not_stretch_the_deadline(http: OutboundHttp) -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while not reader.at_eof():
            writer.write(b"x")
            await asyncio.wait([asyncio.ensure_future(reader.read(1))], timeout=0.05)
        writer.close()

    server = await asyncio.start_server(drip, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    with pytest.raises(HttpFailed, match="within"):
        await http.request("GET", url, timeout_seconds=0.3)
    server.close()


async def test_a_connection_that_breaks_before_the_answer_has_an_unknown_outcome(
    http: OutboundHttp, http_server: HttpServer
) -> None:
    http_server.answer(Answer(breaks=True))
    with pytest.raises(HttpFailed) as failed:
        await http.request("POST", http_server.url, content=b"x", timeout_seconds=5)
    assert failed.value.outcome_unknown


async def test_a_refused_connection_is_tried_again_later_and_nothing_was_sent(http: OutboundHttp) -> None:
    closed = HttpServer()
    closed.start()
    closed.stop()
    with pytest.raises(HttpFailed, match="could not connect") as failed:
        await http.request("POST", closed.url, timeout_seconds=5)
    assert not failed.value.permanent
    assert not failed.value.outcome_unknown


async def test_loopback_is_refused_unless_the_operator_allows_it(http_server: HttpServer) -> None:
    client = OutboundHttp(AddressFilter())
    port = http_server.url.rpartition(":")[2]
    for url in (http_server.url, f"http://localhost:{port}", f"http://user@localhost:{port}/#@example.com"):
        with pytest.raises(HttpFailed, match="not a public address") as failed:
            await client.request("GET", url, timeout_seconds=5)
        assert failed.value.permanent
    await client.close()
    assert http_server.requests == []


async def test_a_name_is_connected_to_at_the_address_that_was_judged(http_server: HttpServer) -> None:
    answers = [["127.0.0.1"], ["169.254.169.254"]]

    async def rebinding(_host: str) -> list[str]:
        return answers.pop(0)

    client = OutboundHttp(AddressFilter(LOOPBACK, resolve=rebinding))
    url = f"http://hook.example.com:{http_server.url.rpartition(':')[2]}/"
    closing = {"Connection": "close"}
    assert (await client.request("GET", url, headers=closing, timeout_seconds=5)).status == 200
    assert http_server.requests[0].headers["host"] == url[7:-1]
    with pytest.raises(HttpFailed, match="not a public address"):
        await client.request("GET", url, headers=closing, timeout_seconds=5)
    await client.close()
    assert len(http_server.requests) == 1


@pytest.mark.parametrize(
    ("url", "headers"),
    [
        ("file:///etc/passwd", {}),
        ("gopher://127.0.0.1/x", {}),
        ("not a url", {}),
        ("http://", {}),
        ("http://127.0.0.1:99999/", {}),
        ("http://127.0.0.1/\x00", {}),
        ("http://127.0.0.1/", {"X-Name": "é"}),
    ],
)
async def test_what_is_no_http_request_is_refused_for_good(
    http: OutboundHttp, url: str, headers: dict[str, str]
) -> None:
    with pytest.raises(HttpFailed) as failed:
        await http.request("GET", url, headers=headers, timeout_seconds=5)
    assert failed.value.permanent


async def test_a_header_cannot_be_injected_and_is_not_told_on(http: OutboundHttp, http_server: HttpServer) -> None:
    with pytest.raises(HttpFailed) as failed:
        await http.request("GET", http_server.url, headers={"X-Name": "s3cret\r\nX-Other: b"}, timeout_seconds=5)
    assert failed.value.permanent
    assert "s3cret" not in failed.value.reason
    assert http_server.requests == []


async def test_a_certificate_that_nobody_vouches_for_is_refused(http: OutboundHttp, tmp_path: Path) -> None:
    async def close(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(close, "127.0.0.1", 0, ssl=Authority(tmp_path).server_context())
    url = f"https://localhost:{server.sockets[0].getsockname()[1]}/"
    with pytest.raises(HttpFailed, match="certificate") as failed:
        await http.request("GET", url, timeout_seconds=5)
    server.close()
    assert not failed.value.permanent
