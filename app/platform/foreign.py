"""Reading from databases of others: one query, by a connection that the operator named; never a write.

Held read-only three times: by the connection itself, by a query that can only stand where a table stands, and by a
protocol that takes one statement. Every call ends by itself, so a thread that runs one is not lost.
"""

import re
import sqlite3
import time
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
from sqlalchemy.engine import make_url

from app.platform.types import JsonObject, JsonValue

ROWS_AT_MOST = 1000
CELL_LENGTH = 2000
CONNECT_SECONDS = 5
STEPS_BETWEEN_LOOKS = 10_000
_SURROGATES = re.compile("[\ud800-\udfff]")


class QueryFailed(Exception):
    """The query could not be answered; the message is for the operator and holds no secret."""


def rows_of(url: str, query: str, *, timeout_seconds: float) -> list[JsonObject]:
    """The rows of one query, at most ROWS_AT_MOST. Raises QueryFailed."""
    limited = f"SELECT * FROM (\n{query.strip().rstrip(';')}\n) AS asked LIMIT {ROWS_AT_MOST + 1}"  # noqa: S608
    try:
        if url.startswith("sqlite"):
            names, rows = _from_sqlite(url, limited, timeout_seconds)
        else:
            names, rows = _from_postgresql(url, limited, timeout_seconds)
    except (sqlite3.Error, psycopg.Error) as error:
        said = str(getattr(getattr(error, "diag", None), "message_primary", None) or error)
        # A driver's own words may hold the address; those of the database are about the query.
        is_about_query = isinstance(error, sqlite3.Error) or getattr(error, "sqlstate", None) is not None
        reason = said if is_about_query else type(error).__name__
        raise QueryFailed(f"the query failed: {reason[:300]}") from None
    if len(rows) > ROWS_AT_MOST:
        raise QueryFailed(f"the query gives more than {ROWS_AT_MOST} rows")
    return [{name: _cell(value) for name, value in zip(names, row, strict=True)} for row in rows]


def _from_sqlite(url: str, query: str, timeout_seconds: float) -> tuple[list[str], list[tuple[Any, ...]]]:
    path = Path(make_url(url).database or "").absolute()
    connection = sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, timeout=CONNECT_SECONDS)
    ends_at = time.monotonic() + timeout_seconds
    connection.set_progress_handler(lambda: int(time.monotonic() > ends_at), STEPS_BETWEEN_LOOKS)
    try:
        cursor = connection.execute(query)
        return [column[0] for column in cursor.description or ()], cursor.fetchall()
    finally:
        connection.close()


def _from_postgresql(url: str, query: str, timeout_seconds: float) -> tuple[list[str], list[tuple[Any, ...]]]:
    target = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    limits = f"-c statement_timeout={int(timeout_seconds * 1000)} -c default_transaction_read_only=on"
    with psycopg.connect(target, connect_timeout=CONNECT_SECONDS, options=limits) as connection:
        connection.read_only = True
        # Prepared, so that the server takes one statement and no more.
        cursor = connection.execute(query.encode(), prepare=True)
        return [column.name for column in cursor.description or ()], cursor.fetchall()


def _cell(value: Any) -> JsonValue:
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float | Decimal):
        number = float(value)
        return number if abs(number) < float("inf") else str(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    return _SURROGATES.sub("\ufffd", text).replace("\0", "")[:CELL_LENGTH]
