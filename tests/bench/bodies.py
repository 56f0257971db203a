"""Alertmanager webhooks of about 1.7 kB, all of one group, each with a fingerprint nobody has seen before."""

import json
from typing import Any

PLACE = "fedcba9876543210"
ALERT_NAME = "VolumeAlmostFull"
GROUP_KEY = '{}/{tier="storage"}:{alertname="VolumeAlmostFull"}'


class Bodies:
    """Makes numbered bodies of one run quickly: one template, cut where the identity goes."""

    def __init__(self, run: str) -> None:
        """`run` is up to seven hexadecimal digits that begin every identity."""
        self.run = run.rjust(7, "0")[:7]
        self._parts = json.dumps(template(PLACE)).encode().split(PLACE.encode())

    def uid(self, number: int) -> str:
        """The identity of alert `number`: 16 hexadecimal digits."""
        return f"{self.run}{number:09x}"

    def body(self, number: int) -> bytes:
        """The webhook for alert `number`."""
        return self.uid(number).encode().join(self._parts)


def template(uid: str) -> dict[str, Any]:
    """One webhook (version 4) with one alert; the identity stands in the instance and the fingerprint."""
    host = f"db-{uid}.eu-west.example.com"
    labels = {
        "alertname": ALERT_NAME,
        "cluster": "eu-west-production",
        "device": "/dev/mapper/data-postgresql",
        "filesystem": "ext4",
        "instance": f"{host}:9100",
        "job": "node",
        "mountpoint": "/srv/postgresql/14/main",
        "namespace": "orders",
        "severity": "critical",
        "team": "storage",
        "tier": "storage",
    }
    annotations = {
        "summary": "A volume has less than three percent of its space left.",
        "description": f"The volume mounted on /srv/postgresql/14/main of {host} has 2.4 % of its space left and fills "
        "by about 1.1 % an hour; at this rate it is full in a little more than two hours.",
        "runbook_url": "https://runbooks.example.com/storage/volume-almost-full",
    }
    common = {name: value for name, value in labels.items() if name != "instance"}
    return {
        "version": "4",
        "groupKey": GROUP_KEY,
        "truncatedAlerts": 0,
        "status": "firing",
        "receiver": "pagerpal",
        "groupLabels": {"alertname": ALERT_NAME},
        "commonLabels": common,
        "commonAnnotations": {"runbook_url": annotations["runbook_url"]},
        "externalURL": "https://alertmanager.example.com",
        "alerts": [
            {
                "status": "firing",
                "labels": labels,
                "annotations": annotations,
                "startsAt": "2026-03-02T09:24:38.472Z",
                "endsAt": "0001-01-01T00:00:00Z",
                "generatorURL": "https://prometheus.example.com/graph?g0.expr=node_filesystem_avail_bytes%7Bfstype%3D"
                "%22ext4%22%7D%20%2F%20node_filesystem_size_bytes%20%3C%200.03&g0.tab=1",
                "fingerprint": uid,
            }
        ],
    }
