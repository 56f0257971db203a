"""Alarms over thousands of ticks of which a third cannot be evaluated: nothing clears by mistake, nobody is told twice.

The engine's own step on a real database, against a few lines that know when each entity was really in trouble and
what an observer who sees only the good ticks may say.
"""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from random import Random

from app.accounts.types import User
from app.alarms import queries, service
from app.alarms.types import Alarm, AlarmEvent, Detection, EventFilter, Found, Outcome, Trigger
from app.notify import queries as outbox
from app.notify.types import Notification, NotificationFilter, NotificationKind, NotificationStatus
from app.platform.db import Tx
from app.platform.runtime import Runtime
from app.platform.types import JsonObject, PageQuery
from app.usecases import deliver, run_alarms
from tests.support.people import add_admin
from tests.support.world import World

ENTITIES = [f"entity-{number}" for number in range(12)]
FAILS = 0.3
BEGINS, ENDS = 0.01, 0.05
UNREACHABLE = Found(Outcome.UNKNOWN, error="FetchError: no answer within 20 s")


@dataclass
class Report:
    """What was seen."""

    ticks: int = 0
    unknown: int = 0
    events: int = 0
    mails: int = 0
    false_clears: int = 0
    false_repeats: int = 0
    untold: int = 0

    def lines(self) -> list[tuple[str, str]]:
        """As a table."""
        return [(name.replace("_", " "), str(value)) for name, value in vars(self).items()]

    def findings(self) -> list[str]:
        """What must not be."""
        broken = {"false clears": self.false_clears, "false repeats": self.false_repeats, "never told": self.untold}
        return [f"{count} {name}" for name, count in broken.items() if count]


@dataclass
class Truth:
    """Which entities are in trouble, and what a perfect observer of the good ticks has seen begin."""

    random: Random
    firing: set[str] = field(default_factory=set)
    seen: set[str] = field(default_factory=set)
    begun: Counter[str] = field(default_factory=Counter)

    def moves(self) -> None:
        """Time passes."""
        for entity in ENTITIES:
            if self.random.random() < (ENDS if entity in self.firing else BEGINS):
                self.firing ^= {entity}

    def looks(self) -> Found:
        """A good tick."""
        self.begun.update(self.firing - self.seen)
        self.seen = set(self.firing)
        found = tuple(Detection(entity, f"{entity} fails") for entity in sorted(self.firing))
        return Found(Outcome.FIRING if found else Outcome.CLEAR, found)


def simulate(rt: Runtime, world: World, *, ticks: int, seed: int) -> Report:
    """So many ticks of one alarm that mails once for each lifecycle."""
    truth, report = Truth(Random(seed)), Report()
    admin = add_admin(rt)
    settings: JsonObject = {
        "module": "source_silent", "enabled": True, "recipients": ["ops@example.com"], "renotification_window_hours": 0,
    }  # fmt: skip
    alarm = asyncio.run(_made(rt, admin, settings))
    for _ in range(ticks):
        world.clock.advance(minutes=5)
        truth.moves()
        is_unknown = truth.random.random() < FAILS
        before = set(truth.seen)
        line = rt.db.write(partial(_tick, rt=rt, alarm=alarm, found=UNREACHABLE if is_unknown else truth.looks()))
        report.ticks += 1
        report.unknown += is_unknown
        gone = before - truth.seen
        report.false_clears += max(0, line["cleared"] - len(gone))
        if line["mail_ids"] or line["unknown_told"]:
            asyncio.run(_delivered(rt))
    _judge(rt, alarm, truth, report)
    return report


def _judge(rt: Runtime, alarm: Alarm, truth: Truth, report: Report) -> None:
    events = rt.db.read(lambda tx: queries.list_events(tx, EventFilter(alarm_id=alarm.id), PageQuery(1, 10**6))).items
    rows = rt.db.read(_mails)
    told = Counter(event_id for row in rows for event_id in row.facts["event_ids"])
    report.events, report.mails = len(events), sum(bool(row.facts["event_ids"]) for row in rows)
    report.false_repeats = sum(count - 1 for count in told.values()) + _too_many(events, truth)
    report.untold = sum(told[event.id] == 0 for event in events)
    report.untold += sum(row.status is not NotificationStatus.SENT for row in rows)


def _too_many(events: list[AlarmEvent], truth: Truth) -> int:
    fired = Counter(event.dedupe_key for event in events)
    return sum((fired - truth.begun).values()) + sum((truth.begun - fired).values())


def _mails(tx: Tx) -> list[Notification]:
    wanted = NotificationFilter(kind=NotificationKind.ALARM)
    return outbox.list_notifications(tx, wanted, PageQuery(1, 10**6)).items


def _tick(tx: Tx, rt: Runtime, alarm: Alarm, found: Found) -> JsonObject:
    now = rt.clock.now()
    run_id = service.begin_run(tx, boundary=now, trigger=Trigger.TICK, owner=rt.owner, now=now)
    assert run_id is not None
    return run_alarms.record(tx, rt, alarm, found, run_alarms.Pass(run_id, now))


async def _made(rt: Runtime, admin: User, settings: JsonObject) -> Alarm:
    return await run_alarms.create_alarm(rt, entry_id="shaky", settings=settings, actor=admin, now=rt.clock.now())


async def _delivered(rt: Runtime) -> None:
    await deliver.deliver_due(rt, rt.clock.now())
    await deliver.drain(rt)
