"""The leader lease: one holder, a fence that goes up, and a file lock that dies with its process."""

from datetime import timedelta
from pathlib import Path

from app.platform import lease
from app.platform.db import Db
from app.platform.lease import FileLock, Held
from tests.support.clock import START

LATER = START + timedelta(seconds=lease.LEASE_SECONDS + 1)


def take(db: Db, owner: str, **more: object) -> Held | None:
    return db.write(lambda tx: lease.take(tx, "leader", owner=owner, **{"now": START, **more}))  # type: ignore[arg-type]


def test_second_process_waits_until_the_lease_has_run_out(db: Db) -> None:
    first = take(db, "one")
    assert first is not None
    assert take(db, "two") is None

    second = take(db, "two", now=LATER)
    assert second is not None
    assert second.fence > first.fence
    assert not db.read(lambda tx: lease.is_held(tx, first))
    assert db.read(lambda tx: lease.is_held(tx, second))


def test_renewed_lease_keeps_its_fence(db: Db) -> None:
    assert take(db, "one") == take(db, "one", now=LATER)


def test_lease_given_back_is_free_at_once(db: Db) -> None:
    held = take(db, "one")
    assert held is not None
    db.write(lambda tx: lease.give_back(tx, held, now=START))
    assert take(db, "two", now=START + timedelta(milliseconds=1)) is not None


def test_file_lock_has_one_holder(tmp_path: Path) -> None:
    one, other = FileLock(tmp_path / "pagerpal.db"), FileLock(tmp_path / "pagerpal.db")
    assert one.take()
    assert one.take()
    assert not other.take()
    one.release()
    assert other.take()
    other.release()
