"""Signs of life in the database: the last beat of whoever pages, the blackouts between beats, and a write probe."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import insert, select, update

from app.platform.db import Tx
from app.platform.lease import LEADER
from app.platform.models import BlackoutRow, LeaseRow
from app.platform.tables import fields_of

PULSE = "pulse"
PROBE = "probe"
LEFT = "celery"


@dataclass(frozen=True, slots=True)
class Blackout:
    """A stretch in which no process was alive to page; `seconds` is its length."""

    started_at: datetime
    ended_at: datetime
    seconds: int


def beat(tx: Tx, *, owner: str, now: datetime) -> datetime | None:
    """Write down that `owner` is alive and pages; returns the beat before, None for the very first."""
    before = last_beat(tx)
    _mark(tx, PULSE, owner=owner, now=now)
    return before


def last_beat(tx: Tx) -> datetime | None:
    """When somebody was last alive to page; None before the first start."""
    found: datetime | None = tx.scalar(select(LeaseRow.expires_at).where(LeaseRow.name == PULSE))
    return found


def probe(tx: Tx, *, owner: str, now: datetime) -> None:
    """A real write that changes one row: what fails here would fail for an alert too."""
    _mark(tx, PROBE, owner=owner, now=now)


def note_left(tx: Tx, *, owner: str, now: datetime) -> None:
    """Write down that Celery's workers left something undone which this process now does."""
    _mark(tx, LEFT, owner=owner, now=now)


def last_left(tx: Tx) -> datetime | None:
    """When Celery's workers last left something undone; None if they never did."""
    found: datetime | None = tx.scalar(select(LeaseRow.expires_at).where(LeaseRow.name == LEFT))
    return found


def leader_of(tx: Tx, *, now: datetime) -> str | None:
    """The owner of the leader lease; None when nobody holds it any more."""
    owner: str | None = tx.scalar(select(LeaseRow.owner).where(LeaseRow.name == LEADER, LeaseRow.expires_at > now))
    return owner


@dataclass(frozen=True, slots=True)
class Leadership:
    """The leader lease as it stands: `changes` counts how often it has changed hands."""

    owner: str
    changes: int
    expires_at: datetime


def leadership(tx: Tx) -> Leadership | None:
    """The leader lease, held or not; None before the first start."""
    columns = (LeaseRow.owner, LeaseRow.fence.label("changes"), LeaseRow.expires_at)
    return tx.first(Leadership, select(*columns).where(LeaseRow.name == LEADER))


def record_blackout(tx: Tx, *, started_at: datetime, ended_at: datetime) -> Blackout:
    """Keep a blackout for the record."""
    seconds = int((ended_at - started_at).total_seconds())
    tx.execute(insert(BlackoutRow).values(started_at=started_at, ended_at=ended_at, seconds=seconds))
    return Blackout(started_at, ended_at, seconds)


def latest_blackout(tx: Tx, *, now: datetime, within: timedelta) -> Blackout | None:
    """The newest blackout that ended within this time before now."""
    statement = select(*fields_of(BlackoutRow, Blackout)).where(BlackoutRow.ended_at > now - within)
    return tx.first(Blackout, statement.order_by(BlackoutRow.id.desc()).limit(1))


def _mark(tx: Tx, name: str, *, owner: str, now: datetime) -> None:
    values = {"owner": owner, "expires_at": now}
    if tx.execute(update(LeaseRow).where(LeaseRow.name == name).values(**values)).rowcount == 0:
        tx.execute(insert(LeaseRow).values(name=name, fence=0, **values))
