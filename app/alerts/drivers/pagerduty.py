"""PagerDuty as a source: webhooks v3 (one event per request) and v2 (a list of messages, still sent by old accounts).

Format: PagerDuty developer documentation, «Webhooks overview» and «Verifying signatures».
The quirk that cost time: three requests in a row that we refuse switch the subscription off for a day, so everything
that is not about an incident's state (pings, notes, responders, service changes) is understood and ignored.
"""

import hmac
from datetime import datetime
from typing import Any

from app.alerts.drivers._base import (
    Driver,
    Headers,
    ParsedAlert,
    ParsedPayload,
    Payload,
    PayloadRejected,
    Sample,
    SignatureInvalid,
    SourceOptions,
)
from app.alerts.drivers._values import (
    bounded,
    collect,
    description_of,
    filled,
    id_of,
    known_severity,
    name_of,
    object_of,
    optional_object,
    severity_of,
    time_of,
)
from app.alerts.types import AlertStatus, Severity

SIGNATURE_HEADER = "X-PagerDuty-Signature"
# Events that carry a new state, with the status they mean where the incident does not say.
STATES = {
    "incident.triggered": "triggered", "incident.acknowledged": "acknowledged", "incident.unacknowledged": "triggered",
    "incident.resolved": "resolved", "incident.reopened": "triggered", "incident.priority_updated": "triggered",
    "incident.trigger": "triggered", "incident.acknowledge": "acknowledged", "incident.unacknowledge": "triggered",
    "incident.resolve": "resolved",
}  # fmt: skip
ACKNOWLEDGED = {"triggered": None, "acknowledged": True, "resolved": None}
URGENCIES = {"high": Severity.CRITICAL, "low": Severity.WARNING}


def detects(payload: Payload, headers: Headers) -> bool:
    """An event with its type (v3), or messages that each hold an event and an incident (v2)."""
    event, messages = payload.get("event"), payload.get("messages")
    if isinstance(event, dict) and isinstance(event.get("event_type"), str):
        return True
    return (
        isinstance(messages, list)
        and bool(messages)
        and all(isinstance(message, dict) and "event" in message and "incident" in message for message in messages)
    )


def parse(payload: Payload, headers: Headers, received_at: datetime, options: SourceOptions) -> ParsedPayload:
    """The incident of a v3 event, or of each v2 message in order. Raises PayloadRejected when there is neither."""
    notes: list[str] = []
    if "messages" in payload:
        messages = payload["messages"]
        if not isinstance(messages, list):
            raise PayloadRejected("messages", "needs a list.")
        alerts, errors = collect(messages, lambda message: _v2(message, received_at, notes), "messages")
        return ParsedPayload(
            alerts, "pagerduty", version="2", errors=errors, notes=notes, ignored=not (alerts or errors)
        )
    event = object_of(payload.get("event"), "event")
    alert = _v3(event, received_at, notes)
    return ParsedPayload([alert] if alert else [], "pagerduty", version="3", notes=notes, ignored=alert is None)


def verify(body: bytes, headers: Headers, options: SourceOptions, now: datetime) -> None:
    """HMAC-SHA256 (hex) over the raw body; the header lists several while the secret rotates, any v1 may fit.

    Raises SignatureInvalid.
    """
    if not options.signing_secret:
        return
    expected = b"v1=" + hmac.new(options.signing_secret.encode(), body, "sha256").hexdigest().encode()
    given = [part.strip().encode() for part in headers.get(SIGNATURE_HEADER, "").split(",")]
    if not any([hmac.compare_digest(expected, signature) for signature in given]):
        raise SignatureInvalid("The PagerDuty signature is missing or does not fit the body and the secret.")


def _v3(event: Payload, received_at: datetime, notes: list[str]) -> ParsedAlert | None:
    kind, data = event.get("event_type"), optional_object(event.get("data"))
    if not isinstance(kind, str):
        raise PayloadRejected("event.event_type", "needs the type of the event.")
    if kind not in STATES or data.get("type") != "incident":
        return None
    if not id_of(data.get("id")):
        raise PayloadRejected("event.data.id", "needs the incident's id.")
    return _alert(kind, data, time_of(event.get("occurred_at"), notes), received_at, notes)


