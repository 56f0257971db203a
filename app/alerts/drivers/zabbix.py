"""Zabbix: a media type of type Webhook whose script posts the macros it was given as one JSON object.

Format: Zabbix documentation, «Supported macros»; the keys are those of the media type that PagerPal ships.
The quirks that cost time: {EVENT.ID} of a recovery is still the problem's; macros that have no value stay literal or
become *UNKNOWN*; severities can be renamed, so the number wins; "unacknowledged" contains "acknowledged".
"""

from datetime import UTC, datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

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
    clip,
    description_of,
    filled,
    id_of,
    name_of,
    severity_of,
    status_of,
    text_of,
)
from app.alerts.types import AlertStatus, Severity
from app.platform.strictjson import MalformedJson, loads_text

NUMBERS = {"0": Severity.INFO, "1": Severity.INFO, "2": Severity.WARNING, "3": Severity.WARNING,
           "4": Severity.CRITICAL, "5": Severity.CRITICAL}  # fmt: skip
NOT_CLASSIFIED = "not classified"
DISCOVERY, AUTOREGISTRATION = "1", "2"
CANCELLED = "note: escalation cancelled"
LABELS = ("host_name", "host_ip", "trigger_id", "event_id", "trigger_severity")
ANNOTATIONS = ("event_name", "item_value", "event_opdata", "event_update_message", "zabbix_url")
MESSAGES = ("event_message", "alert_message", "message", "subject")


def detects(payload: Payload, headers: Headers) -> bool:
    """An event's and a trigger's id, and the name of one of them."""
    return "event_id" in payload and "trigger_id" in payload and ("trigger_name" in payload or "event_name" in payload)


def parse(payload: Payload, headers: Headers, received_at: datetime, options: SourceOptions) -> ParsedPayload:
    """The problem that the event tells of, in the source's time zone. Raises PayloadRejected without an event id."""
    macros = {key: value for key, value in payload.items() if not _is_missing(value)}
    event_id = id_of(macros.get("event_id"))
    if not event_id:
        raise PayloadRejected("event_id", "needs the event's id ({EVENT.ID}).")
    actions = _words(macros.get("event_update_action"))
    status, notes = _status(macros)
    firing = status is AlertStatus.FIRING
    if id_of(macros.get("event_source")) in (DISCOVERY, AUTOREGISTRATION) or (firing and actions == {"commented"}):
        return ParsedPayload(alerts=[], source="zabbix", ignored=True)
    zone, name_keys = _zone(options.timezone, notes), ("trigger_name", "event_name")
    started, ended = (_local_time(macros, f"event{part}", zone, notes) for part in ("", "_recovery"))
    alert = ParsedAlert(
        fingerprint_inputs={"event_id": event_id},
        name=name_of(*(macros.get(key) for key in name_keys), otherwise=f"Zabbix event {event_id}"),
        status=status,
        severity=_severity(macros, status),
        started_at=started or (received_at if firing else None),
        ended_at=None if firing else ended or received_at,
        description=description_of(macros.get("trigger_description"), macros.get("event_name")),
        labels=bounded({**_tags(macros.get("event_tags"), notes), **filled(**{k: macros.get(k) for k in LABELS})}),
        annotations=bounded(filled(**{key: macros.get(key) for key in ANNOTATIONS})),
        acknowledged=True if "acknowledged" in actions else False if "unacknowledged" in actions else None,
    )
    return ParsedPayload(alerts=[alert], source="zabbix", notes=notes)


def _is_missing(value: Any) -> bool:
    """Whether a macro was not expanded: {EVENT.RECOVERY.ID}, {$ZABBIX.URL}, *UNKNOWN*, or nothing at all."""
    if not isinstance(value, str):
        return value is None
    text = value.strip()
    return text in ("", "*UNKNOWN*") or (text.startswith("{") and text.endswith("}") and '"' not in text)


def _status(macros: Payload) -> tuple[AlertStatus, list[str]]:
    value = id_of(macros.get("event_value"))
    messages = [text_of(macros.get(key)).strip() for key in MESSAGES]
    cancelled = [message for message in messages if message.lower().startswith(CANCELLED)]
    if value == "0":
        return AlertStatus.RESOLVED, []
    if cancelled:
        # Zabbix stopped escalating (host, trigger or action disabled); it does not say that the problem ended.
        return AlertStatus.FIRING, [clip(cancelled[0], 500)]
    words = [macros.get(key) for key in ("event_status", "trigger_status", "status")]
    resolved = any(status_of(word) is AlertStatus.RESOLVED for word in words)
    return (AlertStatus.RESOLVED if resolved else AlertStatus.FIRING), []


