"""The kill loop: load, kill, start again, and at intervals let everything drain and judge it."""

import random
import statistics
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from app.platform.failpoints import named_places
from tests.kill.appliance import Desk, Duty, Server, fresh_server
from tests.kill.checker import WAITING, Evidence, Violation, alert_name, judge
from tests.kill.crowd import Crowd
from tests.kill.facts import Store, instant
from tests.kill.ledger import Ledger, Posting
from tests.kill.sink import Sink, running_sink

FAILPOINT_SHARE = 0.3
BOOT_SHARE = 0.06
LOAD_SECONDS = (0.05, 2.0)
FAILPOINT_PATIENCE_SECONDS = 8.0
# How often a place strikes when it is passed: busy places seldom, so that some work is done before.
STRIKES = {"ingest": 0.05, "writer": 0.05, "notify": 0.15}
# Families of places that this load passes; what only happens after long downtimes has tests of its own.
PLACES = {"ingest", "writer", "notify", "escalate", "answer", "pipeline"}
SENDERS = 4


@dataclass(frozen=True, slots=True)
class Plan:
    """How long and how hard: `check_every` kills a drain and a judgement; `full` waits for storm windows to end.

    A drain waits for first sends that come due within `ahead_seconds`; later ones are judged as on their way.
    """

    kills: int
    seed: int = 1
    check_every: int = 25
    duties: int = 12
    full: bool = True
    ahead_seconds: float = 120.0


@dataclass
class Report:
    """What happened, in numbers, and every violation."""

    database: str
    seconds: float = 0.0
    kills: Counter[str] = field(default_factory=Counter)
    missed: int = 0
    accepted: int = 0
    refused: int = 0
    unknown: int = 0
    incidents: int = 0
    acknowledged: int = 0
    mails: int = 0
    repeats: int = 0
    boots: list[float] = field(default_factory=list)
    violations: list[Violation] = field(default_factory=list)

    def lines(self) -> list[tuple[str, str]]:
        """The table: what and how much."""
        aims = ", ".join(f"{aim} {count}" for aim, count in sorted(self.kills.items()))
        return [
            ("kills", f"{sum(self.kills.values())} ({aims}; {self.missed} failpoints not reached in time)"),
            ("webhooks accepted / refused", f"{self.accepted} / {self.refused}"),
            ("tries without an answer, sent again", str(self.unknown)),
            ("incidents, acknowledged", f"{self.incidents}, {self.acknowledged}"),
            ("messages, of them marked as possible repeat", f"{self.mails}, {self.repeats}"),
            ("start to healthy, median / longest", f"{statistics.median(self.boots):.2f} s / {max(self.boots):.2f} s"),
            ("violations", str(len(self.violations))),
            ("seconds", f"{self.seconds:.0f}"),
        ]


