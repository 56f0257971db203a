"""Two processes on one PostgreSQL with their workers on: one is killed, the other must go on paging."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.kill.appliance import Desk, Duty, Server, environment_for, free_port, fresh_server
from tests.kill.calls import Caller
from tests.kill.checker import Evidence, Violation, judge
from tests.kill.crowd import post
from tests.kill.facts import Store
from tests.kill.ledger import Ledger
from tests.kill.sink import Sink, running_sink

TAKE_OVER_SECONDS = 15.0
HOLD_SECONDS = 4.0
POLL_SECONDS = 0.05
# What a storm window holds back is due later, and not on the way.
ON_THE_WAY = """
SELECT id FROM notifications WHERE status IN ('in_flight', 'unknown') OR (status = 'pending' AND due_at <= now())
"""
CLIMB_MINUTES = 1


@dataclass
class Round:
    """One kill of the leader; seconds count from the kill."""

    in_flight: int
    repeats: int
    new_page_seconds: float
    last_page_seconds: float
    leader_seconds: float
    climb_late_seconds: float | None = None


@dataclass
class TakeoverReport:
    """What each round did, and every violation."""

    rounds: list[Round] = field(default_factory=list)
    violations: list[Violation] = field(default_factory=list)

    def lines(self) -> list[tuple[str, str]]:
        """The table: what and how much."""
        climbs = [r.climb_late_seconds for r in self.rounds if r.climb_late_seconds is not None]
        return [
            ("leaders killed", str(len(self.rounds))),
            ("sends in flight when it died / sent again", f"{self._sum('in_flight')} / {self._sum('repeats')}"),
            ("first new page after the kill, longest", self._longest("new_page_seconds")),
            ("last page of the killed process caught up, longest", self._longest("last_page_seconds")),
            ("other process leads after, longest", self._longest("leader_seconds")),
            ("level that came due meanwhile, late by at most", f"{max(climbs):.1f} s" if climbs else "not tried"),
            ("violations", str(len(self.violations))),
        ]

    def _sum(self, name: str) -> int:
        return sum(getattr(one, name) for one in self.rounds)

    def _longest(self, name: str) -> str:
        return f"{max((getattr(one, name) for one in self.rounds), default=0.0):.1f} s"


class Pair:
    """Two servers on one database, and whoever posts to them."""

    def __init__(self, servers: Sequence[Server], sink: Sink, store: Store, ledger: Ledger, desk_port: int) -> None:
        self.servers = list(servers)
        self.sink = sink
        self.store = store
        self.ledger = ledger
        self.desk = Desk(desk_port)
        self.duties: list[Duty] = []
        self.numbers = 0

    def leader(self) -> Server:
        """The one whose `/health` says so. Raises AssertionError when nobody leads within the allowed time."""
        return self._leading(self.servers)[0]

    def round(self, number: int, *, climb: bool) -> Round:
        """Kill the leader with sends on the way and watch the other take over."""
        leading = self.leader()
        other = next(server for server in self.servers if server is not leading)
        self.desk = Desk(other.port)
        climbing = self._duties(f"climb-{number}", 2 if climb else 0, then=True)
        before, new = self._duties(f"flight-{number}", 4), self._duties(f"new-{number}", 4)
        self._post(other, climbing)
        self._wait_for_mails(climbing)
        due = self._due(climbing)
        if climb:
            time.sleep(max(0.0, min(due.values()) - time.time() - 5))
        killed_at, in_flight = self._kill_in_flight(leading, before)
        self._post(other, new)
        _, took = self._leading([other])
        new_at = self._wait_for_mails(new)
        settled_at = self._settle()
        result = Round(in_flight, self._repeats(before), new_at - killed_at, settled_at - killed_at, took - killed_at)
        if climb:
            result.climb_late_seconds = self._climbed(climbing, due)
        leading.start()
        return result

    def _kill_in_flight(self, leading: Server, duties: Sequence[Duty]) -> tuple[float, int]:
        """Kill while the sink has stored these pages and answered none; returns when, and how many were on the way."""
        self.sink.hold(HOLD_SECONDS)
        self._post(leading, duties)
        self._wait_for_mails(duties)
        leading.kill()
        self.ledger.killed("leader", hit=True)
        self.sink.hold(0)
        return self.ledger.kills[-1].at, len(self.store.rows("SELECT id FROM notifications WHERE status = 'in_flight'"))

    def _duties(self, name: str, count: int, *, then: bool = False) -> list[Duty]:
        # A second person each: one who was paged just now would hear of the other incident in the next message only.
        second = [[self.desk.person(f"{name}-{n}-second")[0]] if then else [] for n in range(count)]
        delay = CLIMB_MINUTES if then else 30
        made = [self.desk.duty(f"{name}-{n}", then=second[n], delay_minutes=delay) for n in range(count)]
        self.duties += made
        return made

    def _post(self, server: Server, duties: Sequence[Duty]) -> None:
        caller = Caller(server.port)
        for duty in duties:
            self.numbers += 1
            post(caller, self.ledger, duty, self.ledger.firing(f"{self.numbers:016x}", self.duties.index(duty)))
        caller.close()

    def _wait_for_mails(self, duties: Sequence[Duty]) -> float:
        """Until each of these people has a mail; returns when the last of the first ones was stored."""
        wanted = {duty.email for duty in duties}
        deadline = time.monotonic() + TAKE_OVER_SECONDS + 5
        while time.monotonic() < deadline:
            first = {mail.recipients[0]: mail.stored_at for mail in reversed(self.sink.mails())}
            if wanted <= first.keys():
                return max((first[email] for email in wanted), default=0.0)
            time.sleep(POLL_SECONDS)
        raise AssertionError(f"no page for {sorted(wanted - first.keys())} within {TAKE_OVER_SECONDS + 5:.0f} s")

    def _leading(self, candidates: Sequence[Server]) -> tuple[Server, float]:
        deadline = time.monotonic() + TAKE_OVER_SECONDS + 5
        while time.monotonic() < deadline:
            for server in candidates:
                if (server.health() or {}).get("workers") == "leader":
                    return server, time.time()
            time.sleep(POLL_SECONDS)
        raise AssertionError("nobody leads")

    def _settle(self) -> float:
        """Until nothing is on the way any more; returns when that was."""
        deadline = time.monotonic() + TAKE_OVER_SECONDS + 25
        while time.monotonic() < deadline:
            if not self.store.rows(ON_THE_WAY):
                break
            time.sleep(POLL_SECONDS)
        return time.time()

    def _repeats(self, duties: Sequence[Duty]) -> int:
        wanted = {duty.email for duty in duties}
        return sum(mail.is_marked for mail in self.sink.mails() if mail.recipients[0] in wanted)

    def _due(self, duties: Sequence[Duty]) -> dict[int, float]:
        """Incident → when its next level is due, for these sources."""
        wanted = self._incidents(duties)
        return {e.incident_id: e.due_at for e in self.store.facts().escalations if e.incident_id in wanted and e.due_at}

    def _incidents(self, duties: Sequence[Duty]) -> set[int]:
        numbers = {self.duties.index(duty) for duty in duties}
        postings = [posting for posting in self.ledger.of("accepted") if posting.duty in numbers]
        return {incident_id for posting in postings for incident_id in posting.incident_ids}

    def _climbed(self, duties: Sequence[Duty], due: dict[int, float]) -> float:
        """How late the latest of these escalations reached level 2; negative would be early."""
        wanted = self._incidents(duties)
        deadline = max(due.values()) + TAKE_OVER_SECONDS + 5
        while not (begun := self._level_two(wanted)).keys() >= wanted and time.time() < deadline:
            time.sleep(POLL_SECONDS)
        lateness = [begun.get(incident_id, time.time()) - due[incident_id] for incident_id in wanted]
        assert min(lateness) > -0.01, f"a level was paged early: {lateness}"
        return max(lateness)

    def _level_two(self, wanted: set[int]) -> dict[int, float]:
        rows = self.store.facts().notifications
        return {
            row.incident_id: row.attempts_at[0]
            for row in rows
            if row.incident_id in wanted and row.level == 2 and row.attempts_at
        }


def takeover(folder: Path, database_url: str, *, rounds: int, climb: bool) -> TakeoverReport:
    """Kill the leader `rounds` times; with `climb` a level comes due while nobody leads (adds a minute a round)."""
    report = TakeoverReport()
    with pair_on(folder, database_url) as pair:
        for number in range(rounds):
            report.rounds.append(pair.round(number, climb=climb))
        report.violations = judge(Evidence(pair.ledger, pair.sink.mails(), pair.store.facts()))
    for done in report.rounds:
        slowest = max(done.new_page_seconds, done.last_page_seconds, done.leader_seconds, done.climb_late_seconds or 0)
        if slowest > TAKE_OVER_SECONDS:
            report.violations.append(Violation("B47 take-over too slow", f"{slowest:.1f} s: {done}"))
        if done.repeats > done.in_flight:
            report.violations.append(
                Violation("I5 unexplained double page", f"more repeats than sends in flight: {done}")
            )
    return report


@contextmanager
def pair_on(folder: Path, database_url: str) -> Iterator[Pair]:
    """Two running servers on one empty PostgreSQL database; all processes end with the block."""
    with running_sink(folder / "mails.jsonl") as sink, fresh_server(folder, database_url, sink.port) as first:
        port = free_port()
        environment = environment_for(database_url, port=port, smtp_port=sink.port)
        second = Server(port, environment, folder / f"{port}.log")
        try:
            first.start()
            second.start()
            yield Pair([first, second], sink, Store(database_url), Ledger(folder / "senders.jsonl"), first.port)
        finally:
            if second.is_alive():
                second.kill()
