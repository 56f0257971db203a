"""Deliveries for those who watch over PagerPal."""

from sqlalchemy import case, literal

from app.alerts.models import DeliveryRow
from app.alerts.types import DeliveryOutcome
from app.platform.tally import Fact

_DRIVER = case((DeliveryRow.driver == "", literal("none")), else_=DeliveryRow.driver)
# What was parsed again after a fix has been in quarantine all the same.
_OUTCOME = case(
    (DeliveryRow.outcome == DeliveryOutcome.REPARSED, literal(DeliveryOutcome.QUARANTINED.value)),
    else_=DeliveryRow.outcome,
)

DELIVERIES = Fact(
    name="pagerpal_deliveries",
    help="Webhook requests that were stored, by the driver that read them and what became of them.",
    labels={"driver": _DRIVER, "outcome": _OUTCOME},
    at=DeliveryRow.received_at,
)
ALERTS = Fact(
    name="pagerpal_alerts_received",
    help="Alerts in those requests, repeats among them.",
    labels={"driver": _DRIVER},
    at=DeliveryRow.received_at,
    amount=DeliveryRow.alert_count,
    where=DeliveryRow.alert_count > 0,
)
