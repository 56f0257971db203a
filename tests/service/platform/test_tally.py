"""Totals that only ever grow: settled rows are added once, recent ones are read, removed ones stay counted."""

from datetime import datetime, timedelta
from functools import partial

import pytest
from sqlalchemy import delete, insert, update

from app.checks.models import CheckRunRow
from app.checks.types import CheckStatus
from app.platform import tally
from app.platform.runtime import Runtime
from app.platform.tally import SETTLED_AFTER, Fact
from tests.support.clock import FrozenClock

COUNTED = Fact(
    name="test_checks",
    help="Checks.",
    labels={"checker": CheckRunRow.checker_name, "status": CheckRunRow.status},
    at=CheckRunRow.executed_at,
)
TIMED = Fact(
    name="test_durations",
    help="Durations.",
    labels={},
    at=CheckRunRow.executed_at,
    amount=CheckRunRow.duration_ms / 1000.0,
    buckets=(0.1, 1.0),
)
CHANGING = Fact(name="test_later", help="Checks.", labels={}, at=CheckRunRow.executed_at, may_change=True)


class Counting:
    """What a test does to the rows, and what is then told of them."""

    def __init__(self, rt: Runtime, clock: FrozenClock) -> None:
        self.rt = rt
        self.clock = clock

    def happens(
        self, times: int = 1, *, checker: str = "cpu", duration_ms: float = 1.0, at: datetime | None = None
    ) -> None:
        row = {
            "checker_name": checker, "hostname": "h", "status": CheckStatus.OK, "duration_ms": duration_ms,
            "executed_at": at or self.clock.now(), "trace_id": "t",
        }  # fmt: skip
        self.rt.db.write(lambda tx: tx.execute(insert(CheckRunRow), [row] * times))

    def settle(self, *facts: Fact) -> None:
        additions = self.rt.db.read(lambda tx: tally.settled(tx, facts or (COUNTED,), now=self.clock.now()))
        self.rt.db.write(lambda tx: tally.add(tx, additions))

    def told(self, fact: Fact = COUNTED) -> dict[tuple[str, ...], float]:
        [(_, totals)] = self.rt.db.read(lambda tx: list(tally.totals(tx, [fact], now=self.clock.now())))
        return {key: total.amount for key, total in totals.items()}


@pytest.fixture
def counting(rt: Runtime, clock: FrozenClock) -> Counting:
    """Nothing has happened, and counting has begun."""
    made = Counting(rt, clock)
    made.settle(COUNTED, TIMED, CHANGING)
    return made


def test_what_happened_is_told_at_once_and_counted_once(counting: Counting) -> None:
    counting.happens(2)
    counting.happens(checker="disk")
    expected = {("cpu", "ok"): 2.0, ("disk", "ok"): 1.0}
    assert counting.told() == expected
    for _ in range(3):
        counting.clock.advance(seconds=45)
        counting.settle()
        assert counting.told() == expected
    counting.happens()
    assert counting.told() == expected | {("cpu", "ok"): 3.0}
    counting.clock.advance(seconds=45)
    counting.settle()
    assert counting.told() == expected | {("cpu", "ok"): 3.0}


def test_totals_do_not_go_down_when_old_rows_are_removed(counting: Counting) -> None:
    counting.happens(5)
    counting.clock.advance(minutes=1)
    counting.settle()
    counting.rt.db.write(lambda tx: tx.execute(delete(CheckRunRow)))
    counting.happens()
    assert counting.told() == {("cpu", "ok"): 6.0}


def test_a_row_that_commits_late_is_counted_while_it_is_not_too_late(counting: Counting) -> None:
    made_at = counting.clock.now()
    counting.clock.advance(seconds=SETTLED_AFTER.total_seconds() - 1)
    counting.settle()
    counting.happens(at=made_at)
    counting.clock.advance(minutes=1)
    counting.settle()
    assert counting.told() == {("cpu", "ok"): 1.0}


def test_two_processes_that_both_think_they_lead_count_nothing_twice(counting: Counting) -> None:
    counting.happens()
    counting.clock.advance(minutes=1)
    rt, now = counting.rt, counting.clock.now()
    both = [rt.db.read(lambda tx: tally.settled(tx, [COUNTED], now=now)) for _ in range(2)]
    for additions in both:
        rt.db.write(partial(tally.add, additions=additions))
    assert counting.told() == {("cpu", "ok"): 1.0}


def test_what_can_be_taken_back_is_counted_when_it_has_settled(counting: Counting) -> None:
    counting.happens(2)
    assert counting.told(CHANGING) == {}
    counting.rt.db.write(
        lambda tx: tx.execute(
            update(CheckRunRow).where(CheckRunRow.id == 1).values(executed_at=counting.clock.now() + timedelta(days=1))
        )
    )
    counting.clock.advance(minutes=1)
    counting.settle(CHANGING)
    assert sum(counting.told(CHANGING).values()) == 1.0


def test_a_storm_is_counted_in_parts_and_whole(counting: Counting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tally, "ROWS_AT_MOST", 10)
    for second in range(6):
        counting.happens(4, at=counting.clock.now() + timedelta(seconds=second))
    counting.clock.advance(minutes=2)
    told = []
    for _ in range(5):
        counting.settle()
        told.append(sum(counting.told().values()))
    assert told == sorted(told)
    assert told[-1] == 24.0


def test_amounts_fall_into_buckets(counting: Counting) -> None:
    for duration_ms in (50, 100, 500, 5000):
        counting.happens(duration_ms=duration_ms)
    for _ in range(2):
        [(_, totals)] = counting.rt.db.read(lambda tx: list(tally.totals(tx, [TIMED], now=counting.clock.now())))
        total = totals[()]
        assert (total.count, total.buckets) == (4, [2, 3])
        assert total.amount == pytest.approx(5.65)
        counting.clock.advance(minutes=1)
        counting.settle(TIMED)
