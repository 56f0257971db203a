"""Fresh, migrated databases for tests: each kind is migrated once, then copied for every test that asks."""

import itertools
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Dialect, make_url

from app.platform.db import Db
from tests.support.postgres import Cluster

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = "pagerpal_template"
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
    """A migrated PostgreSQL database and its copies."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        # The process id keeps two runs apart that share a server named by PAGERPAL_TEST_DATABASE_URL.
        self.name = f"{TEMPLATE}_{os.getpid()}"
        upgrade(cluster.create(self.name))

    def copy(self) -> str:
        """The address of a new copy."""
        return self.cluster.create(_new_name(), template=self.name)

    def empty(self) -> str:
        """The address of a new database without tables, beside the copies."""
        return self.cluster.create(_new_name())

    def drop(self, url: str) -> None:
        """Remove a database made by `copy` or `empty`."""
        self.cluster.drop(str(make_url(url).database))


def _new_name() -> str:
    return f"pagerpal_test_{os.getpid()}_{next(_number)}"


_dialects: dict[str, Dialect] = {}
_compiled: dict[str, dict[Any, Any]] = {}


def share_compiled(db: Db) -> None:
    """Have every database of a kind in this process use the same compiled statements, as those of one engine do.

    A test would otherwise spend a tenth of its time on compiling what the one before it compiled.
    """
    for engine in (db.engine, db.write_engine):
        engine.dialect = _dialects.setdefault(db.dialect, engine.dialect)
        engine.update_execution_options(compiled_cache=_compiled.setdefault(db.dialect, {}))


def fast_temporary_folder() -> "tempfile.TemporaryDirectory[str]":
    """A temporary folder, on a tmpfs where there is one: tests commit often and need not survive a power cut."""
    memory = Path("/dev/shm")  # noqa: S108 - the folder made in it has a random name
    usable = memory.is_dir() and os.access(memory, os.W_OK)
    return tempfile.TemporaryDirectory(prefix="pagerpal-test-", dir=memory if usable else None)
