"""`pagerpal alarms run` and `alarms backtest`: what they print, store and answer with."""

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.alarms import queries, service
from app.alarms.types import Alarm, AlarmEvent, EventFilter
from app.platform.bus import Bus
from app.platform.db import Db, Tx
from app.platform.types import PageQuery
from app.usecases.run_alarms.editing import DEFAULTS
from tests.cli.conftest import ROOT, Run, environment
from tests.support.smtp import SmtpServer

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
FULL = '''"""A disk that is always full."""
from app.alarms.modules._base import Detection

PARAMS = {}


def detect(client, params):
    yield Detection("disk", "The disk is full")
'''


def stored(tmp_path: Path) -> Db:
    """The command's database."""
    return Db(f"sqlite:///{tmp_path / 'pagerpal.db'}", bus=Bus(), inline=True)


def set_up(tmp_path: Path, **settings: object) -> dict[str, str]:
    """An alarm on a module of the operator's; gives the variables that the command needs."""
    folder = tmp_path / "modules"
    folder.mkdir(mode=0o755)
    (folder / "full.py").write_text(FULL)
    (folder / "full.py").chmod(0o644)
    given = {
        **DEFAULTS, "module": "full", "title": "Disk", "enabled": True, "recipients": ["ops@example.com"], **settings,
    }  # fmt: skip

    def make(tx: Tx) -> Alarm:
        return service.create_alarm(tx, entry_id="disk", settings=given, saved_by=None, now=NOW)

    db = stored(tmp_path)
    db.write(make)
    db.dispose()
    return {"ALARM_MODULES_DIR": str(folder)}


def events(tmp_path: Path) -> list[AlarmEvent]:
    """Every event."""
    db = stored(tmp_path)
    found = db.read(lambda tx: queries.list_events(tx, EventFilter(), PageQuery())).items
    db.dispose()
    return found


def test_alarms_are_run_dry_and_for_real_and_played_again(run: Run) -> None:
    assert run("migrate").returncode == 0
    dry = run("alarms", "run", "--dry-run")
    assert dry.returncode == 0, dry.stderr
    assert [line.split()[:2] for line in dry.stdout.splitlines()] == [
        ["unknown", "alarm_panda_failure_rate_user"], ["unknown", "alarm_panda_failure_rate_eic_all"]
    ]  # fmt: skip
    assert "ALARM_API_BASE_URL is not set" in dry.stdout
    one = run("alarms", "run", "-v", "panda_failure_rate_user")
    assert (one.returncode, len(one.stdout.splitlines())) == (0, 1)
    again = run("alarms", "backtest", "panda_failure_rate_user", "--days", "7")
    assert (again.returncode, again.stdout) == (0, "Nothing is kept of this alarm in that time.\n")


def test_each_detection_is_printed_where_that_is_wanted_and_a_backtest_has_it(run: Run, tmp_path: Path) -> None:
    run("migrate")
    variables = set_up(tmp_path, enabled=False)
    dry = run("alarms", "run", "--dry-run", "-v", "disk", **variables)
    assert (dry.returncode, events(tmp_path)) == (0, [])
    assert "    The disk is full\n" in dry.stdout
    assert "The disk is full" not in run("alarms", "run", "disk", **variables).stdout
    assert [event.dedupe_key for event in events(tmp_path)] == ["disk"]
    again = run("alarms", "backtest", "disk", "--days", "30", **variables).stdout.splitlines()
    assert again[0].startswith("1 ticks since ")
    assert again[1] == "1 events, 0 cleared, 1 mails"
    assert again[2].endswith("The disk is full")


def test_killed_in_the_middle_it_has_told_nothing_and_the_next_run_tells_once(
    run: Run, tmp_path: Path, smtp_server: SmtpServer
) -> None:
    run("migrate")
    mail = {"SMTP_HOST": "127.0.0.1", "SMTP_PORT": str(smtp_server.port), "SMTP_STARTTLS": "false"}
    variables = {**set_up(tmp_path), **mail, "SMTP_FROM": "pager@example.com"}
    killed = subprocess.run(
        [sys.executable, "-m", "app", "alarms", "run", "disk"], cwd=ROOT, capture_output=True, check=False,
        env=environment(tmp_path, **variables, PAGERPAL_FAILPOINTS="alarms.after_ask=kill"),
    )  # fmt: skip
    assert (killed.returncode, events(tmp_path)) == (-9, [])
    for _ in range(2):
        assert run("alarms", "run", "disk", **variables).returncode == 0
    assert [mail.message["Subject"] for mail in smtp_server.wait_for(1)] == ["The disk is full"]
    assert len(events(tmp_path)) == 1


@pytest.mark.parametrize("name", ["nothing", "../x"])
@pytest.mark.parametrize("command", [("run",), ("run", "--dry-run"), ("backtest",)])
def test_an_alarm_that_there_is_not_is_said(run: Run, command: tuple[str, ...], name: str) -> None:
    run("migrate")
    done = run("alarms", *command, name)
    assert (done.returncode, done.stderr) == (1, f"There is no alarm «{name}».\n")


def test_an_archived_alarm_is_not_run_and_that_is_said(run: Run, tmp_path: Path) -> None:
    run("migrate")
    done = run("alarms", "run", "disk", **set_up(tmp_path, archived=True))
    assert (done.returncode, done.stderr) == (1, "The alarm alarm_disk is archived: it is not asked any more.\n")
