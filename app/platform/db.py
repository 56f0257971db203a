"""Transactions: the only place that opens, commits or rolls one back.

SQLite: one writer connection (the writer's thread), any number of readers, WAL with `synchronous=FULL`.
PostgreSQL: pooled connections; only intake goes through the writer, for its group commit.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any, Literal, TypeAlias, TypeVar, cast

from sqlalchemy import Connection, CursorResult, Engine, Executable, create_engine, event, func, insert, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, TimeoutError as PoolTimeout

from app.platform.bus import Bus, Event
from app.platform.crews import VISIT_THREADS, Crew, in_visitors_thread, is_visit
from app.platform.errors import Unavailable
from app.platform.tables import Base, fields_of, table_of
from app.platform.types import JsonValue, Page, PageQuery

T = TypeVar("T")
DialectName = Literal["sqlite", "postgresql"]
Rows: TypeAlias = CursorResult[*tuple[Any, ...]]

BUSY_TIMEOUT_MS = 5000
# A thread has one connection at a time: with one for each there is no waiting for connections. Some are over for the
# writer and for what goes on beside.
DUTY_THREADS = 10
SPARE_CONNECTIONS = 4
CONNECTIONS = DUTY_THREADS + VISIT_THREADS + SPARE_CONNECTIONS
POOL = {"pool_size": 10, "max_overflow": CONNECTIONS - 10, "pool_timeout": 5}
RETRIES = 5
RETRY_PAUSE_SECONDS = 0.05
# PostgreSQL: serialization failure, deadlock (SQLSTATE class 40); the transaction did nothing and may run again.
TRANSIENT_STATES = {"40001", "40P01"}

__all__ = ["Base", "Db", "Tx", "fields_of", "is_transient", "paged"]


@dataclass
class Tx:
    """One open transaction; handed to services, never kept. Effects happen only if it commits."""

    connection: Connection
    dialect: DialectName
    wakes: set[str] = field(default_factory=set)
    events: list[Event] = field(default_factory=list)

    def execute(
        self, statement: Executable, parameters: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None
    ) -> Rows:
        """Run one statement, once or once per parameter set."""
        return self.connection.execute(statement, parameters)

    def all(self, kind: type[T], statement: Executable, **values: Any) -> list[T]:
        """Every row as a `kind`; the statement's column names are the dataclass's field names.

        `values` are those of its bound parameters: a statement that is built once, with parameters, costs a third of
        one that is built at each call.
        """
        return [kind(**row) for row in self.execute(statement, values or None).mappings()]

    def first(self, kind: type[T], statement: Executable, **values: Any) -> T | None:
        """The first row as a `kind`, or None."""
        row = self.execute(statement, values or None).mappings().first()
        return None if row is None else kind(**row)

    def scalar(self, statement: Executable, **values: Any) -> Any:
        """The first column of the first row, or None."""
        return self.execute(statement, values or None).scalar()

    def insert(self, model: type[Base], **values: Any) -> int:
        """Insert one row and return its id."""
        return int(self.execute(_insert_into(model), values).scalar_one())

    def wake(self, *names: str) -> None:
        """After the commit, nudge these jobs so that nothing waits for a tick."""
        self.wakes.update(names)

    def publish(self, topic: str, **data: JsonValue) -> None:
        """After the commit, tell open screens that this changed."""
        self.events.append(Event(topic, data))


@cache
def _insert_into(model: type[Base]) -> Executable:
    table = table_of(model)
    return insert(table).returning(table.c.id)


def paged(tx: Tx, kind: type[T], statement: Any, page: PageQuery) -> Page[T]:
    """One page of an ordered `select`, with the total of all pages."""
    total = tx.scalar(select(func.count()).select_from(statement.order_by(None).subquery()))
    rows = tx.all(kind, statement.limit(page.page_size).offset((page.page - 1) * page.page_size))
    return Page(rows, int(total), page.page, page.page_size)


class Db:
    """The database of one process. `inline` runs writes in the caller's thread, for tests and command lines."""

    def __init__(self, url: str, *, bus: Bus, inline: bool = False) -> None:
        self.url = make_url(url)
        self.dialect: DialectName = "sqlite" if self.url.get_backend_name() == "sqlite" else "postgresql"
        self.bus = bus
        self.inline = inline
        self.standby = False
        self.submit: Callable[[Callable[[Tx], Any]], Any] | None = None
        self._lock = threading.RLock()
        self._local = threading.local()
        self._duty = Crew("duty", threads=DUTY_THREADS)
        self.engine = _postgres_engine(url) if self.dialect == "postgresql" else _sqlite_engine(url, "BEGIN")
        self.write_engine = self.engine if self.dialect == "postgresql" else _sqlite_engine(url, "BEGIN IMMEDIATE")

    def read(self, fn: Callable[[Tx], T]) -> T:
        """Run `fn` in a read-only snapshot. Raises Unavailable when the database cannot be reached."""
        try:
            with self.engine.connect() as connection:
                try:
                    return fn(Tx(connection, self.dialect))
                finally:
                    connection.rollback()
        except (OperationalError, InterfaceError, PoolTimeout) as error:
            raise unavailable(error) from error

    def write(self, fn: Callable[[Tx], T]) -> T:
        """Run `fn` in one transaction and return its result after the commit; `fn` may run twice.

        Raises Unavailable when the database cannot be written, RuntimeError when called inside another write or on
        the event loop's thread (it would stop the loop).
        """
        self._guard()
        if self.submit is not None and self.dialect == "sqlite":
            return cast(T, self.submit(fn).result())
        return self._write_here(fn)

    async def run(self, fn: Callable[[Tx], T]) -> T:
        """`write` for async code: one short transaction, off the event loop."""
        if self.inline:
            return self._write_here(fn)
        if self.submit is not None and self.dialect == "sqlite":
            return cast(T, await asyncio.wrap_future(self.submit(fn)))
        return await self.aside(partial(self._write_here, fn))

    async def run_read(self, fn: Callable[[Tx], T]) -> T:
        """`read` for async code."""
        return await self.aside(partial(self.read, fn))

    async def aside(self, fn: Callable[[], T]) -> T:
        """Run what reads or writes here off the event loop: for a request in its threads, else in the pager's own.

        So what pages never waits behind those who look at pages. Raises Unavailable when too much waits already.
        """
        if self.inline:
            return fn()
        return await (in_visitors_thread(fn) if is_visit() else self._duty(fn))

    @contextmanager
    def transaction(self, connection: Connection) -> Iterator[Tx]:
        """One transaction on an open connection: commits at the end, then lets the effects out."""
        tx = Tx(connection, self.dialect)
        try:
            yield tx
            self._announce(tx)
            connection.commit()
        except BaseException:
            if not connection.closed and not connection.invalidated:
                connection.rollback()
            raise
        self.bus.dispatch(tx.wakes, tx.events)

    def dispose(self) -> None:
        """Close every connection."""
        self.engine.dispose()
        self.write_engine.dispose()

    def _guard(self) -> None:
        if getattr(self._local, "writing", False):
            raise RuntimeError("a write inside a write: pass the open transaction down instead")
        if self.inline:
            return
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return
        raise RuntimeError("a write on the event loop's thread would stop the loop: await db.run instead")

    def _write_here(self, fn: Callable[[Tx], T]) -> T:
        if self.standby:
            raise Unavailable("This process is a standby: the leader answers writes.", retry_after_seconds=5)
        for attempt in range(RETRIES):
            try:
                with self._lock if self.dialect == "sqlite" else _nothing():
                    self._local.writing = True
                    with self.write_engine.connect() as connection, self.transaction(connection) as tx:
                        return fn(tx)
            except DBAPIError as error:
                if is_transient(error) and attempt + 1 < RETRIES:
                    time.sleep(RETRY_PAUSE_SECONDS * (attempt + 1))
                    continue
                if isinstance(error, OperationalError | InterfaceError):
                    raise unavailable(error) from error
                raise
            except PoolTimeout as error:
                raise unavailable(error) from error
            finally:
                self._local.writing = False
        raise AssertionError("unreachable")  # pragma: no cover

    def _announce(self, tx: Tx) -> None:
        if self.dialect == "postgresql" and (tx.wakes or tx.events):
            payload = self.bus.encode(tx.wakes, tx.events)
            tx.connection.execute(text("SELECT pg_notify('pagerpal', :payload)"), {"payload": payload})


