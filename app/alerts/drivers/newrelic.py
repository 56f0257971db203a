"""New Relic: the legacy alert channel, and workflows, whose bodies are templates and so go by several key names.

Format: New Relic documentation, «Customize your webhook payload» and «Workflow data and variables».
The quirks that cost time: the test button sends 0 for every id, which is a value; a title may be a list; lists hide in
`accumulations`; `duration` counts the milliseconds that an incident has been open.
"""

from datetime import datetime, timedelta
from typing import Any

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
    optional_object,
    severity_of,
    status_of,
    text_of,
    time_of,
)
from app.alerts.types import AlertStatus

LEGACY_LABELS = ("policy_name", "condition_name", "account_name", "account_id", "incident_id", "severity")
LEGACY_ANNOTATIONS = ("incident_url", "policy_url", "runbook_url", "violation_callback_url")
ISSUE_KEYS = ("issueId", "issueUrl", "issuePageUrl")
ISSUE_ANNOTATIONS = ("issueUrl", "issuePageUrl", "violationChartUrl")
ISSUE_LABELS = {
    "priority": "priority", "workflowName": "workflow_name", "alertPolicyNames": "policy_name",
    "alertConditionNames": "condition_name", "impactedEntities": "impacted_entities", "sources": "sources",
}  # fmt: skip
ACKNOWLEDGED = {"acknowledged": True, "unacknowledged": False}


def detects(payload: Payload, headers: Headers) -> bool:
    """A legacy condition with its incident, or an issue with its address and state."""
    if "condition_id" in payload and "incident_id" in payload:
        return True
    return (
        ("issueId" in payload or "id" in payload)
        and ("issueUrl" in payload or "issuePageUrl" in payload)
        and "state" in payload
    )


def parse(payload: Payload, headers: Headers, received_at: datetime, options: SourceOptions) -> ParsedPayload:
    """One incident (legacy) or one issue (workflow). Raises PayloadRejected when there is no id of either."""
    notes: list[str] = []
    if "incident_id" in payload and not any(key in payload for key in ISSUE_KEYS):
        return ParsedPayload([_legacy(payload, received_at, notes)], "newrelic", version="legacy", notes=notes)
    return ParsedPayload([_issue(payload, received_at, notes)], "newrelic", version="workflow", notes=notes)


def _legacy(payload: Payload, received_at: datetime, notes: list[str]) -> ParsedAlert:
    incident_id = id_of(payload.get("incident_id"))
    if not incident_id:
        raise PayloadRejected("incident_id", "needs the incident's id.")
    state = id_of(payload.get("current_state")).lower()
    status = status_of(state)
    firing = status is AlertStatus.FIRING
    sent_at = time_of(payload.get("timestamp"), notes) or received_at
    targets = payload.get("targets")
    target = optional_object(targets[0] if isinstance(targets, list) and targets else None)
    return ParsedAlert(
        fingerprint_inputs={"incident_id": incident_id},
        name=name_of(payload.get("condition_name"), payload.get("policy_name"), otherwise=f"New Relic {incident_id}"),
        status=status,
        severity=severity_of(payload.get("severity"), status),
        # An opening message is sent when the incident opens; later ones say how long ago that was.
        started_at=sent_at if firing and state != "acknowledged" else _opened_at(payload.get("duration"), sent_at),
        ended_at=None if firing else sent_at,
        description=description_of(payload.get("details"), payload.get("condition_name")),
        labels=bounded({
            **labels_of(optional_object(target.get("labels")), "targets[0].labels"),
            **filled(**{key: payload.get(key) for key in LEGACY_LABELS}, target=target.get("name")),
        }),
        annotations=bounded(filled(**{key: payload.get(key) for key in LEGACY_ANNOTATIONS})),
        acknowledged=ACKNOWLEDGED.get(state),
    )  # fmt: skip


def _opened_at(duration_ms: Any, sent_at: datetime) -> datetime | None:
    if isinstance(duration_ms, int | float) and not isinstance(duration_ms, bool) and duration_ms >= 0:
        try:
            return sent_at - timedelta(milliseconds=duration_ms)
        except (OverflowError, ValueError):
            return None
    return None


