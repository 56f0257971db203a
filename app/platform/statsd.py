"""Metrics to a StatsD server: counters and timings over UDP, sent and forgotten.

Format: StatsD's «metric types», one metric per line; tags are DogStatsD's and unknown to a plain StatsD.
A server that is away, a name that cannot be looked up or a full socket costs metrics and nothing else.
"""

import re
import socket
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from ipaddress import ip_address
from typing import Protocol

# What fits into one Ethernet frame; a larger datagram would be cut up on its way, and lost with any of its parts.
DATAGRAM_BYTES = 1432
# How many datagrams wait while the server's name is looked up; older ones go first.
WAITING_AT_MOST = 256
# A server may move: its name is asked again this often, and the address of before stays until there is another.
LOOK_UP_SECONDS = 60.0

_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_.-]")

_Target = tuple[socket.AddressFamily, tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]]
LookUp = Callable[[str, int], _Target | None]


class Statsd(Protocol):
    """Where metrics go."""

    def send(self, *lines: str) -> None:
        """Send these metrics if that can be done at once. Neither raises nor waits."""
        ...

    def close(self) -> None:
        """Let go of what is open."""
        ...


class NoStatsd:
    """Where no StatsD server is set."""

    def send(self, *lines: str) -> None:
        """Nothing happens."""

    def close(self) -> None:
        """Nothing is open."""


def counter(name: str, *, tags: Mapping[str, str] | None = None) -> str:
    """The line that counts one more of `name`."""
    return f"{clean(name)}:1|c{_tagged(tags)}"


def timing(name: str, duration_ms: float, *, tags: Mapping[str, str] | None = None) -> str:
    """The line that says how long one `name` took."""
    return f"{clean(name)}:{max(0.0, duration_ms):.3f}|ms{_tagged(tags)}"


def clean(text: str) -> str:
    """`text` with everything replaced that would end a name or begin something else."""
    return _NOT_IN_NAMES.sub("_", text)


def datagrams(lines: Iterable[str]) -> Iterator[bytes]:
    """The lines, as many in a datagram as fit; one that is too long by itself is left out."""
    packed = b""
    for line in (line.encode() for line in lines):
        if len(line) > DATAGRAM_BYTES:
            continue
        if packed and len(packed) + 1 + len(line) > DATAGRAM_BYTES:
            yield packed
            packed = b""
        packed = packed + b"\n" + line if packed else line
    if packed:
        yield packed


def look_up(host: str, port: int) -> _Target | None:
    """The first address that the name has, None when it has none; may take as long as a name server does."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)
    except (OSError, UnicodeError):
        return None
    return next(((family, address) for family, _, _, _, address in found), None)


class UdpStatsd:
    """The `Statsd` port over UDP, from any thread. The server's name is looked up in a thread of its own."""

    def __init__(self, host: str, port: int, *, monotonic: Callable[[], float], look_up: LookUp = look_up) -> None:
        self._host = host
        self._port = port
        self._monotonic = monotonic
        self._look_up = look_up
        self._lock = threading.Lock()
        self._waiting: deque[bytes] = deque(maxlen=WAITING_AT_MOST)
        self._target: _Target | None = None
        self._socket: socket.socket | None = None
        self._look_again_at = float("-inf")
        self._looking = False
        self._closed = False
        if _is_address(host):
            self._look_again_at = float("inf")
            self._target = look_up(host, port)

    def send(self, *lines: str) -> None:
        """Send the lines; those that come before the first address is known wait for it, a limited number."""
        with self._lock:
            if self._closed:
                return
            self._waiting.extend(datagrams(lines))
            if not self._looking and self._monotonic() >= self._look_again_at:
                # Without a thread to spare the old address has to do.
                with suppress(RuntimeError):
                    threading.Thread(target=self._ask, name="statsd", daemon=True).start()
                    self._looking = True
            self._send_waiting()

    def close(self) -> None:
        """Send nothing more."""
        with self._lock:
            self._closed = True
            self._drop_socket()

    def _ask(self) -> None:
        found = self._look_up(self._host, self._port)
        with self._lock:
            self._looking = False
            self._look_again_at = self._monotonic() + LOOK_UP_SECONDS
            if found is not None and found != self._target:
                self._target = found
                self._drop_socket()
            if not self._closed:
                self._send_waiting()

    def _send_waiting(self) -> None:
        if self._target is None:
            return
        family, address = self._target
        while self._waiting:
            datagram = self._waiting.popleft()
            with suppress(OSError):
                if self._socket is None:
                    self._socket = socket.socket(family, socket.SOCK_DGRAM)
                    self._socket.setblocking(False)
                self._socket.sendto(datagram, address)

    def _drop_socket(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def _is_address(host: str) -> bool:
    with suppress(ValueError):
        return bool(ip_address(host))
    return False


def _tagged(tags: Mapping[str, str] | None) -> str:
    return "|#" + ",".join(f"{clean(name)}:{clean(value)}" for name, value in tags.items()) if tags else ""
