"""From the 202 to the message in a real mail server, over incidents that each wake another responder."""

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.kill.appliance import Desk, Duty, fresh_server
from tests.kill.calls import Caller
from tests.kill.checker import notification_of
from tests.kill.crowd import post
from tests.kill.facts import Store, instant
from tests.kill.ledger import Ledger
from tests.kill.sink import Mail, running_sink

GOAL_SECONDS = 1.0
WAIT_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Pages:
    """Seconds per incident: from the 202 to the stored mail, from posting to it, and what the product itself says."""

    incidents: int
    from_answer: tuple[float, ...]
    from_posting: tuple[float, ...]
    by_own_rows: tuple[float, ...]
    problems: tuple[str, ...]

    def lines(self) -> list[str]:
        """The figures to print."""
        return [
            f"{self.incidents} incidents, each with its own responder, {len(self.from_answer)} mails",
            f"from 202 to the stored mail:     {spread(self.from_answer)}",
            f"from posting to the stored mail: {spread(self.from_posting)}",
            f"row made to row sent (own rows): {spread(self.by_own_rows)}",
            f"goal: p99 of the first under {GOAL_SECONDS:g} s: {'reached' if self.good() else 'MISSED'}",
            *(f"DISAGREES: {problem}" for problem in self.problems),
        ]

    def good(self) -> bool:
        """Whether the goal was reached and the figures agree with each other."""
        return bool(self.from_answer) and quantile(self.from_answer, 0.99) < GOAL_SECONDS and not self.problems


def measure_pages(database_url: str | None = None, *, incidents: int = 200, pause_seconds: float = 0.05) -> Pages:
    """Post one alert for each of `incidents` responders, `pause_seconds` apart, and wait for all mails."""
    with tempfile.TemporaryDirectory(prefix="pagerpal-page-") as name:
        folder = Path(name)
        url = database_url or f"sqlite:///{folder / 'page.db'}"
        with running_sink(folder / "mails.jsonl") as sink, fresh_server(folder, url, sink.port) as server:
            server.start()
            desk = Desk(server.port)
            duties = [desk.duty(f"responder-{number}") for number in range(incidents)]
            ledger = Ledger(folder / "senders.jsonl")
            posted = _post_all(server.port, ledger, duties, pause_seconds)
            deadline = time.monotonic() + WAIT_SECONDS
            while len(sink.mails()) < incidents and time.monotonic() < deadline:
                time.sleep(0.2)
            time.sleep(1.0)
            return _compare(incidents, duties, posted, sink.mails(), Store(url), ledger)


def _post_all(
    port: int, ledger: Ledger, duties: Sequence[Duty], pause_seconds: float
) -> dict[str, tuple[float, float]]:
    """Address → when its alert was posted, and when the 202 was in hand."""
    caller = Caller(port)
    posted = {}
    for number, duty in enumerate(duties):
        posting = ledger.firing(f"{number:016x}", number)
        begun = time.time()
        post(caller, ledger, duty, posting)
        assert posting.outcome == "accepted", posting.outcomes
        posted[duty.email] = (begun, posting.accepted_at)
        time.sleep(pause_seconds)
    caller.close()
    return posted


def _compare(
    incidents: int,
    duties: Sequence[Duty],
    posted: dict[str, tuple[float, float]],
    mails: Sequence[Mail],
    store: Store,
    ledger: Ledger,
) -> Pages:
    problems = []
    arrived = {mail.recipients[0]: mail for mail in reversed(mails)}
    if len(mails) != incidents or len(arrived) != incidents:
        problems.append(f"{len(mails)} mails to {len(arrived)} people for {incidents} incidents")
    rows = {
        row["id"]: row for row in store.rows("SELECT id, created_at, sent_at FROM notifications WHERE kind = 'page'")
    }
    own = []
    for mail in mails:
        row = rows.get(notification_of(mail) or -1)
        sent_at = instant(row["sent_at"]) if row else None
        if row is None or sent_at is None:
            problems.append(f"{mail.message_id} has no sent row")
            continue
        own.append(sent_at - (instant(row["created_at"]) or 0.0))
        if not -0.5 < sent_at - mail.stored_at < 0.5:
            problems.append(f"{mail.message_id}: stored {mail.stored_at:.3f}, its row says {sent_at:.3f}")
    if len(ledger.of("accepted")) != incidents:
        problems.append(f"{len(ledger.of('accepted'))} accepted of {incidents}")
    known = [duty.email for duty in duties if duty.email in arrived]
    return Pages(
        incidents,
        tuple(arrived[email].stored_at - posted[email][1] for email in known),
        tuple(arrived[email].stored_at - posted[email][0] for email in known),
        tuple(own),
        tuple(problems),
    )


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which this share lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def spread(values: Sequence[float]) -> str:
    """Median, p99 and the longest, in milliseconds."""
    if not values:
        return "none"
    p50, p99 = (quantile(values, share) * 1000 for share in (0.5, 0.99))
    return f"p50 {p50:7.1f} ms   p99 {p99:7.1f} ms   max {max(values) * 1000:7.1f} ms"
