"""What values mean at, above and below their thresholds, both ways round."""

from datetime import UTC, datetime

import pytest

from app.checks.perfdata import plugin_output
from app.checks.rules import EXIT_STATUS, contradiction, findings, is_blind, judge, lasting, worst
from app.checks.types import CheckRun, CheckStatus, Finding, Part, Reading, Thresholds

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


def finding(part: Part, status: CheckStatus = CheckStatus.WARNING) -> CheckStatus:
    whole = Finding("whole", status, "", 1.0)
    (found,) = findings(whole, [part], Thresholds(70, 90))
    return found.status


@pytest.mark.parametrize(
    ("part", "status"),
    [
        (Part("a", "", value=69.99), CheckStatus.OK),
        (Part("a", "", value=70), CheckStatus.WARNING),
        (Part("a", "", value=90), CheckStatus.CRITICAL),
        (Part("a", "", is_there=True), CheckStatus.OK),
        (Part("a", "", is_there=False), CheckStatus.WARNING),
        (Part("a", ""), CheckStatus.UNKNOWN),
    ],
)
def test_a_part_is_judged_by_its_value_or_shares_the_judgement_of_the_whole(part: Part, status: CheckStatus) -> None:
    assert finding(part) is status


def test_a_part_that_is_missing_is_no_problem_while_enough_are_there() -> None:
    assert finding(Part("a", "", is_there=False), CheckStatus.OK) is CheckStatus.OK


def test_without_parts_the_whole_is_the_target() -> None:
    whole = Finding("cpu", CheckStatus.OK, "", 1.0)
    assert findings(whole, (), Thresholds(70, 90)) == [whole]


N, W, C, U = OK, WARNING, CRITICAL, UNKNOWN


@pytest.mark.parametrize(
    ("before", "now", "counts"),
    [
        ([], C, N), ([C], C, N), ([C, C], C, C), ([W, C], C, W), ([N, C], C, N), ([C, N, C], C, N),
        ([C, U, C], C, C), ([C, C, W, W], W, W), ([C, C], N, N), ([C, C], U, U),
    ],
)  # fmt: skip
def test_a_bad_status_that_must_last_counts_as_the_mildest_of_the_last_runs(
    before: list[CheckStatus], now: CheckStatus, counts: CheckStatus
) -> None:
    assert lasting(now, before, runs=3) is counts
    assert lasting(now, before, runs=1) is now


def test_three_runs_in_a_row_that_could_not_measure_are_blindness() -> None:
    assert is_blind([N, U, U, U])
    assert not is_blind([U, U])
    assert not is_blind([U, U, N])
    assert not is_blind([U, N, U, U])


def test_figures_are_those_of_monitoring_plugins() -> None:
    def of(checker: str, status: CheckStatus, value: float | None, warning: float, critical: float) -> str:
        run = CheckRun(1, checker, "web1", status, "a|b\nc", {}, "", warning, critical, None, None, 1.0,
                       datetime(2026, 3, 2, tzinfo=UTC), "", value)  # fmt: skip
        lines = plugin_output(status, [run])
        assert lines[1].endswith("a/b c")
        return lines[0]

    assert of("cpu", N, 12.0, 70, 90) == "OK: 1 ok | cpu=12%;70;90"
    assert of("network", W, 66.67, 70, 50) == "WARNING: 1 warning | network=66.67%;70:;50:"
    assert of("disk_common", C, 20001.5, 5000, 20000) == "CRITICAL: 1 critical | disk_common=20001.5MB;5000;20000"
    assert of("memory", U, None, 70, 90) == "UNKNOWN: 1 unknown | memory=U;70;90"
    assert of("process", N, None, 100, 50) == "OK: 1 ok"
