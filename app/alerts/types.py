"""Alerts in values: what drivers give, what is stored, and the source a delivery came from."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cached_property

from app.incidents.types import Severity
from app.platform.types import JsonObject

__all__ = [
    "Alert",
    "AlertHistoryEntry",
    "AlertSource",
    "AlertStatus",
    "Control",
    "Delivery",
    "DeliveryOutcome",
    "DeliveryResult",
    "Grouping",
    "ParsedAlert",
    "ParsedPayload",
    "Severity",
    "SourceKey",
    "SourceOptions",
    "Subscription",
    "SubscriptionState",
]


class AlertStatus(StrEnum):
    """An alert's two states; acknowledged upstream is still firing."""

    FIRING = "firing"
    RESOLVED = "resolved"


class Grouping(StrEnum):
    """Which alerts of a source share an open incident (B9)."""

    FINGERPRINT = "fingerprint"
    GROUP_KEY = "group_key"
    LABELS = "labels"


class DeliveryOutcome(StrEnum):
    """What became of one webhook request."""

    ACCEPTED = "accepted"
    PARTIAL = "partial"
    IGNORED = "ignored"
    CONTROL = "control"
    QUARANTINED = "quarantined"
    REPARSED = "reparsed"


class SubscriptionState(StrEnum):
    """How a subscription to a topic stands."""

    PENDING = "pending"
    CONFIRMED = "confirmed"
    FAILED = "failed"
    UNSUBSCRIBED = "unsubscribed"


@dataclass(frozen=True)
class ParsedAlert:
    """One alert as a driver read it; times are UTC.

    `severity` is None where a recovery carries none: the stored one stays. `started_at` is None where the sender
    gave no time: the receive time stands in. `acknowledged` is what the sender says of itself, None if nothing.
    """

    fingerprint_inputs: Mapping[str, str]
    name: str
    status: AlertStatus
    severity: Severity | None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    description: str = ""
    labels: dict[str, str] = field(default_factory=dict)
    annotations: dict[str, str] = field(default_factory=dict)
    acknowledged: bool | None = None

    @cached_property
    def fingerprint(self) -> str:
        """The alert's identity within its source: SHA-256 over its sorted inputs (seed 001)."""
        joined = "\0\0".join(f"{name}\0{value}" for name, value in sorted(self.fingerprint_inputs.items()))
        return hashlib.sha256(joined.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Control:
    """A message about the subscription itself (SNS), with what is needed to act on it."""

    kind: str
    topic_arn: str = ""
    subscribe_url: str = ""
    token: str = ""

    @property
    def ends_subscription(self) -> bool:
        """Whether it says that the topic will tell no more; else it asks to be confirmed."""
        return not self.subscribe_url


@dataclass(frozen=True, slots=True)
class ParsedPayload:
    """One delivery as a driver read it; `errors` names each refused entry, `ignored` means nothing to store."""

    alerts: list[ParsedAlert]
    source: str
    version: str = ""
    group_key: str = ""
    receiver: str = ""
    external_url: str = ""
    errors: list[str] = field(default_factory=list)
    ignored: bool = False
    notes: list[str] = field(default_factory=list)
    control: Control | None = None


@dataclass(frozen=True, slots=True)
class SourceOptions:
    """What a driver needs to know of the source's configuration."""

    timezone: str = "UTC"
    default_severity: Severity | None = None
    signing_secret: str | None = None
    signature_header: str | None = None
    timestamp_header: str | None = None
    topic_arn: str | None = None


@dataclass(frozen=True, slots=True)
class AlertSource:
    """A monitoring tool that may post; `driver` is a driver's name or `auto`."""

    id: int
    name: str
    driver: str
    team_id: int | None
    escalation_policy_id: int | None
    schedule_id: int | None
    pipeline: str
    grouping: Grouping
    group_labels: list[str]
    auto_resolve: bool
    is_active: bool
    is_internal: bool
    config: JsonObject
    last_delivery_at: datetime | None
    created_at: datetime
    updated_at: datetime

    @property
    def leads_somewhere(self) -> bool:
        """Whether somebody has chosen whom it pages; else that is the fallback."""
        return (self.escalation_policy_id, self.schedule_id, self.team_id) != (None, None, None)


@dataclass(frozen=True, slots=True)
class SourceKey:
    """An API key of a source as people may see it: its prefix and its masked form, never the key."""

    id: int
    source_id: int
    prefix: str
    masked: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class Alert:
    """One signal from one source about one fingerprint.

    `generation` counts its firings: it goes up each time a resolved alert fires again.
    """

    id: int
    source_id: int
    driver: str
    fingerprint: str
    name: str
    status: AlertStatus
    severity: Severity
    description: str
    labels: dict[str, str]
    annotations: dict[str, str]
    started_at: datetime
    ended_at: datetime | None
    received_at: datetime
    updated_at: datetime
    last_seen_at: datetime
    occurrences: int
    generation: int
    acknowledged_upstream: bool
    incident_id: int | None
    trace_id: str


@dataclass(frozen=True, slots=True)
class AlertHistoryEntry:
    """One change of an alert."""

    id: int
    alert_id: int
    event: str
    old_status: AlertStatus | None
    new_status: AlertStatus
    details: JsonObject
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Delivery:
    """One webhook request as it came; the raw body is kept once, here."""

    id: int
    trace_id: str
    source_id: int
    driver: str
    outcome: DeliveryOutcome
    headers: JsonObject
    body: bytes | None
    error: str
    alert_count: int
    received_at: datetime


@dataclass(frozen=True, slots=True)
class DeliveryResult:
    """What the sender is told of an accepted delivery."""

    trace_id: str
    alerts_created: int = 0
    alerts_updated: int = 0
    alerts_resolved: int = 0
    incidents_created: int = 0
    incidents_updated: int = 0
    incident_ids: tuple[int, ...] = ()
    run_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Subscription:
    """A topic that a source was asked to subscribe to, and what became of it."""

    id: int
    source_id: int
    topic_arn: str
    subscribe_url: str
    state: SubscriptionState
    attempts: int
    due_at: datetime | None
    last_error: str
    updated_at: datetime
