"""`pagerpal check run`: what it prints, and the exit statuses that monitoring systems read."""

import json
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from app.alerts import queries as alerts
from app.alerts.types import Alert
from app.checks import queries, service as checks
from app.platform.bus import Bus
from app.platform.db import Db
from tests.cli.conftest import ROOT, Run, environment

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def set_up(tmp_path: Path, checker: str, **changes: Any) -> None:
    """Change how a checker is set up in the command's database."""
    db = Db(f"sqlite:///{tmp_path / 'pagerpal.db'}", bus=Bus(), inline=True)
    db.write(lambda tx: checks.change_config(tx, checker, changes=changes, now=NOW))
    db.dispose()


def test_what_is_well_exits_with_0_and_leaves_runs(run: Run) -> None:
    done = run("check", "run", "process")
    assert (done.returncode, done.stderr) == (0, "")
    first, line = done.stdout.splitlines()
    assert first == "OK: 1 ok"
    assert line.startswith("ok       process      No process is named")


@pytest.mark.parametrize(("critical", "status", "word"), [(100.0, 1, "WARNING"), (0.0, 2, "CRITICAL")])
def test_the_worst_decides_the_exit_status(run: Run, tmp_path: Path, critical: float, status: int, word: str) -> None:
    run("migrate")
    set_up(tmp_path, "memory", warning_threshold=0.0, critical_threshold=critical)
    done = run("check", "run", "process", "memory")
    assert done.returncode == status
    said, figures = done.stdout.splitlines()[0].split(" | ")
    assert said == f"{word}: 1 ok, 1 {word.lower()}"
    assert re.fullmatch(rf"memory=[\d.]+%;0;{critical:g}", figures)
    assert [line.split()[:2] for line in done.stdout.splitlines()[1:]] == [["ok", "process"], [word.lower(), "memory"]]
    assert "|" not in "".join(done.stdout.splitlines()[1:])


def test_without_names_all_run_that_are_switched_on_and_mean_anything_here(run: Run, tmp_path: Path) -> None:
    run("migrate")
    for name in ("cpu", "network", "disk_common", "disk_linux"):
        set_up(tmp_path, name, enabled=False)
    found = json.loads(run("check", "run", "--json").stdout)
    assert [each["checker_name"] for each in found["checks"]] == ["disk", "memory", "process"]


def test_json_has_every_run_in_the_order_of_the_names(run: Run) -> None:
    done = run("check", "run", "process", "memory", "--json")
    found = json.loads(done.stdout)
    assert [each["checker_name"] for each in found["checks"]] == ["process", "memory"]
    assert found["checks"][0].keys() >= {"status", "message", "metrics", "hostname", "duration_ms", "executed_at"}
    assert done.returncode == {"ok": 0, "warning": 1, "critical": 2, "unknown": 3}[found["status"]]


def test_what_is_for_another_system_is_unknown_and_exits_with_3(run: Run) -> None:
    done = run("check", "run", "disk_macos", "disk_linux")
    assert done.returncode == 3
    assert done.stdout.startswith("UNKNOWN: ")


@pytest.mark.parametrize("arguments", [("nosuch",), ("--surprise",), ("memory", "--surprise")])
def test_wrong_usage_is_unknown_not_critical(run: Run, arguments: tuple[str, ...]) -> None:
    done = run("check", "run", *arguments)
    assert (done.returncode, done.stdout) == (3, "")
    assert "surprise" in done.stderr or "there is no checker" in done.stderr.lower()


def test_a_database_that_cannot_be_used_is_unknown(run: Run) -> None:
    done = run("check", "run", "memory", DATABASE_URL="sqlite:////no/such/folder/pagerpal.db")
    assert done.returncode == 3


def fired(tmp_path: Path) -> list[Alert]:
    """What the command made of it."""
    db = Db(f"sqlite:///{tmp_path / 'pagerpal.db'}", bus=Bus(), inline=True)
    found = db.read(lambda tx: alerts.list_alerts(tx)).items
    runs = db.read(queries.last_runs)
    db.dispose()
    assert [run.alert_id for run in runs.values()] == [alert.id for alert in found]
    return found


def test_what_is_bad_makes_an_alert_unless_that_is_not_wanted(run: Run, tmp_path: Path) -> None:
    run("migrate")
    set_up(tmp_path, "memory", warning_threshold=0.0)
    assert run("check", "run", "memory", "--no-alert").returncode == 1
    assert [run("check", "run", "memory").returncode for _ in range(2)] == [1, 1]
    (alert,) = fired(tmp_path)
    assert (alert.severity, alert.occurrences) == ("warning", 2)
    set_up(tmp_path, "memory", warning_threshold=None)


@pytest.mark.parametrize("place", ["checks.after_measure", "checks.before_commit"])
def test_killed_before_the_commit_it_leaves_nothing_and_is_made_up_for(run: Run, tmp_path: Path, place: str) -> None:
    run("migrate")
    set_up(tmp_path, "memory", warning_threshold=0.0)
    killed = subprocess.run(
        [sys.executable, "-m", "app", "check", "run", "memory"],
        env=environment(tmp_path, PAGERPAL_FAILPOINTS=f"{place}=kill"), cwd=ROOT, capture_output=True, check=False,
    )  # fmt: skip
    assert (killed.returncode, fired(tmp_path)) == (-9, [])
    run("check", "run", "memory")
    assert [alert.occurrences for alert in fired(tmp_path)] == [1]


def test_elsewhere_wrong_usage_stays_2(run: Run) -> None:
    assert run("doctor", "--surprise").returncode == 2
    assert run("check").returncode == 2
