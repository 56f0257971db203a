"""What deliveries make of alerts and incidents, decided on values alone (B8–B10)."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from app.alerts.problems import Submission
from app.alerts.triage import Outcome, Triage, asked_by, outcome_of
from app.alerts.types import (
    Alert,
    AlertSource,
    AlertStatus,
    DeliveryOutcome,
    Grouping,
    ParsedAlert,
    ParsedPayload,
    Severity,
)
from app.incidents.types import Incident, IncidentStatus

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
FIRING, RESOLVED = AlertStatus.FIRING, AlertStatus.RESOLVED
SOURCE = AlertSource(
    id=1,
    name="prod",
    driver="generic",
    team_id=None,
    escalation_policy_id=None,
    schedule_id=None,
    pipeline="full",
    grouping=Grouping.GROUP_KEY,
    group_labels=[],
    auto_resolve=True,
    is_active=True,
    is_internal=False,
    config={},
    last_delivery_at=None,
    created_at=NOON,
    updated_at=NOON,
)
INCIDENT = Incident(
    id=7,
    title="Disk",
    description="",
    summary="",
    metadata={},
    status=IncidentStatus.TRIGGERED,
    severity=Severity.WARNING,
    source_id=1,
    group_key="group:g",
    assigned_to=None,
    episode_started_at=NOON,
    snoozed_until=None,
    last_paged_at=NOON,
    resolved_by_alerts=False,
    timeline_seq=1,
    created_at=NOON,
    updated_at=NOON,
    acknowledged_at=None,
    resolved_at=None,
    closed_at=None,
    alert_count=1,
    firing_alert_count=1,
)
RESOLVED_BY_ALERTS = replace(
    INCIDENT, status=IncidentStatus.RESOLVED, resolved_by_alerts=True, resolved_at=NOON, firing_alert_count=0
)


def parsed(name: str, status: AlertStatus = FIRING, severity: Severity | None = Severity.WARNING) -> ParsedAlert:
    return ParsedAlert({"id": name}, name, status, severity)


def delivery(*alerts: ParsedAlert, source: AlertSource = SOURCE, at: datetime = NOON) -> Submission:
    payload = ParsedPayload(list(alerts), "generic", group_key="g")
    return Submission(source, "generic", DeliveryOutcome.ACCEPTED, payload, {}, b"{}", at, "t", lambda: "r")


def stored(name: str, status: AlertStatus = FIRING, severity: Severity = Severity.WARNING) -> Alert:
    return Alert(
        id=3,
        source_id=1,
        driver="generic",
        fingerprint=parsed(name).fingerprint,
        name=name,
        status=status,
        severity=severity,
        description="",
        labels={},
        annotations={},
        started_at=NOON,
        ended_at=None,
        received_at=NOON,
        updated_at=NOON,
        last_seen_at=NOON,
        occurrences=1,
        generation=1,
        acknowledged_upstream=False,
        incident_id=7,
        trace_id="",
    )


def decided(submission: Submission, alerts: Iterable[Alert] = (), incidents: Iterable[Incident] = ()) -> Triage:
    known = {(alert.source_id, alert.fingerprint): alert for alert in alerts}
    asked = asked_by([submission])
    assert asked is not None
    return Triage([submission], known, incidents, flapped_since=asked.flapped_since)


def test_first_firing_opens_an_incident() -> None:
    [problem] = decided(delivery(parsed("disk", severity=Severity.CRITICAL))).fresh
    assert outcome_of(problem) is Outcome.OPENED
    assert (problem.group_key, problem.severity) == ("group:g", Severity.CRITICAL)


def test_firing_that_recovers_in_the_same_delivery_is_over_at_once_unless_people_resolve() -> None:
    blip = (parsed("disk"), parsed("disk", RESOLVED))
    assert outcome_of(decided(delivery(*blip)).fresh[0]) is Outcome.OPENED_AND_RECOVERED
    by_people = replace(SOURCE, auto_resolve=False)
    assert outcome_of(decided(delivery(*blip, source=by_people)).fresh[0]) is Outcome.OPENED


def test_another_alert_of_an_open_group_is_attached_and_changes_nothing_else() -> None:
    triage = decided(delivery(parsed("cpu")), [stored("disk")], [INCIDENT])
    assert not triage.fresh
    assert (triage.known[7].attached, outcome_of(triage.known[7])) == (1, Outcome.UNCHANGED)


@pytest.mark.parametrize("status", [IncidentStatus.TRIGGERED, IncidentStatus.ACKNOWLEDGED])
def test_rise_to_critical_is_told_whether_or_not_somebody_had_answered(status: IncidentStatus) -> None:
    worse = delivery(parsed("disk", severity=Severity.CRITICAL))
    triage = decided(worse, [stored("disk")], [replace(INCIDENT, status=status)])
    assert outcome_of(triage.known[7]) is Outcome.RISEN


def test_severity_falls_to_the_worst_that_still_fires() -> None:
    critical = replace(INCIDENT, severity=Severity.CRITICAL, alert_count=3, firing_alert_count=3)
    recovery = delivery(parsed("disk", RESOLVED))
    for others, wanted in (
        ({}, Severity.INFO),
        ({7: Severity.WARNING}, Severity.WARNING),
        ({7: Severity.CRITICAL}, Severity.CRITICAL),
    ):
        mild = replace(stored("cpu", severity=Severity.INFO), id=4)
        triage = decided(recovery, [stored("disk", severity=Severity.CRITICAL), mild], [critical])
        assert triage.unsure == [triage.known[7]]
        triage.settle(others)
        assert triage.known[7].severity is wanted


def test_critical_alert_that_recovers_in_the_same_delivery_is_no_rise() -> None:
    two = delivery(parsed("cpu", severity=Severity.CRITICAL), parsed("cpu", RESOLVED))
    triage = decided(two, [stored("disk")], [INCIDENT])
    triage.settle({7: Severity.WARNING})
    assert outcome_of(triage.known[7]) is Outcome.UNCHANGED


def test_last_recovery_resolves_unless_people_do() -> None:
    recovery = parsed("disk", RESOLVED)
    assert outcome_of(decided(delivery(recovery), [stored("disk")], [INCIDENT]).known[7]) is Outcome.RESOLVED
    by_people = delivery(recovery, source=replace(SOURCE, auto_resolve=False))
    assert outcome_of(decided(by_people, [stored("disk")], [INCIDENT]).known[7]) is Outcome.RECOVERED


def test_flapping_holds_the_page_until_ten_minutes_after_the_last_one() -> None:
    again = delivery(parsed("disk"), at=NOON + timedelta(minutes=4))
    [problem] = decided(again, [stored("disk", RESOLVED)], [RESOLVED_BY_ALERTS]).known.values()
    assert outcome_of(problem) is Outcome.REOPENED_AND_HELD
    assert problem.page_at == NOON + timedelta(minutes=10)


def test_flapping_long_after_the_last_page_is_paged_at_once() -> None:
    long_ago = replace(RESOLVED_BY_ALERTS, last_paged_at=NOON - timedelta(hours=1))
    again = delivery(parsed("disk"), at=NOON + timedelta(minutes=4))
    assert outcome_of(decided(again, [stored("disk", RESOLVED)], [long_ago]).known[7]) is Outcome.REOPENED


@pytest.mark.parametrize(("minutes", "wanted"), [(9, Outcome.UNCHANGED), (10, Outcome.REOPENED)])
def test_repeat_after_a_person_resolved_is_noted_first_and_reopens_later(minutes: int, wanted: Outcome) -> None:
    by_hand = replace(INCIDENT, status=IncidentStatus.RESOLVED, resolved_at=NOON)
    repeat = delivery(parsed("disk"), at=NOON + timedelta(minutes=minutes))
    triage = decided(repeat, [stored("disk")], [by_hand])
    assert outcome_of(triage.known[7]) is wanted
    assert triage.known[7].still_firing is (wanted is Outcome.UNCHANGED)


def test_delivery_without_alerts_asks_nothing() -> None:
    assert asked_by([delivery()]) is None
    assert asked_by([replace(delivery(), parsed=None)]) is None
