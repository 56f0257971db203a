"""Inserting many rows at once, at nearly the driver's own speed.

For each value SQLAlchemy's execution costs several times what the database does, and intake inserts four rows a
webhook. The statement and the types' processors are SQLAlchemy's, made once per table; only its loop is not used.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Dialect, insert

from app.platform.db import Tx
from app.platform.tables import Base, table_of

_plans: dict[tuple[type[Base], str], "_Plan"] = {}


@dataclass(frozen=True, slots=True)
class _Plan:
    sql: str
    names: tuple[str, ...]
    processors: tuple[tuple[int, Callable[[Any], Any]], ...]
    defaults: Mapping[str, Callable[[], Any]]
    is_positional: bool

    def parameters(self, row: Mapping[str, Any]) -> Any:
        if len(row) < len(self.names):
            row = {**{name: make() for name, make in self.defaults.items() if name not in row}, **row}
        values = [row[name] for name in self.names]
        for at, process in self.processors:
            values[at] = process(values[at])
        return tuple(values) if self.is_positional else dict(zip(self.names, values, strict=True))


def insert_many(tx: Tx, model: type[Base], rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert these rows, by column name; what a row does not name gets the column's default, or none. No ids come back.

    Raises ValueError for a value that its type refuses.
    """
    if rows:
        plan = _plan_of(model, tx.connection.dialect)
        tx.connection.exec_driver_sql(plan.sql, [plan.parameters(row) for row in rows])


def _plan_of(model: type[Base], dialect: Dialect) -> _Plan:
    known = _plans.get((model, dialect.name))
    if known is not None:
        return known
    columns = {column.name: column for column in table_of(model).columns if not column.primary_key}
    compiled = insert(table_of(model)).compile(dialect=dialect, column_keys=list(columns))
    names = tuple(compiled.positiontup or columns)
    found = [(at, columns[name].type.dialect_impl(dialect).bind_processor(dialect)) for at, name in enumerate(names)]
    processors = tuple((at, process) for at, process in found if process is not None)
    defaults = {name: _default(columns[name]) for name in names}
    return _plans.setdefault(
        (model, dialect.name), _Plan(str(compiled), names, processors, defaults, bool(compiled.positional))
    )


def _default(column: Column[Any]) -> Callable[[], Any]:
    default: Any = column.default
    if default is None:
        return lambda: None
    # A callable default takes the execution's context, of which ours make no use.
    return (lambda: default.arg(None)) if default.is_callable else (lambda: default.arg)
