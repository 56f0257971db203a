"""One ICMP echo (RFC 792, RFC 4443) over a socket of our own: no program is started, so no argument can be smuggled in.

Linux lets groups named in `net.ipv4.ping_group_range` send echoes without further rights; root may always.
"""

import asyncio
import itertools
import socket
import struct
import time
from ipaddress import ip_address

_HEADER = struct.Struct("!BBHHH")
_MARK = b"pagerpal echo"
_numbers = itertools.count(1)
_RECEIVE_BYTES = 2048


class EchoNotAllowed(Exception):
    """This process has no right to send ICMP."""


async def echo(address: str, *, timeout_seconds: float) -> float | None:
    """Milliseconds until `address` (a numeric one) answered, None when it did not. Raises EchoNotAllowed, OSError."""
    loop = asyncio.get_running_loop()
    is_v6 = ip_address(address.partition("%")[0]).version == 6
    request, reply = (128, 129) if is_v6 else (8, 0)
    number = next(_numbers) & 0xFFFF
    packet = _packet(request, number)
    with _socket(is_v6) as sock:
        sock.setblocking(False)
        # Connected, it hears this address only.
        sock.connect((address, 0))
        started = time.perf_counter()  # uvloop's own clock counts whole milliseconds
        sock.send(packet)
        try:
            async with asyncio.timeout(timeout_seconds):
                while not _answers(await loop.sock_recv(sock, _RECEIVE_BYTES), reply, number):
                    pass
        except TimeoutError:
            return None
        return (time.perf_counter() - started) * 1000


def _socket(is_v6: bool) -> socket.socket:
    family, protocol = (socket.AF_INET6, socket.IPPROTO_ICMPV6) if is_v6 else (socket.AF_INET, socket.IPPROTO_ICMP)
    for kind in (socket.SOCK_DGRAM, socket.SOCK_RAW):
        try:
            return socket.socket(family, kind, protocol)
        except PermissionError:
            continue
    raise EchoNotAllowed


def _packet(kind: int, number: int) -> bytes:
    body = _MARK + number.to_bytes(2)
    return _HEADER.pack(kind, 0, _checksum(_HEADER.pack(kind, 0, 0, number, number) + body), number, number) + body


def _answers(received: bytes, reply: int, number: int) -> bool:
    """Whether this is the reply to our echo: raw sockets hear everything, some of it with its IP header."""
    start = (received[0] & 0x0F) * 4 if received[:1] and received[0] >> 4 == 4 else 0
    packet = received[start:]
    return packet[:1] == bytes([reply]) and packet[_HEADER.size :] == _MARK + number.to_bytes(2)


def _checksum(packet: bytes) -> int:
    padded = packet + b"\0" * (len(packet) % 2)
    total: int = sum(word for (word,) in struct.iter_unpack("!H", padded))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
