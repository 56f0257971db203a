"""Reading alerts, their history, the sources that post them and what is in quarantine."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from sqlalchemy import and_, func, or_, select

from app.alerts import repository
from app.alerts.errors import AlertNotFound, DeliveryNotFound, SourceNotFound
from app.alerts.models import AlertHistoryRow, AlertRow, DeliveryRow, IncidentAlertRow, SourceKeyRow, SourceRow
from app.alerts.problems import Submission
from app.alerts.rules import Decision
from app.alerts.triage import Triage, asked_by
from app.alerts.types import (
    Alert,
    AlertHistoryEntry,
    AlertSource,
    AlertStatus,
    Delivery,
    DeliveryOutcome,
    Severity,
    SourceKey,
)
from app.incidents import queries as incidents
from app.incidents.types import Incident
from app.platform.db import Tx, fields_of, paged
from app.platform.types import Page, PageQuery


@dataclass(frozen=True, slots=True)
class AlertFilter:
    """What a list of alerts is narrowed to; `q` looks into name, description and fingerprint."""

    source_id: int | None = None
    status: AlertStatus | None = None
    severity: Severity | None = None
    incident_id: int | None = None
    q: str = ""


# Gives incidents by id: locked where what is decided will be written, only read where it will be shown.
IncidentsById: TypeAlias = Callable[[Tx, Iterable[int]], dict[int, Incident]]

EVERY_ALERT = AlertFilter()
FIRST_PAGE = PageQuery()


def get_source(tx: Tx, source_id: int) -> AlertSource:
    """The source. Raises SourceNotFound, also for a deleted one."""
    found = tx.first(AlertSource, repository.select_sources().where(SourceRow.id == source_id))
    if found is None:
        raise SourceNotFound(source_id)
    return found


def find_source(tx: Tx, source_id: int) -> AlertSource | None:
    """The source, or None."""
    return tx.first(AlertSource, repository.select_sources().where(SourceRow.id == source_id))


def internal_names(name: str) -> tuple[str, str]:
    """What PagerPal's own source of that name may be called: people may have had one of that name before."""
    return name, f"PagerPal {name}"


def find_internal_source(tx: Tx, name: str) -> AlertSource | None:
    """PagerPal's own source of that name, or None where it was not needed yet."""
    statement = repository.select_sources().where(SourceRow.is_internal, SourceRow.name.in_(internal_names(name)))
    return tx.first(AlertSource, statement)


def list_sources(tx: Tx, page: PageQuery, *, q: str = "") -> Page[AlertSource]:
    """One page, by name; `q` looks into the name."""
    statement = repository.select_sources()
    if q:
        statement = statement.where(SourceRow.name.icontains(q, autoescape=True))
    return paged(tx, AlertSource, statement.order_by(SourceRow.name, SourceRow.id), page)


def sources_by_id(tx: Tx, source_ids: Iterable[int]) -> dict[int, AlertSource]:
    """The sources among these, deleted ones too: what they sent still names them."""
    wanted = sorted(set(source_ids))
    if not wanted:
        return {}
    statement = select(*fields_of(SourceRow, AlertSource)).where(SourceRow.id.in_(wanted))
    return {source.id: source for source in tx.all(AlertSource, statement)}


def sources_using_policy(tx: Tx, policy_id: int) -> list[AlertSource]:
    """The sources that page by this policy, by name."""
    statement = repository.select_sources().where(SourceRow.escalation_policy_id == policy_id)
    return tx.all(AlertSource, statement.order_by(SourceRow.name))


def sources_using_pipeline(tx: Tx, name: str) -> list[AlertSource]:
    """The sources whose incidents run by this pipeline definition, by name."""
    statement = repository.select_sources().where(SourceRow.pipeline == name)
    return tx.all(AlertSource, statement.order_by(SourceRow.name))


def sources_using_schedule(tx: Tx, schedule_id: int) -> list[AlertSource]:
    """The sources that page by this schedule, by name."""
    statement = repository.select_sources().where(SourceRow.schedule_id == schedule_id)
    return tx.all(AlertSource, statement.order_by(SourceRow.name))


def schedules_of_sources(tx: Tx) -> set[int]:
    """The schedules by which active sources page."""
    statement = select(SourceRow.schedule_id).where(SourceRow.is_active, SourceRow.schedule_id.is_not(None))
    return {schedule_id for schedule_id in tx.execute(statement).scalars() if schedule_id is not None}


def keys_of(tx: Tx, source_id: int, *, now: datetime) -> list[SourceKey]:
    """The source's keys that still open, newest first."""
    return keys_by_source(tx, [source_id], now=now).get(source_id, [])


