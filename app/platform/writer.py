"""The group-commit writer: one thread, one connection, many items per transaction.

It knows lanes, not contexts. It drains what is waiting into one transaction, runs consecutive items of a lane together,
bisects on an error so that only the poisoned item fails, commits, and then answers everybody at once.
Measured ideas: 8 to 20 times the rate of one transaction per request on SQLite. Two batches of eight cost half as much
again as one of sixteen; so whatever one turn of the event loop brings is handed over together, and under load a batch
waits some milliseconds for as many as were answered just now.
"""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Generic, TypeVar, cast

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError

from app.platform.db import Db, Tx, is_transient, unavailable
from app.platform.errors import Unavailable
from app.platform.failpoints import fp
from app.platform.logs import get_logger

I = TypeVar("I")  # noqa: E741  the item of a lane
R = TypeVar("R")
T = TypeVar("T")

MAX_ITEMS = 256
MAX_WEIGHT = 500
MAX_BYTES = 4_000_000
# What may wait before a lane answers «full»: a few seconds of work at the measured rate.
QUEUE_ITEMS = 4000
QUEUE_BYTES = 64_000_000
TRIES = 4
PAUSE_SECONDS = 0.2
# How long after an answer those who got it may come again and still share the next batch.
GATHER_SECONDS = 0.006

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Lane(Generic[I, R]):
    """A kind of work that is committed in groups; `apply` gives one result per item, in order, and only touches `tx`.

    An exception in place of a result fails that item alone.
    """

    name: str
    apply: Callable[[Tx, Sequence[I]], Sequence[R | Exception]]


@dataclass(slots=True)
class _Item:
    lane: Lane[Any, Any]
    payload: Any
    weight: int
    size: int
    future: "asyncio.Future[Any] | Future[Any]"
    loop: asyncio.AbstractEventLoop | None
    outcome: Any = None
    error: BaseException | None = None


def _apply_calls(tx: Tx, calls: Sequence[Callable[[Tx], Any]]) -> Sequence[Any]:
    return [call(tx) for call in calls]


CALLS: Lane[Callable[[Tx], Any], Any] = Lane("call", _apply_calls)


