"""What an incident is, in values: statuses, actions, who acts, and the rows as the rest of the house sees them."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from app.platform.types import JsonObject


class Severity(StrEnum):
    """How bad it is; the order of the members is from worst to mildest."""

    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"

    @property
    def rank(self) -> int:
        """0 for the worst; a smaller rank outranks a larger one."""
        return _RANK[self]

    @classmethod
    def named(cls, word: object) -> "Severity | None":
        """The severity of that very word, None for anything else."""
        return _NAMED.get(word) if isinstance(word, str) else None


_RANK = {severity: rank for rank, severity in enumerate(Severity)}
_NAMED = {severity.value: severity for severity in Severity}


class IncidentStatus(StrEnum):
    """An incident's life; «open» is triggered or acknowledged (B13)."""

    TRIGGERED = "triggered"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"
    CLOSED = "closed"

    @property
    def is_open(self) -> bool:
        """Whether somebody still has to do something."""
        return self in OPEN_STATUSES


OPEN_STATUSES = frozenset({IncidentStatus.TRIGGERED, IncidentStatus.ACKNOWLEDGED})
OVER_STATUSES = frozenset(IncidentStatus) - OPEN_STATUSES


class IncidentAction(StrEnum):
    """What can be done to a status; `retrigger` is a lapsed acknowledgement or a rise to critical (B9, B14)."""

    ACKNOWLEDGE = "acknowledge"
    RESOLVE = "resolve"
    REOPEN = "reopen"
    CLOSE = "close"
    RETRIGGER = "retrigger"


class TimelineKind(StrEnum):
    """What a timeline entry tells; the screen picks its mark from it."""

    TRIGGERED = "triggered"
    ALERTS = "alerts"
    SEVERITY = "severity"
    PAGED = "paged"
    SKIPPED = "skipped"
    FALLBACK = "fallback"
    UNREACHED = "unreached"
    ACKNOWLEDGED = "acknowledged"
    LAPSED = "lapsed"
    RESOLVED = "resolved"
    REOPENED = "reopened"
    CLOSED = "closed"
    ASSIGNED = "assigned"
    SNOOZED = "snoozed"
    DECLINED = "declined"
    ESCALATED = "escalated"
    FEEDBACK = "feedback"
    NOTE = "note"
    DELIVERY = "delivery"
    WARNING = "warning"
    BLACKOUT = "blackout"
    PIPELINE = "pipeline"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something: the person acted as, and the account that was signed in (B4)."""

    user_id: int | None
    name: str
    authenticated_as_id: int | None = None
    source: str = "system"


SYSTEM = Actor(user_id=None, name="PagerPal")


@dataclass(frozen=True, slots=True)
class Incident:
    """One problem that people own; all times are UTC."""

    id: int
    title: str
    description: str
    summary: str
    metadata: JsonObject
    status: IncidentStatus
    severity: Severity
    source_id: int | None
    group_key: str
    assigned_to: int | None
    episode_started_at: datetime
    snoozed_until: datetime | None
    last_paged_at: datetime | None
    resolved_by_alerts: bool
    timeline_seq: int
    created_at: datetime
    updated_at: datetime
    acknowledged_at: datetime | None
    resolved_at: datetime | None
    closed_at: datetime | None
    alert_count: int
    firing_alert_count: int

    @property
    def number(self) -> int:
        """What people call it: «#42»."""
        return self.id


@dataclass(frozen=True, slots=True)
class NewIncident:
    """What it takes to open an incident; `group_key` is unique among the open ones of its source."""

    title: str
    description: str
    severity: Severity
    source_id: int | None
    group_key: str
    alert_count: int = 0
    firing_alert_count: int = 0


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One line of an incident's story; `seq` counts 1..n per incident without holes."""

    id: int
    incident_id: int
    seq: int
    kind: TimelineKind
    text: str
    actor_id: int | None
    actor_name: str
    authenticated_as_id: int | None
    source: str
    data: JsonObject
    at: datetime


@dataclass(frozen=True, slots=True)
class NewTimelineEntry:
    """A line to be written; its number is given when it is stored."""

    incident_id: int
    kind: TimelineKind
    text: str
    actor: Actor = SYSTEM
    data: JsonObject | None = None


class ResponderRole(StrEnum):
    """What a person's answer makes them: they work on the incident, or they have passed it on."""

    RESPONDER = "responder"
    DECLINED = "declined"


@dataclass(frozen=True, slots=True)
class Responder:
    """A person who answered on an incident, and by which way."""

    incident_id: int
    user_id: int
    role: str
    ack_source: str
    joined_at: datetime


@dataclass(frozen=True, slots=True)
class IncidentFilter:
    """What a list of incidents is narrowed to; `statuses` empty means all."""

    statuses: frozenset[IncidentStatus] = frozenset()
    severity: Severity | None = None
    source_id: int | None = None
    assigned_to: int | None = None
    q: str = ""
    created_from: datetime | None = None
    created_to: datetime | None = None
