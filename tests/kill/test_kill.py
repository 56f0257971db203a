"""kill -9 under load: nothing accepted is lost, nobody open stays unpaged, no page repeats without a reason.

`scripts/prove kill` does the same for longer.
"""

from pathlib import Path

import pytest

from tests.kill.checker import judge
from tests.kill.loop import Plan, kill_and_judge, loop_on, report_of


@pytest.mark.slow
@pytest.mark.waits
@pytest.mark.timeout(400)
def test_ten_kills_on_sqlite_break_no_promise(tmp_path: Path) -> None:
    plan = Plan(kills=10, seed=10, check_every=10, duties=12, full=False)
    with loop_on(tmp_path, f"sqlite:///{tmp_path / 'kill.db'}", plan) as loop:
        violations = loop.run()
        report = report_of(loop, violations, 0.0)
        assert not violations, "\n".join(map(str, violations))
        assert sum(report.kills.values()) == 10
        assert report.accepted > 20, report.lines()
        assert report.mails > 5, report.lines()
        # The judge is awake: what was accepted and is now taken away is missed.
        lost = loop.ledger.of("accepted")[0]
        assert loop.take_away(lost)
        assert "I1 accepted alert missing" in {found.promise for found in judge(loop.evidence())}


@pytest.mark.slow
@pytest.mark.waits
@pytest.mark.timeout(400)
@pytest.mark.postgresql
def test_three_kills_on_postgresql_break_no_promise(tmp_path: Path, postgresql_url: str) -> None:
    # The ends of storm windows are waited for by the ten kills above.
    plan = Plan(kills=3, seed=3, check_every=3, duties=8, full=False, ahead_seconds=5)
    report = kill_and_judge(tmp_path, postgresql_url, plan)
    assert not report.violations, "\n".join(map(str, report.violations))
    assert sum(report.kills.values()) == 3
    assert report.accepted > 5, report.lines()