def _severity(macros: Payload, status: AlertStatus) -> Severity | None:
    words = [macros.get(key) for key in ("event_nseverity", "trigger_severity", "event_severity")]
    for word in words:
        if id_of(word) in NUMBERS:
            return NUMBERS[id_of(word)]
        if id_of(word).lower() == NOT_CLASSIFIED:
            return Severity.INFO
    return next((found for found in (severity_of(word, AlertStatus.RESOLVED) for word in words) if found), None) or (
        severity_of(None, status)
    )


def _words(value: Any) -> set[str]:
    return {word.strip().lower() for word in text_of(value).split(",") if word.strip()}


def _zone(name: str, notes: list[str]) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, LookupError):
        notes.append(f"The source's time zone {name!r} does not exist; UTC was used.")
        return UTC


def _local_time(macros: Payload, prefix: str, zone: tzinfo, notes: list[str]) -> datetime | None:
    """`<prefix>_date` (yyyy.mm.dd) and `<prefix>_time` (hh:mm:ss), which carry no zone, as UTC."""
    date, time = id_of(macros.get(f"{prefix}_date")), id_of(macros.get(f"{prefix}_time"))
    if not date:
        return None
    try:
        local = datetime.fromisoformat(f"{date.replace('.', '-')}T{time or '00:00:00'}")
        return None if local.year <= 1 else local.replace(tzinfo=local.tzinfo or zone).astimezone(UTC)
    except (ValueError, OverflowError):
        notes.append(f"{clip(f'{date} {time}', 60)!r} is not a date and time; it was left out.")
        return None


def _tags(value: Any, notes: list[str]) -> dict[str, str]:
    """{EVENT.TAGSJSON}: a list of {tag, value} as JSON text; names repeat, values may be empty."""
    if isinstance(value, str):
        try:
            value = loads_text(value)
        except MalformedJson:
            notes.append("event_tags is not JSON ({EVENT.TAGSJSON}); the tags were left out.")
            return {}
    found: dict[str, list[str]] = {}
    for tag in value if isinstance(value, list) else ():
        name = id_of(tag.get("tag")) if isinstance(tag, dict) else ""
        if name:
            found.setdefault(name, []).append(text_of(tag.get("value")) or "true")
    return {name: ",".join(texts) for name, texts in found.items()}


_PROBLEM = {
    "event_id": "1001", "trigger_id": "20047", "trigger_name": "Disk space is low", "event_value": "1",
    "trigger_severity": "Katastrophe", "event_nseverity": "5", "event_status": "PROBLEM", "host_ip": "*UNKNOWN*",
    "event_date": "2026.03.02", "event_time": "09:24:38", "event_recovery_id": "{EVENT.RECOVERY.ID}",
    "event_tags": '[{"tag":"scope","value":"capacity"}]',
}  # fmt: skip

SAMPLES = (
    Sample(
        name="problem",
        given=_PROBLEM,
        expect=[{"name": "Disk space is low", "status": "firing", "severity": "critical",
                 "started_at": "2026-03-02T09:24:38Z"}],
    ),
    Sample(
        name="recovery",
        given={**_PROBLEM, "event_value": 0, "event_recovery_date": "2026.03.02", "event_recovery_time": "09:34:38"},
        expect=[{"status": "resolved", "ended_at": "2026-03-02T09:34:38Z"}],
    ),
    Sample(
        name="acknowledged",
        given={**_PROBLEM, "event_update_status": "1", "event_update_action": "acknowledged, commented"},
        expect=[{"status": "firing", "acknowledged": True}],
    ),
    Sample(name="comment", given={**_PROBLEM, "event_update_action": "commented"}, expect=[]),
)  # fmt: skip

PLUGIN = Driver(
    label="Zabbix",
    specificity=70,
    detects=detects,
    parse=parse,
    samples=SAMPLES,
    setup=(
        "Import the PagerPal media type under Alerts → Media types, set its URL to {webhook_url} and its key to "
        "{api_key}, and give it to the user of your trigger action, with recovery and update operations."
    ),
)
