"""The schema at start: what the database has, what this version needs, and whether the process may go on.

The migrations themselves run in `migrations/env.py`: one transaction, one lock, whoever starts them.
"""

from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import NullPool, create_engine, inspect
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from app.platform.errors import StartRefused
from app.platform.redact import redact_text

MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"
MIGRATE_COMMAND = "python -m app migrate"


class SchemaState(StrEnum):
    """How the database's schema stands to this version's."""

    EMPTY = "empty"
    CURRENT = "current"
    OLDER = "older"
    NEWER = "newer"
    FOREIGN = "foreign"


@dataclass(frozen=True, slots=True)
class Schema:
    """The revision that the database has (None for none) and the one that this version needs."""

    state: SchemaState
    current: str | None
    head: str


def schema_of(url: str) -> Schema:
    """What is in the database at `url`. Raises StartRefused when it cannot be opened."""
    head, known = _revisions(MIGRATIONS)
    try:
        _create_private(url)
        engine = create_engine(_target(url), poolclass=NullPool)
        with engine.connect() as connection:
            current = MigrationContext.configure(connection).get_current_revision()
            has_tables = current is None and bool(set(inspect(connection).get_table_names()) - {"alembic_version"})
    except SQLAlchemyError as error:
        raise _unreachable(url, error) from None
    return Schema(_state(current, head, known, has_tables=has_tables), current, head)


@cache
def _revisions(folder: Path) -> tuple[str, frozenset[str]]:
    # What this version needs, and all that it knows. Kept, because reading it runs every migration's module.
    script = ScriptDirectory(str(folder))
    return script.get_current_head() or "", frozenset(revision.revision for revision in script.walk_revisions())


def upgrade(url: str) -> None:
    """Bring the schema to this version's; waits while another process does the same. Raises StartRefused."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["url"] = url
    try:
        command.upgrade(config, "head")
    except SQLAlchemyError as error:
        raise _unreachable(url, error) from None
    except CommandError as error:
        raise StartRefused(f"The migration failed and nothing was changed: {error}") from None


def prepare_schema(url: str, *, auto_migrate: bool) -> bool:
    """Make the database ready for this version; True when anything was migrated.

    An empty one is filled, an older one only where `auto_migrate` says so. Raises StartRefused for an older one
    otherwise, and always for a newer one or one that holds somebody else's tables.
    """
    schema = schema_of(url)
    match schema.state:
        case SchemaState.CURRENT:
            return False
        case SchemaState.EMPTY:
            upgrade(url)
            return True
        case SchemaState.OLDER if auto_migrate:
            upgrade(url)
            return True
        case _:
            raise StartRefused(refusal_of(schema))


def refusal_of(schema: Schema) -> str:
    """The sentence that says why the process does not start on this schema, and what to do."""
    match schema.state:
        case SchemaState.OLDER:
            return (
                f"The database is at revision {schema.current}, this version needs {schema.head}. "
                f"Make a backup, then run: {MIGRATE_COMMAND} (or set AUTO_MIGRATE=true)"
            )
        case SchemaState.NEWER:
            return (
                f"The database is at revision {schema.current}, which this version does not know: a newer version has "
                "used it. Start that version, or restore a backup from before the upgrade."
            )
        case _:
            return "The database holds tables that are not PagerPal's. Point DATABASE_URL to an empty database."


def _create_private(url: str) -> None:
    """A new SQLite file is for its owner only; its WAL takes the same rights."""
    target = make_url(url)
    if target.get_backend_name() == "sqlite" and target.database and Path(target.database).parent.is_dir():
        with suppress(OSError):  # SQLite itself says best what is wrong with the path
            Path(target.database).touch(mode=0o600)


def _state(current: str | None, head: str, known: Collection[str], *, has_tables: bool) -> SchemaState:
    if current == head:
        return SchemaState.CURRENT
    if current is None:
        return SchemaState.FOREIGN if has_tables else SchemaState.EMPTY
    return SchemaState.OLDER if current in known else SchemaState.NEWER


def _target(url: str) -> str:
    target = make_url(url)
    if target.drivername == "postgresql":
        target = target.set(drivername="postgresql+psycopg")
    return target.render_as_string(hide_password=False)


def _unreachable(url: str, error: SQLAlchemyError) -> StartRefused:
    reason = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
    return StartRefused(f"DATABASE_URL: {redact_text(url)} cannot be used: {redact_text(reason)}")