def is_transient(error: DBAPIError) -> bool:
    """Whether the same transaction may simply be run again: deadlock, serialization failure, a stale connection."""
    return error.connection_invalidated or getattr(error.orig, "sqlstate", None) in TRANSIENT_STATES


def unavailable(error: Exception) -> Unavailable:
    """The 503 that a database error becomes; the cause is in the log, never in the answer."""
    return Unavailable(f"The database cannot be used just now ({type(error).__name__}).", retry_after_seconds=5)


@contextmanager
def _nothing() -> Iterator[None]:
    yield


def _sqlite_engine(url: str, begin: str) -> Engine:
    engine = create_engine(url, connect_args={"check_same_thread": False}, **POOL)

    def on_connect(dbapi_connection: Any, _record: Any) -> None:
        # Autocommit in the driver: we say BEGIN ourselves, or a read that turns into a write fails at once
        # with «database is locked» whatever the busy timeout is.
        dbapi_connection.isolation_level = None
        for pragma in (
            f"busy_timeout={BUSY_TIMEOUT_MS}", "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"
        ):  # fmt: skip
            dbapi_connection.execute(f"PRAGMA {pragma}")

    event.listen(engine, "connect", on_connect)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql(begin))
    return engine


def _postgres_engine(url: str) -> Engine:
    target = make_url(url)
    if target.drivername == "postgresql":
        target = target.set(drivername="postgresql+psycopg")
    return create_engine(target, pool_pre_ping=True, **POOL)
