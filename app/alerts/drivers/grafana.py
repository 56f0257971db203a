"""Grafana: unified alerting (8 and later) and the legacy alerts (up to 10).

Formats: Grafana documentation, «Configure the webhook notifier», and the legacy «Alert notifications» page.
The quirk that cost time: a unified body has every key of an Alertmanager one, so it must be asked first; and a legacy
`ok` comes without evalMatches, so only the rule's id tells which alert it ends.
"""

import hmac
from datetime import datetime

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
)  # fmt: skip
from app.alerts.drivers._prometheus import read_group
from app.alerts.drivers._values import (
    bounded,
    description_of,
    filled,
    id_of,
    known_severity,
    name_of,
    status_of,
    tags_of,
)
from app.alerts.types import AlertStatus, Severity

LINKS = ("generatorURL", "silenceURL", "dashboardURL", "panelURL", "imageURL")
SIGNATURE_HEADER = "X-Grafana-Alerting-Signature"
SIGNATURE_AGE_SECONDS = 300
NOTHING_HAPPENED = ("paused", "pending")


def detects(payload: Payload, headers: Headers) -> bool:
    """An organisation's id beside alerts, or a legacy rule; title and state alone are anybody's."""
    if isinstance(payload.get("alerts"), list) and (
        ("orgId" in payload and ("state" in payload or "title" in payload)) or "dashboardId" in payload
    ):
        return True
    return "ruleId" in payload and "ruleName" in payload and "state" in payload


def parse(payload: Payload, headers: Headers, received_at: datetime, options: SourceOptions) -> ParsedPayload:
    """A unified group, or one legacy rule. Raises PayloadRejected when the body is neither."""
    if "alerts" in payload:
        return read_group(payload, received_at, source="grafana", links=LINKS)
    return _legacy(payload, received_at)


def verify(body: bytes, headers: Headers, options: SourceOptions, now: datetime) -> None:
    """Grafana 12's HMAC-SHA256 (lower-case hex) over the body, after `<unix seconds>:` where a time header is set.

    Raises SignatureInvalid for a missing or wrong signature, or a time more than 300 s away from `now`.
    """
    if not options.signing_secret:
        return
    given = headers.get(options.signature_header or SIGNATURE_HEADER, "")
    if options.timestamp_header:
        stamp = headers.get(options.timestamp_header, "")
        if not (stamp.isascii() and stamp.isdecimal() and len(stamp) < 20):
            raise SignatureInvalid("The signature's time header is missing or is no number of seconds.")
        if abs(now.timestamp() - int(stamp)) > SIGNATURE_AGE_SECONDS:
            raise SignatureInvalid(f"The signature is more than {SIGNATURE_AGE_SECONDS} seconds away from our clock.")
        body = stamp.encode() + b":" + body
    expected = hmac.new(options.signing_secret.encode(), body, "sha256").hexdigest()
    if not hmac.compare_digest(expected.encode(), given.strip().encode()):
        raise SignatureInvalid("The Grafana signature is missing or does not fit the body and the secret.")


def _legacy(payload: Payload, received_at: datetime) -> ParsedPayload:
    rule_id, org_id, state = id_of(payload.get("ruleId")), id_of(payload.get("orgId")), payload.get("state")
    if not rule_id:
        raise PayloadRejected("ruleId", "needs the rule's id, or the body a list of alerts.")
    if state in NOTHING_HAPPENED:
        return ParsedPayload(alerts=[], source="grafana", ignored=True)
    status = status_of(state)
    firing = status is AlertStatus.FIRING
    tags = tags_of(payload.get("tags"), "tags")
    by_state = Severity.CRITICAL if state == "alerting" else Severity.WARNING
    ids = filled(orgId=org_id, ruleId=rule_id)
    more = {name: payload.get(name) for name in ("dashboardId", "panelId")}
    alert = ParsedAlert(
        fingerprint_inputs=ids,
        name=name_of(payload.get("ruleName"), payload.get("title"), otherwise=f"Grafana rule {rule_id}"),
        status=status,
        severity=known_severity(tags.get("severity")) or (by_state if firing else None),
        started_at=received_at if firing else None,
        ended_at=None if firing else received_at,
        description=description_of(payload.get("message"), payload.get("title")),
        labels=bounded({**tags, **filled(**more), **ids}),
        annotations=bounded(filled(**{name: payload.get(name) for name in ("ruleUrl", "imageUrl", "evalMatches")})),
    )
    return ParsedPayload(alerts=[alert], source="grafana", version="legacy")


SAMPLES = (
    Sample(
        name="unified",
        given={
            "receiver": "pagerpal", "status": "firing", "orgId": 0, "state": "alerting", "title": "[FIRING:1]",
            "version": "1", "groupKey": "{}", "externalURL": "https://grafana.example.com/",
            "alerts": [{
                "status": "firing", "labels": {"alertname": "High memory", "severity": "critical"},
                "annotations": {"summary": "91 % used"}, "startsAt": "2026-03-02T11:38:00Z",
                "endsAt": "0001-01-01T00:00:00Z", "fingerprint": "3a2f1c0b9e8d7c6b",
            }],
        },
        expect=[{"name": "High memory", "status": "firing", "severity": "critical"}],
    ),
    Sample(
        name="legacy alerting",
        given={"ruleId": 7, "ruleName": "CPU", "state": "alerting", "orgId": 1, "title": "[Alerting] CPU",
               "evalMatches": [{"value": 97, "metric": "user", "tags": None}], "tags": {"service": "web"}},
        expect=[{"name": "CPU", "status": "firing", "severity": "critical"}],
    ),
    Sample(
        name="legacy ok",
        given={"ruleId": 7, "ruleName": "CPU", "state": "ok", "orgId": 1, "title": "[OK] CPU", "evalMatches": []},
        expect=[{"name": "CPU", "status": "resolved", "severity": None}],
    ),
    Sample(name="legacy paused", given={"ruleId": 7, "ruleName": "CPU", "state": "paused"}, expect=[]),
)  # fmt: skip

PLUGIN = Driver(
    label="Grafana",
    specificity=40,
    detects=detects,
    parse=parse,
    verify=verify,
    samples=SAMPLES,
    setup=(
        "Alerting → Contact points → Add, type Webhook. URL: {webhook_url}. Under optional settings add the header "
        "X-API-Key: {api_key} (older versions: authorization scheme Bearer, credentials {api_key})."
    ),
)
