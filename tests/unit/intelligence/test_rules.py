"""When a provider is asked, and asked again; how an analysis run lives."""

import pytest

from app.intelligence.errors import AnalysisEnded
from app.intelligence.rules import deadline_seconds, may_ask, next_status, wait_before_next
from app.intelligence.types import AnalysisAction as A, AnalysisStatus as S, AskFailed, Consent, Fault

EXPECTED: dict[S, dict[A, S | None]] = {
    S.PENDING: {A.START: S.RUNNING, A.SUCCEED: None, A.FAIL: S.FAILED},
    S.RUNNING: {A.START: None, A.SUCCEED: S.SUCCEEDED, A.FAIL: S.FAILED},
    S.SUCCEEDED: {A.START: None, A.SUCCEED: None, A.FAIL: None},
    S.FAILED: {A.START: None, A.SUCCEED: None, A.FAIL: None},
}


@pytest.mark.parametrize("status", S)
@pytest.mark.parametrize("action", A)
def test_every_status_has_an_answer_to_every_action(status: S, action: A) -> None:
    wanted = EXPECTED[status][action]
    if wanted is not None:
        assert next_status(status, action) is wanted
        return
    with pytest.raises(AnalysisEnded) as refused:
        next_status(status, action)
    assert refused.value.status == 409


@pytest.mark.parametrize(
    ("is_requested", "has_analysis", "asked", "consent"),
    [
        (False, False, 0, Consent.ASK),
        (False, True, 0, Consent.ANALYZED_ALREADY),
        (True, True, 9, Consent.ASK),
        (True, True, 10, Consent.BUDGET_SPENT),
        (False, False, 10, Consent.BUDGET_SPENT),
    ],
)
def test_one_analysis_per_incident_unless_asked_and_so_many_an_hour(
    is_requested: bool, has_analysis: bool, asked: int, consent: Consent
) -> None:
    decided = may_ask(is_requested=is_requested, has_analysis=has_analysis, asked_this_hour=asked, budget_per_hour=10)
    assert decided is consent


@pytest.mark.parametrize(
    ("timeout", "at_most", "seconds"), [(5, None, 20), (None, None, 20), (120, None, 120), (120, 60, 60), (5, 10, 10)]
)
def test_asking_has_20_seconds_unless_told_more_and_never_more_than_the_node(
    timeout: float | None, at_most: float | None, seconds: float
) -> None:
    assert deadline_seconds(timeout, at_most=at_most) == seconds


def wait(
    asked: float | None = None, *, tries: int = 1, left: float = 20, roll: float = 0, permanent: bool = False
) -> float | None:
    failed = AskFailed(Fault.RATE_LIMITED, "", permanent=permanent, retry_after_seconds=asked)
    return wait_before_next(failed, tries=tries, left_seconds=left, roll=roll)


def test_the_next_try_comes_after_half_a_second_doubled_with_jitter() -> None:
    assert [wait(tries=1, roll=1), wait(tries=2, roll=1)] == [0.5, 1.0]
    assert [wait(tries=1), wait(tries=2)] == [0.25, 0.5]


def test_what_the_provider_asks_for_rules_up_to_a_minute() -> None:
    assert wait(7.0) == 7.0
    assert wait(0.0) == 0.0
    assert wait(3600.0, left=300) == 60.0


def test_there_is_no_next_try_when_it_is_useless_often_enough_or_too_late() -> None:
    assert wait(permanent=True) is None
    assert wait(tries=3) is None
    assert wait(34.0) is None
    assert wait(left=0.2) is None
