"""What people ask of pipelines: run one, see what it would do, and let a failed run go on."""

from dataclasses import dataclass
from datetime import datetime

from app.alerts.detection import as_payload, detect, parse
from app.alerts.drivers._base import Headers
from app.alerts.types import ParsedAlert, ParsedPayload, SourceOptions
from app.pipeline import definition_queries as definitions, service as pipeline
from app.pipeline.types import NewRun, PipelineRun, Plan
from app.platform.runtime import Runtime
from app.platform.types import JsonObject

BY_HAND = "by hand"
TEXT_LIMIT = 500
SAMPLE: JsonObject = {
    "name": "Sample: disk almost full",
    "severity": "warning",
    "status": "firing",
    "description": "A made-up alert, to see what this pipeline makes of one.",
    "labels": {"host": "web-1.example.com", "mountpoint": "/var"},
}


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What a run would do: its plan, and the alerts that the payload holds. Nothing was done."""

    plan: Plan
    alerts: tuple[ParsedAlert, ...]


def rehearse(rt: Runtime, *, pipeline_name: str, payload: JsonObject | None, now: datetime) -> Rehearsal:
    """What running this pipeline by hand would do. Raises DefinitionMissing, DefinitionInactive, PayloadRejected."""
    plan = rt.db.read(lambda tx: definitions.get_plan(tx, pipeline_name))
    return Rehearsal(plan, tuple(_parsed(payload, now).alerts) if payload is not None else ())


def start(rt: Runtime, *, pipeline_name: str, payload: JsonObject | None, now: datetime) -> PipelineRun:
    """Ask for a run of this pipeline about this host, or about an alert that no incident is made of.

    Nobody is paged: team channels hear of it, and that it was run by hand.
    Raises DefinitionMissing, DefinitionInactive, PayloadRejected.
    """
    rehearsal = rehearse(rt, pipeline_name=pipeline_name, payload=payload, now=now)
    first = rehearsal.alerts[0] if rehearsal.alerts else None
    new = NewRun(
        trace_id=rt.ids.hex32(),
        run_id=rt.ids.hex32(),
        pipeline=pipeline_name,
        incident_id=None,
        source=BY_HAND,
        source_id=None,
        alert_fingerprint="",
        environment=rt.settings.pagerpal_env,
        payload={"alert": _shown(first), "alerts": len(rehearsal.alerts)} if first is not None else None,
    )
    return rt.db.write(lambda tx: pipeline.start(tx, new, now=now))


def resume(rt: Runtime, *, run_id: str, now: datetime) -> PipelineRun:
    """Let a failed run go on; what was said meanwhile is not said again. Raises RunNotFound, NotResumable."""
    return rt.db.write(lambda tx: pipeline.resume(tx, run_id, now=now))


def _parsed(payload: JsonObject, now: datetime) -> ParsedPayload:
    body = as_payload(payload)
    return parse(detect(body, Headers({})), body, Headers({}), received_at=now, options=SourceOptions())


def _shown(alert: ParsedAlert) -> JsonObject:
    return {
        "name": alert.name[:TEXT_LIMIT],
        "severity": alert.severity.value if alert.severity is not None else "warning",
        "status": alert.status.value,
        "description": alert.description[:TEXT_LIMIT],
    }
