"""OpsGenie: one request per action on an alert.

Format: OpsGenie documentation, «Webhook integration» and «Edge Connector alert action data».
The quirks that cost time: createdAt counts milliseconds and updatedAt nanoseconds; notes and tags may come after Close
and must not open anything again; an acknowledged alert is still an alert.
"""

from datetime import datetime

from app.alerts.drivers._base import (
    Driver,
    Headers,
    ParsedAlert,
    ParsedPayload,
    Payload,
    PayloadRejected,
    Sample,
    SourceOptions,
)
from app.alerts.drivers._values import (
    bounded,
    description_of,
    filled,
    id_of,
    labels_of,
    name_of,
    object_of,
    severity_of,
    tags_of,
    time_of,
)
from app.alerts.types import AlertStatus

# What each action that changes a state makes of the alert: its status, and what it says of acknowledgement.
ACTIONS: dict[str, tuple[AlertStatus, bool | None]] = {
    "create": (AlertStatus.FIRING, None),
    "updatepriority": (AlertStatus.FIRING, None),
    "acknowledge": (AlertStatus.FIRING, True),
    "unacknowledge": (AlertStatus.FIRING, False),
    "close": (AlertStatus.RESOLVED, None),
    "delete": (AlertStatus.RESOLVED, None),
}


def detects(payload: Payload, headers: Headers) -> bool:
    """An action on an alert that has one of OpsGenie's ids, or the integration that sent it."""
    alert = payload.get("alert")
    if isinstance(payload.get("action"), str) and isinstance(alert, dict) and ("alertId" in alert or "tinyId" in alert):
        return True
    return "integrationId" in payload and "integrationName" in payload


def parse(payload: Payload, headers: Headers, received_at: datetime, options: SourceOptions) -> ParsedPayload:
    """The alert of an action that changes its state; other actions, custom ones too, are ignored.

    Raises PayloadRejected when there is no action or no alert with an id.
    """
    action = payload.get("action")
    if not isinstance(action, str):
        raise PayloadRejected("action", "needs the name of the action.")
    alert = object_of(payload.get("alert"), "alert")
    outcome = ACTIONS.get(action.strip().lower())
    if outcome is None:
        return ParsedPayload(alerts=[], source="opsgenie", ignored=True)
    status, acknowledged = outcome
    notes: list[str] = []
    parsed = _alert(alert, status, acknowledged, received_at, notes)
    return ParsedPayload(alerts=[parsed], source="opsgenie", notes=notes)


def _alert(
    alert: Payload, status: AlertStatus, acknowledged: bool | None, received_at: datetime, notes: list[str]
) -> ParsedAlert:
    alert_id, alias = id_of(alert.get("alertId")), id_of(alert.get("alias"))
    if not (alert_id or alias):
        raise PayloadRejected("alert.alertId", "needs an id or an alias.")
    firing = status is AlertStatus.FIRING
    # Absent means P3, which is a warning anyway.
    severity = severity_of(alert.get("priority"), status)
    labels = tags_of(alert.get("tags"), "alert.tags")
    named = filled(
        entity=alert.get("entity"), alias=alias, tinyId=alert.get("tinyId"), team=alert.get("team"),
        priority=alert.get("priority"),
    )  # fmt: skip
    return ParsedAlert(
        fingerprint_inputs={"alertId": alert_id} if alert_id else {"alias": alias},
        name=name_of(alert.get("message"), alias, otherwise=f"OpsGenie alert {alert_id or alias}"),
        status=status,
        severity=severity,
        started_at=time_of(alert.get("createdAt"), notes) or (received_at if firing else None),
        ended_at=None if firing else time_of(alert.get("updatedAt"), notes) or received_at,
        description=description_of(alert.get("description"), alert.get("message")),
        labels=bounded({**labels, **named}),
        annotations=bounded(labels_of(alert.get("details"), "alert.details")),
        acknowledged=acknowledged,
    )


_ALERT = {
    "alertId": "052652ac-5d1c-464a-812a-7dd18bbfba8c", "message": " Disk full on db01", "tags": ["env:prod", "Flagged"],
    "createdAt": 1772443478104, "updatedAt": 1772444078500000000, "priority": "P1", "tinyId": "23",
}  # fmt: skip

SAMPLES = (
    Sample(
        name="create",
        given={"action": "Create", "alert": _ALERT, "integrationId": "37c8", "integrationName": "PagerPal"},
        expect=[{"name": "Disk full on db01", "status": "firing", "severity": "critical"}],
    ),
    Sample(
        name="acknowledge",
        given={"action": "Acknowledge", "alert": _ALERT},
        expect=[{"status": "firing", "acknowledged": True}],
    ),
    Sample(
        name="close",
        given={"action": "Close", "alert": _ALERT},
        expect=[{"status": "resolved", "ended_at": "2026-03-02T09:34:38.5Z"}],
    ),
    Sample(name="add note", given={"action": "AddNote", "alert": {**_ALERT, "note": "looking"}}, expect=[]),
)

PLUGIN = Driver(
    label="OpsGenie",
    specificity=80,
    detects=detects,
    parse=parse,
    samples=SAMPLES,
    setup=(
        "Settings → Integrations → Add integration → Webhook. URL: {webhook_url}. Custom header: X-API-Key: {api_key}. "
        "Let it send Create, Acknowledge, UnAcknowledge, Close, Delete and UpdatePriority."
    ),
)
