"""What the messages of a run say about its notify stage."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from app.notify.types import Notification, NotificationKind, NotificationStatus
from app.pipeline.rules import GOT_OUT, LOST, NotifyReason, backoff, judge_messages

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)


def message(status: NotificationStatus, attempts: int = 1) -> Notification:
    """A team message in this state."""
    return Notification(
        id=1, kind=NotificationKind.TEAM, incident_id=1, episode=None, level=None, round=0, user_id=None,
        contact_method_id=None, channel_id=1, channel="webhook", address="", rule_delay_minutes=0, page_key=None,
        urgency="high", facts={}, subject="", body="", status=status, attempts=attempts, due_at=NOW,
        waits_for_bundle=False, fence=0,
        lease_until=None, idempotency_key="k", provider_message_id=None, last_error="", possible_repeat=False,
        bundle_id=None, late_by_seconds=0, run_id="r", created_at=NOW, sent_at=None, delivered_at=None,
    )  # fmt: skip


@pytest.mark.parametrize("status", list(NotificationStatus))
def test_every_status_of_a_message_has_its_meaning(status: NotificationStatus) -> None:
    found = judge_messages([message(status)], max_retries=3, deadline=LATER, now=NOW).reason
    expected = (
        NotifyReason.TOLD if status in GOT_OUT else NotifyReason.FAILED if status in LOST else NotifyReason.WAITING
    )
    assert found is expected


def test_a_message_that_failed_often_enough_counts_as_lost() -> None:
    retrying = message(NotificationStatus.RETRYING, attempts=2)
    assert not judge_messages([retrying], max_retries=3, deadline=LATER, now=NOW).is_final
    verdict = judge_messages([replace(retrying, attempts=3)], max_retries=3, deadline=LATER, now=NOW)
    assert verdict.reason is NotifyReason.FAILED
    assert len(verdict.missing) == 1


def test_one_lost_message_waits_for_the_others() -> None:
    messages = [message(NotificationStatus.FAILED), message(NotificationStatus.PENDING)]
    assert judge_messages(messages, max_retries=3, deadline=LATER, now=NOW).reason is NotifyReason.WAITING
    late = judge_messages(messages, max_retries=3, deadline=LATER, now=LATER)
    assert late.reason is NotifyReason.TIMED_OUT
    assert len(late.missing) == 2


def test_backoff_grows_by_the_factor_and_ends_at_an_hour() -> None:
    assert [backoff(2.0, attempt).total_seconds() for attempt in (1, 2, 3, 50, 100_000)] == [2, 4, 8, 3600, 3600]
