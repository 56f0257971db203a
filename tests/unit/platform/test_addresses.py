"""The outbound address filter: what may be called, and that no spelling gets around it."""

import asyncio
import threading
from collections.abc import Iterator
from ipaddress import ip_network

import pytest

from app.platform.addresses import AddressFilter, AddressRefused, Lookups, NameNotResolved, resolve_name

NOT_PUBLIC = [
    "0.0.0.0",  # noqa: S104  nothing binds here
    "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.127.255.254", "127.0.0.1", "127.255.255.254",
    "169.254.169.254", "172.16.0.1", "172.31.255.254", "192.0.0.192", "192.0.2.1", "192.88.99.1", "192.168.1.1",
    "198.18.0.1", "198.51.100.7", "203.0.113.9", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::ffff:0:127.0.0.1",
    "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "100::1", "2001::1", "2001:10::1", "2001:db8::1",
    "2002:7f00:1::", "2002:a00:1::", "3fff::1", "5f00::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%1",
    "fec0::1", "ff02::1",
]  # fmt: skip
PUBLIC = ["1.1.1.1", "8.8.8.8", "93.184.216.34", "172.15.255.255", "172.32.0.1", "192.0.1.1", "2606:4700::1111"]
# Spellings of 127.0.0.1 and 0.0.0.0 that the system's own resolver understands; only the resolver reads them.
DISGUISED = ["127.1", "2130706433", "0x7f000001", "017700000001", "0", "0x0", "127.0.0.1."]


def answering(*addresses: str) -> AddressFilter:
    async def resolve(_host: str) -> list[str]:
        return list(addresses)

    return AddressFilter(resolve=resolve)


@pytest.mark.parametrize("address", NOT_PUBLIC)
async def test_addresses_that_are_not_public_are_refused(address: str) -> None:
    with pytest.raises(AddressRefused, match="OUTBOUND_ALLOWED_NETWORKS"):
        await AddressFilter().addresses(address, 443)
    with pytest.raises(AddressRefused):
        await answering(address).addresses("hooks.example.com", 443)


@pytest.mark.parametrize("address", PUBLIC)
async def test_public_addresses_are_let_through(address: str) -> None:
    assert await AddressFilter().addresses(address, 443) == [address]


@pytest.mark.parametrize("host", DISGUISED)
async def test_no_spelling_of_loopback_gets_through(host: str) -> None:
    asked = []

    async def resolve(name: str) -> list[str]:
        asked.append(name)
        return ["127.0.0.1"]

    with pytest.raises(AddressRefused):
        await AddressFilter(resolve=resolve).addresses(host, 443)
    assert asked == [host]


async def test_one_private_address_among_public_ones_refuses_the_name() -> None:
    with pytest.raises(AddressRefused):
        await answering("93.184.216.34", "127.0.0.1").addresses("rebinding.example.com", 443)


@pytest.mark.parametrize("port", [22, 25, 3306, 5432, 6379, 8000])
async def test_only_web_ports_are_called_on_public_addresses(port: int) -> None:
    with pytest.raises(AddressRefused, match=f"port {port}"):
        await AddressFilter().addresses("93.184.216.34", port)


async def test_networks_of_the_operator_are_let_through_on_every_port() -> None:
    filter = AddressFilter([ip_network("127.0.0.0/8"), ip_network("fd00::/8")])
    assert await filter.addresses("127.0.0.1", 25_000) == ["127.0.0.1"]
    assert await filter.addresses("fd00::7", 22) == ["fd00::7"]
    with pytest.raises(AddressRefused):
        await filter.addresses("10.0.0.1", 443)
    with pytest.raises(AddressRefused):
        await filter.addresses("::ffff:127.0.0.1", 443)


async def test_a_name_without_an_address_is_no_refusal() -> None:
    with pytest.raises(NameNotResolved):
        await answering().addresses("nowhere.example.com", 443)
    with pytest.raises(NameNotResolved):
        await resolve_name("a" * 300)


class DeadNameServer:
    """Answers nothing until it is let go; keeps which names it was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.let_go = threading.Event()

    def ask(self, host: str) -> list[str]:
        """Hang, then say that there is no such name."""
        self.asked.append(host)
        self.let_go.wait(10)
        raise OSError("no such name")


@pytest.fixture
def dead() -> Iterator[DeadNameServer]:
    server = DeadNameServer()
    yield server
    server.let_go.set()


async def test_a_name_server_that_hangs_is_given_up_in_time(dead: DeadNameServer) -> None:
    filter = AddressFilter(resolve=Lookups(dead.ask, seconds=0.01))
    for _ in range(3):
        with pytest.raises(NameNotResolved, match="within"):
            await filter.addresses("hooks.example.com", 443)
    assert await filter.addresses("1.1.1.1", 443) == ["1.1.1.1"]
    # One thread hangs, however often the name is asked for.
    assert dead.asked == ["hooks.example.com"]


async def test_names_that_hang_fail_the_others_in_time_and_not_for_good(dead: DeadNameServer) -> None:
    names = Lookups(dead.ask, seconds=0.05, at_most=2)
    asked = [names(f"dead-{number}.example.com") for number in range(4)]
    outcomes = await asyncio.gather(*asked, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [NameNotResolved] * 4
    assert len(dead.asked) == 2
    dead.let_go.set()
    with pytest.raises(NameNotResolved, match=r"could not be looked up$"):
        await names("dead-9.example.com")


async def test_who_asks_for_the_same_name_gets_the_same_answer() -> None:
    asked: list[str] = []

    def answer(host: str) -> list[str]:
        asked.append(host)
        return ["1.1.1.1"]

    names = Lookups(answer)
    assert await asyncio.gather(*(names("hooks.example.com") for _ in range(3))) == [["1.1.1.1"]] * 3
    assert asked == ["hooks.example.com"]
    # An answer is never kept: what is connected to is what the name server says now.
    await asyncio.sleep(0)
    await names("hooks.example.com")
    assert len(asked) == 2
