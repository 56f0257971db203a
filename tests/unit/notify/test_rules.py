"""Whose turn it is, and what becomes of a try: pure decisions with their reasons (B27 to B29)."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, strategies as st

from app.notify.rules import (
    HORIZON,
    WINDOW,
    DuePage,
    RetryReason,
    Turn,
    Window,
    after_try,
    backoff_seconds,
    late_by_seconds,
    plan_contact,
)
from app.notify.types import NotificationStatus, Outcome

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
CLOSED = Window(NOW - timedelta(days=1), None)


def fresh(*ids: int) -> list[DuePage]:
    return [DuePage(each, waited=False) for each in ids]


def waited(*ids: int) -> list[DuePage]:
    return [DuePage(each, waited=True) for each in ids]


def test_the_first_page_goes_singly_and_opens_a_window() -> None:
    plan = plan_contact(CLOSED, fresh(1, 2, 3), NOW)
    assert (plan.send_id, plan.turns[1]) == (1, Turn.SINGLY)
    assert plan.ids(Turn.WINDOW_OPEN) == [2, 3]
    assert plan.window == Window(NOW + WINDOW, 1)


def test_while_the_window_is_open_everything_else_waits_for_its_end() -> None:
    window = Window(NOW + timedelta(seconds=20), 1)
    plan = plan_contact(window, fresh(2) + waited(3), NOW)
    assert plan.send_id is None
    assert plan.ids(Turn.WINDOW_OPEN) == [2, 3]
    assert plan.window is window


def test_the_page_that_opened_the_window_may_be_tried_again_within_it() -> None:
    window = Window(NOW + timedelta(seconds=20), 1)
    plan = plan_contact(window, fresh(1, 2), NOW)
    assert (plan.send_id, plan.turns) == (1, {1: Turn.OWN_RETRY, 2: Turn.WINDOW_OPEN})


def test_what_waited_goes_out_together_when_the_window_closes_and_opens_the_next() -> None:
    plan = plan_contact(Window(NOW, 1), waited(2, 3) + fresh(4), NOW)
    assert (plan.send_id, plan.turns[2]) == (2, Turn.HEAD)
    assert plan.ids(Turn.IN_BUNDLE) == [3, 4]
    assert plan.window == Window(NOW + WINDOW, 2)


@given(st.lists(st.integers(min_value=0, max_value=400), min_size=1, max_size=60))
def test_no_contact_method_ever_gets_two_messages_within_a_window(arrivals: list[int]) -> None:
    window, waiting, sent_at = CLOSED, list[DuePage](), list[int]()
    said: set[int] = set()
    for second in range(600):
        now = NOW + timedelta(seconds=second)
        waiting += fresh(*(number for number, at in enumerate(arrivals, start=1) if at == second))
        if not waiting or (now < window.opens_until and all(page.waited for page in waiting)):
            continue
        plan = plan_contact(window, waiting, now)
        window = plan.window
        waiting = waited(*plan.ids(Turn.WINDOW_OPEN))
        if plan.send_id is not None:
            sent_at.append(second)
            said |= {plan.send_id, *plan.ids(Turn.IN_BUNDLE)}
    assert all(later - earlier >= 60 for earlier, later in pairwise(sent_at))
    assert said == set(range(1, len(arrivals) + 1))


def verdict(outcome: Outcome, **changes: object) -> tuple[NotificationStatus, RetryReason]:
    values = {"attempts": 1, "is_repeat": False, "is_answered": False, "waits_since": NOW, "now": NOW, "roll": 0.5}
    found = after_try(outcome, **{**values, **changes})  # type: ignore[arg-type]
    return found.status, found.reason


@pytest.mark.parametrize(
    ("outcome", "changes", "status", "reason"),
    [
        (Outcome.SENT, {}, NotificationStatus.SENT, RetryReason.DONE),
        (Outcome.SENT, {"is_answered": True}, NotificationStatus.SENT, RetryReason.DONE),
        (Outcome.SUPPRESSED, {}, NotificationStatus.SUPPRESSED, RetryReason.DONE),
        (Outcome.FAILED, {}, NotificationStatus.RETRYING, RetryReason.AGAIN),
        (Outcome.FAILED, {"is_answered": True}, NotificationStatus.CANCELLED, RetryReason.ANSWERED),
        (Outcome.REFUSED, {}, NotificationStatus.FAILED, RetryReason.PERMANENT),
        (Outcome.UNKNOWN, {}, NotificationStatus.UNKNOWN, RetryReason.AGAIN_UNKNOWN),
        (Outcome.UNKNOWN, {"is_repeat": True}, NotificationStatus.EXHAUSTED, RetryReason.LOST_TWICE),
        (Outcome.FAILED, {"is_repeat": True}, NotificationStatus.RETRYING, RetryReason.AGAIN),
        (Outcome.FAILED, {"waits_since": NOW - HORIZON}, NotificationStatus.EXHAUSTED, RetryReason.HORIZON_OVER),
    ],
)
def test_what_becomes_of_a_try(
    outcome: Outcome, changes: dict[str, object], status: NotificationStatus, reason: RetryReason
) -> None:
    assert verdict(outcome, **changes) == (status, reason)


def test_waiting_grows_with_every_try_up_to_five_minutes_and_is_jittered_over_the_whole_range() -> None:
    assert [backoff_seconds(tries, 0.999999) for tries in (1, 2, 3, 4)] == pytest.approx([5, 10, 20, 40], rel=0.01)
    assert backoff_seconds(500, 0.999999) == pytest.approx(300, rel=0.01)
    assert backoff_seconds(10, 0.0) == 1.0


def test_retry_after_is_honoured_up_to_ten_minutes() -> None:
    assert backoff_seconds(1, 0.5, 120.0) == 120.0
    assert backoff_seconds(1, 0.5, 86_400.0) == 600.0
    assert backoff_seconds(12, 0.9, 1.0) > 200


def test_late_is_what_somebody_would_call_late() -> None:
    assert late_by_seconds(NOW, NOW - timedelta(seconds=59)) == 0
    assert late_by_seconds(NOW, NOW - timedelta(minutes=5)) == 300
