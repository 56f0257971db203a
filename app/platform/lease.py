"""Who may do singleton work: a lease row with a fencing token, and on SQLite a lock on a file beside the database.

A bare advisory lock is not enough: it passes to another process while the first still believes it holds it. So every
piece of singleton work checks the fence in its own transaction.
"""

import fcntl
import os
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import insert, select, update

from app.platform.db import Tx
from app.platform.models import LeaseRow

LEASE_SECONDS = 10
RENEW_SECONDS = 3
LEADER = "leader"


@dataclass(frozen=True, slots=True)
class Held:
    """A lease that this process holds; `fence` must still be the row's when work is claimed under it."""

    name: str
    owner: str
    fence: int


def take(tx: Tx, name: str, *, owner: str, now: datetime, force: bool = False) -> Held | None:
    """Take or renew the lease for LEASE_SECONDS; None while another owner's has not run out.

    `force` takes it at once, for a caller who knows that the former owner is dead.
    """
    rows = LeaseRow.__table__
    until = now + timedelta(seconds=LEASE_SECONDS)
    row = tx.execute(select(rows).where(rows.c.name == name).with_for_update()).mappings().first()
    if row is None:
        tx.execute(insert(LeaseRow).values(name=name, owner=owner, fence=1, expires_at=until))
        return Held(name, owner, 1)
    if row["owner"] == owner:
        tx.execute(update(LeaseRow).where(LeaseRow.name == name).values(expires_at=until))
        return Held(name, owner, row["fence"])
    if row["expires_at"] > now and not force:
        return None
    fence = row["fence"] + 1
    tx.execute(update(LeaseRow).where(LeaseRow.name == name).values(owner=owner, fence=fence, expires_at=until))
    return Held(name, owner, fence)


def give_back(tx: Tx, held: Held, *, now: datetime) -> None:
    """End the lease now, so that another process need not wait for it to run out."""
    tx.execute(
        update(LeaseRow)
        .where(LeaseRow.name == held.name, LeaseRow.owner == held.owner, LeaseRow.fence == held.fence)
        .values(expires_at=now)
    )


def is_held(tx: Tx, held: Held) -> bool:
    """Whether the lease is still this one; call it in the transaction that does the work."""
    statement = select(LeaseRow.fence).where(LeaseRow.name == held.name, LeaseRow.owner == held.owner)
    return bool(tx.scalar(statement.with_for_update(read=True)) == held.fence)


class FileLock:
    """An exclusive lock on `<database>.lock`; the kernel lets go of it when the process dies, however it dies."""

    def __init__(self, database: Path) -> None:
        self.path = database.with_name(database.name + ".lock")
        self._handle: int | None = None

    def take(self) -> bool:
        """Try to take it; False while another process holds it."""
        if self._handle is None:
            self._handle = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def release(self) -> None:
        """Let it go."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None
