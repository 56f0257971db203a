"""What every table is built from: the declarative base, the column types and the row-to-dataclass mapping."""

from dataclasses import fields
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, cast

from sqlalchemy import JSON, DateTime, Dialect, MetaData, String, Table, Text, TypeDecorator
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

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """The value as the database keeps it. Raises ValueError for a naive one."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone cannot be stored")
        utc = value.astimezone(UTC)
        return utc if dialect.name == "postgresql" else utc.replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """The stored instant, aware, in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class EnumText(TypeDecorator[Any]):
    """A `StrEnum` kept as its text; a stored word that is no member is an error, not a silent string."""

    impl = String(40)
    cache_ok = True

    def __init__(self, kind: type[StrEnum]) -> None:
        super().__init__()
        self.kind = kind

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        """The member's text."""
        return None if value is None else self.kind(value).value

    def process_result_value(self, value: Any, dialect: Dialect) -> StrEnum | None:
        """The member."""
        return None if value is None else self.kind(value)


Json = JSON().with_variant(JSONB(none_as_null=False), "postgresql")
LongText = Text()


def table_of(model: type[Base]) -> Table:
    """The plain table behind a model, for statements with bound columns."""
    return cast(Table, model.__table__)


def fields_of(model: type[Base], kind: type[Any]) -> list[Label[Any]]:
    """The columns of `model` that the dataclass `kind` names, labelled with its field names, for `select(*…)`."""
    return [_column(model, field.name).label(field.name) for field in fields(kind)]


def _column(model: type[Base], name: str) -> InstrumentedAttribute[Any]:
    # `metadata` is taken by the declarative base, so that column's attribute carries an underscore.
    attribute: InstrumentedAttribute[Any] = getattr(model, "metadata_" if name == "metadata" else name)
    return attribute
