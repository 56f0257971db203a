"""Analyses in JSON: what the API answers about them."""

from datetime import datetime
from typing import Any

from app.intelligence.types import AnalysisRun, AnalysisStatus
from app.web.api.accounts_schemas import Out


class AnalysisOut(Out):
    """One analysis: who was asked, what they said, what it cost, or why there is none."""

    id: int
    trace_id: str
    pipeline_run_id: str
    provider: str
    provider_config: dict[str, Any]
    model_name: str
    status: AnalysisStatus
    error_message: str
    fallback_used: bool
    incident_id: int | None
    input_summary: str
    checker_output_ref: str
    recommendations: list[dict[str, Any]]
    recommendations_count: int
    summary: str
    probable_cause: str
    confidence: float | None
    prompt_tokens: int | None
    completion_tokens: int | None
    total_tokens: int | None
    created_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    duration_ms: float

    @classmethod
    def of(cls, run: AnalysisRun) -> "AnalysisOut":
        """The run as the API shows it."""
        return cls.model_validate(run)
