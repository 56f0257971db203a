"""Two processes, one killed: the other pages on; `scripts/prove takeover` also lets levels come due meanwhile."""

from pathlib import Path

import pytest

from tests.kill.takeover import takeover


@pytest.mark.slow
@pytest.mark.serial
@pytest.mark.timeout(120)
@pytest.mark.postgresql
def test_the_other_process_pages_on_when_the_leader_is_killed(tmp_path: Path, postgresql_url: str) -> None:
    report = takeover(tmp_path, postgresql_url, rounds=1, climb=False)
    assert not report.violations, "\n".join(map(str, report.violations))
    assert report.rounds[0].in_flight > 0, "nothing was on the way: the kill came too late"
