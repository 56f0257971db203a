"""Taking old rows away, a bounded number in each transaction: what every context's `retention.py` is written with."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, TypeAlias

from sqlalchemy import ColumnElement, delete, exists, func, insert, select, update
from sqlalchemy.sql import Select

from app.platform.db import Tx
from app.platform.models import MarkRow
from app.platform.tables import Base, table_of

Condition: TypeAlias = "ColumnElement[bool]"
# Rows of one table that shall go, by a condition; what names other rows comes before them.
Leaving: TypeAlias = tuple[type[Base], Condition]


def delete_some(tx: Tx, model: type[Base], *conditions: Condition, limit: int, oldest: Any = None) -> int:
    """Delete at most `limit` rows, the `oldest` by that column first; how many went."""
    rows = table_of(model)
    some = select(rows.c.id).where(*conditions).limit(limit)
    if oldest is not None:
        some = some.order_by(oldest)
    return tx.execute(delete(rows).where(rows.c.id.in_(some))).rowcount


def delete_in_turn(tx: Tx, leaving: Iterable[Leaving], *, limit: int) -> int:
    """Delete at most `limit` rows in all, table by table; when fewer went, none of these is left."""
    left = limit
    for model, condition in leaving:
        left -= delete_some(tx, model, condition, limit=left)
        if left <= 0:
            break
    return limit - left


def not_newest(model: type[Base]) -> Condition:
    """Leaves the newest row where it is: SQLite would give its number, which links and messages name, to another."""
    rows = table_of(model)
    return rows.c.id != select(func.max(rows.alias().c.id)).scalar_subquery()


def among_oldest(model: type[Base], limit: int) -> Condition:
    """The `limit` rows with the lowest numbers, for tables that are written in the order of time."""
    other = table_of(model).alias()
    return table_of(model).c.id.in_(select(other.c.id).order_by(other.c.id).limit(limit))


def is_named(names: "Select[Any]", column: Any) -> Condition:
    """Whether `column` is among the one column that `names` selects; asked row by row, not read as a list."""
    (name,) = names.selected_columns
    return exists(names.where(name == column))


def names_nothing(column: Any) -> Condition:
    """Whether `column` is NULL, said so that no index is taken for it: most rows of its table name nothing."""
    return column.is_(None).is_(True)  # type: ignore[no-any-return]


def mark_of(tx: Tx, name: str) -> datetime | None:
    """Up to when a piece of work has come that goes through old rows in the order of time."""
    until: datetime | None = tx.scalar(select(MarkRow.until).where(MarkRow.name == name))
    return until


def move_mark(tx: Tx, name: str, until: datetime) -> None:
    """Remember how far the work has come."""
    if not tx.execute(update(MarkRow).where(MarkRow.name == name).values(until=until)).rowcount:
        tx.execute(insert(MarkRow).values(name=name, until=until))


def none_of(names: "Sequence[Select[Any]]", column: Any) -> list[Condition]:
    """Conditions that leave out what any of `names` selects."""
    return [~is_named(each, column) for each in names]
