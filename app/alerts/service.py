"""Writing alerts inside the caller's transaction; set-based, for intake."""

from app.alerts.repository import (
    end_memberships,
    insert_alerts,
    insert_deliveries,
    insert_history,
    insert_memberships,
    lock_intake,
    touch_keys,
    touch_sources,
    try_lock_intake,
    update_alerts,
)

__all__ = [
    "end_memberships",
    "insert_alerts",
    "insert_deliveries",
    "insert_history",
    "insert_memberships",
    "lock_intake",
    "touch_keys",
    "touch_sources",
    "try_lock_intake",
    "update_alerts",
]
