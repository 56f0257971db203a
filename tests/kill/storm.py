"""Ten thousand alerts of one group as fast as they go, while somebody else's unrelated incident must still be paged."""

import json
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from tests.kill.appliance import ROOT, Desk, Duty, fresh_server
from tests.kill.calls import Caller
from tests.kill.checker import Violation
from tests.kill.crowd import post
from tests.kill.facts import Store
from tests.kill.ledger import Ledger
from tests.kill.sink import Mail, Sink, running_sink

MOST_MESSAGES = 5
FIRST_PAGE_SECONDS = 1.0
WINDOW_SECONDS = 62.0
# Pages of others from the beginning of the storm to its end, when its incident has thousands of alerts.
BYSTANDERS = 30
BYSTANDERS_OF_A_SMALL_STORM = 8
BYSTANDER_PAUSE_SECONDS = 0.5
RUN = "5707"


@dataclass(frozen=True, slots=True)
class StormReport:
    """What the storm did, in numbers; times in seconds."""

    alerts: int
    statuses: dict[str, int]
    seconds: float
    messages: int
    bystander_seconds: tuple[float, ...]
    violations: tuple[Violation, ...]

    def lines(self) -> list[tuple[str, str]]:
        """The table: what and how much."""
        answers = ", ".join(f"{status}: {count}" for status, count in self.statuses.items())
        waits = sorted(self.bystander_seconds)
        return [
            ("alerts posted over 16 connections", f"{self.alerts} in {self.seconds:.1f} s, {self.rate:.0f} a second"),
            ("answers", answers),
            ("messages to the responder of the storm", f"{self.messages} (at most {MOST_MESSAGES})"),
            (
                "first pages of others meanwhile, from posting to the mail",
                f"{len(waits)}: median {waits[len(waits) // 2]:.3f} s, longest {waits[-1]:.3f} s" if waits else "none",
            ),
            ("violations", str(len(self.violations))),
        ]

    @property
    def rate(self) -> float:
        """Answers a second."""
        return self.alerts / self.seconds


def storm(folder: Path, database_url: str, *, alerts: int, full: bool) -> StormReport:
    """One storm on an empty database; `full` also waits for the end of the responder's storm window."""
    with running_sink(folder / "mails.jsonl") as sink, fresh_server(folder, database_url, sink.port) as server:
        server.start()
        desk = Desk(server.port)
        stormy = desk.duty("stormy", grouping="group_key")
        count = BYSTANDERS if full else BYSTANDERS_OF_A_SMALL_STORM
        others = [desk.duty(f"bystander-{number}") for number in range(count)]
        load = _begin_load(folder, server.port, stormy, alerts)
        posted = _post_for_others(server.port, folder, others, load)
        output, _ = load.communicate(timeout=300)
        result = json.loads(output)
        waits = _wait_for_pages(sink, posted)
        if full:
            time.sleep(WINDOW_SECONDS)
        mails = sink.mails()
        book = [line.split() for line in (folder / "storm.book").read_text(encoding="ascii").splitlines()]
        violations = _judge(Store(database_url), book, mails, stormy, waits, alerts)
        to_stormy = sum(stormy.email in mail.recipients for mail in mails)
        seen = tuple(wait for wait in waits.values() if wait is not None)
        return StormReport(alerts, result["statuses"], result["seconds"], to_stormy, seen, tuple(violations))


def _begin_load(folder: Path, port: int, duty: Duty, count: int) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "tests.bench.load", "--port", str(port), f"--key={duty.api_key}", "--run", RUN]
    more = ["--count", str(count), "--connections", "16", "--book", str(folder / "storm.book")]
    return subprocess.Popen([*command, *more], cwd=ROOT, stdout=subprocess.PIPE)


def _post_for_others(
    port: int, folder: Path, others: list[Duty], load: "subprocess.Popen[bytes]"
) -> dict[str, tuple[float, float]]:
    """One alert for each bystander while the load runs: address → when it was posted, and when it was answered."""
    ledger = Ledger(folder / "bystanders.jsonl")
    caller = Caller(port)
    posted: dict[str, tuple[float, float]] = {}
    pause = threading.Event()
    for number, duty in enumerate(others):
        pause.wait(BYSTANDER_PAUSE_SECONDS)
        if load.poll() is not None and posted:
            break
        posting = ledger.firing(f"b{number:015x}", number)
        begun = time.time()
        post(caller, ledger, duty, posting)
        if posting.outcome == "accepted":
            posted[duty.email] = (begun, posting.accepted_at)
    caller.close()
    return posted


def _wait_for_pages(sink: Sink, posted: dict[str, tuple[float, float]]) -> dict[str, float | None]:
    """Address → seconds from posting to the stored mail; None for a page that never came."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        stored = {mail.recipients[0]: mail.stored_at for mail in reversed(sink.mails())}
        if posted.keys() <= stored.keys():
            break
        time.sleep(0.05)
    return {email: stored[email] - begun if email in stored else None for email, (begun, _) in posted.items()}


def _judge(
    store: Store, book: list[list[str]], mails: list[Mail], stormy: Duty, waits: dict[str, float | None], alerts: int
) -> list[Violation]:
    rows = store.rows(f"SELECT labels FROM alerts WHERE source_id = {int(stormy.source_id)}")  # noqa: S608
    names = Counter(_instance(row["labels"]) for row in rows)
    found: list[Violation] = []
    for uid, status, _ in book:
        held = names[f"db-{uid}.eu-west.example.com:9100"]
        if status == "202" and held != 1:
            found.append(Violation("I1 accepted alert missing", f"{uid} was accepted and has {held} rows"))
        if status in {"429", "503"} and held:
            found.append(Violation("refused alert stored", f"{uid} was answered {status}"))
        if status not in {"202", "429", "503"}:
            found.append(Violation("forbidden answer", f"{uid}: {status}"))
    if len(book) != alerts:
        found.append(Violation("harness", f"{len(book)} answers for {alerts} alerts"))
    to_stormy = sum(stormy.email in mail.recipients for mail in mails)
    if not 1 <= to_stormy <= MOST_MESSAGES:
        found.append(Violation("B29 storm of messages", f"{to_stormy} messages to one responder"))
    for email, wait in waits.items():
        if wait is None or wait > FIRST_PAGE_SECONDS:
            took = "never came" if wait is None else f"took {wait:.2f} s"
            found.append(Violation("I13 another's page waits", f"the first page of {email} {took}"))
    if not waits:
        found.append(Violation("harness", "no bystander could post while the storm lasted"))
    return found


def _instance(labels: object) -> str:
    values = json.loads(labels) if isinstance(labels, str) else labels
    return str(values["instance"]) if isinstance(values, dict) else ""
