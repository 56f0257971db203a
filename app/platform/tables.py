"""What every table is built from: the declarative base, the column types and the row-to-dataclass mapping."""

from collections.abc import Callable
from dataclasses import fields
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache, lru_cache
from typing import Any, cast

from sqlalchemy import (
    JSON,
    DateTime,
    Dialect,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    cast as sql_cast,
    func,
    type_coerce,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, InstrumentedAttribute
from sqlalchemy.sql.elements import Label

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """The one metadata of the product; rows are never used as objects, only as tables."""

    metadata = MetaData(naming_convention=NAMING)


class UtcDateTime(TypeDecorator[datetime]):
    """An instant in UTC with microseconds: aware in, aware out; a naive value is refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    # The processors are given whole, not as `process_bind_param` over the driver's: intake binds eight times a row.
    def bind_processor(self, dialect: Dialect) -> Callable[[datetime | None], Any]:
        """What makes of an instant what the database keeps. It raises ValueError for a naive one."""
        return _utc if dialect.name == "postgresql" else _utc_text

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], datetime | None]:
        """What makes of a stored value an aware instant in UTC."""
        return _utc_of if dialect.name == "postgresql" else _utc_of_text


def _utc(value: datetime | None) -> datetime | None:
    if value is None or value.tzinfo is UTC:
        return value
    if value.tzinfo is None:
        raise ValueError("a time without a zone cannot be stored")
    return value.astimezone(UTC)


# Most rows of a batch name the same few instants.
@lru_cache(maxsize=64)
def _utc_text(value: datetime | None) -> str | None:
    # SQLAlchemy's own storage format for SQLite, so that text order is time order.
    utc = _utc(value)
    return None if utc is None else utc.replace(tzinfo=None).isoformat(" ", "microseconds")


def _utc_of(value: datetime | None) -> datetime | None:
    return None if value is None else value.astimezone(UTC)


def _utc_of_text(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value).replace(tzinfo=UTC)


class EnumText(TypeDecorator[Any]):
    """A `StrEnum` kept as its text; a stored word that is no member is an error, not a silent string."""

    impl = String(40)
    cache_ok = True

    def __init__(self, kind: type[StrEnum]) -> None:
        super().__init__()
        self.kind = kind
        self._members: dict[str, StrEnum] = {member.value: member for member in kind}

    def bind_processor(self, dialect: Dialect) -> Callable[[str | None], str | None]:
        """What makes of a member, or of its word, its text. It raises ValueError for another word."""
        return lambda value: None if value is None else self._member(value)._value_

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[str | None], StrEnum | None]:
        """What makes of a stored word its member. It raises ValueError for another word."""
        return lambda value: None if value is None else self._member(value)

    def _member(self, word: str) -> StrEnum:
        return self._members.get(word) or self.kind(word)


Json = JSON().with_variant(JSONB(none_as_null=False), "postgresql")
LongText = Text()


def table_of(model: type[Base]) -> Table:
    """The plain table behind a model, for statements with bound columns."""
    return cast(Table, model.__table__)


@cache
def fields_of(model: type[Base], kind: type[Any]) -> tuple[Label[Any], ...]:
    """The columns of `model` that the dataclass `kind` names, labelled with its field names, for `select(*…)`.

    Kept, because nearly every question to the database asks for the same ones again.
    """
    return tuple(_column(model, field.name).label(field.name) for field in fields(kind))


def epoch_of(dialect: str, column: Any) -> Any:
    """An instant as whole seconds, which a division by a whole number keeps whole, so that rows can be put together."""
    if dialect == "postgresql":
        return sql_cast(func.floor(func.extract("epoch", column)), Integer)
    return sql_cast(func.strftime("%s", type_coerce(column, String)), Integer)


def _column(model: type[Base], name: str) -> InstrumentedAttribute[Any]:
    # `metadata` is taken by the declarative base, so that column's attribute carries an underscore.
    attribute: InstrumentedAttribute[Any] = getattr(model, "metadata_" if name == "metadata" else name)
    return attribute
