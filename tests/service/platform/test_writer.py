"""The group-commit writer and transactions: what is answered is stored, one bad item fails alone."""

import asyncio
from collections.abc import Iterator, Sequence

import pytest
from sqlalchemy import func, insert, select

from app.platform.bus import Bus
from app.platform.db import Db, Tx
from app.platform.errors import Conflict, Unavailable
from app.platform.models import LeaseRow
from app.platform.writer import Lane, Writer
from tests.support.clock import START


def put(tx: Tx, names: Sequence[str]) -> list[str | Exception]:
    """A lane that stores a row per name; it refuses «refused» and stumbles over «poison»."""
    if "poison" in names:
        raise ZeroDivisionError("poison")
    tx.execute(insert(LeaseRow), [{"name": name, "owner": "o", "expires_at": START} for name in names])
    tx.wake("deliver")
    return [Conflict("refused") if name == "refused" else name for name in names]


LANE: Lane[str, str] = Lane("names", put)


@pytest.fixture
def threaded(database_url: str) -> Iterator[tuple[Db, Writer]]:
    """A database with its writer running in its own thread, as in a real process."""
    db = Db(database_url, bus=Bus("here"))
    writer = Writer(db)
    writer.start()
    yield db, writer
    writer.stop()
    db.dispose()


def stored(db: Db) -> set[str]:
    return set(db.read(lambda tx: list(tx.execute(select(LeaseRow.name)).scalars())))


async def test_everything_answered_is_stored_and_poison_fails_alone(threaded: tuple[Db, Writer]) -> None:
    db, writer = threaded
    names = [f"n{number}" for number in range(60)]
    names[7] = names[33] = "poison"
    outcomes = await asyncio.gather(*(writer.submit(LANE, name) for name in names), return_exceptions=True)

    assert [outcome for outcome in outcomes if isinstance(outcome, str)] == [n for n in names if n != "poison"]
    assert sum(isinstance(outcome, ZeroDivisionError) for outcome in outcomes) == 2
    assert stored(db) == set(names) - {"poison"}


async def test_item_the_database_refuses_fails_alone(threaded: tuple[Db, Writer]) -> None:
    db, writer = threaded
    outcomes = await asyncio.gather(
        *(writer.submit(LANE, name) for name in ("a", "b", "a", "c")), return_exceptions=True
    )
    assert sorted(str(o) for o in outcomes if isinstance(o, str)) == ["a", "b", "c"]
    assert stored(db) == {"a", "b", "c"}


async def test_effects_come_after_the_commit_and_not_without_it(threaded: tuple[Db, Writer]) -> None:
    db, writer = threaded
    seen: list[tuple[frozenset[str], int]] = []
    db.bus.on_wake(lambda names: seen.append((names, len(stored(db)))))
    await writer.submit(LANE, "a")
    with pytest.raises(ZeroDivisionError):
        await writer.submit(LANE, "poison")
    assert seen == [(frozenset({"deliver"}), 1)]


async def test_writes_of_all_kinds_share_the_database_without_locking_each_other_out(
    threaded: tuple[Db, Writer],
) -> None:
    db, writer = threaded

    def write(number: int) -> int:
        return db.write(lambda tx: len(put(tx, [f"w{number}"])))

    submitted = [writer.submit(LANE, f"s{number}") for number in range(40)]
    written = [asyncio.to_thread(write, number) for number in range(40)]
    await asyncio.gather(*submitted, *written)
    assert db.read(lambda tx: tx.scalar(select(func.count()).select_from(LeaseRow))) == 80


async def test_full_queue_refuses_before_it_accepts(threaded: tuple[Db, Writer]) -> None:
    db, writer = threaded
    writer.queue_items = 3
    outcomes = await asyncio.gather(
        *(writer.submit(LANE, f"n{number}") for number in range(30)), return_exceptions=True
    )
    accepted = {outcome for outcome in outcomes if isinstance(outcome, str)}
    assert all(isinstance(outcome, str | Unavailable) for outcome in outcomes)
    assert accepted == stored(db)


async def test_write_on_the_event_loop_is_refused(threaded: tuple[Db, Writer]) -> None:
    db, _ = threaded
    with pytest.raises(RuntimeError, match="event loop"):
        db.write(lambda tx: tx.scalar(select(1)))


def test_write_inside_a_write_is_refused(db: Db) -> None:
    with pytest.raises(RuntimeError, match="inside a write"):
        db.write(lambda tx: db.write(lambda inner: inner.scalar(select(1))))


def test_standby_answers_writes_with_503(db: Db) -> None:
    db.standby = True
    with pytest.raises(Unavailable):
        db.write(lambda tx: put(tx, ["a"]))


def test_write_waits_for_another_connections_lock(sqlite_url: str) -> None:
    one, other = Db(sqlite_url, bus=Bus(), inline=True), Db(sqlite_url, bus=Bus(), inline=True)

    def read_then_write(tx: Tx) -> None:
        tx.scalar(select(func.count()).select_from(LeaseRow))
        put(tx, ["late"])

    async def race() -> None:
        await asyncio.gather(
            *(asyncio.to_thread(one._write_here, lambda tx, n=n: put(tx, [f"a{n}"])) for n in range(10)),
            asyncio.to_thread(other._write_here, read_then_write),
        )

    asyncio.run(race())
    assert stored(one) == {f"a{number}" for number in range(10)} | {"late"}
    one.dispose()
    other.dispose()