def keys_by_source(tx: Tx, source_ids: Iterable[int], *, now: datetime) -> dict[int, list[SourceKey]]:
    """The keys of each of these sources that still open, newest first."""
    statement = select(*fields_of(SourceKeyRow, SourceKey)).where(
        SourceKeyRow.source_id.in_(sorted(set(source_ids))),
        SourceKeyRow.revoked_at.is_(None),
        or_(SourceKeyRow.expires_at.is_(None), SourceKeyRow.expires_at > now),
    )
    found: dict[int, list[SourceKey]] = {}
    for key in tx.all(SourceKey, statement.order_by(SourceKeyRow.id.desc())):
        found.setdefault(key.source_id, []).append(key)
    return found


def get_alert(tx: Tx, alert_id: int) -> Alert:
    """The alert. Raises AlertNotFound."""
    found = tx.first(Alert, repository.select_alerts().where(AlertRow.id == alert_id))
    if found is None:
        raise AlertNotFound(alert_id)
    return found


def list_alerts(tx: Tx, filters: AlertFilter = EVERY_ALERT, page: PageQuery = FIRST_PAGE) -> Page[Alert]:
    """One page, the one that came last first."""
    statement = repository.select_alerts()
    for column, value in (
        (AlertRow.source_id, filters.source_id),
        (AlertRow.status, filters.status),
        (AlertRow.severity, filters.severity),
        (AlertRow.incident_id, filters.incident_id),
    ):
        if value is not None:
            statement = statement.where(column == value)
    if filters.q:
        columns = (AlertRow.name, AlertRow.description, AlertRow.fingerprint)
        statement = statement.where(or_(*(column.icontains(filters.q, autoescape=True) for column in columns)))
    return paged(tx, Alert, statement.order_by(AlertRow.last_seen_at.desc(), AlertRow.id.desc()), page)


def firing_of_source(tx: Tx, source_id: int) -> list[Alert]:
    """Everything of a source that fires."""
    statement = repository.select_alerts().where(AlertRow.source_id == source_id, AlertRow.status == AlertStatus.FIRING)
    return tx.all(Alert, statement.order_by(AlertRow.id))


def incidents_by_fingerprint(tx: Tx, source_id: int, fingerprints: Iterable[str]) -> dict[str, int]:
    """The incidents that these alerts of a source belong to, by fingerprint."""
    wanted = sorted(set(fingerprints))
    if not wanted:
        return {}
    statement = select(AlertRow.fingerprint, AlertRow.incident_id).where(
        AlertRow.source_id == source_id, AlertRow.fingerprint.in_(wanted), AlertRow.incident_id.is_not(None)
    )
    return {fingerprint: incident_id for fingerprint, incident_id in tx.execute(statement)}


def refired_since(tx: Tx, alert_ids: Iterable[int], since: datetime) -> set[int]:
    """Those of these alerts that came back since then, after they had recovered."""
    return repository.alerts_with_event(tx, sorted(set(alert_ids)), Decision.REFIRED.value, since)


def alerts_of_incident(tx: Tx, incident_id: int, *, limit: int = 500) -> list[Alert]:
    """The alerts that belong to the incident or once did, firing ones first, then the newest."""
    joined = select(IncidentAlertRow.alert_id).where(IncidentAlertRow.incident_id == incident_id)
    statement = repository.select_alerts().where(or_(AlertRow.incident_id == incident_id, AlertRow.id.in_(joined)))
    ordered = statement.order_by(AlertRow.status, AlertRow.started_at.desc(), AlertRow.id.desc())
    return tx.all(Alert, ordered.limit(limit))


def history_of(tx: Tx, alert_id: int, page: PageQuery) -> Page[AlertHistoryEntry]:
    """One page of an alert's changes, newest first. Raises AlertNotFound."""
    get_alert(tx, alert_id)
    return paged(tx, AlertHistoryEntry, repository.select_history(alert_id), page)


def severity_changes(tx: Tx, alert_ids: Iterable[int], *, limit: int = 500) -> list[AlertHistoryEntry]:
    """Among the newest `limit` changes of these alerts those that changed how bad they are, oldest first."""
    statement = select(*fields_of(AlertHistoryRow, AlertHistoryEntry)).where(
        AlertHistoryRow.alert_id.in_(sorted(set(alert_ids)))
    )
    found = tx.all(AlertHistoryEntry, statement.order_by(AlertHistoryRow.id.desc()).limit(limit))
    return [entry for entry in reversed(found) if "severity_after" in entry.details]


