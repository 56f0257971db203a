"""The commands beside the server: migrate, create-admin, send-test-alert, doctor."""

import re
import stat
from pathlib import Path

from tests.cli.conftest import Run

PASSWORD = "a-long-enough-passphrase"
EMAIL = ("--email", "ada@acme.net")


def test_migrate_fills_an_empty_database_and_then_has_nothing_to_do(run: Run, tmp_path: Path) -> None:
    first = run("migrate")
    assert (first.returncode, "migrated just now" in first.stdout) == (0, True)
    assert stat.S_IMODE((tmp_path / "pagerpal.db").stat().st_mode) == 0o600
    second = run("migrate")
    assert (second.returncode, "migrated" in second.stdout) == (0, False)


def test_create_admin_makes_one_who_can_sign_in(run: Run) -> None:
    done = run("create-admin", *EMAIL, "--name", "Ada", "--password-stdin", given=f"{PASSWORD}\n")
    assert (done.returncode, done.stdout) == (
        0,
        "Ada <ada@acme.net> is an admin and can sign in at http://127.0.0.1:8000/login\n",
    )


def test_create_admin_refuses_an_address_that_is_taken_and_a_weak_password(run: Run) -> None:
    weak = run("create-admin", *EMAIL, "--password-stdin", given="password\n")
    assert (weak.returncode, "password" in weak.stderr, "Traceback" in weak.stderr) == (1, True, False)
    run("create-admin", *EMAIL, "--password-stdin", given=f"{PASSWORD}\n")
    again = run("create-admin", *EMAIL, "--password-stdin", given=f"{PASSWORD}\n")
    assert (again.returncode, again.stdout, "Traceback" in again.stderr) == (1, "", False)
    assert again.stderr.strip()


def test_send_test_alert_needs_a_source(run: Run) -> None:
    without = run("send-test-alert")
    assert (without.returncode, without.stderr) == (1, "There is no such alert source.\n")


def test_doctor_is_red_on_a_new_database_and_names_each_check(run: Run) -> None:
    done = run("doctor")
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert all(re.match(r"(ok|warn|fail) +[a-z_]+ +\S", line) for line in lines)
    assert any(line.split()[:2] == ["fail", "admin"] for line in lines)


def test_doctor_tells_a_weak_setting_in_a_sentence(run: Run) -> None:
    done = run("doctor", PAGERPAL_ENV="production", SECRET_KEY="short")
    assert (done.returncode, "SECRET_KEY is too short" in done.stderr) == (1, True)


def test_doctor_lists_the_failpoints(run: Run) -> None:
    done = run("doctor", "--failpoints")
    assert done.returncode == 0
    names = [line.split()[0] for line in done.stdout.splitlines()]
    assert "ingest.after_commit" in names
    assert names == sorted(names)


def test_wrong_usage_is_2(run: Run) -> None:
    assert run("dance").returncode == 2
    assert run().returncode == 2
    assert run("--version").stdout == "0.1.0\n"
