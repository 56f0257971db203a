"""Tables of alerts and of the sources that post them."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.alerts.types import AlertStatus, DeliveryOutcome, Grouping, Severity, SubscriptionState
from app.platform.tables import Base, EnumText, Json, LongText, UtcDateTime
from app.platform.types import JsonObject

_LOOSE = text("incident_id IS NULL")
_REPARSED = text("outcome = 'reparsed' AND body IS NOT NULL")


class SourceRow(Base):
    """A monitoring tool that may post; the signing secret inside `config` is ciphertext."""

    __tablename__ = "alert_sources"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    driver: Mapped[str] = mapped_column(default="auto")
    team_id: Mapped[int | None] = mapped_column(ForeignKey("teams.id"))
    escalation_policy_id: Mapped[int | None] = mapped_column(ForeignKey("escalation_policies.id"))
    schedule_id: Mapped[int | None] = mapped_column(ForeignKey("schedules.id"))
    pipeline: Mapped[str] = mapped_column(default="full")
    grouping: Mapped[Grouping] = mapped_column(EnumText(Grouping), default=Grouping.FINGERPRINT)
    group_labels: Mapped[list[str]] = mapped_column(Json, default=list)
    auto_resolve: Mapped[bool] = mapped_column(default=True)
    is_active: Mapped[bool] = mapped_column(default=True)
    is_internal: Mapped[bool] = mapped_column(default=False)
    config: Mapped[JsonObject] = mapped_column(Json, default=dict)
    last_delivery_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)
    # A deleted source stays as a row: its alerts, deliveries and incidents are history that names it.
    deleted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class SourceKeyRow(Base):
    """An API key as its SHA-256; two may be active while rotating."""

    __tablename__ = "alert_source_keys"
    id: Mapped[int] = mapped_column(primary_key=True)
    source_id: Mapped[int] = mapped_column(ForeignKey("alert_sources.id"), index=True)
    key_hash: Mapped[str] = mapped_column(unique=True)
    prefix: Mapped[str]
    masked: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class DeliveryRow(Base):
    """One webhook request; its raw body is stored once, here and never in an alert."""

    __tablename__ = "deliveries"
    __table_args__ = (
        Index("ix_deliveries_source_outcome", "source_id", "outcome", "id"),
        Index("ix_deliveries_reparsed", "received_at", sqlite_where=_REPARSED, postgresql_where=_REPARSED),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    trace_id: Mapped[str] = mapped_column(unique=True)
    source_id: Mapped[int] = mapped_column(ForeignKey("alert_sources.id"))
    driver: Mapped[str] = mapped_column(default="")
    outcome: Mapped[DeliveryOutcome] = mapped_column(EnumText(DeliveryOutcome))
    headers: Mapped[JsonObject] = mapped_column(Json, default=dict)
    body: Mapped[bytes | None] = mapped_column(LargeBinary)
    error: Mapped[str] = mapped_column(LongText, default="")
    alert_count: Mapped[int] = mapped_column(default=0)
    received_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class AlertRow(Base):
    """One signal from one source about one fingerprint."""

    __tablename__ = "alerts"
    __table_args__ = (
        UniqueConstraint("source_id", "fingerprint"),
        Index("ix_alerts_incident_status", "incident_id", "status"),
        Index("ix_alerts_loose", "incident_id", "last_seen_at", sqlite_where=_LOOSE, postgresql_where=_LOOSE),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    source_id: Mapped[int] = mapped_column(ForeignKey("alert_sources.id"))
    driver: Mapped[str]
    fingerprint: Mapped[str]
    name: Mapped[str]
    status: Mapped[AlertStatus] = mapped_column(EnumText(AlertStatus))
    severity: Mapped[Severity] = mapped_column(EnumText(Severity))
    description: Mapped[str] = mapped_column(LongText, default="")
    labels: Mapped[dict[str, str]] = mapped_column(Json, default=dict)
    annotations: Mapped[dict[str, str]] = mapped_column(Json, default=dict)
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_seen_at: Mapped[datetime] = mapped_column(UtcDateTime)
    occurrences: Mapped[int] = mapped_column(default=1)
    generation: Mapped[int] = mapped_column(default=1)
    acknowledged_upstream: Mapped[bool] = mapped_column(default=False)
    incident_id: Mapped[int | None] = mapped_column(ForeignKey("incidents.id"))
    trace_id: Mapped[str] = mapped_column(default="")


class AlertHistoryRow(Base):
    """Every change of an alert; append-only."""

    __tablename__ = "alert_history"
    id: Mapped[int] = mapped_column(primary_key=True)
    alert_id: Mapped[int] = mapped_column(ForeignKey("alerts.id"), index=True)
    event: Mapped[str]
    old_status: Mapped[AlertStatus | None] = mapped_column(EnumText(AlertStatus))
    new_status: Mapped[AlertStatus] = mapped_column(EnumText(AlertStatus))
    details: Mapped[JsonObject] = mapped_column(Json, default=dict)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class IncidentAlertRow(Base):
    """Which firing of which alert belonged to which incident."""

    __tablename__ = "incident_alerts"
    __table_args__ = (UniqueConstraint("incident_id", "alert_id", "generation"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    incident_id: Mapped[int] = mapped_column(ForeignKey("incidents.id"))
    alert_id: Mapped[int] = mapped_column(ForeignKey("alerts.id"), index=True)
    generation: Mapped[int]
    attached_at: Mapped[datetime] = mapped_column(UtcDateTime)
    status_at_end: Mapped[AlertStatus | None] = mapped_column(EnumText(AlertStatus))


class SubscriptionRow(Base):
    """A topic that a source was asked to subscribe to (SNS); the confirmation is fetched outside the request."""

    __tablename__ = "source_subscriptions"
    __table_args__ = (UniqueConstraint("source_id", "topic_arn"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    source_id: Mapped[int] = mapped_column(ForeignKey("alert_sources.id"))
    topic_arn: Mapped[str]
    subscribe_url: Mapped[str] = mapped_column(LongText, default="")
    state: Mapped[SubscriptionState] = mapped_column(EnumText(SubscriptionState))
    attempts: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
    last_error: Mapped[str] = mapped_column(LongText, default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)
