"""Tables of intelligence providers and analysis runs."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.intelligence.types import AnalysisStatus
from app.platform.tables import Base, EnumText, Json, LongText, UtcDateTime
from app.platform.types import JsonObject, JsonValue

_ACTIVE = text("is_active")
_BEING_PAID_FOR = text("status IN ('PENDING', 'RUNNING') AND provider <> 'local'")


class ProviderRow(Base):
    """A named provider configuration; secret fields of `config` are ciphertext, and one row at most is active."""

    __tablename__ = "intelligence_providers"
    __table_args__ = (
        Index(
            "uq_intelligence_providers_active", "is_active",
            unique=True, sqlite_where=_ACTIVE, postgresql_where=_ACTIVE,
        ),
    )  # fmt: skip
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    provider: Mapped[str]
    config: Mapped[JsonObject] = mapped_column(Json, default=dict)
    is_active: Mapped[bool] = mapped_column(default=False)
    description: Mapped[str] = mapped_column(LongText, default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)


class AnalysisRow(Base):
    """The audit of one analysis; `provider_config` holds no secret."""

    __tablename__ = "analysis_runs"
    __table_args__ = (
        Index("ix_analysis_runs_incident", "incident_id", "id"),
        # Nobody pays twice at the same time for one incident.
        Index(
            "uq_analysis_runs_asking", "incident_id",
            unique=True, sqlite_where=_BEING_PAID_FOR, postgresql_where=_BEING_PAID_FOR,
        ),
    )  # fmt: skip
    id: Mapped[int] = mapped_column(primary_key=True)
    trace_id: Mapped[str] = mapped_column(default="", index=True)
    pipeline_run_id: Mapped[str] = mapped_column(default="", index=True)
    provider: Mapped[str]
    provider_config: Mapped[JsonObject] = mapped_column(Json, default=dict)
    model_name: Mapped[str] = mapped_column(default="")
    status: Mapped[AnalysisStatus] = mapped_column(EnumText(AnalysisStatus), index=True)
    error_message: Mapped[str] = mapped_column(LongText, default="")
    fallback_used: Mapped[bool] = mapped_column(default=False)
    incident_id: Mapped[int | None] = mapped_column(ForeignKey("incidents.id"))
    input_summary: Mapped[str] = mapped_column(LongText, default="")
    checker_output_ref: Mapped[str] = mapped_column(default="")
    recommendations: Mapped[list[JsonValue]] = mapped_column(Json, default=list)
    recommendations_count: Mapped[int] = mapped_column(default=0)
    summary: Mapped[str] = mapped_column(LongText, default="")
    probable_cause: Mapped[str] = mapped_column(LongText, default="")
    confidence: Mapped[float | None]
    prompt_tokens: Mapped[int | None]
    completion_tokens: Mapped[int | None]
    total_tokens: Mapped[int | None]
    # The budget of an hour is counted over it.
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    completed_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
    duration_ms: Mapped[float] = mapped_column(default=0.0)
