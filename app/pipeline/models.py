"""Tables of pipeline runs and definitions."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.pipeline.types import RunStatus, Stage, StageStatus
from app.platform.tables import Base, EnumText, Json, LongText, UtcDateTime
from app.platform.types import JsonObject

_PENDING = text("status = 'PENDING' AND incident_id IS NOT NULL")
_WAITING = text("completed_at IS NULL")


class DefinitionRow(Base):
    """A pipeline definition that somebody made; the built-in ones are no rows."""

    __tablename__ = "pipeline_definitions"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    description: Mapped[str] = mapped_column(LongText, default="")
    version: Mapped[int] = mapped_column(default=1)
    config: Mapped[JsonObject] = mapped_column(Json)
    tags: Mapped[list[str]] = mapped_column(Json, default=list)
    is_active: Mapped[bool] = mapped_column(default=True, index=True)
    created_by: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)


class RunRow(Base):
    """A pipeline run; at most one pending per incident, by constraint."""

    __tablename__ = "pipeline_runs"
    __table_args__ = (
        Index("uq_pipeline_runs_pending", "incident_id", unique=True, sqlite_where=_PENDING, postgresql_where=_PENDING),
        Index("ix_pipeline_runs_due", "due_at", sqlite_where=_WAITING, postgresql_where=_WAITING),
        Index("ix_pipeline_runs_incident", "incident_id", "id"),
        Index("ix_pipeline_runs_pipeline", "pipeline", "id"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    trace_id: Mapped[str] = mapped_column(index=True)
    run_id: Mapped[str] = mapped_column(unique=True)
    pipeline: Mapped[str] = mapped_column(default="full")
    status: Mapped[RunStatus] = mapped_column(EnumText(RunStatus))
    current_stage: Mapped[Stage | None] = mapped_column(EnumText(Stage))
    incident_id: Mapped[int | None] = mapped_column(ForeignKey("incidents.id"))
    source: Mapped[str] = mapped_column(default="")
    source_id: Mapped[int | None] = mapped_column(ForeignKey("alert_sources.id"))
    alert_fingerprint: Mapped[str] = mapped_column(default="")
    environment: Mapped[str] = mapped_column(default="production")
    normalized_payload_ref: Mapped[str] = mapped_column(default="")
    checker_output_ref: Mapped[str] = mapped_column(default="")
    intelligence_output_ref: Mapped[str] = mapped_column(default="")
    notify_output_ref: Mapped[str] = mapped_column(default="")
    intelligence_fallback_used: Mapped[bool] = mapped_column(default=False)
    total_attempts: Mapped[int] = mapped_column(default=0)
    max_retries: Mapped[int] = mapped_column(default=3)
    last_error_type: Mapped[str] = mapped_column(default="")
    last_error_message: Mapped[str] = mapped_column(LongText, default="")
    last_error_retryable: Mapped[bool] = mapped_column(default=False)
    merged: Mapped[int] = mapped_column(default=0)
    plan: Mapped[JsonObject | None] = mapped_column(Json)
    payload: Mapped[JsonObject | None] = mapped_column(Json)
    due_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    owner: Mapped[str | None]
    fence: Mapped[int] = mapped_column(default=0)
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    completed_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
    total_duration_ms: Mapped[float | None]


class StageRow(Base):
    """One attempt at one stage of a run."""

    __tablename__ = "stage_executions"
    __table_args__ = (UniqueConstraint("pipeline_run_id", "node_id", "attempt"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    pipeline_run_id: Mapped[int] = mapped_column(ForeignKey("pipeline_runs.id"))
    node_id: Mapped[str]
    stage: Mapped[Stage | None] = mapped_column(EnumText(Stage))
    status: Mapped[StageStatus] = mapped_column(EnumText(StageStatus))
    attempt: Mapped[int] = mapped_column(default=1)
    idempotency_key: Mapped[str] = mapped_column(index=True)
    input_ref: Mapped[str] = mapped_column(default="")
    output_ref: Mapped[str] = mapped_column(default="")
    output_snapshot: Mapped[JsonObject] = mapped_column(Json, default=dict)
    error_type: Mapped[str] = mapped_column(default="")
    error_message: Mapped[str] = mapped_column(LongText, default="")
    error_stack: Mapped[str] = mapped_column(LongText, default="")
    error_retryable: Mapped[bool] = mapped_column(default=False)
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    completed_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
    duration_ms: Mapped[float | None]
