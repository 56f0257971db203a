"""A load client of its own: keep-alive connections on raw sockets, each sends, waits for the answer, sends again.

`python -m tests.bench.load --help`. It runs as its own process, on uvloop, so that its own work is seen as its own; the
result is one JSON object on standard output. `--book FILE` writes one line per webhook: identity, status (0 when no
answer came), seconds since 1970 of the answer.
"""

import argparse
import asyncio
import gc
import json
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import uvloop

from tests.bench.bodies import Bodies

HEADER_END = b"\r\n\r\n"
LENGTH = b"\r\ncontent-length:"


@dataclass(frozen=True, slots=True)
class Shape:
    """What to send where: either for `seconds` after a warm-up, or `count` webhooks in all."""

    port: int
    path: str
    key: str
    connections: int
    run: str
    warmup_seconds: float = 0.0
    seconds: float = 0.0
    count: int = 0


@dataclass
class Tally:
    """What came of it; latencies (seconds) are those of the measured window only."""

    latencies: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    book: list[tuple[int, int, float]] = field(default_factory=list)
    first_refusal: str = ""
    measured_seconds: float = 0.0
    cpu_seconds: float = 0.0


class Load:
    """One run: numbers the webhooks, keeps the connections busy, notes the answers."""

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self.bodies = Bodies(shape.run)
        self.tally = Tally()
        self.next_number = 0
        self.open_from = self.open_until = 0.0
        self.stopping = False
        self.live = 0
        self.idle = asyncio.Event()
        self.head = (
            f"POST {shape.path} HTTP/1.1\r\nHost: 127.0.0.1:{shape.port}\r\nContent-Type: application/json\r\n"
            f"X-API-Key: {shape.key}\r\nUser-Agent: Alertmanager/0.28.0\r\nContent-Length: "
        ).encode()

    async def run(self) -> Tally:
        """Send everything and wait for the last answer."""
        begun = time.perf_counter()
        self.open_from = begun + self.shape.warmup_seconds
        self.open_until = self.open_from + self.shape.seconds if self.shape.seconds else float("inf")
        cpu = time.process_time()
        await asyncio.gather(*(self.connect() for _ in range(self.shape.connections)))
        if self.shape.seconds:
            await asyncio.sleep(self.open_until - time.perf_counter())
            self.stopping = True
        await self.idle.wait()
        window_end = min(self.open_until, time.perf_counter())
        self.tally.measured_seconds = window_end - self.open_from
        self.tally.cpu_seconds = time.process_time() - cpu
        return self.tally

    async def connect(self) -> None:
        """Open one more connection."""
        await asyncio.get_running_loop().create_connection(lambda: Line(self), "127.0.0.1", self.shape.port)

    def take(self) -> int | None:
        """The next number to send, or None when it is enough."""
        if self.stopping or (self.shape.count and self.next_number >= self.shape.count):
            return None
        self.next_number += 1
        return self.next_number - 1

    def note(self, number: int, status: int, begun: float, body: bytes) -> None:
        """An answer (status 0: the connection broke)."""
        now = time.perf_counter()
        self.tally.statuses[status] += 1
        self.tally.book.append((number, status, time.time()))
        if begun >= self.open_from and now <= self.open_until and status == 202:
            self.tally.latencies.append(now - begun)
        if status != 202 and not self.tally.first_refusal:
            self.tally.first_refusal = f"{status} {body[:300].decode('utf-8', 'replace')}"


class Line(asyncio.Protocol):
    """One connection with one webhook on the way at a time."""

    def __init__(self, load: Load) -> None:
        self.load = load
        self.received = bytearray()
        self.number: int | None = None
        self.begun = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self.transport = cast(asyncio.Transport, transport)
        self.load.live += 1
        self._send()

    def data_received(self, data: bytes) -> None:
        """Wait for a whole answer, note it, go on."""
        self.received += data
        head_end = self.received.find(HEADER_END)
        if head_end < 0 or self.number is None:
            return
        head = bytes(self.received[: head_end + 2]).lower()
        at = head.find(LENGTH)
        length = int(head[at + len(LENGTH) : head.index(b"\r\n", at + 2)]) if at >= 0 else 0
        end = head_end + len(HEADER_END) + length
        if len(self.received) < end:
            return
        self.load.note(self.number, int(head[9:12]), self.begun, bytes(self.received[end - length : end]))
        self.number = None
        del self.received[:end]
        if b"\r\nconnection: close" in head:
            self.transport.close()
        else:
            self._send()

    def connection_lost(self, _error: Exception | None) -> None:
        """Note what was on the way, and come back unless it is over."""
        if self.number is not None:
            self.load.note(self.number, 0, self.begun, b"the connection broke")
        self.load.live -= 1
        if not self.load.stopping and not (self.load.shape.count and self.load.next_number >= self.load.shape.count):
            self.reconnecting = asyncio.ensure_future(self.load.connect())
        elif self.load.live == 0:
            self.load.idle.set()

    def _send(self) -> None:
        self.number = self.load.take()
        if self.number is None:
            self.transport.close()
            return
        body = self.load.bodies.body(self.number)
        self.begun = time.perf_counter()
        self.transport.write(self.load.head + b"%d\r\n\r\n" % len(body) + body)


def summary(load: Load) -> dict[str, Any]:
    """The result as JSON values; times in milliseconds, `rate` in accepted webhooks per second."""
    tally = load.tally
    ordered = sorted(tally.latencies)

    def at(share: float) -> float | None:
        return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1000, 3) if ordered else None

    return {
        "rate": round(len(ordered) / tally.measured_seconds, 1),
        "answered": len(ordered),
        "seconds": round(tally.measured_seconds, 3),
        "mean_ms": round(sum(ordered) / len(ordered) * 1000, 3) if ordered else None,
        "p50_ms": at(0.5),
        "p99_ms": at(0.99),
        "max_ms": at(1.0),
        "statuses": {str(status): count for status, count in sorted(tally.statuses.items())},
        "first_refusal": tally.first_refusal,
        "client_cpu_seconds": round(tally.cpu_seconds, 3),
        "body_bytes": len(load.bodies.body(0)),
    }


def main(arguments: list[str]) -> None:
    """Run once as told and print the summary."""
    parser = argparse.ArgumentParser(prog="tests.bench.load", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--path", default="/alerts/webhook/alertmanager/")
    parser.add_argument("--key", default="")
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--run", required=True, help="up to seven hexadecimal digits, new for every run")
    parser.add_argument("--warmup-seconds", type=float, default=0.0)
    parser.add_argument("--seconds", type=float, default=0.0)
    parser.add_argument("--count", type=int, default=0)
    parser.add_argument("--book", type=Path)
    options = vars(parser.parse_args(arguments))
    book: Path | None = options.pop("book")
    load = Load(Shape(**options))
    gc.freeze()
    gc.disable()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(load.run())
    if book is not None:
        lines = [f"{load.bodies.uid(number)} {status} {at:.6f}\n" for number, status, at in load.tally.book]
        book.write_text("".join(lines), encoding="ascii")
    sys.stdout.write(json.dumps(summary(load)) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
