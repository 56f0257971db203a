"""Deliveries that somebody asks for: a test alert, its recovery, and parsing again what was put into quarantine.

They go through the same `apply` as every webhook, so that what they show is what a monitoring tool would get.
"""

from collections.abc import Sequence
from datetime import datetime

from app.accounts.service import record_audit
from app.accounts.types import User
from app.alerts import queries, sources
from app.alerts.detection import Detected, as_payload, detect, find_driver, parse
from app.alerts.drivers._base import Headers, PayloadRejected
from app.alerts.errors import SourceInactive
from app.alerts.keyring import options_of
from app.alerts.problems import Submission
from app.alerts.queries import AlertFilter
from app.alerts.types import Alert, AlertSource, AlertStatus, Delivery, DeliveryOutcome, DeliveryResult, Severity
from app.platform import strictjson
from app.platform.db import Tx
from app.platform.errors import Conflict, FieldError, Invalid, NotFound
from app.platform.runtime import Runtime
from app.platform.strictjson import MalformedJson
from app.platform.types import JsonObject, PageQuery
from app.usecases.intake.lane import apply
from app.usecases.intake.own import own_submission

TEST_NAME = "Test alert"
TEST_LABEL = "pagerpal_test"
EVERY_TEST = PageQuery(page_size=200)


def send_test_alert(
    rt: Runtime,
    *,
    now: datetime,
    source_id: int | None = None,
    source_name: str | None = None,
    severity: Severity = Severity.CRITICAL,
    actor: User | None = None,
) -> DeliveryResult:
    """Fire a new test alert at a source, the first active one by name where none is named; it pages like any other.

    Raises SourceNotFound, SourceInactive, NotFound when there is no source of that name.
    """
    test_id, trace_id = rt.ids.hex32()[-12:], rt.ids.hex32()

    def write(tx: Tx) -> DeliveryResult:
        source = _source(tx, source_id, source_name)
        said = f" by {actor.name}" if actor else ""
        alert = {
            "name": f"{TEST_NAME} for {source.name}",
            "status": "firing",
            "severity": severity.value,
            "fingerprint": f"test-{test_id}",
            "description": f"Sent{said} to see whether a page arrives. Acknowledge and resolve it.",
            "labels": {TEST_LABEL: test_id},
        }
        result = _deliver(rt, tx, source, [alert], trace_id=trace_id, now=now)
        _audit(tx, "test_alert_sent", source.id, actor, {"test_id": test_id, "severity": severity.value}, now)
        return result

    return rt.db.write(write)


def recover_test_alerts(rt: Runtime, *, source_id: int, now: datetime, actor: User | None = None) -> DeliveryResult:
    """The recovery of every test alert of the source that still fires. Raises SourceNotFound, Conflict without any."""
    trace_id = rt.ids.hex32()

    def write(tx: Tx) -> DeliveryResult:
        source = _source(tx, source_id, None)
        firing = firing_tests(tx, source)
        if not firing:
            raise Conflict(f"No test alert of «{source.name}» is firing.")
        recoveries: list[JsonObject] = [
            {"name": each.name, "status": "resolved", "fingerprint": f"test-{each.labels[TEST_LABEL]}",
             "labels": each.labels}
            for each in firing
        ]  # fmt: skip
        result = _deliver(rt, tx, source, recoveries, trace_id=trace_id, now=now)
        _audit(tx, "test_alert_recovered", source.id, actor, {"alerts": len(firing)}, now)
        return result

    return rt.db.write(write)


