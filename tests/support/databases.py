"""Fresh, migrated databases for tests: each kind is migrated once, then copied for every test that asks."""

import itertools
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import psycopg
from alembic import command
from alembic.config import Config
from sqlalchemy import Dialect, Pool, make_url

from app.platform.bus import Bus
from app.platform.db import Db
from tests.support.postgres import Cluster, connect

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = "pagerpal_template"
# What was deleted lies about until then.
USES = 100
# Rows and numbers of a migrated database, kept beside its tables; then how to come back to them.
REMEMBER = """
DO $$
DECLARE name text; has_rows boolean;
BEGIN
  CREATE SCHEMA pristine;
  FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
    EXECUTE format('SELECT EXISTS (SELECT 1 FROM public.%I)', name) INTO has_rows;
    IF has_rows THEN
      EXECUTE format('CREATE TABLE pristine.%1$I AS TABLE public.%1$I', name);
    END IF;
  END LOOP;
  CREATE TABLE pristine.numbers AS
    SELECT quote_ident(sequencename) AS name, start_value, last_value FROM pg_sequences WHERE schemaname = 'public';
END $$
"""
END_OTHERS = """
SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle'
"""
FORGET = """
DO $$
DECLARE name text;
BEGIN
  SET LOCAL session_replication_role = replica;
  FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
    EXECUTE format('DELETE FROM public.%I', name);
  END LOOP;
  FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'pristine' AND tablename <> 'numbers' LOOP
    EXECUTE format('INSERT INTO public.%1$I SELECT * FROM pristine.%1$I', name);
  END LOOP;
  PERFORM setval(numbers.name, coalesce(last_value, start_value), last_value IS NOT NULL) FROM pristine.numbers;
END $$
"""
_number = itertools.count(1)


def alembic_config(url: str) -> Config:
    """The project's migrations, aimed at `url`."""
    config = Config(ROOT / "alembic.ini")
    config.attributes["url"] = url
    return config


def upgrade(url: str, revision: str = "head") -> None:
    """Bring the database at `url` up to `revision`."""
    command.upgrade(alembic_config(url), revision)


class SqliteTemplate:
    """A migrated SQLite file and its copies, in memory where the machine offers a tmpfs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "template.db"
        upgrade(f"sqlite:///{self.file}")

    def copy(self) -> str:
        """The address of a new copy."""
        target = self.folder / f"copy-{next(_number)}.db"
        shutil.copy(self.file, target)
        return f"sqlite:///{target}"


class PostgresTemplate:
    """A migrated PostgreSQL database and its copies; a copy that is given back is emptied and used again.

    Making and removing one takes 45 ms of the server, emptying it 5.
    """

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        # The process id keeps two runs apart that share a server named by PAGERPAL_TEST_DATABASE_URL.
        self.name = f"{TEMPLATE}_{os.getpid()}"
        self._idle: list[_Copy] = []
        self._used: dict[str, _Copy] = {}
        upgrade(cluster.create(self.name))
        with connect(cluster.url(self.name)) as connection:
            connection.execute(REMEMBER)

    def copy(self) -> str:
        """The address of a copy that holds what the migrations have written, and nothing else."""
        copy = self._idle.pop() if self._idle else _Copy(self.cluster.create(_new_name(), template=self.name))
        self._used[copy.url] = copy
        return copy.url

    def give_back(self, url: str) -> None:
        """The copy is not needed any more: it may be another test's."""
        copy = self._used.pop(url)
        if copy.empty():
            self._idle.append(copy)
        else:
            self.drop(url)

    def empty(self) -> str:
        """The address of a new database without tables, beside the copies."""
        return self.cluster.create(_new_name())

    def drop(self, url: str) -> None:
        """Remove a database made by `empty`."""
        self.cluster.drop(str(make_url(url).database))

    def close(self) -> None:
        """Let go of the copies."""
        for copy in self._idle:
            copy.close()


class _Copy:
    """One copy, with a connection that empties it: a new one would have to learn every table first."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._left = USES
        self._connection: psycopg.Connection[Any] | None = None

    def empty(self) -> bool:
        """Bring it back to what it was; False when it is used up."""
        self._left -= 1
        if self._left <= 0:
            self.close()
            return False
        if self._connection is None:
            self._connection = connect(self.url)
        self._connection.execute(END_OTHERS)
        self._connection.execute(FORGET)
        return True

    def close(self) -> None:
        """Let go of it."""
        if self._connection is not None:
            self._connection.close()


def _new_name() -> str:
    return f"pagerpal_test_{os.getpid()}_{next(_number)}"


_dialects: dict[str, Dialect] = {}
_compiled: dict[str, dict[Any, Any]] = {}
_pools: dict[str, Pool] = {}


class TestDb(Db):
    """A database that has learned what those of other tests have.

    Those of one kind use the same compiled statements, as those of one engine do: a test would otherwise spend a tenth
    of its time on compiling what the one before it compiled. Connections to PostgreSQL are kept for the next test on
    the same database: a new one has to look every table up.
    """

    __test__ = False

    def __init__(self, url: str) -> None:
        super().__init__(url, bus=Bus(), inline=True)
        share_compiled(self)
        if self.dialect == "postgresql":
            self.engine.pool = _pools.setdefault(url, self.engine.pool)

    def dispose(self) -> None:
        """Close every connection that is not kept."""
        self.engine.dispose(close=self.dialect == "sqlite")
        self.write_engine.dispose(close=self.dialect == "sqlite")


def share_compiled(db: Db) -> None:
    """Have a database use the compiled statements of its kind."""
    for engine in (db.engine, db.write_engine):
        engine.dialect = _dialects.setdefault(db.dialect, engine.dialect)
        engine.update_execution_options(compiled_cache=_compiled.setdefault(db.dialect, {}))


def fast_temporary_folder() -> "tempfile.TemporaryDirectory[str]":
    """A temporary folder, on a tmpfs where there is one: tests commit often and need not survive a power cut."""
    memory = Path("/dev/shm")  # noqa: S108 - the folder made in it has a random name
    usable = memory.is_dir() and os.access(memory, os.W_OK)
    return tempfile.TemporaryDirectory(prefix="pagerpal-test-", dir=memory if usable else None)
