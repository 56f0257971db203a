"""Sockets: who listens, where connections wait and are not taken, and which of ours nobody answers (proc_net(5)).

Of a listening socket the kernel's table shows as receive queue how many connections wait to be taken.
"""

import ipaddress
import os
import time
from dataclasses import dataclass
from itertools import pairwise

from app.intelligence.local.machine import Listener, Sockets
from app.intelligence.local.readings import proc

SAMPLE_SECONDS = 0.15
LOOKS = 3
SHOWN_AT_MOST = 5
LISTENING, CONNECTING = "0A", "02"


@dataclass(frozen=True, slots=True)
class Seen:
    """One line of the kernel's table."""

    state: str
    address: str
    port: int
    remote: str
    waiting: int
    inode: str


@dataclass(frozen=True, slots=True)
class Found:
    """The sockets, and which inode belongs to which stuck listener, for who looks for its owner."""

    sockets: Sockets
    inodes: dict[str, Listener]
    listening: dict[int, tuple[str, str]]


def read() -> Found:
    """Sockets at three moments: only what waits at all of them is stuck. Raises OSError."""
    lost = _overflows()
    looks = [_table()]
    for _ in range(LOOKS - 1):
        time.sleep(SAMPLE_SECONDS)
        looks.append(_table())
    stuck = {inode: Listener(seen.address, seen.port, seen.waiting) for inode, seen in looks[-1].items()
             if seen.state == LISTENING and _grows([look.get(inode) for look in looks])}  # fmt: skip
    own = _own_inodes()
    unanswered = [
        seen.remote
        for inode, seen in looks[-1].items()
        if seen.state == CONNECTING and inode in looks[0] and inode not in own
    ]
    sockets = Sockets(
        stuck=tuple(sorted(stuck.values(), key=lambda each: -each.waiting)[:SHOWN_AT_MOST]),
        unanswered=tuple(sorted(unanswered)[:50]),
        tracked_percent=_tracked_percent(),
        overflows=max(0, _overflows() - lost),
    )
    listening = {seen.port: (seen.address, inode) for inode, seen in looks[-1].items() if seen.state == LISTENING}
    return Found(sockets, stuck, listening)


def is_bound_udp(port: int) -> bool:
    """Whether something of this machine receives datagrams at a port."""
    tables = proc.text_or_nothing("/proc/net/udp") + proc.text_or_nothing("/proc/net/udp6")
    return f":{port:04X} " in tables


def _grows(looks: list[Seen | None]) -> bool:
    """Whether connections waited at every look, and not fewer at the end."""
    waiting = [look.waiting if look else 0 for look in looks]
    return min(waiting) > 0 and waiting[-1] >= waiting[0]


def _table() -> dict[str, Seen]:
    """The sockets that listen or connect, by inode."""
    found = {}
    for name in ("tcp", "tcp6"):
        for line in proc.lines(f"/proc/net/{name}"):
            fields = line.split(None, 4)
            if len(fields) < 5 or fields[3] not in (LISTENING, CONNECTING):
                continue  # most are, on a busy machine
            fields = line.split()
            if len(fields) > 9 and fields[9] != "0":
                address, port = _address(fields[1])
                remote = ":".join(map(str, _address(fields[2]))) if fields[3] == CONNECTING else ""
                waiting = int(fields[4].partition(":")[2], 16) if fields[3] == LISTENING else 0
                found[fields[9]] = Seen(fields[3], address, port, remote, waiting, fields[9])
    return found


def _address(text: str) -> tuple[str, int]:
    digits, _, port = text.partition(":")
    # Each group of four bytes is in the machine's order, which is little-endian wherever we run.
    raw = b"".join(bytes.fromhex(digits[at : at + 8])[::-1] for at in range(0, len(digits), 8))
    return str(ipaddress.ip_address(raw)), int(port, 16)


def _own_inodes() -> set[str]:
    """Our own sockets: a check that knocks somewhere is no trouble."""
    own = set()
    for name in os.listdir("/proc/self/fd"):
        try:
            target = os.readlink(f"/proc/self/fd/{name}")
        except OSError:
            continue
        if target.startswith("socket:["):
            own.add(target[8:-1])
    return own


def _overflows() -> int:
    """How many connections were dropped since the start because a queue was full."""
    lines = [line.split() for line in proc.text_or_nothing("/proc/net/netstat").splitlines()]
    for names, values in pairwise(lines):
        if names[:1] == ["TcpExt:"] == values[:1] and "ListenOverflows" in names:
            return int(values[names.index("ListenOverflows")])
    return 0


def _tracked_percent() -> float | None:
    count = proc.number("/proc/sys/net/netfilter/nf_conntrack_count")
    most = proc.number("/proc/sys/net/netfilter/nf_conntrack_max")
    return round(100 * count / most, 1) if count is not None and most else None
