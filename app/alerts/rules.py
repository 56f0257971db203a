"""What a delivered alert does to the stored one. Values in, a named decision out; no database, no clock.

Deliveries come late, twice and out of order; the sender's times decide, not the order of arrival (B8).
"""

from datetime import datetime, timedelta
from enum import StrEnum

from app.alerts.types import Alert, AlertStatus, Grouping, ParsedAlert, Severity

# A firing that began before the recorded recovery is a late copy for this long; after that it is believed.
TOMBSTONE = timedelta(hours=1)
# A firing this soon after the alerts had resolved their incident reopens it (B10).
FLAP_WINDOW = timedelta(minutes=10)
# A repeat this soon after a person resolved the incident is only noted (B10).
STILL_FIRING_AFTER = timedelta(minutes=10)


class Decision(StrEnum):
    """What a delivered alert is, compared with what is stored; kept in the alert's history."""

    CREATED = "created"
    REFIRED = "refired"
    REPEATED = "repeated"
    RESOLVED = "resolved"
    RECOVERY_OF_UNKNOWN = "recovery_of_unknown"
    REPEATED_RECOVERY = "repeated_recovery"
    STALE_RECOVERY = "stale_recovery"
    STALE_FIRING = "stale_firing"


# Decisions after which the alert is firing anew and needs an incident.
NEWLY_FIRING = frozenset({Decision.CREATED, Decision.REFIRED})


def decide(stored: Alert | None, parsed: ParsedAlert, now: datetime) -> Decision:
    """What this delivery is; `now` is when it was received."""
    if stored is None:
        return Decision.CREATED if parsed.status is AlertStatus.FIRING else Decision.RECOVERY_OF_UNKNOWN
    if parsed.status is AlertStatus.RESOLVED:
        if stored.status is AlertStatus.RESOLVED:
            return Decision.REPEATED_RECOVERY
        return Decision.STALE_RECOVERY if _is_older_firings(parsed, stored) else Decision.RESOLVED
    if stored.status is AlertStatus.FIRING:
        return Decision.REPEATED
    return Decision.STALE_FIRING if _is_late_copy(parsed, stored, now) else Decision.REFIRED


def _is_older_firings(parsed: ParsedAlert, stored: Alert) -> bool:
    if parsed.ended_at is not None and parsed.ended_at < stored.started_at:
        return True
    return parsed.started_at is not None and parsed.ended_at is None and parsed.started_at < stored.started_at


def _is_late_copy(parsed: ParsedAlert, stored: Alert, now: datetime) -> bool:
    if parsed.started_at is None or now - stored.updated_at > TOMBSTONE:
        return False
    recovered_at = stored.ended_at or stored.updated_at
    return parsed.started_at <= recovered_at


def severity_of(parsed: ParsedAlert, stored: Alert | None, default: Severity | None) -> Severity:
    """The severity to store: the sender's, else the stored one, else the source's, else warning."""
    if parsed.severity is not None:
        return parsed.severity
    if stored is not None:
        return stored.severity
    return default or Severity.WARNING


def group_key_of(parsed: ParsedAlert, grouping: Grouping, group_labels: list[str], senders_key: str) -> str:
    """Which open incident the alert belongs to; where the wished grouping has nothing to go by, its own (B9)."""
    if grouping is Grouping.GROUP_KEY and senders_key:
        return f"group:{senders_key}"
    if grouping is Grouping.LABELS:
        values = [f"{name}={parsed.labels[name]}" for name in group_labels if name in parsed.labels]
        if values:
            return f"labels:{','.join(values)}"
    return f"alert:{parsed.fingerprint}"
