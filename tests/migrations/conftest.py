"""Databases with nothing in them, of either kind."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.databases import PostgresTemplate


@pytest.fixture
def sqlite_empty_url(tmp_path: Path) -> str:
    """The address of a SQLite file that does not exist yet."""
    return f"sqlite:///{tmp_path / 'empty.db'}"


@pytest.fixture
def postgresql_empty_url(postgres_template: PostgresTemplate) -> Iterator[str]:
    """The address of a PostgreSQL database without tables."""
    url = postgres_template.empty()
    yield url
    postgres_template.drop(url)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def empty_url(request: pytest.FixtureRequest) -> str:
    """The address of a database without tables; the test runs once on each kind."""
    url: str = request.getfixturevalue(f"{request.param}_empty_url")
    return url
