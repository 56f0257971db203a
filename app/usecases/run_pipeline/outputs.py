"""What carrying out a node gives, and how it is kept: once, in the transaction that ends the stage."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias, cast

from app.checks.types import CheckRun, CheckStatus, NewCheckRun
from app.incidents import service as incidents
from app.incidents.types import Incident, NewTimelineEntry, TimelineKind
from app.intelligence.types import AnalysisRun
from app.pipeline.results import AnalyzeResult, CheckResult
from app.pipeline.types import PipelineRun
from app.platform.db import Tx
from app.platform.types import JsonObject
from app.usecases import run_checks

NAMED_AT_MOST = 3
MESSAGE_LIMIT = 120


@dataclass(frozen=True, slots=True)
class Checked:
    """Checks that were made and are not written down yet."""

    found: tuple[NewCheckRun, ...]
    duration_ms: float


@dataclass(frozen=True, slots=True)
class Analyzed:
    """An analysis; it has its own row."""

    run: AnalysisRun
    duration_ms: float


@dataclass(frozen=True, slots=True)
class Transformed:
    """What a transform made."""

    value: JsonObject


@dataclass(frozen=True, slots=True)
class NothingToDo:
    """The node has nothing to do, and why."""

    reason: str


NodeResult: TypeAlias = Checked | Analyzed | Transformed | NothingToDo


@dataclass(frozen=True, slots=True)
class Written:
    """What the stage's row says of it, and what the run's does."""

    snapshot: JsonObject
    output_ref: str = ""
    run_values: Mapping[str, Any] = field(default_factory=dict)
    is_skipped: bool = False


def write(tx: Tx, output: NodeResult, *, run: PipelineRun, incident: Incident | None, now: datetime) -> Written:
    """Keep what a node gave, in the transaction that ends its stage."""
    match output:
        case Checked():
            return _checks(tx, output, run, incident, now)
        case Analyzed():
            return _analysis(output)
        case Transformed():
            return Written(output.value)
        case NothingToDo():
            return Written({"reason": output.reason}, is_skipped=True)


def _checks(tx: Tx, output: Checked, run: PipelineRun, incident: Incident | None, now: datetime) -> Written:
    made = run_checks.record(tx, output.found, trace_id=run.trace_id, incident_id=run.incident_id)
    passed = sum(each.is_ok for each in made)
    ref = f"check-runs:{run.trace_id}"
    result = CheckResult(
        checks=tuple(_shown(each) for each in made),
        checks_run=len(made),
        checks_passed=passed,
        checks_failed=len(made) - passed,
        checker_output_ref=ref,
        errors=tuple(f"{each.checker_name}: {each.error}" for each in made if each.error),
        duration_ms=output.duration_ms,
    )
    if incident is not None:
        line = NewTimelineEntry(incident.id, TimelineKind.PIPELINE, said_of(made), data={"run_id": run.run_id})
        incidents.add_timeline(tx, [line], now=now)
    return Written(result.to_dict(), ref, {"checker_output_ref": ref})


def said_of(made: list[CheckRun]) -> str:
    """What the checks found, in a line."""
    bad = [each for each in made if not each.is_ok]
    if not bad:
        return f"Checks: {len(made)} made, all well"
    named = "; ".join(
        f"{each.checker_name} {each.status.value}: {each.message[:MESSAGE_LIMIT]}" for each in bad[:NAMED_AT_MOST]
    )
    return f"Checks: {len(bad)} of {len(made)} not well. {named}"


def _shown(each: CheckRun) -> JsonObject:
    return {
        "id": each.id,
        "checker": each.checker_name,
        "checker_name": each.checker_name,
        "status": each.status.value,
        "message": each.message,
        "metrics": each.metrics,
        "error": each.error,
        "hostname": each.hostname,
        "is_known": each.status is not CheckStatus.UNKNOWN,
    }


def _analysis(output: Analyzed) -> Written:
    run = output.run
    told = [cast(JsonObject, each) for each in run.recommendations if isinstance(each, dict)]
    actions = tuple(str(action) for each in told for action in each.get("actions") or ())
    ref = f"analysis-run:{run.id}"
    result = AnalyzeResult(
        summary=run.summary,
        probable_cause=run.probable_cause,
        actions=actions,
        recommendations=tuple(told),
        confidence=run.confidence,
        fallback_used=run.fallback_used,
        ai_output_ref=ref,
        provider=run.provider,
        duration_ms=output.duration_ms,
    )
    values = {"intelligence_output_ref": ref, "intelligence_fallback_used": run.fallback_used}
    return Written(result.to_dict(), ref, values)
