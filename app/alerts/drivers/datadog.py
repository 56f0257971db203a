"""Datadog: the body is whatever the webhook's payload template says; these are the usual keys, and the default body.

Format: Datadog documentation, «Webhooks» (variables) and the default payload.
The quirks that cost time: alert_status is prose, the state is in alert_transition or only in the title's prefix; the
prefix changes on recovery; a variable without a value stays as "$NAME"; `id` is new with every event.
"""

import re
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
    SourceOptions,
)
from app.alerts.drivers._values import (
    bounded,
    description_of,
    filled,
    id_of,
    known_severity,
    name_of,
    tags_of,
    text_of,
    time_of,
)
from app.alerts.types import AlertStatus, Severity

STATE_KEYS = ("alert_id", "alert_status", "alert_type", "alert_transition")
VARIABLE = re.compile(r"\$[A-Z0-9_]+")
# "[P1] [Re-Triggered on {host:web-01}] Name": the priority and the transition go, with the scope kept apart.
PREFIX = re.compile(
    r"\s*\[(?:P[1-5]|(?:Renotify )?(?:Re-)?(?P<state>Triggered|Warn|No Data|Recovered|Renotify|OK)"
    r"(?: on \{(?P<scope>[^}\]]*)\})?)\]",
    re.IGNORECASE,
)
MAX_PREFIXES = 4
TYPES = {"error": Severity.CRITICAL, "warning": Severity.WARNING, "info": Severity.INFO}
LABELS = ("alert_id", "alert_scope", "hostname", "alert_priority", "alert_transition")
ANNOTATIONS = ("url", "alert_query", "alert_status", "alert_cycle_key", "aggreg_key", "snapshot", "link")


def detects(payload: Payload, headers: Headers) -> bool:
    """Two of the monitor's variables, or the default body with its organisation."""
    if sum(key in payload for key in STATE_KEYS) >= 2:
        return True
    return "event_type" in payload and "last_updated" in payload and isinstance(payload.get("org"), dict)


def parse(payload: Payload, headers: Headers, received_at: datetime, options: SourceOptions) -> ParsedPayload:
    """One event of a monitor; identity is the monitor with its scope, else the stripped title with the scope in it.

    Raises PayloadRejected when there is neither a monitor's id nor a title.
    """
    known = {key: value for key, value in payload.items() if not _is_missing(value)}
    notes: list[str] = []
    title, state, title_scope = _title(_first(known, "alert_title", "title", "event_title"))
    alert_id, scope = id_of(known.get("alert_id")), _scope(_first(known, "alert_scope", "scopes"))
    if alert_id:
        identity = filled(alert_id=alert_id, alert_scope=scope)
    elif title:
        identity = filled(title=title, alert_scope=scope or title_scope)
    else:
        raise PayloadRejected("alert_id", "needs the monitor's id or a title.")
    status = _status(known, state)
    firing = status is AlertStatus.FIRING
    times = ("date", "last_updated") if firing else ("last_updated", "date")
    happened_at = time_of(_first(known, *times), notes) or received_at
    alert = ParsedAlert(
        fingerprint_inputs=identity,
        name=name_of(title, otherwise=f"Datadog monitor {alert_id}"),
        status=status,
        severity=_severity(known, status, state),
        started_at=happened_at if firing else None,
        ended_at=None if firing else happened_at,
        description=description_of(_first(known, "body", "text_only_msg", "event_msg"), known.get("alert_status")),
        labels=bounded({**tags_of(known.get("tags"), "tags"), **filled(**{key: known.get(key) for key in LABELS})}),
        annotations=bounded(filled(**{key: known.get(key) for key in ANNOTATIONS})),
    )
    return ParsedPayload(alerts=[alert], source="datadog", notes=notes)


def _is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, str) and (not value.strip() or bool(VARIABLE.fullmatch(value.strip()))))


