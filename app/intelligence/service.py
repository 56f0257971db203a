"""Changing providers and writing analysis runs inside the caller's transaction."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from app.intelligence import configs, queries, repository
from app.intelligence.errors import AnalysisEnded, ProviderInvalid, ProviderNameTaken
from app.intelligence.models import AnalysisRow, ProviderRow
from app.intelligence.rules import next_status
from app.intelligence.types import (
    AnalysisAction,
    AnalysisRun,
    AnalysisStatus,
    Asked,
    AskFailed,
    Fault,
    IntelligenceProvider,
    NewAnalysis,
    Usage,
)
from app.platform.db import Tx
from app.platform.errors import FieldError
from app.platform.secrets import SecretBox
from app.platform.types import JsonValue

NAME_LIMIT = 80
ERROR_LIMIT = 1000


def create_provider(
    tx: Tx,
    *,
    name: str,
    provider: str,
    config: Mapping[str, JsonValue],
    is_active: bool,
    description: str,
    box: SecretBox,
    now: datetime,
) -> IntelligenceProvider:
    """Make a provider; an active one takes the place of the one before. Raises ProviderNameTaken, ProviderInvalid."""
    _check_name(tx, name, but=None)
    sealed = configs.seal(configs.kind_of(provider), config, box)
    if is_active:
        repository.deactivate_all(tx)
    provider_id = tx.insert(
        ProviderRow,
        name=name,
        provider=provider,
        config=sealed,
        is_active=is_active,
        description=description,
        created_at=now,
        updated_at=now,
    )
    return queries.get_provider(tx, provider_id)


def update_provider(
    tx: Tx, provider_id: int, *, changes: Mapping[str, Any], box: SecretBox, now: datetime
) -> IntelligenceProvider:
    """Change a provider; `***` in `config` keeps the stored secret, `is_active` takes the place of the one before.

    Raises ProviderMissing, ProviderNameTaken, ProviderInvalid.
    """
    stored = queries.get_provider(tx, provider_id)
    values = dict(changes)
    if "name" in values:
        _check_name(tx, values["name"], but=provider_id)
    if "config" in values:
        kind = configs.kind_of(stored.provider)
        values["config"] = configs.seal(kind, configs.kept(kind, values["config"], stored.config, box), box)
    if values.get("is_active"):
        repository.deactivate_all(tx)
    repository.change_provider(tx, provider_id, {**values, "updated_at": now})
    return queries.get_provider(tx, provider_id)


def delete_provider(tx: Tx, provider_id: int) -> None:
    """Delete a provider; its analysis runs name it and stay. Raises ProviderMissing."""
    queries.get_provider(tx, provider_id)
    repository.delete_provider(tx, provider_id)


def wait_for_turn(tx: Tx) -> None:
    """Until this transaction ends nobody else counts what is left of the hour's budget."""
    repository.lock_providers(tx)


def add_run(tx: Tx, new: NewAnalysis, *, now: datetime) -> int:
    """Write down that somebody is going to be asked, before they are, and return the run's id."""
    return tx.insert(
        AnalysisRow,
        trace_id=new.trace_id,
        pipeline_run_id=new.pipeline_run_id,
        provider=new.provider,
        provider_config=new.provider_config,
        model_name=new.model_name,
        status=AnalysisStatus.PENDING,
        fallback_used=new.fallback_used,
        incident_id=new.incident_id,
        input_summary=new.input_summary,
        checker_output_ref=new.checker_output_ref,
        error_message=new.error_message[:ERROR_LIMIT],
        created_at=now,
    )


def mark_started(tx: Tx, run_id: int, *, now: datetime) -> None:
    """The provider is being asked. Raises AnalysisMissing, AnalysisEnded."""
    _move(tx, run_id, AnalysisAction.START, {"started_at": now})


def mark_succeeded(tx: Tx, run_id: int, asked: Asked, *, duration_ms: float, now: datetime) -> AnalysisRun:
    """Keep the analysis. Raises AnalysisMissing, AnalysisEnded."""
    found = asked.analysis
    values = {
        "model_name": asked.model,
        "summary": found.summary,
        "probable_cause": found.probable_cause,
        "confidence": found.confidence,
        "recommendations": [each.to_dict() for each in found.recommendations],
        "recommendations_count": len(found.recommendations),
        "completed_at": now,
        "duration_ms": duration_ms,
        **_tokens(asked.usage),
    }
    return _move(tx, run_id, AnalysisAction.SUCCEED, values)


def mark_failed(tx: Tx, run_id: int, failed: AskFailed, *, duration_ms: float, now: datetime) -> AnalysisRun:
    """Keep why there is no analysis. Raises AnalysisMissing, AnalysisEnded."""
    values = {
        "error_message": f"{failed.fault.value}: {failed.message}"[:ERROR_LIMIT],
        "completed_at": now,
        "duration_ms": duration_ms,
        **_tokens(failed.usage),
    }
    return _move(tx, run_id, AnalysisAction.FAIL, values)


def interrupt_run(tx: Tx, run_id: int, *, now: datetime) -> AnalysisRun:
    """Close a run whose process ended while it asked. Raises AnalysisMissing, AnalysisEnded."""
    failed = AskFailed(Fault.INTERRUPTED, "the process ended before there was an answer")
    return mark_failed(tx, run_id, failed, duration_ms=0.0, now=now)


def _move(tx: Tx, run_id: int, action: AnalysisAction, values: Mapping[str, Any]) -> AnalysisRun:
    before = queries.get_run(tx, run_id)
    after = next_status(before.status, action)
    if not repository.change_run(tx, run_id, before.status, {**values, "status": after}):
        raise AnalysisEnded(queries.get_run(tx, run_id).status.value, action.value)
    return queries.get_run(tx, run_id)


def _tokens(usage: Usage) -> dict[str, int | None]:
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.total_tokens,
    }


def _check_name(tx: Tx, name: str, *, but: int | None) -> None:
    if not name.strip() or len(name) > NAME_LIMIT:
        raise ProviderInvalid([FieldError("name", f"1 to {NAME_LIMIT} characters")])
    found = repository.provider_id_named(tx, name)
    if found is not None and found != but:
        raise ProviderNameTaken(name)
