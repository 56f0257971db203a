"""Escalations of incidents whose time is up; policies and their versions stay."""

from collections.abc import Collection

from app.escalation.models import EscalationRow
from app.platform.db import Tx
from app.platform.removal import delete_some


def delete_of_incidents(tx: Tx, incident_ids: Collection[int], *, limit: int) -> int:
    """Delete how these incidents climbed: at most `limit` rows; how many went."""
    return delete_some(tx, EscalationRow, EscalationRow.incident_id.in_(incident_ids), limit=limit)