def _v2(message: Payload, received_at: datetime, notes: list[str]) -> ParsedAlert | None:
    kind, incident = message.get("event"), object_of(message.get("incident"), "incident")
    if not isinstance(kind, str) or kind not in STATES:
        return None
    if not id_of(incident.get("id")):
        raise PayloadRejected("incident.id", "needs the incident's id.")
    changed = incident.get("last_status_change_at") or message.get("created_on")
    return _alert(kind, incident, time_of(changed, notes), received_at, notes)


def _alert(
    kind: str, incident: Payload, happened_at: datetime | None, received_at: datetime, notes: list[str]
) -> ParsedAlert:
    state = incident.get("status")
    if not isinstance(state, str) or state not in ACKNOWLEDGED:
        state = STATES[kind]
    status = AlertStatus.RESOLVED if state == "resolved" else AlertStatus.FIRING
    firing = status is AlertStatus.FIRING
    incident_id = id_of(incident["id"])
    service, priority = optional_object(incident.get("service")), optional_object(incident.get("priority"))
    priority_name = id_of(priority.get("summary")) or id_of(priority.get("name"))
    return ParsedAlert(
        fingerprint_inputs={"incident_id": incident_id},
        name=name_of(
            incident.get("title"), incident.get("summary"), incident.get("description"),
            otherwise=f"PagerDuty incident {incident_id}",
        ),
        status=status,
        severity=_severity(priority_name, incident.get("urgency"), status),
        started_at=_started_at(incident, notes) or (happened_at or received_at if firing else None),
        ended_at=None if firing else happened_at or received_at,
        description=description_of(incident.get("description"), incident.get("title")),
        labels=bounded(filled(
            service_name=id_of(service.get("summary")) or id_of(service.get("name")),
            service_id=id_of(service.get("id")), urgency=incident.get("urgency"), priority=priority_name,
            incident_id=incident_id, number=incident.get("number", incident.get("incident_number")),
        )),
        annotations=bounded(filled(html_url=incident.get("html_url"), incident_key=incident.get("incident_key"))),
        acknowledged=False if kind.startswith("incident.unack") else ACKNOWLEDGED[state],
    )  # fmt: skip


def _started_at(incident: Payload, notes: list[str]) -> datetime | None:
    # A reopened incident keeps its created_at; by that it would look older than the recovery that it undoes.
    times = [time_of(incident.get(key), notes) for key in ("created_at", "reopened_at")]
    return max((time for time in times if time is not None), default=None)


def _severity(priority: str, urgency: Any, status: AlertStatus) -> Severity | None:
    by_urgency = URGENCIES.get(urgency) if isinstance(urgency, str) else None
    return known_severity(priority) or by_urgency or severity_of(None, status)


_INCIDENT = {
    "id": "PGR0VU2", "type": "incident", "status": "triggered", "title": "A little bump in the road",
    "created_at": "2026-03-02T15:16:27Z", "urgency": "low", "priority": {"summary": "P1"},
    "service": {"id": "PF9KMXH", "summary": "API Service"},
}  # fmt: skip

SAMPLES = (
    Sample(
        name="v3 triggered",
        given={"event": {"event_type": "incident.triggered", "occurred_at": "2026-03-02T15:16:28Z", "data": _INCIDENT}},
        expect=[{"name": "A little bump in the road", "status": "firing", "severity": "critical"}],
    ),
    Sample(
        name="v3 resolved",
        given={"event": {"event_type": "incident.resolved", "occurred_at": "2026-03-02T15:40:00.5Z",
                         "data": {**_INCIDENT, "status": "resolved", "priority": None}}},
        expect=[{"status": "resolved", "severity": "warning", "ended_at": "2026-03-02T15:40:00.5Z"}],
    ),
    Sample(
        name="v3 ping",
        given={"event": {"event_type": "pagey.ping", "data": {"message": "Hello", "type": "ping"}}},
        expect=[],
    ),
    Sample(
        name="v2 acknowledged",
        given={"messages": [{"event": "incident.acknowledge", "incident": {**_INCIDENT, "status": "acknowledged"}}]},
        expect=[{"status": "firing", "acknowledged": True}],
    ),
)  # fmt: skip

PLUGIN = Driver(
    label="PagerDuty",
    specificity=90,
    detects=detects,
    parse=parse,
    verify=verify,
    samples=SAMPLES,
    setup=(
        "Integrations → Generic Webhooks (v3) → New. URL: {webhook_url}. Custom header: X-API-Key: {api_key}. Copy the "
        "signing secret that PagerDuty shows once into this source's signing secret."
    ),
)
