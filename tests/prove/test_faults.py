"""Each real fault once: the local analysis puts the right kind first; `scripts/prove faults` does it at length."""

import pytest

from tests.prove.faults import FAULTS, RIGHT_AT_LEAST, prove


@pytest.mark.serial
def test_real_faults_are_seen_whatever_the_alert_says() -> None:
    report = prove(1, ("vague",), compares=False)
    assert report.share >= RIGHT_AT_LEAST, "\n".join(report.wrong)
    assert not report.violations()
    # Without the rights of root some cannot be made; none is passed over in silence.
    assert {each.fault for each in report.asked} | report.not_made.keys() == {fault.name for fault in FAULTS}
