"""Generic: for every tool that can post JSON and has no driver of its own; the names are those that people use.

An object, a list of objects, or {"alerts": [...]}. The quirk that cost time: `title` and `state` are also Grafana's
words, `id` may be a number, and labels come as an object, as a list of "name:value" or as one string.
"""

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
    collect,
    description_of,
    entries_of,
    id_of,
    key_of,
    labels_of,
    name_of,
    prefixed,
    severity_of,
    status_of,
    tags_of,
    text_of,
    time_of,
)
from app.alerts.types import AlertStatus

NAMES = ("name", "title", "alertname", "summary")
IDENTITIES = ("fingerprint", "dedup_key", "external_id", "id")


def detects(payload: Payload, headers: Headers) -> bool:
    """A list of alerts, or anything with a name."""
    return isinstance(payload.get("alerts"), list) or any(key in payload for key in NAMES[:3])


def parse(payload: Payload, headers: Headers, received_at: datetime, options: SourceOptions) -> ParsedPayload:
    """Each alert by the names above; identity is the first of its ids, else its name and labels.

    Raises PayloadRejected when there is no alert with a name.
    """
    notes: list[str] = []
    if "alerts" in payload:
        entries = entries_of(payload, "alerts")
        alerts, errors = collect(entries, lambda entry: _alert(entry, received_at, notes))
        return ParsedPayload(
            alerts=alerts,
            source="generic",
            group_key=key_of(payload.get("group_key")),
            errors=errors,
            notes=notes,
            ignored=not entries,
        )
    alert = _alert(payload, received_at, notes)
    return ParsedPayload([alert], "generic", group_key=key_of(payload.get("group_key")), notes=notes)


def _alert(entry: Payload, received_at: datetime, notes: list[str]) -> ParsedAlert:
    whole_name = next((name for name in (id_of(entry.get(key)) for key in NAMES) if name), "")
    if not whole_name:
        raise PayloadRejected("name", "needs a name, title, alertname or summary.")
    labels = tags_of(_first(entry, "labels", "tags"), "labels")
    status = status_of(_first(entry, "status", "state"))
    firing = status is AlertStatus.FIRING
    identity = next(((key, value) for key, value in ((k, id_of(entry.get(k))) for k in IDENTITIES) if value), None)
    started = time_of(_first(entry, "started_at", "startsAt", "timestamp"), notes)
    return ParsedAlert(
        fingerprint_inputs=dict([identity]) if identity else {"name": whole_name, **prefixed("label:", labels)},
        name=name_of(whole_name, otherwise=whole_name),
        status=status,
        severity=severity_of(_first(entry, "severity", "priority", "level"), status),
        started_at=started or (received_at if firing else None),
        ended_at=None if firing else time_of(_first(entry, "ended_at", "endsAt"), notes) or received_at,
        description=description_of(*(text_of(entry.get(key)) for key in ("description", "message", "text"))),
        labels=bounded(labels),
        annotations=bounded(labels_of(entry.get("annotations"), "annotations")),
    )


def _first(entry: Payload, *keys: str) -> Any:
    return next((entry[key] for key in keys if entry.get(key) not in (None, "")), None)


SAMPLES = (
    Sample(
        name="firing",
        given={"name": "Nightly backup failed", "severity": "critical", "labels": {"host": "db1", "attempt": 3},
               "id": 42, "started_at": 1772443478},
        expect=[{"name": "Nightly backup failed", "status": "firing", "severity": "critical",
                 "started_at": "2026-03-02T09:24:38Z"}],
    ),
    Sample(
        name="resolved, by other names",
        given={"title": "Nightly backup failed", "state": "ok", "id": 42},
        expect=[{"name": "Nightly backup failed", "status": "resolved", "severity": None}],
    ),
    Sample(
        name="several",
        given={"alerts": [{"name": "A1", "tags": ["canary", "env:prod"]}, {"name": "A2", "status": "recovered"}]},
        expect=[{"name": "A1", "labels": {"canary": "true", "env": "prod"}}, {"name": "A2", "status": "resolved"}],
    ),
)  # fmt: skip

PLUGIN = Driver(
    label="Generic webhook",
    specificity=10,
    detects=detects,
    parse=parse,
    samples=SAMPLES,
    setup=(
        'POST JSON to {webhook_url} with the header X-API-Key: {api_key}, for example {"name": "Backup failed", '
        '"severity": "critical", "status": "firing", "fingerprint": "backup-db1"}; the same with "status": "resolved" '
        "ends it."
    ),
)