def incidents_of_alerts(tx: Tx, alert_ids: Iterable[int], *, limit: int) -> list[int]:
    """The incidents to which earlier or present firings of these alerts belong, newest first."""
    statement = select(IncidentAlertRow.incident_id).where(IncidentAlertRow.alert_id.in_(sorted(set(alert_ids))))
    newest_first = statement.distinct().order_by(IncidentAlertRow.incident_id.desc())
    return list(tx.execute(newest_first.limit(limit)).scalars())


def alerts_by_incident(tx: Tx, incident_ids: Iterable[int], *, limit: int) -> dict[int, list[Alert]]:
    """The alerts of each of these incidents, now or once; at most `limit` in all."""
    statement = (
        select(IncidentAlertRow.incident_id, IncidentAlertRow.alert_id)
        .where(IncidentAlertRow.incident_id.in_(sorted(set(incident_ids))))
        .limit(limit)
    )
    pairs = [(incident_id, alert_id) for incident_id, alert_id in tx.execute(statement)]
    wanted = repository.select_alerts().where(AlertRow.id.in_(sorted({alert_id for _, alert_id in pairs})))
    alerts = {alert.id: alert for alert in tx.all(Alert, wanted)} if pairs else {}
    found: dict[int, list[Alert]] = {}
    for incident_id, alert_id in pairs:
        found.setdefault(incident_id, []).append(alerts[alert_id])
    return found


def deliveries_of(tx: Tx, source_id: int, page: PageQuery) -> Page[Delivery]:
    """One page of what the source posted, newest first."""
    return paged(tx, Delivery, repository.select_deliveries().where(DeliveryRow.source_id == source_id), page)


def quarantine_of(tx: Tx, source_id: int, page: PageQuery) -> Page[Delivery]:
    """One page of the source's deliveries that no driver could parse, newest first. Raises SourceNotFound."""
    get_source(tx, source_id)
    statement = repository.select_deliveries().where(
        DeliveryRow.source_id == source_id, DeliveryRow.outcome == DeliveryOutcome.QUARANTINED
    )
    return paged(tx, Delivery, statement, page)


def get_quarantined(tx: Tx, source_id: int, delivery_id: int) -> Delivery:
    """One delivery of the source that is in quarantine. Raises DeliveryNotFound."""
    statement = repository.select_deliveries().where(
        DeliveryRow.id == delivery_id,
        DeliveryRow.source_id == source_id,
        DeliveryRow.outcome == DeliveryOutcome.QUARANTINED,
    )
    found = tx.first(Delivery, statement)
    if found is None:
        raise DeliveryNotFound(delivery_id)
    return found


def changes_since(tx: Tx, incident_id: int, *, trace_id: str) -> tuple[int, int, int]:
    """How many alerts of an incident this delivery and later ones have created, updated and resolved."""
    since = select(DeliveryRow.received_at).where(DeliveryRow.trace_id == trace_id).scalar_subquery()
    is_new = AlertRow.received_at >= since
    has_ended = and_(~is_new, AlertRow.status == AlertStatus.RESOLVED, AlertRow.updated_at >= since)
    is_touched = and_(~is_new, ~has_ended, AlertRow.last_seen_at >= since)
    counts = [func.count().filter(each) for each in (is_new, is_touched, has_ended)]
    created, updated, resolved = tx.execute(select(*counts).where(AlertRow.incident_id == incident_id)).one()
    return int(created), int(updated), int(resolved)


def count_quarantined(tx: Tx) -> dict[int, int]:
    """How many deliveries each source has in quarantine; sources without any are left out."""
    statement = (
        select(DeliveryRow.source_id, func.count())
        .where(DeliveryRow.outcome == DeliveryOutcome.QUARANTINED)
        .group_by(DeliveryRow.source_id)
    )
    return {source_id: int(number) for source_id, number in tx.execute(statement)}


def triage(tx: Tx, submissions: Sequence[Submission], *, incidents_by_id: IncidentsById) -> Triage:
    """Read what these deliveries are about and decide them, in the order of arrival; nothing is written."""
    asked = asked_by(submissions)
    if asked is None:
        return Triage(submissions, {}, (), flapped_since=submissions[0].received_at)
    stored = repository.alerts_by_key(tx, asked.fingerprints)
    wanted = {alert.incident_id for alert in stored.values() if alert.incident_id is not None}
    wanted |= incidents.ids_of_groups(tx, asked.group_keys, resolved_since=asked.flapped_since)
    known = incidents_by_id(tx, wanted)
    decided = Triage(submissions, stored, known.values(), flapped_since=asked.flapped_since)
    # Only a recovery or a milder repeat can lower an incident; only then the other alerts are asked.
    unsure = [problem.incident.id for problem in decided.unsure]
    if unsure:
        sighted = [alert.id for alert in stored.values()]
        decided.settle(repository.worst_firing(tx, unsure, besides=sighted))
    return decided