class Writer:
    """The writer of one process; `start` it once, `stop` lets it finish what waits.

    `batches` and `committed` count the transactions and the items in them.
    """

    def __init__(self, db: Db, *, queue_items: int = QUEUE_ITEMS) -> None:
        self.db = db
        self.queue_items = queue_items
        self._queue: deque[_Item] = deque()
        self._bytes = 0
        self._ready = threading.Condition()
        self._stopping = False
        self._thread: threading.Thread | None = None
        self._connection: Connection | None = None
        self._answered = 0
        self._awaited = 1
        self.batches = 0
        self.committed = 0
        self._answered_at = float("-inf")

    @property
    def depth(self) -> int:
        """How many items wait."""
        return len(self._queue)

    def start(self) -> None:
        """Start the thread and take over the database's writes."""
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self._thread.start()
        self.db.submit = self.call

    def stop(self) -> None:
        """Commit what waits, end the thread and close its connection."""
        with self._ready:
            self._stopping = True
            self._ready.notify()
        if self._thread is not None:
            self._thread.join()

    def call(self, fn: Callable[[Tx], T]) -> "Future[T]":
        """Queue one function as its own item; the future resolves after the commit."""
        future: Future[T] = Future()
        # Running from the start: a caller who goes away must not cancel it, or the writer could not answer it.
        future.set_running_or_notify_cancel()
        self._put(_Item(CALLS, fn, 1, 0, future, None))
        self._nudge()
        return future

    async def submit(self, lane: Lane[I, R], item: I, *, weight: int = 1, size: int = 0) -> R:
        """Queue an item of a lane and wait for its result after the commit. Raises Unavailable when the queue is full.

        `weight` counts what it will write (alerts), `size` the bytes it holds.
        """
        if self.db.inline:
            return self._apply_inline(lane, item)
        loop = asyncio.get_running_loop()
        future: asyncio.Future[R] = loop.create_future()
        self._put(_Item(lane, item, weight, size, future, loop))
        # After whatever else is ready in this turn of the loop, so that it comes into the same batch.
        loop.call_soon(self._nudge)
        return await future

    def _apply_inline(self, lane: Lane[I, R], item: I) -> R:
        def apply(tx: Tx) -> R:
            result = lane.apply(tx, [item])[0]
            if isinstance(result, Exception):
                raise result
            return result

        return self.db._write_here(apply)

    def _put(self, item: _Item) -> None:
        if self.db.standby:
            raise Unavailable("This process is a standby: the leader answers writes.", retry_after_seconds=5)
        with self._ready:
            if self._stopping:
                raise Unavailable("The process is stopping.", retry_after_seconds=2)
            if item.lane is not CALLS and (len(self._queue) >= self.queue_items or self._bytes >= QUEUE_BYTES):
                raise Unavailable("More is coming in than can be stored; nothing was taken.", retry_after_seconds=2)
            self._queue.append(item)
            self._bytes += item.size

    def _nudge(self) -> None:
        with self._ready:
            # Waking a thread that only waits on takes the loop's time.
            if len(self._queue) >= self._awaited or (self._queue and self._queue[-1].lane is CALLS):
                self._ready.notify()

    def _run(self) -> None:
        while batch := self._take():
            try:
                self._commit(batch)
            except (SQLAlchemyError, Unavailable) as error:
                log.error("writer.batch_failed", error=type(error).__name__, items=len(batch))
                for item in batch:
                    item.error = item.error or unavailable(error)
            _answer(batch)
            self.batches, self.committed = self.batches + 1, self.committed + len(batch)
            self._answered, self._answered_at = len(batch), time.monotonic()
        if self._connection is not None:
            self._connection.close()

    def _take(self) -> list[_Item]:
        with self._ready:
            while not self._queue and not self._stopping:
                self._ready.wait()
            self._gather()
            batch: list[_Item] = []
            weight = size = 0
            while self._queue and len(batch) < MAX_ITEMS:
                item = self._queue[0]
                if batch and (weight + item.weight > MAX_WEIGHT or size + item.size > MAX_BYTES):
                    break
                batch.append(self._queue.popleft())
                weight, size = weight + item.weight, size + item.size
            self._bytes -= size
            return batch

    def _gather(self) -> None:
        """Under load, wait a moment for as many as were answered just now; a call never waits for others."""
        until = self._answered_at + GATHER_SECONDS
        while len(self._queue) < self._answered and not self._stopping and self._queue[-1].lane is not CALLS:
            left = until - time.monotonic()
            if left <= 0:
                return
            self._awaited = self._answered
            self._ready.wait(left)
            self._awaited = 1

    def _commit(self, batch: list[_Item]) -> None:
        groups = list(_by_lane(batch))
        # One group alone needs no savepoint: should it fail, the whole transaction goes, and it is looked at in parts.
        in_parts = len(groups) > 1
        attempt = 0
        while True:
            for item in batch:
                item.outcome, item.error = None, None
            try:
                self._try_commit(groups, in_parts=in_parts)
                return
            except _Poisoned as poisoned:
                if len(batch) == 1:
                    batch[0].error = poisoned.error
                    return
                in_parts = True
            except DBAPIError as error:
                attempt += 1
                if attempt == TRIES or not (is_transient(error) or _is_busy(error)):
                    raise
                time.sleep(PAUSE_SECONDS * attempt)

    def _try_commit(self, groups: list[tuple[Lane[Any, Any], list[_Item]]], *, in_parts: bool) -> None:
        committing = False
        try:
            with self.db.transaction(self._connect()) as tx:
                for lane, items in groups:
                    if in_parts:
                        self._apply(tx, lane, items)
                    else:
                        _apply_whole(tx, lane, items)
                fp("writer.before_commit")
                committing = True
        except DBAPIError as error:
            self._recover(error)
            # A connection that dies during COMMIT may have stored the batch: the sender asks again instead.
            if committing:
                raise unavailable(error) from error
            raise

    def _apply(self, tx: Tx, lane: Lane[Any, Any], items: list[_Item]) -> None:
        inner = Tx(tx.connection, tx.dialect)
        try:
            with tx.connection.begin_nested():
                results = lane.apply(inner, [item.payload for item in items])
        except DBAPIError as error:
            if is_transient(error) or _is_busy(error):
                raise
            self._bisect(tx, lane, items, error)
        except Exception as error:  # noqa: BLE001  an item's own fault, whatever it is, must fail that item alone
            self._bisect(tx, lane, items, error)
        else:
            _settle(items, results)
            tx.wakes |= inner.wakes
            tx.events += inner.events

    def _bisect(self, tx: Tx, lane: Lane[Any, Any], items: list[_Item], error: Exception) -> None:
        if len(items) == 1:
            items[0].error = error
            return
        middle = len(items) // 2
        self._apply(tx, lane, items[:middle])
        self._apply(tx, lane, items[middle:])

    def _connect(self) -> Connection:
        if self._connection is None or self._connection.closed or self._connection.invalidated:
            self._connection = self.db.write_engine.connect()
        return self._connection

    def _recover(self, error: DBAPIError) -> None:
        if self._connection is not None and error.connection_invalidated:
            self._connection.close()
            self._connection = None


def _by_lane(batch: list[_Item]) -> Iterator[tuple[Lane[Any, Any], list[_Item]]]:
    # A call is its own group, so that one failing call does not make its neighbours run twice.
    for lane, items in groupby(batch, key=lambda item: item.lane):
        if lane is CALLS:
            for item in items:
                yield lane, [item]
        else:
            yield lane, list(items)


class _Poisoned(Exception):
    """The only group of a transaction failed by an item's own fault."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


def _apply_whole(tx: Tx, lane: Lane[Any, Any], items: list[_Item]) -> None:
    try:
        results = lane.apply(tx, [item.payload for item in items])
    except DBAPIError as error:
        if is_transient(error) or _is_busy(error):
            raise
        raise _Poisoned(error) from error
    except Exception as error:
        raise _Poisoned(error) from error
    _settle(items, results)


def _settle(items: list[_Item], results: Sequence[Any]) -> None:
    for item, result in zip(items, results, strict=True):
        if isinstance(result, Exception):
            item.error = result
        else:
            item.outcome = result


def _is_busy(error: DBAPIError) -> bool:
    return isinstance(error, OperationalError) and "locked" in str(error.orig)


def _answer(batch: list[_Item]) -> None:
    waiting: dict[asyncio.AbstractEventLoop, list[_Item]] = {}
    for item in batch:
        if item.loop is not None:
            waiting.setdefault(item.loop, []).append(item)
        elif item.error is not None:
            item.future.set_exception(item.error)
        else:
            item.future.set_result(item.outcome)
    for loop, items in waiting.items():
        if not loop.is_closed():
            loop.call_soon_threadsafe(_resolve, items)


def _resolve(items: list[_Item]) -> None:
    for item in items:
        future = cast("asyncio.Future[Any]", item.future)
        if future.done():
            continue
        if item.error is not None:
            future.set_exception(item.error)
        else:
            future.set_result(item.outcome)
