"""Pipeline runs: what happens to an incident after intake, beside paging and never in its way.

A run is a row with a due time. Each pass claims those that may go on and takes each as far as it can go without
waiting; the notify stage writes its messages to the outbox and is looked at again when something became of them.
Until checks and analysis have stages of their own, these two are skipped.
"""

import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from app.alerts import queries as alerts
from app.alerts.types import Alert, AlertSource
from app.incidents import service as incidents
from app.incidents.types import Incident, NewTimelineEntry, TimelineKind
from app.notify import queries as outbox, service as notify
from app.notify.types import NewNotification, Notification, NotificationChannel, NotificationKind, NotificationStatus
from app.pipeline import queries, service as pipeline
from app.pipeline.rules import LOST, NOTIFY_TIMEOUT, NotifyReason, NotifyVerdict, backoff, judge_messages
from app.pipeline.types import PipelineRun, RunStatus, Stage, StageExecution, StageStatus
from app.platform.db import Tx
from app.platform.errors import Unavailable
from app.platform.failpoints import fp
from app.platform.logs import bound, get_logger
from app.platform.redact import redact_text
from app.platform.runtime import Runtime
from app.platform.types import JsonObject

BATCH = 100
CLIPPED = 500
LABELS_SHOWN = 20
NOT_BUILT = "this installation has no such stage yet"
DONE = (StageStatus.SUCCEEDED, StageStatus.SKIPPED)

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """What one pass did; `next_due_at` is when the next run may go on, None if none waits."""

    advanced: int
    failed: int
    next_due_at: datetime | None


async def run_due(rt: Runtime, now: datetime) -> RunOutcome:
    """Let every run go on that may: the due ones, and those whose messages have all come to an end."""
    settings = rt.settings
    ready, next_due_at = await rt.db.run_read(partial(_look, now=now))
    if not ready and (next_due_at is None or next_due_at > now):
        return RunOutcome(0, 0, next_due_at)
    claimed = await rt.db.run(
        lambda tx: pipeline.claim(
            tx, owner=rt.owner, now=now, also=ready, limit=BATCH,
            max_retries=settings.orchestration_max_retries_per_stage,
        )
    )  # fmt: skip
    if claimed:
        fp("pipeline.after_claim")
    failed = 0
    for run in claimed:
        with bound(trace_id=run.trace_id, run_id=run.run_id):
            if not await _go_on(rt, run, now):
                failed += 1
    return RunOutcome(len(claimed) - failed, failed, await rt.db.run_read(queries.next_due_at))


def resume(rt: Runtime, *, run_id: str, now: datetime) -> PipelineRun:
    """Let a failed run go on; what was said meanwhile is not said again. Raises RunNotFound, NotResumable."""
    return rt.db.write(lambda tx: pipeline.resume(tx, run_id, now=now))


async def _go_on(rt: Runtime, run: PipelineRun, now: datetime) -> bool:
    """One run's step; whether it went well. Whatever it stumbles over is the run's own business, not the others'."""
    try:
        await rt.db.run(partial(_step, run=run, now=now))
        fp("pipeline.after_step")
    except Unavailable:
        raise
    except Exception as error:
        log.exception("a pipeline run stumbled")
        stack = redact_text("".join(traceback.format_exception(error)))
        factor = rt.settings.orchestration_backoff_factor
        await rt.db.run(partial(_stumbled, run=run, error=error, stack=stack, factor=factor, now=now))
        return False
    return True


def _look(tx: Tx, now: datetime) -> tuple[list[int], datetime | None]:
    """Waiting runs whose notify stage can be ended, and when the next run is due by itself."""
    runs = queries.waiting_for_messages(tx, now=now)
    messages = outbox.messages_of_runs(tx, [run.run_id for run in runs])
    ready = [run.id for run in runs if _judge(run, messages.get(run.run_id, []), now).is_final]
    return ready, queries.next_due_at(tx)


