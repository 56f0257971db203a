"""A name server on loopback that answers what a test tells it, and a resolver that asks nobody else (RFC 1035)."""

import asyncio
import socket
import struct
import threading
from collections.abc import Callable
from ipaddress import ip_address

from app.platform.addresses import NameNotResolved

TYPE_A, CLASS_IN = 1, 1
WAIT_SECONDS = 5.0


class NameServer:
    """Answers every question for an address with what `answers` says, given the name and how often it was asked."""

    def __init__(self, answers: Callable[[str, int], list[str]]) -> None:
        self.asked: list[str] = []
        self._answers = answers
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.settimeout(0.1)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="names", daemon=True)

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stop(self) -> None:
        """Let go of the port."""
        self._stopping.set()
        self._thread.join()
        self._socket.close()

    async def resolve(self, host: str) -> list[str]:
        """The addresses of a name, asked over the wire. Raises NameNotResolved."""
        return await asyncio.to_thread(self._ask, host)

    def _ask(self, host: str) -> list[str]:
        labels = b"".join(bytes([len(label)]) + label.encode("ascii") for label in host.rstrip(".").split("."))
        query = struct.pack(">HHHHHH", 7, 0x0100, 1, 0, 0, 0) + labels + b"\x00" + struct.pack(">HH", TYPE_A, CLASS_IN)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(WAIT_SECONDS)
            client.sendto(query, self._socket.getsockname())
            answer = client.recv(4096)
        count = struct.unpack(">H", answer[6:8])[0]
        found, place = [], len(query)
        for _ in range(count):
            place += 12
            found.append(str(ip_address(answer[place : place + 4])))
            place += 4
        if not found:
            raise NameNotResolved("the host name has no address")
        return found

    def _serve(self) -> None:
        while not self._stopping.is_set():
            try:
                query, client = self._socket.recvfrom(4096)
            except TimeoutError:
                continue
            name = _name_in(query)
            self.asked.append(name)
            addresses = self._answers(name, self.asked.count(name))
            head = query[:2] + struct.pack(">HHHHH", 0x8180, 1, len(addresses), 0, 0)
            # A life of 0 s: whoever asks again may be told something else.
            records = b"".join(
                struct.pack(">HHHIH", 0xC00C, TYPE_A, CLASS_IN, 0, 4) + ip_address(each).packed for each in addresses
            )
            self._socket.sendto(head + query[12:] + records, client)


def _name_in(query: bytes) -> str:
    labels, place = [], 12
    while query[place]:
        length = query[place]
        labels.append(query[place + 1 : place + 1 + length].decode("ascii"))
        place += length + 1
    return ".".join(labels)
