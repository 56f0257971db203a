"""The transactions of a run: where it is, what is to be done next, and what became of it. Nothing waits here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeAlias

from app.alerts import queries as alerts
from app.incidents import service as incidents
from app.incidents.types import Incident, NewTimelineEntry, TimelineKind
from app.pipeline import definition_queries as definitions, queries, service as pipeline
from app.pipeline.errors import StageFailed
from app.pipeline.presets import PRESETS
from app.pipeline.progress import Progress
from app.pipeline.results import IngestResult, StageContext
from app.pipeline.rules import backoff
from app.pipeline.signals import Signal, SignalTags, tags_of
from app.pipeline.types import Node, NodeType, PipelineRun, Plan, RunStatus, Stage, StageExecution, StageStatus
from app.platform.db import Tx
from app.platform.errors import PagerPalError
from app.platform.failpoints import fp
from app.platform.logs import get_logger
from app.platform.redact import redact_text
from app.platform.runtime import Runtime
from app.platform.settings import Settings
from app.platform.types import JsonObject, JsonValue
from app.usecases.run_pipeline import telling
from app.usecases.run_pipeline.outputs import NodeResult, write

CLIPPED = 500
INTERRUPTED = "Interrupted"
LEFT_OUT = "the pipeline «{}» has no such stage"
GIVEN_UP = {NodeType.CONTEXT: "Checks could not be made", NodeType.INTELLIGENCE: "There is no analysis"}
# Where a run can go that cannot even begin, so that the team hears of the incident nevertheless.
_LEAST = PRESETS["direct"]

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class NodeContext:
    """A node that is to be carried out outside any transaction, by whoever holds the run."""

    run: PipelineRun
    node: Node
    stage: StageExecution
    context: StageContext

    @property
    def previous_outputs(self) -> Mapping[str, JsonObject]:
        """What the nodes before it gave, by their ids."""
        return self.context.previous_results


@dataclass(frozen=True, slots=True)
class News:
    """A signal to be emitted when the transaction is committed."""

    signal: Signal
    tags: SignalTags
    duration_ms: float | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """What a transaction of a run came to: what is to be carried out next, None when it ended or waits."""

    work: NodeContext | None = None
    news: tuple[News, ...] = ()
    has_failed: bool = False


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an attempt broke off; texts without secrets."""

    error_type: str
    message: str
    stack: str
    is_retryable: bool

    @classmethod
    def of(cls, error: Exception, stack: str) -> "Failure":
        """What an exception means; `stack` is its traceback, redacted."""
        if isinstance(error, StageFailed):
            return cls(error.error_type, redact_text(error.message)[:CLIPPED], "", error.is_retryable)
        return cls(type(error).__name__, redact_text(str(error))[:CLIPPED], stack, True)


Step: TypeAlias = Callable[[Tx], Turn]


def begin(tx: Tx, *, rt: Runtime, run: PipelineRun, now: datetime) -> Turn:
    """The first transaction of a claimed run; nothing happens when its lease was lost.

    Two processes may have claimed two runs of one incident at the same moment: the one that comes second waits.
    """
    incident = _lock(tx, run)
    if not pipeline.is_held(tx, run):
        return Turn()
    if queries.must_wait(tx, run):
        pipeline.wait_on(tx, run, now=now)
        return Turn()
    news = []
    if run.plan is None:
        plan = _plan(tx, run.pipeline)
        run = pipeline.begin(
            tx, run, plan, ingested=_ingested(tx, run, incident), now=now,
            max_retries=rt.settings.orchestration_max_retries_per_stage,
        )  # fmt: skip
        news.append(News(Signal.STARTED, tags_of(run)))
    progress = queries.progress_of(tx, run)
    turn = _advance(tx, pipeline.go_on(tx, run, progress, now=now), incident, progress, now)
    fp("pipeline.before_commit")
    return replace(turn, news=(*news, *turn.news))


def finish(tx: Tx, *, work: NodeContext, output: NodeResult, now: datetime) -> Turn:
    """A node was carried out: keep what it found and go on; nothing is written when the lease was lost."""
    run = work.run
    incident = _lock(tx, run)
    if not pipeline.is_held(tx, run):
        return Turn()
    written = write(tx, output, run=run, incident=incident, now=now)
    status = StageStatus.SKIPPED if written.is_skipped else StageStatus.SUCCEEDED
    pipeline.end_stage(
        tx, run, work.stage, status=status, snapshot=written.snapshot, output_ref=written.output_ref, now=now
    )
    if work.node.stage is not None:
        pipeline.advance(tx, run, work.node.stage, now=now, **written.run_values)
    run = queries.get_run(tx, run.run_id)
    turn = _advance(tx, run, incident, queries.progress_of(tx, run), now)
    fp("pipeline.before_commit")
    done = News(Signal.STAGE_SUCCEEDED, _tags(run, work.node, work.stage.attempt), _since(work.stage.started_at, now))
    return replace(turn, news=(done, *turn.news))