def _step(tx: Tx, run: PipelineRun, now: datetime) -> None:
    """Take a claimed run as far as it goes now; nothing happens when its lease was lost."""
    incident = incidents.lock(tx, run.incident_id) if run.incident_id is not None else None
    if not pipeline.is_held(tx, run):
        return
    stages = queries.stages_of(tx, run)
    done = {each.stage for each in stages if each.status in DONE}
    for stage in (Stage.CHECK, Stage.ANALYZE):
        if stage not in done:
            pipeline.skip_stage(tx, run, stage, reason=NOT_BUILT, now=now)
    running = next((each for each in stages if each.stage is Stage.NOTIFY and each.status is StageStatus.RUNNING), None)
    if running is not None:
        _settle(tx, run, running, now=now)
    elif incident is None:
        _nobody_to_tell(tx, run, "there is no incident", now=now)
    else:
        _tell(tx, run, incident, now=now)
    fp("pipeline.before_commit")


def _tell(tx: Tx, run: PipelineRun, incident: Incident, *, now: datetime) -> None:
    """Write the run's messages to the outbox, each at most once, however often the stage is begun."""
    sources = alerts.sources_by_id(tx, [run.source_id] if run.source_id is not None else [])
    source = next(iter(sources.values()), None)
    channels = _channels(tx, source)
    if not channels:
        _nobody_to_tell(tx, run, "the source has no active channel", now=now)
        return
    facts = _facts(tx, run, incident, source)
    notify.insert_many(tx, [_message(run, incident, channel, facts, now) for channel in channels], now=now)
    for message in outbox.messages_of_runs(tx, [run.run_id]).get(run.run_id, []):
        if message.status in LOST:
            notify.retry(tx, message.id, now=now)
    pipeline.begin_stage(tx, run, Stage.NOTIFY, until=now + NOTIFY_TIMEOUT, now=now)


def _settle(tx: Tx, run: PipelineRun, stage: StageExecution, *, now: datetime) -> None:
    """End the notify stage if its messages let it end."""
    messages = outbox.messages_of_runs(tx, [run.run_id]).get(run.run_id, [])
    verdict = _judge(run, messages, now)
    if not verdict.is_final:
        pipeline.wait_on(tx, run, now=now)
        return
    names = _names(tx, messages)
    told = verdict.reason is NotifyReason.TOLD
    missing = "; ".join(f"{names[each.id]}: {each.last_error or each.status}" for each in verdict.missing)[:CLIPPED]
    snapshot: JsonObject = {
        "reason": verdict.reason.value,
        "deliveries": [
            {"notification_id": each.id, "channel": names[each.id], "status": each.status.value} for each in messages
        ],
    }
    error = {"error_type": "" if told else verdict.reason.value, "error_message": missing}
    pipeline.end_stage(
        tx, run, stage, status=StageStatus.SUCCEEDED if told else StageStatus.FAILED, snapshot=snapshot, now=now,
        error_retryable=not told, **error,
    )  # fmt: skip
    status = RunStatus.NOTIFIED if told else RunStatus.FAILED
    pipeline.end_run(tx, run, status, now=now, error_retryable=not told, **error)
    _say(tx, run, messages, names, missing, now=now)


def _judge(run: PipelineRun, messages: Sequence[Notification], now: datetime) -> NotifyVerdict:
    # Each resumption grants the messages as many tries again.
    tries = run.max_retries * max(1, run.total_attempts)
    return judge_messages(messages, max_retries=tries, deadline=run.due_at, now=now)


def _nobody_to_tell(tx: Tx, run: PipelineRun, reason: str, *, now: datetime) -> None:
    pipeline.skip_stage(tx, run, Stage.NOTIFY, reason=reason, now=now)
    pipeline.end_run(tx, run, RunStatus.SKIPPED, now=now)


