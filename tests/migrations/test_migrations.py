"""Migrations go up and down on both databases, end in exactly the models' tables, and survive company and failure."""

import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import NullPool, create_engine, inspect
from sqlalchemy.exc import DBAPIError

from app.tables import metadata
from tests.support.databases import ROOT, alembic_config, upgrade

FILES = sorted((ROOT / "migrations" / "versions").glob("*.py"))
DATE_NAME = re.compile(r"\d{4}_\d\d_\d\d_\d{4}_[a-z0-9_]+\.py")


def tables_in(url: str) -> set[str]:
    engine = create_engine(url, poolclass=NullPool)
    names = set(inspect(engine).get_table_names())
    engine.dispose()
    return names


def test_up_down_and_up_again_ends_with_every_table(empty_url: str) -> None:
    upgrade(empty_url)
    assert tables_in(empty_url) == {*metadata.tables, "alembic_version"}

    command.downgrade(alembic_config(empty_url), "base")
    assert tables_in(empty_url) == {"alembic_version"}

    upgrade(empty_url)
    assert tables_in(empty_url) == {*metadata.tables, "alembic_version"}


def test_each_step_can_be_taken_back_alone(empty_url: str) -> None:
    script = ScriptDirectory.from_config(alembic_config(empty_url))
    for revision in reversed(list(script.walk_revisions())):
        before = tables_in(empty_url)
        upgrade(empty_url, revision.revision)
        command.downgrade(alembic_config(empty_url), "-1")
        assert tables_in(empty_url) - {"alembic_version"} == before - {"alembic_version"}
        upgrade(empty_url, revision.revision)


def test_migrated_database_does_not_differ_from_the_models(database_url: str) -> None:
    engine = create_engine(database_url, poolclass=NullPool)
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True, "render_as_batch": True}
        )
        assert compare_metadata(context, metadata) == []
    engine.dispose()


def test_two_processes_that_start_on_an_empty_database_both_find_it_ready(empty_url: str) -> None:
    migrate = [sys.executable, "-m", "alembic", "-x", f"url={empty_url}", "upgrade", "head"]
    both = [subprocess.Popen(migrate, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) for _ in range(2)]
    outputs = [process.communicate(timeout=50)[0].decode() for process in both]
    assert [process.returncode for process in both] == [0, 0], outputs
    assert tables_in(empty_url) == {*metadata.tables, "alembic_version"}


def test_migration_that_fails_half_way_changes_nothing(empty_url: str, tmp_path: Path) -> None:
    upgrade(empty_url)
    folder = _migrations_and_one_more(
        tmp_path, "op.create_table('half', sa.Column('id', sa.Integer()))\n    op.drop_table('absent')"
    )
    config = alembic_config(empty_url)
    config.set_main_option("script_location", str(folder))
    with pytest.raises(DBAPIError):
        command.upgrade(config, "head")
    assert "half" not in tables_in(empty_url)


def test_sql_script_mode_is_refused_with_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(Exception, match="there is no SQL script mode"):
        command.upgrade(alembic_config(f"sqlite:///{tmp_path / 'x.db'}"), "head", sql=True)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_migration_file_has_a_date_a_reason_and_two_directions(file: Path) -> None:
    assert DATE_NAME.fullmatch(file.name), f"{file.name} should begin with its date and time"
    module = ast.parse(file.read_text(encoding="utf-8"))
    docstring = ast.get_docstring(module) or ""
    assert docstring, f"{file.name} has no docstring"
    assert "say here why" not in docstring, f"{file.name} still has the template's docstring"
    functions = {node.name: node for node in module.body if isinstance(node, ast.FunctionDef)}
    for direction in ("upgrade", "downgrade"):
        statements = [node for node in functions[direction].body if not isinstance(node, ast.Pass)]
        assert len(statements) > 1, f"{file.name}: {direction} does nothing"


def test_migrations_use_none_of_our_code() -> None:
    """Code changes after a migration was written; a migration must go on meaning the same."""
    importing = [file.name for file in FILES if re.search(r"^\s*(from|import) app\b", file.read_text(), re.MULTILINE)]
    assert importing == []


def _migrations_and_one_more(tmp_path: Path, upgrade_body: str) -> Path:
    folder = tmp_path / "migrations"
    shutil.copytree(ROOT / "migrations", folder)
    head = ScriptDirectory(str(folder)).get_current_head()
    (folder / "versions" / "2099_01_01_0000_fails.py").write_text(
        f"import sqlalchemy as sa\nfrom alembic import op\n\nrevision = 'fails'\ndown_revision = {head!r}\n\n\n"
        f"def upgrade() -> None:\n    {upgrade_body}\n\n\ndef downgrade() -> None:\n    pass\n",
        encoding="utf-8",
    )
    return folder
