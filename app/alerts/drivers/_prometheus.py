"""The alert as Prometheus Alertmanager spells it (webhook v4); Grafana's unified alerting has the same shape."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from app.alerts.drivers._base import ParsedAlert, ParsedPayload, Payload, PayloadRejected
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
    text_of,
    time_of,
)  # fmt: skip
from app.alerts.types import AlertStatus

LINKS = ("generatorURL",)


def read_group(
    payload: Payload, received_at: datetime, *, source: str, links: tuple[str, ...] = LINKS
) -> ParsedPayload:
    """One group of alerts; each alert's own status counts, the group's only where an alert has none.

    `links`: keys of an alert whose addresses are kept as annotations. Raises PayloadRejected.
    """
    notes: list[str] = []
    entries = entries_of(payload, "alerts")
    alerts, errors = collect(entries, _reader(payload.get("status"), received_at, links, notes))
    cut_off = payload.get("truncatedAlerts")
    if isinstance(cut_off, int) and cut_off > 0:
        notes.append(f"The sender cut off {cut_off} more alerts of this group (truncatedAlerts).")
    return ParsedPayload(
        alerts=alerts,
        source=source,
        version=text_of(payload.get("version")),
        group_key=key_of(payload.get("groupKey")),
        receiver=text_of(payload.get("receiver")),
        external_url=text_of(payload.get("externalURL")),
        errors=errors,
        notes=notes,
        ignored=not entries,
    )


def _reader(
    group_status: Any, received_at: datetime, links: tuple[str, ...], notes: list[str]
) -> Callable[[Payload], ParsedAlert]:
    def read(entry: Payload) -> ParsedAlert:
        labels = labels_of(entry.get("labels"), "labels")
        annotations = labels_of(entry.get("annotations"), "annotations")
        status = status_of(entry.get("status") or group_status)
        firing = status is AlertStatus.FIRING
        return ParsedAlert(
            fingerprint_inputs=_identity(entry, labels),
            name=name_of(labels.get("alertname"), annotations.get("summary"), otherwise="Alert without a name"),
            status=status,
            severity=severity_of(labels.get("severity") or labels.get("priority"), status),
            started_at=time_of(entry.get("startsAt"), notes) or (received_at if firing else None),
            # A firing alert has not ended, whatever end the sender expects.
            ended_at=None if firing else time_of(entry.get("endsAt"), notes) or received_at,
            description=description_of(
                annotations.get("description"), annotations.get("summary"), entry.get("message")
            ),
            labels=bounded(labels),
            annotations=bounded(_with_links(entry, annotations, links)),
        )

    return read


def _identity(entry: Payload, labels: dict[str, str]) -> dict[str, str]:
    fingerprint = id_of(entry.get("fingerprint"))
    if fingerprint:
        return {"fingerprint": fingerprint}
    if not labels:
        raise PayloadRejected("labels", "needs labels, or the alert a fingerprint: nothing else tells alerts apart.")
    return prefixed("label:", labels)


def _with_links(entry: Payload, annotations: dict[str, str], links: tuple[str, ...]) -> dict[str, str]:
    found = {link: entry[link] for link in links if isinstance(entry.get(link), str) and entry[link]}
    return {**annotations, **found} if found else annotations
