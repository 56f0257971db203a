"""The guard that keeps the test run on this machine."""

import asyncio
import socket

import pytest

from tests.support import offline


@pytest.mark.parametrize("host", ["192.0.2.1", "2001:db8::1"])
def test_connecting_elsewhere_is_refused_and_remembered(host: str) -> None:
    with pytest.raises(offline.LeftTheMachine):
        socket.create_connection((host, 9))
    assert offline.take_attempts()


def test_names_of_other_machines_are_not_looked_up() -> None:
    with pytest.raises(offline.LeftTheMachine):
        socket.getaddrinfo("pager.example.com", 443)
    assert offline.take_attempts() == ["socket.getaddrinfo pager.example.com"]


async def test_async_code_is_watched_as_well() -> None:
    with pytest.raises(offline.LeftTheMachine):
        await asyncio.open_connection("192.0.2.1", 9)
    assert offline.take_attempts()


def test_loopback_is_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname()).close()
    assert offline.take_attempts() == []
