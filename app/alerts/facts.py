"""What a message about an incident says of the alert that speaks for it."""

from app.alerts.types import Alert
from app.platform.types import JsonObject

CLIPPED = 500
LABELS_OF_PAGES = 12


def facts_of(alert: Alert, *, labels: int) -> JsonObject:
    """The alert in the keys that messages are written from; of its labels the first so many."""
    return {
        "alert_id": alert.id,
        "alert_name": alert.name,
        "description": alert.description[:CLIPPED],
        "labels": dict(list(alert.labels.items())[:labels]),
        "summary": alert.annotations.get("summary", "")[:CLIPPED],
        "runbook_url": alert.annotations.get("runbook_url", ""),
        "started_at": alert.started_at.isoformat(),
    }
