"""What stages are given and what they hand on; the names are those of seed 001 «Orchestration App», DTOs.

Stages never call each other: the orchestrator passes `previous_results` on. What is stored of a stage is the result's
`to_dict()`, without secrets.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import cast

from app.platform.types import JsonObject


@dataclass(frozen=True, slots=True)
class StageContext:
    """What a stage is given: `attempt` counts from 1, `previous_results` are by node id."""

    trace_id: str
    run_id: str
    incident_id: int | None
    attempt: int
    environment: str
    source: str
    alert_fingerprint: str
    payload: JsonObject = field(default_factory=dict)
    previous_results: Mapping[str, JsonObject] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class StageResult:
    """What all results share; `duration_ms` in milliseconds."""

    errors: tuple[str, ...] = ()
    duration_ms: float = 0.0

    @property
    def has_errors(self) -> bool:
        """Whether anything went wrong on the way; the stage may have succeeded nevertheless."""
        return bool(self.errors)

    def to_dict(self) -> JsonObject:
        """The result as JSON."""
        told = asdict(self)
        return cast(JsonObject, {name: list(each) if isinstance(each, tuple) else each for name, each in told.items()})


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestResult(StageResult):
    """What the delivery made; `deliveries` of the same incident joined before the run began."""

    incident_id: int | None
    alert_fingerprint: str
    severity: str
    deliveries: int
    alerts_created: int = 0
    alerts_updated: int = 0
    alerts_resolved: int = 0
    incidents_created: int = 0
    incidents_updated: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult(StageResult):
    """What the checks found: one entry a check; those that are not well count as failed."""

    checks: tuple[JsonObject, ...]
    checks_run: int
    checks_passed: int
    checks_failed: int
    checker_output_ref: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalyzeResult(StageResult):
    """What the analysis says; `actions` are those of its recommendations, in their order."""

    summary: str
    probable_cause: str
    actions: tuple[str, ...]
    recommendations: tuple[JsonObject, ...]
    confidence: float | None
    fallback_used: bool
    ai_output_ref: str
    provider: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifyResult(StageResult):
    """What became of the team's messages; `deliveries` has one entry a message, with its channel and status."""

    reason: str
    deliveries: tuple[JsonObject, ...]
    provider_ids: tuple[str, ...]
    messages: tuple[int, ...]
    channels_attempted: int
    channels_succeeded: int
    channels_failed: int
    notify_output_ref: str


@dataclass(frozen=True, slots=True)
class StageError:
    """Why a run failed."""

    stage: str | None
    error_type: str
    message: str
    retryable: bool


@dataclass(frozen=True, slots=True)
class PipelineResult:
    """A run as a whole: `status` is COMPLETED, FAILED, or RUNNING while it is on its way."""

    trace_id: str
    run_id: str
    status: str
    incident_id: int | None
    ingest: JsonObject | None
    check: JsonObject | None
    analyze: JsonObject | None
    notify: JsonObject | None
    started_at: datetime | None
    completed_at: datetime | None
    total_duration_ms: float | None
    stages_completed: tuple[str, ...]
    final_error: StageError | None
