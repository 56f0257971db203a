"""A storm wakes one person a few times and keeps nobody else waiting; `scripts/prove storm` does it full size."""

from pathlib import Path

import pytest

from tests.kill.storm import storm


@pytest.mark.slow
@pytest.mark.serial
@pytest.mark.timeout(120)
def test_a_storm_is_kept_whole_said_briefly_and_delays_nobody_else(tmp_path: Path) -> None:
    report = storm(tmp_path, f"sqlite:///{tmp_path / 'storm.db'}", alerts=3000, full=False)
    assert not report.violations, "\n".join(map(str, report.violations))
    assert report.statuses == {"202": 3000}
