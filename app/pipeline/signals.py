"""Signals: what a pipeline run says of itself at every stage boundary, to the log or to a StatsD server (B37).

Callers emit after their commit, so that nothing is announced that did not happen. A signal can neither fail a run nor
hold it up.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from enum import StrEnum

from app.pipeline.types import PipelineRun, Stage
from app.platform.logs import get_logger
from app.platform.runtime import Runtime
from app.platform.statsd import counter, timing
from app.platform.types import JsonObject, JsonValue

PREFIX = "pagerpal"

log = get_logger(__name__)


class Signal(StrEnum):
    """What can be said of a run."""

    STARTED = "pipeline.started"
    COMPLETED = "pipeline.completed"
    STAGE_STARTED = "pipeline.stage.started"
    STAGE_SUCCEEDED = "pipeline.stage.succeeded"
    STAGE_FAILED = "pipeline.stage.failed"
    STAGE_RETRYING = "pipeline.stage.retrying"


@dataclass(frozen=True, slots=True)
class SignalTags:
    """What every signal carries (001); `stage` is None where the whole run is meant, or a transform."""

    trace_id: str
    run_id: str
    stage: Stage | None
    incident_id: int | None
    source: str
    alert_fingerprint: str
    environment: str
    attempt: int
    extra: JsonObject = field(default_factory=dict)


def tags_of(
    run: PipelineRun, *, stage: Stage | None = None, attempt: int | None = None, **extra: JsonValue
) -> SignalTags:
    """The tags of a run, or of one attempt at one of its stages; `extra` is what the signal says beyond them.

    `status` of a run that is completed becomes part of its StatsD name, so it is one of a few words.
    """
    return SignalTags(
        trace_id=run.trace_id,
        run_id=run.run_id,
        stage=stage,
        incident_id=run.incident_id,
        source=run.source,
        alert_fingerprint=run.alert_fingerprint,
        environment=run.environment,
        attempt=run.total_attempts if attempt is None else attempt,
        extra=extra,
    )


def emit(rt: Runtime, signal: Signal, tags: SignalTags, *, duration_ms: float | None = None) -> None:
    """Say it where ORCHESTRATION_METRICS_BACKEND says. Never raises and never waits."""
    try:
        if rt.settings.orchestration_metrics_backend == "statsd":
            rt.statsd.send(*_lines(signal, tags, duration_ms, with_tags=rt.settings.statsd_dogstatsd_tags))
        else:
            named = {each.name: getattr(tags, each.name) for each in fields(tags)}
            log.info(signal.value, **named, duration_ms=duration_ms)
    except Exception:  # noqa: BLE001  a run is worth more than what is said of it
        return


def _lines(signal: Signal, tags: SignalTags, duration_ms: float | None, *, with_tags: bool) -> Iterator[str]:
    """A counter and, where it is known how long it took, a timing: `pagerpal.pipeline.stage.succeeded.check`.

    Names hold only what takes few values: every name is a file or a series on the other side.
    """
    part = tags.stage or tags.extra.get("status")
    name = ".".join([PREFIX, signal.value, *([str(part).lower().replace(".", "_")] if part else [])])
    tagged = _dogstatsd(tags) if with_tags else None
    yield counter(name, tags=tagged)
    if duration_ms is not None and math.isfinite(duration_ms):
        yield timing(f"{name}.duration", duration_ms, tags=tagged)


def _dogstatsd(tags: SignalTags) -> dict[str, str]:
    few = {"stage": tags.stage, "source": tags.source, "environment": tags.environment, "attempt": tags.attempt}
    return {name: str(value) for name, value in few.items() if value}
