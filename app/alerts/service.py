"""Writing alerts inside the caller's transaction; set-based, for intake."""

from app.alerts.repository import (
    alerts_by_key,
    end_memberships,
    insert_alerts,
    insert_deliveries,
    insert_history,
    insert_memberships,
    lock_intake,
    touch_sources,
    update_alerts,
    worst_firing,
)

__all__ = [
    "alerts_by_key",
    "end_memberships",
    "insert_alerts",
    "insert_deliveries",
    "insert_history",
    "insert_memberships",
    "lock_intake",
    "touch_sources",
    "update_alerts",
    "worst_firing",
]
