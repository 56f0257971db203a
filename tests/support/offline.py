"""Keeps the test run on this machine: any socket to another address raises, and the test that tried fails.

Listens to Python's audit events, so that it also sees what libraries do. Numeric addresses may be resolved (that
sends nothing); names other than localhost may not.
"""

import ipaddress
import socket
import sys
from typing import Any

LOCAL_NAMES = {"localhost", "localhost.localdomain", "ip6-localhost", ""}
_attempts: list[str] = []


class LeftTheMachine(OSError):
    """A test tried to reach an address beyond loopback."""


def install() -> None:
    """Watch from now on; an audit hook stays for the life of the process."""
    sys.addaudithook(_watch)


def take_attempts() -> list[str]:
    """What was tried since the last call."""
    tried = _attempts.copy()
    _attempts.clear()
    return tried


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    if event in ("socket.connect", "socket.sendto", "socket.bind"):
        sock, address = arguments[0], arguments[1]
        if sock.family in (socket.AF_INET, socket.AF_INET6) and not _is_local(str(address[0])):
            _refuse(event, address)
    elif event == "socket.getaddrinfo":
        host = arguments[0]
        name = host.decode() if isinstance(host, bytes) else host
        if name is not None and not _is_local(name) and _address(name) is None:
            _refuse(event, name)


def _is_local(host: str) -> bool:
    address = _address(host)
    return host in LOCAL_NAMES if address is None else address.is_loopback


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None


def _refuse(event: str, target: object) -> None:
    _attempts.append(f"{event} {target}")
    raise LeftTheMachine(f"tests stay on loopback: {event} {target}")
