"""`/api/v1/alerts`: what the tools have said, alert by alert, and every change of it."""

from typing import Annotated

from fastapi import Query

from app.alerts import queries
from app.alerts.queries import AlertFilter
from app.web.api.incident_schemas import AlertChangeOut, AlertOut, AlertQuery
from app.web.api.pages import PageOut, page_out
from app.web.deps import Id, PageDep, RuntimeDep


def list_alerts(rt: RuntimeDep, page: PageDep, query: Annotated[AlertQuery, Query()]) -> PageOut[AlertOut]:
    """One page of alerts, the one that came last first."""
    filters = AlertFilter(**query.model_dump())
    return page_out(rt.db.read(lambda tx: queries.list_alerts(tx, filters, page)), AlertOut.of)


def show(alert_id: Id, rt: RuntimeDep) -> AlertOut:
    """One alert."""
    return AlertOut.of(rt.db.read(lambda tx: queries.get_alert(tx, alert_id)))


def list_history(alert_id: Id, rt: RuntimeDep, page: PageDep) -> PageOut[AlertChangeOut]:
    """One page of an alert's changes, newest first."""
    return page_out(rt.db.read(lambda tx: queries.history_of(tx, alert_id, page)), AlertChangeOut.of)
