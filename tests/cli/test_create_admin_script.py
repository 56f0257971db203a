"""`scripts/create_admin.py` as document 000 calls it."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def create(url: str, *arguments: str, password: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "create_admin.py"), "--email", "ada@example.com", *arguments],
        input=f"{password}\n",
        capture_output=True,
        text=True,
        timeout=50,
        cwd="/",
        env={**os.environ, "DATABASE_URL": url, "PAGERPAL_ENV": "test"},
        check=False,
    )


def test_the_script_makes_an_admin_once_and_says_where_to_sign_in(sqlite_url: str) -> None:
    made = create(sqlite_url, "--name", "Ada", "--password-stdin", password="a-long-and-quiet-river")
    assert (made.returncode, made.stderr) == (0, "")
    assert "Ada <ada@example.com> is an admin" in made.stdout
    again = create(sqlite_url, "--password-stdin", password="a-long-and-quiet-river")
    assert again.returncode == 1
    assert "email" in again.stderr


def test_the_script_refuses_a_password_that_everybody_tries_first(sqlite_url: str) -> None:
    refused = create(sqlite_url, "--password-stdin", password="password1")
    assert refused.returncode == 1
    assert "everybody tries first" in refused.stderr
    assert "password1" not in refused.stderr + refused.stdout
