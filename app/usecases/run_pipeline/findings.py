"""What a run found out, as facts of the team's message: checks, analysis, and what transforms made."""

from app.pipeline.progress import Progress
from app.pipeline.types import NodeType, PipelineRun, Stage
from app.platform.types import JsonObject

CHECKS_TOLD = 20
RECOMMENDATIONS_TOLD = 3
CLIPPED = 500
BY_HAND = "run by hand"


def facts_of(progress: Progress) -> JsonObject:
    """What the stages before handed on; nothing where there were none."""
    checks, transformed = [], {}
    analysis: JsonObject | None = None
    for node in progress.plan.nodes:
        output = progress.outputs.get(node.id)
        if output is None:
            continue
        if node.stage is Stage.CHECK:
            checks += [_check(each) for each in output.get("checks") or ()]
        elif node.stage is Stage.ANALYZE:
            analysis = _analysis(output)
        elif node.type is NodeType.TRANSFORM:
            transformed[node.id] = output.get("transformed")
    found: JsonObject = {"checks": checks[:CHECKS_TOLD], "analysis": analysis, "outputs": transformed}
    return {name: value for name, value in found.items() if value}


def facts_of_host(run: PipelineRun) -> JsonObject:
    """What is told of a run about no incident."""
    alert = (run.payload or {}).get("alert") or {}
    return {
        "event": BY_HAND,
        "title": str(alert.get("name") or f"Pipeline «{run.pipeline}»"),
        "text": f"Pipeline «{run.pipeline}», {BY_HAND}.",
        "source": run.source,
        "severity": str(alert.get("severity") or "info"),
        "run_id": run.run_id,
        "trace_id": run.trace_id,
        "link": f"/pipeline-runs/{run.run_id}",
    }


def _check(each: JsonObject) -> JsonObject:
    return {name: each.get(name) for name in ("checker", "status", "message", "hostname")}


def _analysis(output: JsonObject) -> JsonObject:
    told = output.get("recommendations") or ()
    return {
        "summary": str(output.get("summary") or "")[:CLIPPED],
        "probable_cause": str(output.get("probable_cause") or "")[:CLIPPED],
        "confidence": output.get("confidence"),
        "provider": output.get("provider"),
        "fallback_used": bool(output.get("fallback_used")),
        "recommendations": [str(each.get("title") or "") for each in told[:RECOMMENDATIONS_TOLD]],
    }