def _issue(payload: Payload, received_at: datetime, notes: list[str]) -> ParsedAlert:
    issue_id = id_of(payload.get("issueId")) or id_of(payload.get("id"))
    if not issue_id:
        raise PayloadRejected("issueId", "needs the issue's id (issueId or id).")
    status = status_of(payload.get("state"))
    firing = status is AlertStatus.FIRING
    conditions = payload.get("alertConditionNames")
    ended_at = time_of(payload.get("closedAt"), notes) or time_of(payload.get("updatedAt"), notes)
    trigger = id_of(payload.get("trigger")) or id_of(payload.get("triggerEvent"))
    labels = filled(**{label: _joined(payload.get(key)) for key, label in ISSUE_LABELS.items()})
    return ParsedAlert(
        fingerprint_inputs={"issueId": issue_id},
        name=name_of(payload.get("title"), payload.get("issueTitle"), conditions, otherwise=f"New Relic {issue_id}"),
        status=status,
        severity=severity_of(payload.get("priority"), status),
        started_at=time_of(payload.get("createdAt"), notes) or (received_at if firing else None),
        ended_at=None if firing else ended_at or received_at,
        description=description_of(payload.get("description"), _joined(payload.get("impactedEntities"))),
        labels=bounded({**_accumulations(payload), **labels}),
        annotations=bounded(filled(**{key: payload.get(key) for key in ISSUE_ANNOTATIONS})),
        acknowledged=ACKNOWLEDGED.get(trigger.lower()),
    )


def _joined(value: Any) -> str:
    return ", ".join(text_of(item) for item in value) if isinstance(value, list) else text_of(value)


def _accumulations(payload: Payload) -> dict[str, str]:
    """`accumulations` names its lists «tag.team», «conditionName» …; the tags lose their prefix."""
    lists = optional_object(payload.get("accumulations"))
    return filled(**{name.removeprefix("tag."): _joined(value) for name, value in lists.items()})


_INCIDENT = {
    "incident_id": 0, "condition_id": 0, "policy_name": "Test policy", "condition_name": "Apdex (Low)",
    "current_state": "open", "severity": "CRITICAL", "timestamp": 1772444078000, "duration": 600000,
    "targets": [{"name": "checkout", "labels": {"team": "payments"}}], "details": "Apdex < 0.5",
}  # fmt: skip
_ISSUE = {
    "id": "d1b1f3fd", "issueUrl": "https://radar.example.com/issues/1", "title": ["Memory > 90 %", "second"],
    "state": "ACTIVATED", "priority": "HIGH", "trigger": "STATE_CHANGE", "createdAt": 1772443478000,
    "updatedAt": 1772444078000, "impactedEntities": None, "accumulations": {"tag.team": ["platform"]},
}  # fmt: skip

SAMPLES = (
    Sample(
        name="legacy open",
        given=_INCIDENT,
        expect=[{"name": "Apdex (Low)", "status": "firing", "severity": "critical"}],
    ),
    Sample(
        name="legacy closed",
        given={**_INCIDENT, "current_state": "Closed"},
        expect=[{"status": "resolved", "started_at": "2026-03-02T09:24:38Z", "ended_at": "2026-03-02T09:34:38Z"}],
    ),
    Sample(
        name="workflow activated",
        given=_ISSUE,
        expect=[{"name": "Memory > 90 %", "status": "firing", "severity": "critical"}],
    ),
    Sample(
        name="workflow closed",
        given={**_ISSUE, "state": "CLOSED"},
        expect=[{"status": "resolved", "ended_at": "2026-03-02T09:34:38Z"}],
    ),
)

PLUGIN = Driver(
    label="New Relic",
    specificity=50,
    detects=detects,
    parse=parse,
    samples=SAMPLES,
    setup=(
        "Alerts → Destinations → Webhook. URL: {webhook_url}. Custom header: X-API-Key: {api_key}. Then add the "
        "destination to a workflow; the default template is understood, with closed issues switched on."
    ),
)
