"""Prometheus Alertmanager: one request per group of alerts, each time the group changes and at every repeat_interval.

Format: Alertmanager documentation, «webhook_config» (version 4; version 3 has an integer groupKey and no fingerprint).
The quirk that cost time: `endsAt` of a firing alert is Go's zero time, the year 1, which no other zone can express.
"""

from datetime import datetime

from app.alerts.drivers._base import Driver, Headers, ParsedPayload, Payload, Sample, SourceOptions
from app.alerts.drivers._prometheus import read_group

GROUP_KEYS = ("groupKey", "receiver", "groupLabels")


def detects(payload: Payload, headers: Headers) -> bool:
    """A list of alerts, the group's status and something that only a notification group has."""
    return isinstance(payload.get("alerts"), list) and "status" in payload and any(key in payload for key in GROUP_KEYS)


def parse(payload: Payload, headers: Headers, received_at: datetime, options: SourceOptions) -> ParsedPayload:
    """Every alert of the group by its own status; identity is its fingerprint, else its label set.

    Raises PayloadRejected when there is no list of alerts, or none of them can be read.
    """
    return read_group(payload, received_at, source="alertmanager")


SAMPLES = (
    Sample(
        name="one firing, one resolved",
        given={
            "version": "4",
            "groupKey": '{}:{alertname="DiskFull"}',
            "status": "firing",
            "receiver": "pagerpal",
            "alerts": [
                {
                    "status": "firing",
                    "labels": {"alertname": "DiskFull", "instance": "db1.example.com", "severity": "page"},
                    "annotations": {"summary": "/var is full"},
                    "startsAt": "2026-03-02T09:24:38.123456789+01:00",
                    "endsAt": "0001-01-01T00:00:00Z",
                    "fingerprint": "0a1b2c3d4e5f6071",
                },
                {
                    "status": "resolved",
                    "labels": {"alertname": "DiskFull", "instance": "db2.example.com"},
                    "annotations": {},
                    "startsAt": "2026-03-02T08:00:00Z",
                    "endsAt": "2026-03-02T08:10:00Z",
                    "fingerprint": "1a1b2c3d4e5f6072",
                },
            ],
        },
        expect=[
            {"name": "DiskFull", "status": "firing", "severity": "critical", "ended_at": None},
            {"name": "DiskFull", "status": "resolved", "ended_at": "2026-03-02T08:10:00Z"},
        ],
    ),
    Sample(
        name="an old sender without fingerprints",
        given={
            "version": "3",
            "groupKey": 5615590933959184469,
            "status": "firing",
            "alerts": [{"labels": {"alertname": "Down", "job": "api"}, "startsAt": "2026-03-02T08:00:00Z"}],
        },
        expect=[{"name": "Down", "status": "firing", "severity": "warning"}],
    ),
)

PLUGIN = Driver(
    label="Prometheus Alertmanager",
    specificity=30,
    detects=detects,
    parse=parse,
    samples=SAMPLES,
    setup=(
        "In alertmanager.yml, under receivers: webhook_configs: [{url: {webhook_url}, send_resolved: true, "
        "http_config: {authorization: {credentials: {api_key}}}}]."
    ),
)
