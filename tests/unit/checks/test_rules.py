"""What values mean at, above and below their thresholds, both ways round."""

import pytest

from app.checks.rules import EXIT_STATUS, contradiction, judge, worst
from app.checks.types import CheckStatus, Reading, Thresholds

OK, WARNING, CRITICAL, UNKNOWN = CheckStatus.OK, CheckStatus.WARNING, CheckStatus.CRITICAL, CheckStatus.UNKNOWN
HIGH_IS_BAD = Thresholds(70.0, 90.0)
LOW_IS_BAD = Thresholds(70.0, 50.0, is_inverted=True)


def reading(value: float | None, error: str | None = None) -> Reading:
    return Reading(value, "", {}, error)


@pytest.mark.parametrize(
    ("value", "status"),
    [(0.0, OK), (69.99, OK), (70.0, WARNING), (70.01, WARNING), (89.99, WARNING), (90.0, CRITICAL), (100.0, CRITICAL)],
)
def test_a_value_at_a_threshold_has_reached_it(value: float, status: CheckStatus) -> None:
    assert judge(reading(value), HIGH_IS_BAD) is status


@pytest.mark.parametrize(
    ("value", "status"),
    [(100.0, OK), (70.01, OK), (70.0, OK), (69.99, WARNING), (50.0, WARNING), (49.99, CRITICAL), (0.0, CRITICAL)],
)
def test_inverted_a_value_at_a_threshold_still_has_what_is_asked(value: float, status: CheckStatus) -> None:
    assert judge(reading(value), LOW_IS_BAD) is status


def test_equal_thresholds_never_warn() -> None:
    assert [judge(reading(value), Thresholds(80, 80)) for value in (79.9, 80.0)] == [OK, CRITICAL]
    assert [judge(reading(value), Thresholds(80, 80, True)) for value in (79.9, 80.0)] == [CRITICAL, OK]


def test_nothing_to_judge_is_well() -> None:
    assert judge(reading(None), LOW_IS_BAD) is OK


def test_what_could_not_be_measured_makes_well_unknown_and_leaves_bad_bad() -> None:
    assert judge(reading(10.0, "cannot look at /data"), HIGH_IS_BAD) is UNKNOWN
    assert judge(reading(75.0, "cannot look at /data"), HIGH_IS_BAD) is WARNING
    assert judge(reading(95.0, "cannot look at /data"), HIGH_IS_BAD) is CRITICAL


def test_thresholds_that_contradict_each_other_are_named() -> None:
    assert contradiction(Thresholds(70, 90)) is None
    assert contradiction(Thresholds(70, 70)) is None
    assert "at least" in str(contradiction(Thresholds(90, 70)))
    assert contradiction(Thresholds(70, 50, True)) is None
    assert "at most" in str(contradiction(Thresholds(50, 70, True)))


@pytest.mark.parametrize(
    ("statuses", "together"),
    [
        ([OK, OK], OK),
        ([OK, UNKNOWN], UNKNOWN),
        ([UNKNOWN, WARNING], WARNING),
        ([WARNING, CRITICAL, UNKNOWN], CRITICAL),
        ([], UNKNOWN),
    ],
)
def test_the_worst_of_several_counts(statuses: list[CheckStatus], together: CheckStatus) -> None:
    assert worst(statuses) is together


def test_exit_statuses_are_those_of_monitoring_plugins() -> None:
    assert EXIT_STATUS == {OK: 0, WARNING: 1, CRITICAL: 2, UNKNOWN: 3}
