"""Databases of others are read and never written, whatever the query tries."""

import pytest
from sqlalchemy import NullPool, create_engine, text

from app.platform.foreign import QueryFailed, rows_of

WRITES = [
    "DELETE FROM tallies",
    "SELECT 1) AS x; DELETE FROM tallies; --",
    "WITH gone AS (DELETE FROM tallies RETURNING 1) SELECT * FROM gone",
    "SELECT 1 AS a; COMMIT",
]


def count(url: str) -> int:
    """How many rows the table has."""
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"), poolclass=NullPool)
    with engine.connect() as connection:
        found = int(connection.execute(text("SELECT count(*) FROM alarms")).scalar_one())
    engine.dispose()
    return found


def test_rows_come_by_name(database_url: str) -> None:
    rows = rows_of(database_url, "SELECT entry_id, enabled FROM alarms ORDER BY id;", timeout_seconds=5)
    assert [row["entry_id"] for row in rows] == ["alarm_panda_failure_rate_user", "alarm_panda_failure_rate_eic_all"]
    assert rows[0]["enabled"] in (0, False)


@pytest.mark.parametrize("query", [each.replace("tallies", "alarm_versions") for each in WRITES])
def test_what_would_write_fails(database_url: str, query: str) -> None:
    before = count(database_url)
    with pytest.raises(QueryFailed):
        rows_of(database_url, query, timeout_seconds=5)
    assert count(database_url) == before


def test_a_function_that_writes_fails(postgresql_url: str) -> None:
    with pytest.raises(QueryFailed, match="read-only"):
        rows_of(postgresql_url, "SELECT nextval('alarms_id_seq')", timeout_seconds=5)


def test_a_query_that_takes_too_long_is_broken_off(database_url: str) -> None:
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
    with pytest.raises(QueryFailed):
        rows_of(database_url, endless, timeout_seconds=0.3)


def test_too_many_rows_are_refused(database_url: str) -> None:
    many = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1005) SELECT i FROM n"
    with pytest.raises(QueryFailed, match="more than 1000 rows"):
        rows_of(database_url, many, timeout_seconds=5)


def test_a_database_that_is_not_there_is_said_without_its_address() -> None:
    with pytest.raises(QueryFailed) as failed:
        rows_of("postgresql://reader:s3cret@127.0.0.1:1/stats", "SELECT 1", timeout_seconds=1)
    assert "s3cret" not in str(failed.value)
    assert "127.0.0.1" not in str(failed.value)
