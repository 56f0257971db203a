"""The documents' commands with a Python that has no packages: they go on in the environment of scripts/up."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# Without `site` no interpreter finds what is installed.
BARE = (str(Path(sys.executable).resolve()), "-S")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """As much of a checkout as a command meets before it knows that packages are missing."""
    for name in ("app/__init__.py", "app/__main__.py", "scripts/create_admin.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def ran(checkout: Path, *command: str) -> tuple[int, str]:
    """How a command ended with such a Python, and what it said."""
    done = subprocess.run(
        [*BARE, *command], cwd=checkout, stdout=-1, stderr=subprocess.STDOUT, text=True, timeout=50, check=False
    )
    return done.returncode, done.stdout


@pytest.mark.parametrize(
    "command", [("-m", "app", "doctor"), ("scripts/create_admin.py", "--email", "ada@example.com")], ids=" ".join
)
def test_a_command_goes_on_as_it_was_given(checkout: Path, command: tuple[str, ...]) -> None:
    environment = checkout / ".venv" / "bin" / "python"
    environment.parent.mkdir(parents=True)
    environment.write_text('#!/bin/sh\necho "in the environment: $*"\n', encoding="ascii")
    environment.chmod(0o755)
    assert ran(checkout, *command) == (0, f"in the environment: -S {' '.join(command)}\n")


def test_without_an_environment_the_way_to_one_is_told(checkout: Path) -> None:
    said = "PagerPal's packages are not installed for this Python: run scripts/up once.\n"
    assert ran(checkout, "-m", "app", "doctor") == (1, said)
