"""Generated hostile webhooks: no 5xx, and no good alert lost among bad ones; `scripts/prove hostile` does 100,000."""

from pathlib import Path

import pytest

from tests.security.attack import assault
from tests.security.hostile import Cases


@pytest.mark.slow
@pytest.mark.timeout(180)
async def test_hostile_webhooks_never_cause_a_server_error_nor_lose_a_good_alert(tmp_path: Path) -> None:
    report = await assault(tmp_path, cases=2000, seed=2)
    assert not report.findings, "\n".join(report.findings)
    assert report.cases == 2000
    assert report.good > 200
    assert report.statuses[202] > 200, report.statuses


def test_the_same_seed_makes_the_same_cases() -> None:
    first, second = Cases(7), Cases(7)
    assert [first.case(number) for number in range(200)] == [second.case(number) for number in range(200)]