def reparse(
    rt: Runtime, *, source_id: int, delivery_id: int, actor: User, now: datetime, driver: str | None = None
) -> DeliveryResult:
    """Parse a delivery in quarantine again, by its source's driver, `driver` or detection; it then counts as new.

    Times that the sender did not give are those of the first receipt. Raises SourceNotFound, DeliveryNotFound,
    Conflict when the raw body is gone; PayloadRejected (it stays in quarantine with the reason).
    """
    refusals: list[PayloadRejected] = []

    def write(tx: Tx) -> DeliveryResult | None:
        refusals.clear()
        source = queries.get_source(tx, source_id)
        delivery = queries.get_quarantined(tx, source_id, delivery_id)
        try:
            submission = _again(rt, source, delivery, driver, now)
        except PayloadRejected as refused:
            refusals.append(refused)
            sources.settle_quarantined(tx, delivery_id=delivery_id, driver="", error=refused.message)
            return None
        sources.settle_quarantined(tx, delivery_id=delivery_id, driver=submission.driver, error=None)
        result = apply(tx, [submission])[0]
        _audit(tx, "delivery_reparsed", source_id, actor, {"delivery": delivery_id, "driver": submission.driver}, now)
        return result

    result = rt.db.write(write)
    if result is None:
        raise refusals[0]
    return result


def _again(rt: Runtime, source: AlertSource, delivery: Delivery, driver: str | None, now: datetime) -> Submission:
    if delivery.body is None:
        raise Conflict("The raw body of this delivery is no longer kept.")
    headers = Headers({str(name): str(value) for name, value in delivery.headers.items()})
    try:
        payload = as_payload(strictjson.loads(delivery.body))
    except MalformedJson as malformed:
        raise PayloadRejected("", malformed.message) from malformed
    entry = _forced(source, driver) or detect(payload, headers)
    options = options_of(source, rt.secrets)
    parsed = parse(entry, payload, headers, received_at=delivery.received_at, options=options)
    outcome = DeliveryOutcome.ACCEPTED if parsed.alerts else DeliveryOutcome.IGNORED
    return Submission(
        source=source,
        driver=entry.name,
        outcome=DeliveryOutcome.PARTIAL if parsed.errors else outcome,
        parsed=parsed,
        headers=delivery.headers,
        body=delivery.body,
        received_at=now,
        trace_id=rt.ids.hex32(),
        new_run_id=rt.ids.hex32,
        error="; ".join([*parsed.errors, *parsed.notes][:20]),
    )


def _forced(source: AlertSource, driver: str | None) -> Detected | None:
    name = driver or (source.driver if source.driver != "auto" else None)
    if name is None:
        return None
    entry = find_driver(name)
    if entry is None:
        raise Invalid(f"There is no driver {name[:40]}.", [FieldError("driver", "names no driver")])
    return entry


def _source(tx: Tx, source_id: int | None, name: str | None) -> AlertSource:
    if source_id is not None:
        source = queries.get_source(tx, source_id)
    else:
        found = [each for each in queries.list_sources(tx, EVERY_TEST).items if name in (None, each.name)]
        usable = [each for each in found if each.is_active and not each.is_internal] or found
        if not usable:
            raise NotFound("There is no such alert source.", code="alert_source_not_found")
        source = usable[0]
    if not source.is_active:
        raise SourceInactive(source.name)
    return source


def firing_tests(tx: Tx, source: AlertSource) -> list[Alert]:
    """The test alerts of the source that still fire."""
    filters = AlertFilter(source_id=source.id, status=AlertStatus.FIRING, q=TEST_NAME)
    found = queries.list_alerts(tx, filters, EVERY_TEST).items
    return [alert for alert in found if TEST_LABEL in alert.labels]


def _deliver(
    rt: Runtime, tx: Tx, source: AlertSource, alerts: Sequence[JsonObject], *, trace_id: str, now: datetime
) -> DeliveryResult:
    submission = own_submission(rt, source, alerts, by="test alert", trace_id=trace_id, now=now)
    return apply(tx, [submission])[0]


def _audit(tx: Tx, action: str, source_id: int, actor: User | None, after: JsonObject, now: datetime) -> None:
    record_audit(
        tx,
        actor=actor,
        action=action,
        object_type="alert_source",
        object_id=source_id,
        before=None,
        after=after,
        now=now,
    )
