"""Totals that only ever grow, of rows that come and go: the counters and histograms of `/metrics`.

To count a whole table would take longer with every row, and less would be found when old rows are removed. So what has
settled is added up by and by and kept, and a reader adds what came since: every process tells the same totals, and
takes the same short time for it.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Float, case, func, insert, literal, select, update
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.sql.functions import GenericFunction

from app.platform.db import Tx
from app.platform.models import TallyRow
from app.platform.tables import Base, table_of

# A row carries the time at which it was made, and is seen once its transaction has committed.
SETTLED_AFTER = timedelta(seconds=30)
# So many rows of one kind are counted in one go; what a storm brings beyond that is counted the next time.
ROWS_AT_MOST = 20_000
# Where a tally keeps up to when it has counted; no row has such labels.
_MARK = ""
_MOMENT = timedelta(microseconds=1)

_rows = table_of(TallyRow)


@dataclass(frozen=True, slots=True, eq=False)
class Fact:
    """Something that happens, and how it is counted: by the values of its labels, since `at`, an indexed column.

    `amount` is what each row adds, 1 unless said. With `buckets` (their upper bounds) the amounts become a histogram.
    `joined` are other tables that say more, each by a condition; `where` leaves rows out. Rows that `may_change` after
    they were written are counted only when they have settled.
    """

    name: str
    help: str
    labels: Mapping[str, "ColumnElement[Any] | InstrumentedAttribute[Any]"]
    at: InstrumentedAttribute[Any]
    amount: "ColumnElement[Any] | InstrumentedAttribute[Any] | None" = None
    where: "ColumnElement[bool] | None" = None
    joined: tuple[tuple[type[Base], "ColumnElement[bool]"], ...] = ()
    buckets: tuple[float, ...] = ()
    may_change: bool = False


@dataclass(slots=True)
class Total:
    """What came together under the same labels; `buckets` count the amounts up to each upper bound."""

    count: int = 0
    amount: float = 0.0
    buckets: list[int] = field(default_factory=list)


Totals = dict[tuple[str, ...], Total]


@dataclass(frozen=True, slots=True)
class Addition:
    """What has settled of a fact: counted since `since`, up to `until`, and what the totals are with it."""

    fact: Fact
    since: datetime | None
    until: datetime
    new: Totals = field(default_factory=dict)
    changed: Totals = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Kept:
    """What is stored of a fact: the totals, and up to when they have counted."""

    until: datetime | None = None
    totals: Totals = field(default_factory=dict)


class seconds_between(GenericFunction[float]):
    """The seconds from one instant to a later one."""

    type = Float()
    inherit_cache = True


@compiles(seconds_between, "sqlite")
def _on_sqlite(element: Any, compiler: Any, **how: Any) -> str:
    since, until = (compiler.process(each, **how) for each in element.clauses)
    return f"((julianday({until}) - julianday({since})) * 86400.0)"


@compiles(seconds_between, "postgresql")
def _on_postgresql(element: Any, compiler: Any, **how: Any) -> str:
    since, until = (compiler.process(each, **how) for each in element.clauses)
    return f"EXTRACT(EPOCH FROM ({until} - {since}))"


def settled(tx: Tx, facts: Iterable[Fact], *, now: datetime) -> list[Addition]:
    """What has settled and is not in the totals yet; the first time only that counting begins now."""
    kept = _kept(tx)
    found = []
    for fact in facts:
        before, until = kept.get(fact.name, _Kept()), now - SETTLED_AFTER
        if before.until is None:
            found.append(Addition(fact, None, until))
        elif before.until < until:
            until = _bounded(tx, fact, before.until, until)
            recent = _counted(tx, fact, before.until, until)
            after = _sum(before.totals, recent)
            new = {key: after[key] for key in recent if key not in before.totals}
            changed = {key: after[key] for key in recent if key in before.totals}
            found.append(Addition(fact, before.until, until, new, changed))
    return found


def add(tx: Tx, additions: Iterable[Addition]) -> None:
    """Store the totals that `settled` found, each unless another process has counted the same meanwhile."""
    for each in additions:
        if not _move_mark(tx, each):
            continue
        for key, total in each.new.items():
            labels = json.dumps(key)
            tx.execute(insert(_rows).values(name=each.fact.name, labels=labels, **_values(total)))
        for key, total in each.changed.items():
            mine = (_rows.c.name == each.fact.name, _rows.c.labels == json.dumps(key))
            tx.execute(update(_rows).where(*mine).values(**_values(total)))


def totals(tx: Tx, facts: Iterable[Fact], *, now: datetime) -> Iterator[tuple[Fact, Totals]]:
    """The totals of each fact by the values of its labels, up to this moment."""
    kept = _kept(tx)
    for fact in facts:
        found = kept.get(fact.name, _Kept())
        recent: Totals = {}
        if not fact.may_change:
            # Another process may have a clock that is ahead of ours.
            until = _bounded(tx, fact, found.until, now + SETTLED_AFTER)
            recent = _counted(tx, fact, found.until, until)
        yield fact, _sum(found.totals, recent)


def settled_until(tx: Tx, facts: Iterable[Fact]) -> datetime | None:
    """What happened before then is in the totals of every fact and may be removed; None before counting has begun."""
    kept = _kept(tx)
    marks = [kept.get(fact.name, _Kept()).until for fact in facts]
    known = [mark for mark in marks if mark is not None]
    return min(known) if known and len(known) == len(marks) else None


def _kept(tx: Tx) -> dict[str, _Kept]:
    # One statement, so that the totals are those of the marks.
    found: dict[str, _Kept] = {}
    for row in tx.execute(select(_rows).order_by(_rows.c.name, _rows.c.labels != _MARK)).mappings():
        if row["labels"] == _MARK:
            found[row["name"]] = _Kept(row["settled_until"])
        else:
            total = Total(row["count"], row["amount"], row["buckets"])
            found[row["name"]].totals[tuple(json.loads(row["labels"]))] = total
    return found


def _since(fact: Fact, since: datetime | None) -> "ColumnElement[bool]":
    return fact.at.is_not(None) if since is None else fact.at > since


def _bounded(tx: Tx, fact: Fact, since: datetime | None, until: datetime) -> datetime:
    """`until`, or sooner, so that not too many rows lie between; those of one instant stay together."""
    beyond: datetime | None = tx.scalar(
        select(fact.at).where(_since(fact, since), fact.at <= until).order_by(fact.at).offset(ROWS_AT_MOST).limit(1)
    )
    if beyond is None:
        return until
    return beyond if since is not None and beyond - _MOMENT <= since else beyond - _MOMENT


def _counted(tx: Tx, fact: Fact, since: datetime | None, until: datetime) -> Totals:
    amount = literal(1) if fact.amount is None else fact.amount
    buckets = [func.sum(case((amount <= bound, 1), else_=0)) for bound in fact.buckets]
    labels = list(fact.labels.values())
    statement = select(*labels, func.count(), func.sum(amount), *buckets).select_from(fact.at.class_)
    for table, condition in fact.joined:
        statement = statement.join(table, condition)
    statement = statement.where(_since(fact, since), fact.at <= until).group_by(*labels)
    if fact.where is not None:
        statement = statement.where(fact.where)
    found: Totals = {}
    for row in tx.execute(statement):
        key = tuple("" if label is None else str(label) for label in row[: len(labels)])
        count, amount, *within = row[len(labels) :]
        if count:
            found[key] = Total(count, float(amount or 0), [int(each or 0) for each in within])
    return found


def _sum(one: Totals, other: Totals) -> Totals:
    return one | {key: _both(one[key], more) if key in one else more for key, more in other.items()}


def _both(before: Total, more: Total) -> Total:
    # An update may bring other bounds than were kept: then the buckets begin anew.
    known: Sequence[int] = before.buckets if len(before.buckets) == len(more.buckets) else [0] * len(more.buckets)
    buckets = [kept + new for kept, new in zip(known, more.buckets, strict=True)]
    return Total(before.count + more.count, before.amount + more.amount, buckets)


def _move_mark(tx: Tx, each: Addition) -> bool:
    """Whether nobody else has counted meanwhile."""
    name = each.fact.name
    if each.since is None:
        tx.execute(insert(_rows).values(name=name, labels=_MARK, settled_until=each.until, **_values(Total())))
        return True
    mine = (_rows.c.name == name, _rows.c.labels == _MARK, _rows.c.settled_until == each.since)
    return tx.execute(update(_rows).where(*mine).values(settled_until=each.until)).rowcount == 1


def _values(total: Total) -> dict[str, Any]:
    return {"count": total.count, "amount": total.amount, "buckets": total.buckets}
