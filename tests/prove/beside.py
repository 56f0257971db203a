"""What a webhook's sender notices of local analyses: the same load with and without them, in turn, on a real server."""

import statistics
import tempfile
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter

from tests.bench.ingest import Target, candidate, load
from tests.kill.appliance import ADMIN_EMAIL, ADMIN_PASSWORD
from tests.kill.calls import Caller, basic
from tests.kill.sink import running_sink

CONNECTIONS = 4
SECONDS = 4.0
P99_AT_MOST = 2.0


@dataclass
class Beside:
    """The p99 of webhooks in each run, and how long the analyses took that were made meanwhile."""

    alone_ms: list[float] = field(default_factory=list)
    beside_ms: list[float] = field(default_factory=list)
    analyses: list[float] = field(default_factory=list)

    @property
    def factor(self) -> float:
        """By how much the median p99 grew."""
        return statistics.median(self.beside_ms) / statistics.median(self.alone_ms)

    def lines(self) -> list[tuple[str, str]]:
        """The table."""
        alone, beside = (
            ", ".join(f"{each:.0f}" for each in self.alone_ms),
            ", ".join(f"{each:.0f}" for each in self.beside_ms),
        )
        return [
            ("p99 of webhooks, ms", f"{alone} alone; {beside} beside analyses one after the other"),
            ("medians", f"factor {self.factor:.2f}, at most {P99_AT_MOST:g}"),
            ("analyses meanwhile", f"{len(self.analyses)}, the longest {max(self.analyses):.2f} s"),
        ]

    def violations(self) -> list[str]:
        """Which promise was broken."""
        return [f"the p99 of webhooks grew by {self.factor:.2f}"] if self.factor > P99_AT_MOST else []


def ingest_beside_analyses(rounds: int) -> Beside:
    """The load alone and beside analyses, in turn, so that whatever else the machine does meets both."""
    found = Beside()
    with tempfile.TemporaryDirectory(prefix="pagerpal-beside-") as name:
        folder = Path(name)
        with running_sink(folder / "mails.jsonl") as sink:
            url = f"sqlite:///{folder / 'beside.db'}"
            with candidate("SQLite", folder, url, sink.port) as target:
                for number in range(rounds):
                    found.alone_ms.append(_p99(target, f"a{number}"))
                    with _analysing(target, found.analyses):
                        found.beside_ms.append(_p99(target, f"b{number}"))
    return found


def _p99(target: Target, run: str) -> float:
    return float(load(target, connections=CONNECTIONS, seconds=SECONDS, run=run)["p99_ms"])


@contextmanager
def _analysing(target: Target, took: list[float]) -> Iterator[None]:
    """Somebody who has the newest incident analysed, again and again."""
    stop = threading.Event()

    def analyse() -> None:
        with closing(Caller(target.port, basic(ADMIN_EMAIL, ADMIN_PASSWORD))) as caller:
            newest = caller.get("/api/v1/incidents?page_size=1").expect(200)["items"][0]["id"]
            while not stop.is_set():
                begun = perf_counter()
                body = {"incident_id": newest, "provider": "local"}
                caller.post("/intelligence/recommendations", body).expect(200)
                took.append(perf_counter() - begun)

    analyst = threading.Thread(target=analyse)
    analyst.start()
    try:
        yield
    finally:
        stop.set()
        analyst.join()
