"""Statements over alerts and deliveries; the ones that intake uses write many rows at once."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, func, select, text, update
from sqlalchemy.sql import Select

from app.alerts.models import AlertHistoryRow, AlertRow, DeliveryRow, IncidentAlertRow, SourceKeyRow, SourceRow
from app.alerts.types import Alert, AlertHistoryEntry, AlertSource, AlertStatus, Delivery, Severity
from app.platform.bulk import insert_many
from app.platform.db import Tx
from app.platform.tables import fields_of, table_of

# One number for every process: intake decides from what it reads, so two may not decide at once (PostgreSQL).
INTAKE_LOCK = 7_243_170

_UPDATED = (
    "driver", "name", "status", "severity", "description", "labels", "annotations", "started_at", "ended_at",
    "updated_at", "last_seen_at", "occurrences", "generation", "acknowledged_upstream", "incident_id", "trace_id",
)  # fmt: skip
_alerts = table_of(AlertRow)
_UPDATE = (
    update(_alerts).where(_alerts.c.id == bindparam("b_id")).values({name: bindparam(f"b_{name}") for name in _UPDATED})
)
_sources = table_of(SourceRow)
_TOUCH = update(_sources).where(_sources.c.id == bindparam("b_id")).values(last_delivery_at=bindparam("b_now"))
_keys = table_of(SourceKeyRow)
_TOUCH_KEY = update(_keys).where(_keys.c.id == bindparam("b_id")).values(last_used_at=bindparam("b_now"))
_IDS = select(_alerts.c.fingerprint, _alerts.c.id).where(
    _alerts.c.source_id == bindparam("source_id"), _alerts.c.fingerprint.in_(bindparam("fingerprints", expanding=True))
)


def lock_intake(tx: Tx) -> None:
    """One intake transaction at a time over all processes; SQLite has one writer anyway."""
    if tx.dialect == "postgresql":
        tx.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": INTAKE_LOCK})


def try_lock_intake(tx: Tx) -> bool:
    """The same lock, if it is free just now: for who holds other locks already and must not wait for this one."""
    if tx.dialect != "postgresql":
        return True
    return bool(tx.scalar(text("SELECT pg_try_advisory_xact_lock(:key)"), key=INTAKE_LOCK))


def select_alerts() -> "Select[Any]":
    """A select of whole alerts, to be narrowed."""
    return select(*fields_of(AlertRow, Alert))


_BY_KEY = select_alerts().where(
    AlertRow.source_id == bindparam("source_id"), AlertRow.fingerprint.in_(bindparam("fingerprints", expanding=True))
)


def alerts_by_key(tx: Tx, wanted: Mapping[int, Iterable[str]]) -> dict[tuple[int, str], Alert]:
    """The stored alerts among these (source, fingerprints)."""
    found: dict[tuple[int, str], Alert] = {}
    for source_id, fingerprints in wanted.items():
        rows = tx.execute(_BY_KEY, {"source_id": source_id, "fingerprints": sorted(set(fingerprints))})
        for row in rows.mappings():
            alert = Alert(**row)
            found[source_id, alert.fingerprint] = alert
    return found


def insert_alerts(tx: Tx, values: Sequence[dict[str, Any]]) -> dict[tuple[int, str], int]:
    """Insert new alerts and give their ids, by (source, fingerprint)."""
    if not values:
        return {}
    insert_many(tx, AlertRow, values)
    # Asking afterwards is quicker than RETURNING, which has one statement for all rows made anew each time.
    fingerprints: dict[int, list[str]] = {}
    for row in values:
        fingerprints.setdefault(row["source_id"], []).append(row["fingerprint"])
    return {
        (source_id, fingerprint): alert_id
        for source_id, wanted in fingerprints.items()
        for fingerprint, alert_id in tx.execute(_IDS, {"source_id": source_id, "fingerprints": wanted})
    }


def update_alerts(tx: Tx, alerts: Sequence[Alert]) -> None:
    """Write changed alerts back."""
    if alerts:
        tx.execute(
            _UPDATE,
            [{"b_id": alert.id, **{f"b_{name}": getattr(alert, name) for name in _UPDATED}} for alert in alerts],
        )


def insert_history(tx: Tx, values: Sequence[dict[str, Any]]) -> None:
    """Write what changed."""
    insert_many(tx, AlertHistoryRow, values)


def insert_memberships(tx: Tx, values: Sequence[dict[str, Any]]) -> None:
    """Write which firing belongs to which incident."""
    insert_many(tx, IncidentAlertRow, values)


def end_memberships(tx: Tx, ended: Sequence[Alert]) -> None:
    """Write how these firings ended."""
    if ended:
        rows = table_of(IncidentAlertRow)
        statement = (
            update(rows)
            .where(rows.c.alert_id == bindparam("b_alert"), rows.c.generation == bindparam("b_generation"))
            .values(status_at_end=AlertStatus.RESOLVED)
        )
        tx.execute(statement, [{"b_alert": alert.id, "b_generation": alert.generation} for alert in ended])


def insert_deliveries(tx: Tx, values: Sequence[dict[str, Any]]) -> None:
    """Keep requests as they came."""
    insert_many(tx, DeliveryRow, values)


def touch_keys(tx: Tx, key_ids: Iterable[int], now: datetime) -> None:
    """Remember when these keys were last used."""
    values = [{"b_id": key_id, "b_now": now} for key_id in sorted(set(key_ids))]
    if values:
        tx.execute(_TOUCH_KEY, values)


def touch_sources(tx: Tx, source_ids: Iterable[int], now: datetime) -> None:
    """Remember when these sources were last heard."""
    values = [{"b_id": source_id, "b_now": now} for source_id in sorted(set(source_ids))]
    if values:
        tx.execute(_TOUCH, values)


def worst_firing(tx: Tx, incident_ids: Iterable[int], *, besides: Iterable[int]) -> dict[int, Severity]:
    """The highest severity that still fires, for each of these incidents that has a firing alert.

    The alerts `besides` are left out.
    """
    wanted = sorted(set(incident_ids))
    if not wanted:
        return {}
    statement = select(AlertRow.incident_id, AlertRow.severity).where(
        AlertRow.incident_id.in_(wanted),
        AlertRow.status == AlertStatus.FIRING,
        AlertRow.id.not_in(sorted(set(besides))),
    )
    found: dict[int, Severity] = {}
    for incident_id, severity in tx.execute(statement.distinct()):
        if incident_id not in found or severity.rank < found[incident_id].rank:
            found[incident_id] = severity
    return found


def select_sources() -> "Select[Any]":
    """A select of whole sources, to be narrowed; deleted ones are left out."""
    return select(*fields_of(SourceRow, AlertSource)).where(SourceRow.deleted_at.is_(None))


def select_history(alert_id: int) -> "Select[Any]":
    """An alert's changes, newest first."""
    statement = select(*fields_of(AlertHistoryRow, AlertHistoryEntry)).where(AlertHistoryRow.alert_id == alert_id)
    return statement.order_by(AlertHistoryRow.id.desc())


def select_deliveries() -> "Select[Any]":
    """A select of whole deliveries, newest first."""
    return select(*fields_of(DeliveryRow, Delivery)).order_by(DeliveryRow.id.desc())


def count_alerts(tx: Tx, incident_id: int) -> int:
    """How many alerts the incident has."""
    statement = select(func.count()).where(AlertRow.incident_id == incident_id)
    return int(tx.scalar(statement))


def alerts_with_event(tx: Tx, alert_ids: Sequence[int], event: str, since: datetime) -> set[int]:
    """Those of these alerts whose history has such an entry since then."""
    statement = select(AlertHistoryRow.alert_id).where(
        AlertHistoryRow.alert_id.in_(alert_ids), AlertHistoryRow.event == event, AlertHistoryRow.created_at >= since
    )
    return set(tx.execute(statement.distinct()).scalars()) if alert_ids else set()