class Loop:
    """One appliance on one database, with its sink and its crowd."""

    def __init__(self, plan: Plan, server: Server, sink: Sink, store: Store, ledger: Ledger) -> None:
        self.plan = plan
        self.server = server
        self.sink = sink
        self.store = store
        self.ledger = ledger
        self.chance = random.Random(plan.seed)
        self.places = [name for name in named_places() if name.split(".")[0] in PLACES]
        self.boots: list[float] = []

    def run(self) -> list[Violation]:
        """Every kill and every judgement; stops at the first judgement that finds something."""
        self.boots.append(self.server.start())
        crowd = Crowd(self.server.port, self.ledger, duties(self.server, self.plan.duties), senders=SENDERS,
                      seed=self.plan.seed)  # fmt: skip
        crowd.begin()
        try:
            for number in range(1, self.plan.kills + 1):
                self._one_kill(crowd)
                if number % self.plan.check_every == 0 or number == self.plan.kills:
                    self.boots.append(self.server.start())
                    violations = self.drain_and_judge(crowd)
                    if violations:
                        return violations
            return []
        finally:
            crowd.end()

    def drain_and_judge(self, crowd: Crowd | None = None) -> list[Violation]:
        """With the server up: send again what is unknown, wait until nothing is due, and compare the books."""
        if crowd is not None:
            crowd.settle()
        deadline = time.monotonic() + (140 if self.plan.full else 45)
        while time.monotonic() < deadline and self._undone(deadline - time.monotonic()):
            time.sleep(0.25)
        return judge(self.evidence())

    def evidence(self) -> Evidence:
        """What the books say now."""
        return Evidence(self.ledger, self.sink.mails(), self.store.facts())

    def take_away(self, posting: Posting) -> bool:
        """Rename an accepted alert's row, as if it had never been stored, to see whether the judge notices."""
        return self.store.run("UPDATE alerts SET name = 'taken' WHERE name = %s", (alert_name(posting.uid),)) == 1

    def _one_kill(self, crowd: Crowd) -> None:
        draw = self.chance.random()
        if draw < FAILPOINT_SHARE:
            self._kill_idle()
            self._kill_at_failpoint(crowd)
        elif draw < FAILPOINT_SHARE + BOOT_SHARE:
            self._kill_idle()
            self.server.begin()
            time.sleep(self.chance.uniform(0.05, 1.0))
            self.server.kill()
            self.ledger.killed("boot", hit=True)
        else:
            if not self.server.is_alive():
                self.boots.append(self.server.start())
            crowd.open()
            time.sleep(self.chance.uniform(*LOAD_SECONDS))
            self.server.kill()
            self.ledger.killed("random", hit=True)
            crowd.close()

    def _kill_at_failpoint(self, crowd: Crowd) -> None:
        place = self.chance.choice(self.places)
        strike = STRIKES.get(place.split(".")[0], 0.6)
        self.server.begin(failpoints=f"{place}=kill:{strike}")
        if self.server.wait_for_health_or_death():
            crowd.open()
        hit = self.server.wait_for_death(FAILPOINT_PATIENCE_SECONDS)
        if not hit:
            self.server.kill()
        self.ledger.killed(place, hit=hit)
        crowd.close()

    def _kill_idle(self) -> None:
        if self.server.is_alive():
            self.server.kill()
            self.ledger.killed("idle", hit=True)

    def _undone(self, patience: float) -> bool:
        """Whether something is due, or comes due while there is patience: what comes later is waited for in vain."""
        states = WAITING | ({"held"} if self.plan.full else set())
        quoted = ", ".join(f"'{state}'" for state in sorted(states))
        rows = self.store.rows(f"SELECT status, due_at FROM notifications WHERE status IN ({quoted})")  # noqa: S608
        ahead = {"pending": min(patience, self.plan.ahead_seconds)}
        return any((instant(row["due_at"]) or 0) < time.time() + ahead.get(row["status"], patience) for row in rows)


def duties(server: Server, count: int) -> Sequence[Duty]:
    """The first set-up: one duty whose alerts share an incident, some that climb at once, the rest one level deep."""
    desk = Desk(server.port)
    second, _ = desk.person("second")
    made = [desk.duty("crowd", grouping="group_key")]
    climbing = max(1, count // 4)
    made += [desk.duty(f"climbing-{number}", then=[second], delay_minutes=0) for number in range(climbing)]
    made += [desk.duty(f"alone-{number}") for number in range(count - 1 - climbing)]
    return made


@contextmanager
def loop_on(folder: Path, database_url: str, plan: Plan) -> Iterator[Loop]:
    """Everything the loop needs, on an empty database; all processes end with the block."""
    with (
        running_sink(folder / "mails.jsonl") as sink,
        fresh_server(folder, database_url, sink.port) as server,
    ):
        yield Loop(plan, server, sink, Store(database_url), Ledger(folder / "senders.jsonl"))


def kill_and_judge(folder: Path, database_url: str, plan: Plan) -> Report:
    """The whole run on an empty database; its files stay in `folder`."""
    begun = time.monotonic()
    with loop_on(folder, database_url, plan) as loop:
        violations = loop.run()
        return report_of(loop, violations, time.monotonic() - begun)


def report_of(loop: Loop, violations: list[Violation], seconds: float) -> Report:
    """The numbers of a finished loop."""
    ledger = loop.ledger
    mails = loop.sink.mails()
    tries = [outcome for posting in ledger.postings.values() for _, outcome, _ in posting.outcomes]
    return Report(
        database="SQLite" if loop.store.is_sqlite else "PostgreSQL",
        seconds=seconds,
        kills=Counter(kill.aim for kill in ledger.kills if kill.aim != "idle"),
        missed=sum(not kill.hit for kill in ledger.kills),
        accepted=len(ledger.of("accepted")),
        refused=len(ledger.of("refused")),
        unknown=tries.count("unknown"),
        incidents=len(loop.store.rows("SELECT id FROM incidents")),
        acknowledged=sum(entry.answered_at is not None for entry in ledger.acknowledgements.values()),
        mails=len(mails),
        repeats=sum(mail.is_marked for mail in mails),
        boots=loop.boots,
        violations=violations,
    )