def _first(known: Payload, *keys: str) -> Any:
    return next((known[key] for key in keys if key in known), None)


def _title(value: Any) -> tuple[str, str, str]:
    """The stable part of a title, and the state (lower case) and sorted scope that its prefix held."""
    title, state, scope = id_of(value), "", ""
    for _ in range(MAX_PREFIXES):
        found = PREFIX.match(title)
        if found is None or not title[found.end() :].strip():
            break
        state = (found["state"] or state).lower()
        scope = found["scope"] or scope
        title = title[found.end() :].strip()
    return title, state, _scope(scope)


def _scope(value: Any) -> str:
    """A comma list of tags whose order is not guaranteed, sorted."""
    parts = value if isinstance(value, list) else text_of(value).split(",")
    return ",".join(sorted(part for part in (text_of(part).strip() for part in parts) if part))


def _status(known: Payload, title_state: str) -> AlertStatus:
    transition = id_of(known.get("alert_transition")).lower()
    if transition:
        resolved = "recovered" in transition
    else:
        resolved = id_of(known.get("alert_type")).lower() == "success" or title_state in ("recovered", "ok")
    return AlertStatus.RESOLVED if resolved else AlertStatus.FIRING


def _severity(known: Payload, status: AlertStatus, title_state: str) -> Severity | None:
    """By the monitor's priority, else by the event's type; a monitor that only warns is at most a warning.

    «success» says that something ended, not how bad it was.
    """
    priority = id_of(_first(known, "alert_priority", "priority")).lower()
    by_priority = known_severity(priority) if len(priority) == 2 and priority.startswith("p") else None
    severity = by_priority or TYPES.get(id_of(known.get("alert_type")).lower())
    if status is AlertStatus.RESOLVED:
        return severity
    if severity is None:
        success = id_of(known.get("alert_type")).lower() == "success"
        severity = Severity.INFO if success else Severity.WARNING
    state = id_of(known.get("alert_transition")).lower() or title_state
    return Severity.WARNING if severity is Severity.CRITICAL and state.endswith("warn") else severity


_MONITOR = {
    "alert_id": "1234567", "alert_title": "[Triggered on {host:web-01}] CPU load is high", "alert_type": "error",
    "alert_transition": "Triggered", "alert_priority": "$ALERT_PRIORITY", "alert_scope": "role:db, host:web-01",
    "alert_status": "system.load.1 over host:web-01 was > 4.0", "tags": "env:prod,monitor", "date": "1772443478000",
}  # fmt: skip

SAMPLES = (
    Sample(
        name="triggered",
        given=_MONITOR,
        expect=[{"name": "CPU load is high", "status": "firing", "severity": "critical",
                 "started_at": "2026-03-02T09:24:38Z"}],
    ),
    Sample(
        name="recovered",
        given={**_MONITOR, "alert_title": "[Recovered on {host:web-01}] CPU load is high", "alert_type": "success",
               "alert_transition": "Recovered"},
        expect=[{"name": "CPU load is high", "status": "resolved", "severity": None}],
    ),
    Sample(
        name="default body",
        given={"title": "[Warn on {host:web-01}] CPU high", "event_type": "metric_alert_monitor", "id": "7412",
               "last_updated": "1772443478000", "date": "1772443478000", "org": {"id": "11023", "name": "Example"}},
        expect=[{"name": "CPU high", "status": "firing", "severity": "warning"}],
    ),
)  # fmt: skip

PLUGIN = Driver(
    label="Datadog",
    specificity=60,
    detects=detects,
    parse=parse,
    samples=SAMPLES,
    setup=(
        'Integrations → Webhooks → New. URL: {webhook_url}. Custom headers: {"X-API-Key": "{api_key}"}. Payload: '
        "alert_id, alert_title, alert_transition, alert_type, alert_priority, alert_scope, alert_status, tags, url, "
        "date and last_updated, each with the variable of the same name; do not encode as form."
    ),
)
