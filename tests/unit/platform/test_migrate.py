"""The schema at start, on a set of two small migrations of this test's own."""

import shutil
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from app.platform import migrate
from app.platform.errors import StartRefused
from app.platform.migrate import MIGRATIONS, SchemaState, prepare_schema, schema_of, upgrade

REVISION = """
from alembic import op

revision = "{0}"
down_revision = {1}
branch_labels = None
depends_on = None


def upgrade():
    op.execute("CREATE TABLE {0}_table (id INTEGER PRIMARY KEY)")


def downgrade():
    op.execute("DROP TABLE {0}_table")
"""


@pytest.fixture(autouse=True)
def migrations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A migrations folder with the real environment and the revisions `one` and `two`."""
    folder = tmp_path / "100% migrations"
    (folder / "versions").mkdir(parents=True)
    shutil.copy(MIGRATIONS / "env.py", folder)
    (folder / "versions" / "one.py").write_text(REVISION.format("one", None))
    (folder / "versions" / "two.py").write_text(REVISION.format("two", repr("one")))
    monkeypatch.setattr(migrate, "MIGRATIONS", folder)
    return folder


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A database that does not exist yet."""
    return f"sqlite:///{tmp_path / 'test.db'}"


def run(url: str, statement: str) -> None:
    """One statement by hand, as an operator might."""
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text(statement))
    engine.dispose()


def test_an_empty_database_is_filled_by_itself(url: str) -> None:
    assert schema_of(url).state is SchemaState.EMPTY
    assert prepare_schema(url, auto_migrate=False) is True
    schema = schema_of(url)
    assert (schema.state, schema.current, schema.head) == (SchemaState.CURRENT, "two", "two")


def test_a_current_database_is_left_alone(url: str) -> None:
    upgrade(url)
    assert prepare_schema(url, auto_migrate=True) is False


def test_an_older_one_is_refused_with_the_command_to_run(url: str) -> None:
    upgrade(url)
    run(url, "UPDATE alembic_version SET version_num = 'one'")
    run(url, "DROP TABLE two_table")
    with pytest.raises(StartRefused, match=r"at revision one, this version needs two\. .*python -m app migrate"):
        prepare_schema(url, auto_migrate=False)
    assert prepare_schema(url, auto_migrate=True) is True
    assert schema_of(url).state is SchemaState.CURRENT


@pytest.mark.parametrize("auto_migrate", [True, False])
def test_a_newer_one_is_always_refused(url: str, auto_migrate: bool) -> None:
    upgrade(url)
    run(url, "UPDATE alembic_version SET version_num = 'three'")
    with pytest.raises(StartRefused, match="at revision three, which this version does not know"):
        prepare_schema(url, auto_migrate=auto_migrate)


def test_somebody_elses_database_is_not_touched(url: str) -> None:
    run(url, "CREATE TABLE invoices (id INTEGER PRIMARY KEY)")
    with pytest.raises(StartRefused, match="not PagerPal's"):
        prepare_schema(url, auto_migrate=True)


def test_a_failed_migration_changes_nothing(url: str, migrations: Path) -> None:
    broken = REVISION.format("two", repr("one")).replace("CREATE TABLE two_table", "CREATE TABLE one_table")
    (migrations / "versions" / "two.py").write_text(broken)
    with pytest.raises(StartRefused, match="one_table already exists"):
        prepare_schema(url, auto_migrate=False)
    assert schema_of(url).state is SchemaState.EMPTY


def test_a_database_that_cannot_be_opened_is_named_without_its_password() -> None:
    with pytest.raises(StartRefused) as refused:
        schema_of("postgresql://pager:canary@127.0.0.1:1/pagerpal?connect_timeout=1")
    assert str(refused.value).startswith("DATABASE_URL: postgresql://***@127.0.0.1:1/pagerpal")
    assert "canary" not in str(refused.value)
    with pytest.raises(StartRefused, match=r"DATABASE_URL: .*unable to open database file"):
        schema_of("sqlite:////nowhere/at/all.db")