def stumble(tx: Tx, *, rt: Runtime, run: PipelineRun, failure: Failure, now: datetime) -> Turn:
    """An attempt broke off: it is made again later, a limited number of times, or the run goes on without it."""
    incident = _lock(tx, run)
    if not pipeline.is_held(tx, run):
        return Turn(has_failed=True)
    run = queries.get_run(tx, run.run_id)
    if run.plan is None:
        # Not even the plan could be read: nothing is known to be done next, so it counts against telling the team.
        run = replace(run, plan=_LEAST.to_json(), max_retries=rt.settings.orchestration_max_retries_per_stage)
    progress = queries.progress_of(tx, run)
    node = progress.next_node
    if node is None:
        return _end(tx, run, progress, now)
    turn = _fail(tx, run, incident, progress, node, failure, rt.settings, now)
    return replace(turn, has_failed=True)


def _advance(tx: Tx, run: PipelineRun, incident: Incident | None, progress: Progress, now: datetime) -> Turn:
    """Go past what needs nothing, and begin what does."""
    node = progress.next_node
    for left_out in progress.skipped_before(node):
        reason = LEFT_OUT.format(progress.plan.name)
        pipeline.skip_stage(tx, run, left_out.value.lower(), left_out, attempt=1, reason=reason, now=now)
    if node is None:
        return _end(tx, run, queries.progress_of(tx, run), now)
    if node.type is NodeType.NOTIFY:
        return _tell(tx, run, incident, progress, node, now)
    if progress.running(node.id) is not None:
        return _interrupted(tx, run, incident, progress, node, now)
    attempt = progress.attempt(node.id)
    stage_id = pipeline.begin_stage(tx, run, node, attempt=attempt, now=now)
    stage = next(each for each in queries.stages_of(tx, run) if each.id == stage_id)
    work = NodeContext(run, node, stage, _context(run, attempt, progress))
    return Turn(work, (News(Signal.STAGE_STARTED, _tags(run, node, attempt)),))


def _interrupted(
    tx: Tx, run: PipelineRun, incident: Incident | None, progress: Progress, node: Node, now: datetime
) -> Turn:
    """Whoever began this attempt has died: it has failed, and the next one begins at once."""
    message = "the process that was at it ended; another one went on"
    pipeline.record_failure(
        tx, run, node, progress.running(node.id), attempt=progress.attempt(node.id), error_type=INTERRUPTED,
        error_message=message, error_stack="", error_retryable=True, now=now,
    )  # fmt: skip
    after = queries.progress_of(tx, run)
    if after.is_given_up(node):
        _say_given_up(tx, run, node, message, now)
    return _advance(tx, run, incident, after, now)


def _tell(tx: Tx, run: PipelineRun, incident: Incident | None, progress: Progress, node: Node, now: datetime) -> Turn:
    """Begin the notify stage, or end it if its messages let it end."""
    running = progress.running(node.id)
    if running is None:
        return _begin_telling(tx, run, incident, progress, node, now)
    told = telling.settle(tx, run, node, running, now=now)
    if told is None:
        return Turn()
    tags, duration = _tags(run, node, running.attempt), _since(running.started_at, now)
    if told.error_message:
        failed = News(Signal.STAGE_FAILED, _tags(run, node, running.attempt, retryable=True), duration)
        pipeline.end_run(
            tx, run, RunStatus.FAILED, now=now, error_type=told.error_type, error_message=told.error_message,
            error_retryable=True,
        )  # fmt: skip
        return Turn(news=(failed, _completed(run, RunStatus.FAILED, now)))
    pipeline.advance(tx, run, Stage.NOTIFY, now=now, notify_output_ref=f"run:{run.run_id}")
    turn = _advance(tx, run, incident, queries.progress_of(tx, run), now)
    return replace(turn, news=(News(Signal.STAGE_SUCCEEDED, tags, duration), *turn.news))


def _begin_telling(
    tx: Tx, run: PipelineRun, incident: Incident | None, progress: Progress, node: Node, now: datetime
) -> Turn:
    reason = telling.tell(tx, run, incident, node, progress, now=now)
    attempt = progress.attempt(node.id)
    if reason is not None:
        pipeline.skip_stage(tx, run, node.id, Stage.NOTIFY, attempt=attempt, reason=reason, now=now)
        return _advance(tx, run, incident, queries.progress_of(tx, run), now)
    pipeline.begin_stage(tx, run, node, attempt=attempt, now=now)
    pipeline.wait_on(tx, run, until=telling.deadline(node, now), now=now)
    return Turn(news=(News(Signal.STAGE_STARTED, _tags(run, node, attempt)),))


