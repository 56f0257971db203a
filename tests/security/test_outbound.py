"""Addresses that people give us: sixty ways to mean this machine or the network around it, and a name that changes.

A canary listens where none of them may get; what counts is that nobody ever connects to it (F-103).
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from ipaddress import ip_network

import pytest

from app.platform.addresses import AddressFilter, NameNotResolved
from app.platform.http import OutboundHttp
from app.platform.ports import HttpFailed
from tests.support.http_server import Answer, HttpServer
from tests.support.nameserver import NameServer

ANY = ".".join("0000")
# What such names answer in the clouds and networks that use them.
NAMES = {
    "localhost": "127.0.0.1",
    "localhost.": "127.0.0.1",
    "LOCALHOST": "127.0.0.1",
    "localhost.localdomain": "127.0.0.1",
    "127.0.0.1.nip.example.com": "127.0.0.1",
    "metadata.google.internal": "169.254.169.254",
    "metadata.goog": "169.254.169.254",
    "metadata": "169.254.169.254",
    "instance-data.ec2.internal": "169.254.169.254",
    "kubernetes.default.svc.cluster.local": "10.96.0.1",
    "router.lan": "192.168.1.1",
    "six.example.com": "::1",
    "mapped.example.com": "::ffff:127.0.0.1",
    "nat64.example.com": "64:ff9b::7f00:1",
    "6to4.example.com": "2002:7f00:1::",
    "intranet.example.com": "100.64.3.4",
    "ünïcode.example.com": "127.0.0.1",
    "xn--ncode-6va4d.example.com": "127.0.0.1",
}
# What the system's own resolver makes of numbers that are no plain address.
NUMBERS = {
    "127.1": "127.0.0.1", "127.0.1": "127.0.0.1", "2130706433": "127.0.0.1", "0x7f000001": "127.0.0.1",
    "0x7f.0.0.1": "127.0.0.1", "0x7f.1": "127.0.0.1", "0177.0.0.1": "127.0.0.1", "017700000001": "127.0.0.1",
    "0177.0x0.1": "127.0.0.1", "127.0.0.1.": "127.0.0.1", "0": ANY, "0x0": ANY, "0.0": ANY,
    "2852039166": "169.254.169.254", "0xa9fea9fe": "169.254.169.254", "169.254.43518": "169.254.169.254",
    "00000127.0.0.1": "127.0.0.1", "4294967295": "255.255.255.255", "3232235777": "192.168.1.1",
}  # fmt: skip
VECTORS = [
    # Plain, and every other spelling of IPv4.
    "http://127.0.0.1:{port}/", "http://127.255.255.254:{port}/", "http://0.0.0.0:{port}/", "http://10.0.0.1:{port}/",
    "http://172.16.0.1/", "http://192.168.0.1/", "http://169.254.169.254/latest/meta-data/", "http://100.64.0.1/",
    *(f"http://{number}:{{port}}/" for number in NUMBERS),
    # IPv6, with IPv4 inside in every form, and with zones.
    "http://[::1]:{port}/", "http://[::]:{port}/", "http://[0:0:0:0:0:0:0:1]:{port}/", "http://[::ffff:127.0.0.1]:{port}/",
    "http://[::ffff:7f00:1]:{port}/", "http://[::127.0.0.1]:{port}/", "http://[64:ff9b::127.0.0.1]:{port}/",
    "http://[2002:7f00:1::]:{port}/", "http://[fd00:ec2::254]/", "http://[fc00::1]/", "http://[fe80::1]/",
    "http://[fe80::1%25lo]:{port}/", "http://[::1%25lo]:{port}/", "http://[fec0::1]/", "http://[ff02::1]/",
    "http://[2001:db8::1]/", "http://[::ffff:0:127.0.0.1]:{port}/",
    # Names.
    *(f"http://{name}:{{port}}/" for name in NAMES),
    # What is written around the host.
    "http://user:password@127.0.0.1:{port}/", "http://hooks.example.com@127.0.0.1:{port}/",
    "http://127.0.0.1:{port}#@hooks.example.com/", "http://127.0.0.1:{port}?@hooks.example.com/",
    "http://hooks.example.com:80@127.0.0.1:{port}/", "http://127.0.0.1:{port}\\@hooks.example.com/",
    "http:127.0.0.1:{port}/", "http:///127.0.0.1:{port}/", "//127.0.0.1:{port}/", "HTTP://LOCALHOST:{port}/",
    "http://127。0。0。1:{port}/", "http://①②⑦.⓪.⓪.①:{port}/", "http://１２７.０.０.１:{port}/", "http://127%2e0%2e0%2e1:{port}/",
    "http://localhost%00.example.com:{port}/", "http://127.0.0.1%0d%0a:{port}/", " http://127.0.0.1:{port}/ ",
    # Other doors than the web's, and other languages than HTTP.
    "http://93.184.216.34:22/", "http://93.184.216.34:6379/", "http://127.0.0.1:0/", "http://127.0.0.1:65536/",
    "file:///etc/passwd", "gopher://127.0.0.1:{port}/x", "ftp://127.0.0.1:{port}/", "unix:///var/run/docker.sock",
    "data:text/plain,hello", "javascript:alert(1)",
]  # fmt: skip


@pytest.fixture
def canary() -> Iterator[HttpServer]:
    """Where nobody may get."""
    server = HttpServer()
    server.start()
    yield server
    server.stop()


@pytest.fixture
async def outside() -> AsyncIterator[OutboundHttp]:
    """Outgoing HTTP as an installation has it that allows no network of its own."""

    async def resolve(host: str) -> list[str]:
        found = NAMES.get(host) or NUMBERS.get(host)
        if found is None:
            raise NameNotResolved("the host name could not be looked up")
        return [found]

    client = OutboundHttp(AddressFilter(resolve=resolve))
    yield client
    await client.close()


def test_there_are_at_least_sixty_ways() -> None:
    assert len(set(VECTORS)) >= 60


@pytest.mark.parametrize("vector", VECTORS)
async def test_no_way_leads_to_the_canary(outside: OutboundHttp, canary: HttpServer, vector: str) -> None:
    url = vector.replace("{port}", canary.url.rpartition(":")[2])
    with pytest.raises(HttpFailed) as failed:
        await outside.request("POST", url, content=b"x", timeout_seconds=5)
    assert not failed.value.outcome_unknown, "nothing had begun to leave"
    assert canary.requests == []


async def test_redirects_do_not_lead_to_the_canary(canary: HttpServer, http_server: HttpServer) -> None:
    client = OutboundHttp(AddressFilter([ip_network("127.0.0.0/8")]))
    for status in (301, 302, 303, 307, 308):
        http_server.answer(Answer(status, headers={"Location": canary.url}))
        answer = await client.request("POST", http_server.url, content=b"x", timeout_seconds=5)
        assert answer.status == status
    await client.close()
    assert canary.requests == []


async def test_name_that_changes_between_looking_and_calling_never_leads_to_the_canary(canary: HttpServer) -> None:
    port = int(canary.url.rpartition(":")[2])
    harmless: list[bytes] = []

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        harmless.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        writer.close()

    # 127.0.0.2 stands for a public address, and the canary sits behind the same port of 127.0.0.1.
    server = await asyncio.start_server(take, "127.0.0.2", port)
    names = NameServer(lambda _name, times: ["127.0.0.2"] if times % 2 else ["127.0.0.1"])
    names.start()
    client = OutboundHttp(AddressFilter([ip_network("127.0.0.2/32")], resolve=names.resolve))
    refused = []
    for _ in range(50):
        try:
            await client.request("POST", f"http://rebind.example.com:{port}/", content=b"", timeout_seconds=5)
        except HttpFailed as failed:
            refused.append(failed.permanent)
    await client.close()
    server.close()
    names.stop()
    assert (len(harmless), refused, len(names.asked)) == (25, [True] * 25, 50)
    assert canary.requests == []


async def test_name_with_a_public_and_a_private_address_is_refused_as_a_whole(canary: HttpServer) -> None:
    names = NameServer(lambda _name, _times: ["127.0.0.2", "127.0.0.1"])
    names.start()
    client = OutboundHttp(AddressFilter([ip_network("127.0.0.2/32")], resolve=names.resolve))
    with pytest.raises(HttpFailed, match="not a public address"):
        await client.request("GET", f"http://both.example.com:{canary.url.rpartition(':')[2]}/", timeout_seconds=5)
    await client.close()
    names.stop()
    assert canary.requests == []


async def test_endless_answer_is_cut_at_the_limit_and_in_time() -> None:
    async def pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        try:
            while not writer.is_closing():
                writer.write(b"1000\r\n" + b"x" * 0x1000 + b"\r\n")
                await writer.drain()
        except ConnectionError:
            pass

    server = await asyncio.start_server(pour, "127.0.0.1", 0)
    client = OutboundHttp(AddressFilter([ip_network("127.0.0.0/8")]))
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    answer = await client.request("GET", url, timeout_seconds=5)
    await client.close()
    server.close()
    assert len(answer.body) == 65536


async def test_headers_without_end_are_cut_off() -> None:
    async def ramble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n")
        try:
            while not writer.is_closing():
                writer.write(b"X-More: " + b"y" * 4096 + b"\r\n")
                await writer.drain()
        except ConnectionError:
            pass

    server = await asyncio.start_server(ramble, "127.0.0.1", 0)
    client = OutboundHttp(AddressFilter([ip_network("127.0.0.0/8")]))
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    with pytest.raises(HttpFailed):
        await client.request("GET", url, timeout_seconds=2)
    await client.close()
    server.close()
