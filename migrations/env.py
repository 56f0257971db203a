"""Runs migrations on either database, in one transaction and under one lock.

Two processes that start on the same empty database both come here: the second waits, then finds nothing to do.
The target, strongest first: `config.attributes["url"]` (from code), `-x url=…` (command line), DATABASE_URL.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from alembic.util import CommandError
from sqlalchemy import JSON, Connection, NullPool, TypeDecorator, create_engine, event, make_url, text

from app.platform.settings import load_settings
from app.tables import metadata

LOCK_WAIT_SECONDS = 60
# Any constant will do; it only has to be the same in every process that migrates this product's database.
POSTGRESQL_LOCK_KEY = 7_261_964_071


def target_url() -> str:
    """Where to migrate."""
    given = context.config.attributes.get("url") or context.get_x_argument(as_dictionary=True).get("url")
    return str(given) if given else load_settings().database_url


@contextmanager
def locked_connection(url: str) -> Iterator[Connection]:
    """A connection inside a transaction that no other migration can be in at the same time; commits at the end."""
    target = make_url(url)
    if target.drivername == "postgresql":
        target = target.set(drivername="postgresql+psycopg")
    engine = create_engine(target, poolclass=NullPool)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_WAIT_SECONDS}s'"))
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": POSTGRESQL_LOCK_KEY})
        yield connection
        if engine.dialect.name == "sqlite":
            _refuse_broken_references(connection)
    engine.dispose()


def _prepare_sqlite(dbapi_connection: Any, _record: Any) -> None:
    # Autocommit in the driver, because we say BEGIN ourselves: only then is DDL part of the transaction.
    # Foreign keys are off while tables are rebuilt, or dropping the old copy would delete what points at it.
    dbapi_connection.isolation_level = None
    for pragma in (f"busy_timeout={LOCK_WAIT_SECONDS * 1000}", "journal_mode=WAL", "foreign_keys=OFF"):
        dbapi_connection.execute(f"PRAGMA {pragma}")


def _refuse_broken_references(connection: Connection) -> None:
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
    if broken is not None:
        raise CommandError(f"The migration leaves {broken[0]} rows that point at nothing; nothing was changed.")


def plain_type(kind: str, item: Any, autogen_context: AutogenContext) -> str | Literal[False]:
    """Write our own column types as what they are in the database, so that old migrations need none of our code."""
    if kind == "type" and isinstance(item, JSON):
        autogen_context.imports.add("from sqlalchemy.dialects import postgresql")
        return 'sa.JSON().with_variant(postgresql.JSONB(), "postgresql")'
    if kind == "type" and isinstance(item, TypeDecorator):
        return f"sa.{item.impl_instance!r}"
    return False


def run() -> None:
    """Migrate the target. Raises CommandError for offline mode, which the SQLite batch operations cannot do."""
    if context.is_offline_mode():
        raise CommandError("Migrations run against a database; there is no SQL script mode.")
    with locked_connection(target_url()) as connection:
        context.configure(
            connection=connection,
            target_metadata=metadata,
            render_as_batch=True,
            render_item=plain_type,
            compare_type=True,
            compare_server_default=True,
            transactional_ddl=True,
        )
        with context.begin_transaction():
            context.run_migrations()


run()