def _fail(
    tx: Tx, run: PipelineRun, incident: Incident | None, progress: Progress, node: Node, failure: Failure,
    settings: Settings, now: datetime,
) -> Turn:  # fmt: skip
    running = progress.running(node.id)
    attempt = running.attempt if running is not None else progress.attempt(node.id)
    pipeline.record_failure(
        tx, run, node, running, attempt=attempt, error_type=failure.error_type, error_message=failure.message,
        error_stack=failure.stack, error_retryable=failure.is_retryable, now=now,
    )  # fmt: skip
    after = replace(queries.progress_of(tx, run), plan=progress.plan)
    tags = _tags(run, node, attempt, retryable=failure.is_retryable)
    failed = News(Signal.STAGE_FAILED, tags, _since(running.started_at if running else now, now))
    if not after.is_given_up(node):
        due_at = now + backoff(settings.orchestration_backoff_factor, attempt)
        pipeline.try_later(
            tx, run, due_at=due_at, now=now, error_type=failure.error_type, error_message=failure.message
        )
        return Turn(news=(failed, News(Signal.STAGE_RETRYING, tags)))
    if node.type is NodeType.NOTIFY:
        telling.say_lost(tx, run, failure.message or failure.error_type, now=now)
        turn = _end(tx, run, after, now)
    else:
        _say_given_up(tx, run, node, failure.message or failure.error_type, now)
        turn = _advance(tx, run, incident, after, now)
    return replace(turn, news=(failed, *turn.news))


def _end(tx: Tx, run: PipelineRun, progress: Progress, now: datetime) -> Turn:
    """The run is over: as far as it came, or failed of the first node that was given up."""
    given_up = progress.given_up
    status = RunStatus.FAILED if given_up else progress.end
    if given_up:
        first = given_up[0]
        pipeline.end_run(
            tx, run, status, now=now, error_type=first.error_type, error_message=first.error_message,
            error_retryable=first.error_retryable,
        )  # fmt: skip
    else:
        pipeline.end_run(tx, run, status, now=now)
    return Turn(news=(_completed(run, status, now),), has_failed=bool(given_up))


def _say_given_up(tx: Tx, run: PipelineRun, node: Node, why: str, now: datetime) -> None:
    if run.incident_id is not None:
        what = GIVEN_UP.get(node.type, f"The step {node.id} failed")
        line = NewTimelineEntry(
            run.incident_id, TimelineKind.WARNING, f"{what}: {why}", data={"run_id": run.run_id, "node_id": node.id}
        )
        incidents.add_timeline(tx, [line], now=now)


def _ingested(tx: Tx, run: PipelineRun, incident: Incident | None) -> IngestResult:
    created, updated, resolved = (0, 0, 0)
    if incident is not None:
        created, updated, resolved = alerts.changes_since(tx, incident.id, trace_id=run.trace_id)
    is_new = incident is not None and queries.is_first_run(tx, run)
    return IngestResult(
        incident_id=run.incident_id,
        alert_fingerprint=run.alert_fingerprint,
        severity=incident.severity.value if incident is not None else "",
        deliveries=run.merged + 1,
        alerts_created=created,
        alerts_updated=updated,
        alerts_resolved=resolved,
        incidents_created=int(is_new),
        incidents_updated=int(incident is not None and not is_new),
    )


def _plan(tx: Tx, name: str) -> Plan:
    try:
        return definitions.get_plan(tx, name)
    except PagerPalError as error:
        # Switched off or removed since the delivery came in.
        log.warning("a run follows the least that there is", pipeline=name, reason=error.message)
        return _LEAST


def _lock(tx: Tx, run: PipelineRun) -> Incident | None:
    return incidents.lock(tx, run.incident_id) if run.incident_id is not None else None


def _context(run: PipelineRun, attempt: int, progress: Progress) -> StageContext:
    return StageContext(
        trace_id=run.trace_id,
        run_id=run.run_id,
        incident_id=run.incident_id,
        attempt=attempt,
        environment=run.environment,
        source=run.source,
        alert_fingerprint=run.alert_fingerprint,
        payload=run.payload or {},
        previous_results=progress.outputs,
    )


def _tags(run: PipelineRun, node: Node, attempt: int, **extra: JsonValue) -> SignalTags:
    return tags_of(run, stage=node.stage, attempt=attempt, node_id=node.id, **extra)


def _completed(run: PipelineRun, status: RunStatus, now: datetime) -> News:
    return News(Signal.COMPLETED, tags_of(run, status=status.value), _since(run.started_at, now))


def _since(since: datetime | None, now: datetime) -> float:
    return 0.0 if since is None else round((now - since).total_seconds() * 1000, 3)