def _stumbled(tx: Tx, run: PipelineRun, error: Exception, stack: str, factor: float, now: datetime) -> None:
    """Try again later, a limited number of times; then the run has failed."""
    if run.incident_id is not None:
        incidents.lock(tx, run.incident_id)
    if not pipeline.is_held(tx, run):
        return
    kind, message = type(error).__name__, redact_text(str(error))[:CLIPPED]
    attempt = pipeline.record_stumble(
        tx, run, Stage.NOTIFY, error_type=kind, error_message=message, error_stack=stack, now=now
    )
    if attempt <= run.max_retries:
        due_at = now + backoff(factor, attempt)
        pipeline.try_later(tx, run, due_at=due_at, now=now, error_type=kind, error_message=message)
    else:
        pipeline.end_run(tx, run, RunStatus.FAILED, now=now, error_type=kind, error_message=message)
        _say(tx, run, [], {}, f"the team: {message or kind}", now=now)


def _channels(tx: Tx, source: AlertSource | None) -> list[NotificationChannel]:
    """Those that the source names, else the first active one."""
    names = source.config.get("channels") if source is not None else None
    if isinstance(names, list) and names:
        return outbox.active_channels(tx, [str(name) for name in names])
    return outbox.active_channels(tx)[:1]


def _message(
    run: PipelineRun, incident: Incident, channel: NotificationChannel, facts: JsonObject, now: datetime
) -> NewNotification:
    return NewNotification(
        kind=NotificationKind.TEAM,
        channel=channel.driver,
        channel_id=channel.id,
        due_at=now,
        facts=facts,
        incident_id=incident.id,
        idempotency_key=f"{run.run_id}:{channel.id}",
        run_id=run.run_id,
    )


def _facts(tx: Tx, run: PipelineRun, incident: Incident, source: AlertSource | None) -> JsonObject:
    """What the team is told: the incident as it stands, and the alert that speaks for it."""
    found = alerts.alerts_of_incident(tx, incident.id, limit=1)
    is_first = not any(each.status is RunStatus.NOTIFIED for each in queries.runs_of(tx, incident.id))
    event = "triggered" if is_first else "updated"
    name = source.name if source is not None else run.source
    told = f"Triggered by {name}: {incident.title}" if is_first else f"{incident.alert_count} alerts from {name}"
    return {
        "event": event,
        "text": told if incident.status.is_open else f"{told} ({incident.status.value} meanwhile)",
        "source": name,
        "severity": incident.severity.value,
        "alert_count": incident.alert_count,
        "firing_alert_count": incident.firing_alert_count,
        "run_id": run.run_id,
        "trace_id": run.trace_id,
        **(_alert_facts(found[0]) if found else {}),
    }


def _alert_facts(alert: Alert) -> JsonObject:
    return {
        "alert_id": alert.id,
        "alert_name": alert.name,
        "description": alert.description[:CLIPPED],
        "labels": dict(list(alert.labels.items())[:LABELS_SHOWN]),
        "summary": alert.annotations.get("summary", "")[:CLIPPED],
        "runbook_url": alert.annotations.get("runbook_url", ""),
        "started_at": alert.started_at.isoformat(),
    }


def _names(tx: Tx, messages: Sequence[Notification]) -> dict[int, str]:
    """What people call the channel of each message."""
    channels = outbox.channels_by_id(tx, [each.channel_id for each in messages if each.channel_id is not None])
    return {
        each.id: channels[each.channel_id].name if each.channel_id in channels else each.channel for each in messages
    }


def _say(
    tx: Tx, run: PipelineRun, messages: Sequence[Notification], names: dict[int, str], missing: str, *, now: datetime
) -> None:
    """One line on the timeline about what the team heard."""
    if run.incident_id is None:
        return
    got_out = (NotificationStatus.SENT, NotificationStatus.DELIVERED)
    heard = [names[each.id] for each in messages if each.status in got_out]
    parts = [f"Told {', '.join(heard)}" if heard else "", f"Could not tell {missing}" if missing else ""]
    text = "; ".join(part for part in parts if part)
    if text:
        kind = TimelineKind.WARNING if missing else TimelineKind.PIPELINE
        line = NewTimelineEntry(run.incident_id, kind, text, data={"run_id": run.run_id})
        incidents.add_timeline(tx, [line], now=now)
