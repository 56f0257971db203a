"""What a delivered alert does to the stored one: late, twice and out of order (B8)."""

from datetime import UTC, datetime, timedelta

import pytest

from app.alerts.rules import Decision, decide, group_key_of, severity_of
from app.alerts.types import Alert, AlertStatus, Grouping, ParsedAlert, Severity

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def stored(status: AlertStatus, *, started: datetime = NOON, ended: datetime | None = None) -> Alert:
    return Alert(
        id=1,
        source_id=1,
        driver="generic",
        fingerprint="f",
        name="Disk",
        status=status,
        severity=Severity.CRITICAL,
        description="",
        labels={},
        annotations={},
        started_at=started,
        ended_at=ended,
        received_at=started,
        updated_at=ended or started,
        last_seen_at=ended or started,
        occurrences=1,
        generation=1,
        acknowledged_upstream=False,
        incident_id=1,
        trace_id="",
    )


def parsed(
    status: AlertStatus, *, started: datetime | None = None, ended: datetime | None = None, **labels: str
) -> ParsedAlert:
    return ParsedAlert({"id": "f"}, "Disk", status, None, started_at=started, ended_at=ended, labels=labels)


FIRING, RESOLVED = AlertStatus.FIRING, AlertStatus.RESOLVED


def test_first_firing_is_created_and_first_recovery_only_recorded() -> None:
    assert decide(None, parsed(FIRING), NOON) is Decision.CREATED
    assert decide(None, parsed(RESOLVED), NOON) is Decision.RECOVERY_OF_UNKNOWN


def test_same_delivery_again_changes_only_counters() -> None:
    assert decide(stored(FIRING), parsed(FIRING, started=NOON), NOON + MINUTE) is Decision.REPEATED
    ended = stored(RESOLVED, ended=NOON + MINUTE)
    assert decide(ended, parsed(RESOLVED, ended=NOON + MINUTE), NOON + 2 * MINUTE) is Decision.REPEATED_RECOVERY


def test_recovery_without_times_ends_the_firing() -> None:
    assert decide(stored(FIRING), parsed(RESOLVED), NOON + MINUTE) is Decision.RESOLVED


def test_older_recovery_never_closes_a_newer_firing() -> None:
    late = parsed(RESOLVED, started=NOON - 9 * MINUTE, ended=NOON - MINUTE)
    assert decide(stored(FIRING), late, NOON + MINUTE) is Decision.STALE_RECOVERY


@pytest.mark.parametrize(
    ("received", "wanted"),
    [(NOON + 30 * MINUTE, Decision.STALE_FIRING), (NOON + 90 * MINUTE, Decision.REFIRED)],
    ids=["within the hour", "after the tombstone"],
)
def test_older_firing_does_not_reopen_for_an_hour(received: datetime, wanted: Decision) -> None:
    ended = stored(RESOLVED, ended=NOON + 5 * MINUTE)
    assert decide(ended, parsed(FIRING, started=NOON), received) is wanted


def test_newer_firing_fires_again() -> None:
    ended = stored(RESOLVED, ended=NOON + 5 * MINUTE)
    assert decide(ended, parsed(FIRING, started=NOON + 6 * MINUTE), NOON + 7 * MINUTE) is Decision.REFIRED
    assert decide(ended, parsed(FIRING), NOON + 7 * MINUTE) is Decision.REFIRED


def test_recovery_without_a_severity_keeps_the_stored_one() -> None:
    assert severity_of(parsed(RESOLVED), stored(FIRING), None) is Severity.CRITICAL
    assert severity_of(parsed(FIRING), None, Severity.INFO) is Severity.INFO
    assert severity_of(parsed(FIRING), None, None) is Severity.WARNING


def test_grouping_falls_back_to_the_alert_itself_where_there_is_nothing_to_go_by() -> None:
    alert = parsed(FIRING, service="shop")
    alone = group_key_of(alert, Grouping.FINGERPRINT, [], "senders key")
    assert group_key_of(alert, Grouping.GROUP_KEY, [], "") == alone
    assert group_key_of(alert, Grouping.LABELS, ["region"], "") == alone
    assert group_key_of(alert, Grouping.GROUP_KEY, [], "senders key") == "group:senders key"
    assert group_key_of(alert, Grouping.LABELS, ["service", "region"], "") == "labels:service=shop"
