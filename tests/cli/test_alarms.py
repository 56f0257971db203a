"""`pagerpal alarms run` and `alarms backtest`: what they print, store and answer with."""

from tests.cli.conftest import Run


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


def test_an_alarm_that_there_is_not_is_said(run: Run) -> None:
    run("migrate")
    done = run("alarms", "run", "nothing")
    assert (done.returncode, done.stderr) == (1, "There is no alarm «nothing».\n")
