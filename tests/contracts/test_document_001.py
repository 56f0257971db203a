"""Names that others rely on: what document 001 calls its rows and results is what they are called here.

A foreign key `incident` of the document is `incident_id`.
"""

from dataclasses import fields
from enum import StrEnum
from typing import Any

import pytest
from pydantic import BaseModel

from app.checks.types import CheckResult as OneCheck, CheckRun, CheckStatus
from app.intelligence.types import AnalysisStatus, Recommendation, RecommendationPriority, RecommendationType
from app.jobs import celery_tasks
from app.pipeline.presets import PRESETS
from app.pipeline.results import AnalyzeResult, CheckResult, IngestResult, NotifyResult, PipelineResult, StageContext
from app.pipeline.signals import Signal, SignalTags
from app.pipeline.types import NodeType, RunStatus, Stage, StageStatus
from app.platform.settings import Settings
from app.usecases.run_pipeline.steps import NodeContext
from app.web.api.analysis_schemas import AnalysisOut
from app.web.api.check_schemas import CheckRunOut
from app.web.api.definitions import DefinitionOut
from app.web.api.intelligence import ProviderOut
from app.web.api.pipelines import RunDetail, RunOut, StageOut

RESULT = "errors duration_ms has_errors to_dict"
ANSWERS: list[tuple[type[BaseModel], str]] = [
    (
        CheckRunOut,
        "checker_name hostname status message metrics error warning_threshold critical_threshold alert_id duration_ms "
        "executed_at trace_id",
    ),
    (ProviderOut, "name provider config is_active description created_at updated_at"),
    (
        AnalysisOut,
        "trace_id pipeline_run_id provider provider_config model_name status error_message fallback_used incident_id "
        "input_summary checker_output_ref recommendations recommendations_count summary probable_cause confidence "
        "prompt_tokens completion_tokens total_tokens created_at started_at completed_at duration_ms",
    ),
    (
        RunOut,
        "trace_id run_id status current_stage incident_id source alert_fingerprint environment normalized_payload_ref "
        "checker_output_ref intelligence_output_ref notify_output_ref intelligence_fallback_used total_attempts "
        "max_retries last_error_type last_error_message last_error_retryable created_at updated_at started_at "
        "completed_at total_duration_ms",
    ),
    (RunDetail, "stages result"),
    (
        StageOut,
        "pipeline_run_id node_id stage status attempt idempotency_key input_ref output_ref output_snapshot error_type "
        "error_message error_stack error_retryable started_at completed_at duration_ms",
    ),
    (DefinitionOut, "name description version config tags is_active built_in created_by created_at updated_at"),
]
VALUES: list[tuple[type, str]] = [
    (OneCheck, "status message metrics checker_name error is_ok is_critical"),
    (CheckRun, "is_ok is_critical has_issue created_alert"),
    (Recommendation, "type priority title description details actions incident_id to_dict"),
    (
        StageContext,
        "trace_id run_id incident_id attempt environment source alert_fingerprint payload previous_results",
    ),
    (NodeContext, "previous_outputs"),
    (
        IngestResult,
        "incident_id alert_fingerprint severity alerts_created alerts_updated alerts_resolved incidents_created "
        f"incidents_updated {RESULT}",
    ),
    (CheckResult, f"checks checks_run checks_passed checks_failed checker_output_ref {RESULT}"),
    (
        AnalyzeResult,
        f"summary probable_cause actions recommendations confidence fallback_used ai_output_ref {RESULT}",
    ),
    (
        NotifyResult,
        "deliveries provider_ids messages channels_attempted channels_succeeded channels_failed notify_output_ref "
        f"{RESULT}",
    ),
    (
        PipelineResult,
        "trace_id run_id status incident_id ingest check analyze notify started_at completed_at total_duration_ms "
        "stages_completed final_error",
    ),
    (SignalTags, "trace_id run_id stage incident_id source alert_fingerprint environment attempt extra"),
]
WORDS: list[tuple[type[StrEnum], str]] = [
    (CheckStatus, "ok warning critical unknown"),
    (AnalysisStatus, "PENDING RUNNING SUCCEEDED FAILED"),
    (RecommendationType, "memory disk cpu process network general"),
    (RecommendationPriority, "low medium high critical"),
    (RunStatus, "PENDING INGESTED CHECKED ANALYZED NOTIFIED FAILED RETRYING SKIPPED"),
    (Stage, "INGEST CHECK ANALYZE NOTIFY"),
    (StageStatus, "PENDING RUNNING SUCCEEDED FAILED RETRYING SKIPPED"),
    (NodeType, "ingest context intelligence notify transform"),
    (
        Signal,
        "pipeline.started pipeline.completed pipeline.stage.started pipeline.stage.succeeded pipeline.stage.failed "
        "pipeline.stage.retrying",
    ),
]
SETTINGS: dict[str, Any] = {
    "orchestration_max_retries_per_stage": 3,
    "orchestration_backoff_factor": 2.0,
    "orchestration_intelligence_fallback_enabled": True,
    "orchestration_metrics_backend": "logging",
    "enable_celery_orchestration": False,
}


@pytest.mark.parametrize(("answer", "names"), ANSWERS, ids=lambda each: getattr(each, "__name__", ""))
def test_answers_have_the_fields_of_the_document(answer: type[BaseModel], names: str) -> None:
    assert set(names.split()) - answer.model_fields.keys() == set()


@pytest.mark.parametrize(("value", "names"), VALUES, ids=lambda each: getattr(each, "__name__", ""))
def test_values_have_the_names_of_the_document(value: Any, names: str) -> None:
    known = {each.name for each in fields(value)} | set(dir(value))
    assert set(names.split()) - known == set()


@pytest.mark.parametrize(("words", "names"), WORDS, ids=lambda each: getattr(each, "__name__", ""))
def test_words_are_those_of_the_document(words: type[StrEnum], names: str) -> None:
    assert [each.value for each in words] == names.split()


def test_presets_tasks_and_settings_are_those_of_the_document() -> None:
    assert list(PRESETS) == ["local-monitor", "local-smart", "direct", "health-checked", "ai-analyzed", "full"]
    for task in ("run_pipeline_task", "resume_pipeline_task", "start_pipeline_task"):
        assert callable(getattr(celery_tasks, task))
    assert {name: Settings.model_fields[name].default for name in SETTINGS} == SETTINGS
