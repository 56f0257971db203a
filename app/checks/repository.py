"""Statements over check runs and configurations."""

from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.sql import Select

from app.checks.models import CheckConfigRow, CheckRunRow
from app.checks.types import CheckRun
from app.platform.db import Tx
from app.platform.tables import fields_of
from app.platform.types import JsonObject

# The fields of a configuration that may differ from the checker's own.
CHANGEABLE = ("params", "warning_threshold", "critical_threshold", "timeout", "enabled", "cadence_seconds")


def select_runs() -> "Select[Any]":
    """A select of whole runs, to be narrowed."""
    return select(*fields_of(CheckRunRow, CheckRun))


def select_last_runs() -> "Select[Any]":
    """The newest run of each checker."""
    newest = select(func.max(CheckRunRow.id)).group_by(CheckRunRow.checker_name)
    return select_runs().where(CheckRunRow.id.in_(newest))


def changes_by_checker(tx: Tx) -> dict[str, JsonObject]:
    """What was changed over the checkers' own configuration; what is not named is as they have it."""
    statement = select(CheckConfigRow.checker, *(getattr(CheckConfigRow, name) for name in CHANGEABLE))
    return {row["checker"]: _set(row) for row in tx.execute(statement).mappings()}


def lock_changes(tx: Tx, checker: str, *, now: datetime) -> JsonObject:
    """What was changed of one checker, its row made if need be and locked for this transaction."""
    insert = postgresql_insert if tx.dialect == "postgresql" else sqlite_insert
    row = {"checker": checker, "params": {}, "created_at": now, "updated_at": now}
    tx.execute(insert(CheckConfigRow).values(**row).on_conflict_do_nothing())
    columns = [getattr(CheckConfigRow, name) for name in CHANGEABLE]
    statement = select(*columns).where(CheckConfigRow.checker == checker).with_for_update()
    return _set(tx.execute(statement).mappings().one())


def store_changes(tx: Tx, checker: str, changes: JsonObject, *, now: datetime) -> None:
    """Keep what differs from the checker's own configuration; the rest becomes NULL."""
    values = {name: changes.get(name, {} if name == "params" else None) for name in CHANGEABLE}
    statement = update(CheckConfigRow).where(CheckConfigRow.checker == checker)
    tx.execute(statement.values(**values, updated_at=now))


def _set(row: Any) -> JsonObject:
    return {name: row[name] for name in CHANGEABLE if row[name] is not None}
