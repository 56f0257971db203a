"""Tables of checks."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.checks.types import CheckStatus, Signal
from app.platform.tables import Base, EnumText, Json, LongText, UtcDateTime
from app.platform.types import JsonObject


class CheckRunRow(Base):
    """One execution of a checker."""

    __tablename__ = "check_runs"
    __table_args__ = (
        Index("ix_check_runs_checker", "checker_name", "id"),
        Index("ix_check_runs_host", "hostname", "checker_name", "executed_at"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    checker_name: Mapped[str]
    hostname: Mapped[str]
    status: Mapped[CheckStatus] = mapped_column(EnumText(CheckStatus), index=True)
    message: Mapped[str] = mapped_column(LongText, default="")
    metrics: Mapped[JsonObject] = mapped_column(Json, default=dict)
    error: Mapped[str] = mapped_column(LongText, default="")
    value: Mapped[float | None]
    warning_threshold: Mapped[float | None]
    critical_threshold: Mapped[float | None]
    alert_id: Mapped[int | None] = mapped_column(ForeignKey("alerts.id"), index=True)
    incident_id: Mapped[int | None] = mapped_column(ForeignKey("incidents.id"), index=True)
    duration_ms: Mapped[float]
    executed_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    trace_id: Mapped[str] = mapped_column(index=True)


class WatchRow(Base):
    """A checker on one host: when its cadence last began it, whose that run is, and how its last runs came out."""

    __tablename__ = "check_watches"
    __table_args__ = (UniqueConstraint("hostname", "checker"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    hostname: Mapped[str]
    checker: Mapped[str]
    last_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    recent: Mapped[list[str]] = mapped_column(Json, default=list)
    known_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)


class CheckConfigRow(Base):
    """What was changed over a checker's defaults; NULL is the default."""

    __tablename__ = "check_configs"
    id: Mapped[int] = mapped_column(primary_key=True)
    checker: Mapped[str] = mapped_column(unique=True)
    params: Mapped[JsonObject] = mapped_column(Json, default=dict)
    warning_threshold: Mapped[float | None]
    critical_threshold: Mapped[float | None]
    timeout: Mapped[float | None]
    enabled: Mapped[bool | None]
    cadence_seconds: Mapped[int | None]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)


class HeartbeatRow(Base):
    """Something outside that must say every so often that it is well; whoever knows `uuid` may say so."""

    __tablename__ = "heartbeats"
    id: Mapped[int] = mapped_column(primary_key=True)
    uuid: Mapped[str] = mapped_column(String(36), unique=True)
    name: Mapped[str] = mapped_column(unique=True)
    period_seconds: Mapped[int]
    grace_seconds: Mapped[int]
    last_signal: Mapped[Signal | None] = mapped_column(EnumText(Signal))
    last_ping_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_ok_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_start_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_exit_code: Mapped[int | None]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)


class HeartbeatPingRow(Base):
    """One ping as it came; of each heartbeat the newest are kept."""

    __tablename__ = "heartbeat_pings"
    __table_args__ = (Index("ix_heartbeat_pings_heartbeat", "heartbeat_id", "id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    heartbeat_id: Mapped[int] = mapped_column(ForeignKey("heartbeats.id"))
    signal: Mapped[Signal] = mapped_column(EnumText(Signal))
    exit_code: Mapped[int | None]
    method: Mapped[str]
    address: Mapped[str] = mapped_column(default="")
    body: Mapped[str] = mapped_column(LongText, default="")
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)
