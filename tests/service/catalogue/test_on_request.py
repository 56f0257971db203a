"""Test alerts and quarantine: what an operator asks for goes through intake like any delivery."""

import pytest

from app.accounts.types import User
from app.alerts import queries
from app.alerts.drivers._base import PayloadRejected
from app.alerts.errors import DeliveryNotFound, SourceInactive
from app.alerts.types import AlertSource, AlertStatus, DeliveryOutcome, Severity
from app.incidents import queries as incidents
from app.incidents.types import Incident, IncidentStatus
from app.notify import queries as outbox
from app.platform.errors import Conflict, NotFound
from app.platform.runtime import Runtime
from app.platform.types import PageQuery
from app.usecases import catalogue, intake
from tests.support.clock import FrozenClock


@pytest.fixture
def source(rt: Runtime, admin: User) -> AlertSource:
    """A source that detects by itself who posts."""
    return catalogue.create_source(rt, name="prod", actor=admin, now=rt.clock.now())[0]


def incident_of(rt: Runtime, incident_id: int) -> Incident:
    """The incident as it is stored."""
    return rt.db.read(lambda tx: incidents.get_incident(tx, incident_id))


def quarantine(rt: Runtime, source: AlertSource, body: bytes) -> int:
    """Put a body into quarantine, as the webhook door does, and give its number."""
    submission = intake.Submission(
        source=source,
        driver="",
        outcome=DeliveryOutcome.QUARANTINED,
        parsed=None,
        headers={"content-type": "application/json"},
        body=body,
        received_at=rt.clock.now(),
        trace_id=rt.ids.hex32(),
        new_run_id=rt.ids.hex32,
        error="no driver knew it",
    )
    rt.db.write(lambda tx: intake.apply(tx, [submission]))
    return rt.db.read(lambda tx: queries.quarantine_of(tx, source.id, PageQuery())).items[0].id


def quarantined(rt: Runtime, source: AlertSource) -> list[str]:
    """The reasons of what is in quarantine, newest first."""
    found = rt.db.read(lambda tx: queries.quarantine_of(tx, source.id, PageQuery()))
    return [delivery.error for delivery in found.items]


def test_a_test_alert_opens_an_incident_and_pages(rt: Runtime, admin: User, source: AlertSource) -> None:
    result = intake.send_test_alert(rt, source_id=source.id, severity=Severity.WARNING, actor=admin, now=rt.clock.now())

    [incident_id] = result.incident_ids
    assert incident_of(rt, incident_id).severity is Severity.WARNING
    pages = rt.db.read(lambda tx: outbox.notifications_of(tx, incident_id))
    assert [page.user_id for page in pages] == [admin.id]


def test_every_test_alert_is_a_new_one(rt: Runtime, source: AlertSource) -> None:
    first = intake.send_test_alert(rt, source_id=source.id, now=rt.clock.now())
    second = intake.send_test_alert(rt, source_id=source.id, now=rt.clock.now())
    assert first.incident_ids != second.incident_ids
    assert second.incidents_created == 1


def test_the_recovery_resolves_what_the_test_alerts_opened(
    rt: Runtime, source: AlertSource, clock: FrozenClock
) -> None:
    opened = intake.send_test_alert(rt, source_id=source.id, now=clock.now())
    clock.advance(seconds=30)
    recovered = intake.recover_test_alerts(rt, source_id=source.id, now=clock.now())

    assert recovered.alerts_resolved == 1
    assert incident_of(rt, opened.incident_ids[0]).status is IncidentStatus.RESOLVED
    with pytest.raises(Conflict):
        intake.recover_test_alerts(rt, source_id=source.id, now=clock.now())


def test_a_source_that_is_switched_off_takes_no_test_alert(rt: Runtime, admin: User, source: AlertSource) -> None:
    catalogue.update_source(rt, source_id=source.id, changes={"is_active": False}, actor=admin, now=rt.clock.now())
    with pytest.raises(SourceInactive):
        intake.send_test_alert(rt, source_id=source.id, now=rt.clock.now())


def test_without_a_name_the_first_active_source_is_tested(rt: Runtime, source: AlertSource) -> None:
    result = intake.send_test_alert(rt, now=rt.clock.now())
    assert incident_of(rt, result.incident_ids[0]).source_id == source.id
    with pytest.raises(NotFound):
        intake.send_test_alert(rt, source_name="nowhere", now=rt.clock.now())


def test_what_can_be_read_now_leaves_quarantine_and_pages(
    rt: Runtime, admin: User, source: AlertSource, clock: FrozenClock
) -> None:
    received_at = clock.now()
    delivery_id = quarantine(rt, source, b'{"alerts": [{"name": "Disk almost full", "severity": "critical"}]}')
    clock.advance(minutes=20)
    result = intake.reparse(rt, source_id=source.id, delivery_id=delivery_id, actor=admin, now=clock.now())

    assert result.incidents_created == 1
    assert quarantined(rt, source) == []
    [alert] = rt.db.read(lambda tx: queries.alerts_of_incident(tx, result.incident_ids[0]))
    assert (alert.status, alert.driver) == (AlertStatus.FIRING, "generic")
    assert alert.started_at == received_at
    with pytest.raises(DeliveryNotFound):
        intake.reparse(rt, source_id=source.id, delivery_id=delivery_id, actor=admin, now=clock.now())


@pytest.mark.parametrize("body", [b'{"nobody": "knows"}', b"not json at all", b"[]]"])
def test_what_still_cannot_be_read_stays_in_quarantine_with_the_reason(
    rt: Runtime, admin: User, source: AlertSource, body: bytes
) -> None:
    delivery_id = quarantine(rt, source, body)
    with pytest.raises(PayloadRejected) as refused:
        intake.reparse(rt, source_id=source.id, delivery_id=delivery_id, actor=admin, now=rt.clock.now())
    assert quarantined(rt, source) == [refused.value.message]


def test_another_sources_quarantine_is_out_of_reach(rt: Runtime, admin: User, source: AlertSource) -> None:
    other, _ = catalogue.create_source(rt, name="other", actor=admin, now=rt.clock.now())
    delivery_id = quarantine(rt, source, b"{}")
    with pytest.raises(DeliveryNotFound):
        intake.reparse(rt, source_id=other.id, delivery_id=delivery_id, actor=admin, now=rt.clock.now())
