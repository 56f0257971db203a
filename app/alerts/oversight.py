"""Reading deliveries for those who watch over PagerPal."""

from sqlalchemy import func, select

from app.alerts.models import DeliveryRow
from app.platform.db import Tx


def deliveries_received(tx: Tx) -> int:
    """How many webhook requests were ever stored; numbers are given in order, so the last one says it."""
    return int(tx.scalar(select(func.max(DeliveryRow.id))) or 0)
