"""Tables of incidents."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.incidents.types import IncidentStatus, Severity, TimelineKind
from app.platform.tables import Base, EnumText, Json, LongText, UtcDateTime
from app.platform.types import JsonObject

_OPEN = text("status IN ('triggered', 'acknowledged')")


class IncidentRow(Base):
    """A problem that people own; one open incident per source and group key, by constraint."""

    __tablename__ = "incidents"
    __table_args__ = (
        Index(
            "uq_incidents_open_group", "source_id", "group_key", unique=True, sqlite_where=_OPEN, postgresql_where=_OPEN
        ),
        Index("ix_incidents_status_created", "status", "created_at"),
        Index("ix_incidents_source_group", "source_id", "group_key"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    description: Mapped[str] = mapped_column(LongText, default="")
    summary: Mapped[str] = mapped_column(LongText, default="")
    metadata_: Mapped[JsonObject] = mapped_column("metadata", Json, default=dict)
    status: Mapped[IncidentStatus] = mapped_column(EnumText(IncidentStatus))
    severity: Mapped[Severity] = mapped_column(EnumText(Severity))
    source_id: Mapped[int | None] = mapped_column(ForeignKey("alert_sources.id"))
    group_key: Mapped[str]
    assigned_to: Mapped[int | None] = mapped_column(ForeignKey("users.id"), index=True)
    episode_started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    snoozed_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_paged_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    resolved_by_alerts: Mapped[bool] = mapped_column(default=False)
    timeline_seq: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)
    acknowledged_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # Retention looks for those that have been over for long.
    resolved_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    alert_count: Mapped[int] = mapped_column(default=0)
    firing_alert_count: Mapped[int] = mapped_column(default=0)


class TimelineRow(Base):
    """Append-only; numbered 1..n per incident."""

    __tablename__ = "incident_timeline"
    __table_args__ = (UniqueConstraint("incident_id", "seq"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    incident_id: Mapped[int] = mapped_column(ForeignKey("incidents.id"))
    seq: Mapped[int]
    kind: Mapped[TimelineKind] = mapped_column(EnumText(TimelineKind))
    text: Mapped[str] = mapped_column(LongText)
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    actor_name: Mapped[str]
    authenticated_as_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    source: Mapped[str]
    data: Mapped[JsonObject] = mapped_column(Json, default=dict)
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class ResponderRow(Base):
    """A person who answered on an incident."""

    __tablename__ = "incident_responders"
    __table_args__ = (UniqueConstraint("incident_id", "user_id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    incident_id: Mapped[int] = mapped_column(ForeignKey("incidents.id"))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    role: Mapped[str]
    ack_source: Mapped[str]
    joined_at: Mapped[datetime] = mapped_column(UtcDateTime)
