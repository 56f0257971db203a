"""The notify stage: the team's messages are written to the outbox, and the stage ends as they do (B36)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.alerts import queries as alerts
from app.alerts.facts import facts_of
from app.alerts.types import AlertSource
from app.incidents import service as incidents
from app.incidents.types import Incident, NewTimelineEntry, TimelineKind
from app.notify import queries as outbox, service as notify
from app.notify.kinds import family_of
from app.notify.types import NewNotification, Notification, NotificationChannel, NotificationKind, NotificationStatus
from app.pipeline import queries, service as pipeline
from app.pipeline.progress import Progress
from app.pipeline.results import NotifyResult
from app.pipeline.rules import GOT_OUT, LOST, NotifyReason, NotifyVerdict, judge_messages
from app.pipeline.types import Node, NodeType, PipelineRun, StageExecution, StageStatus
from app.platform.db import Tx
from app.platform.types import JsonObject
from app.usecases.run_pipeline import findings

CLIPPED = 500
LABELS_SHOWN = 20
NO_CHANNEL = "the source has no active channel"
NO_SUCH_CHANNEL = "none of the channels that the pipeline names is active"


@dataclass(frozen=True, slots=True)
class Told:
    """How the notify stage ended; without an error everybody was told."""

    error_type: str = ""
    error_message: str = ""


def deadline(node: Node, now: datetime) -> datetime:
    """Until when the stage waits for its messages."""
    return now + timedelta(seconds=node.timeout_seconds)


def ended(tx: Tx, now: datetime) -> list[PipelineRun]:
    """Runs that wait for messages which have all come to an end."""
    runs = queries.waiting_for_messages(tx, now=now)
    messages = outbox.messages_of_runs(tx, [run.run_id for run in runs])
    return [run for run in runs if _judge(run, messages.get(run.run_id, []), now).is_final]


def tell(
    tx: Tx, run: PipelineRun, incident: Incident | None, node: Node, progress: Progress, *, now: datetime
) -> str | None:
    """Write the run's messages to the outbox, each at most once, however often the stage is begun.

    Gives the reason where there is nobody to tell.
    """
    sources = alerts.sources_by_id(tx, [run.source_id] if run.source_id is not None else [])
    source = next(iter(sources.values()), None)
    channels = _channels(tx, node, source)
    if not channels:
        return NO_SUCH_CHANNEL if node.config.get("channels") or node.config.get("drivers") else NO_CHANNEL
    facts = {
        **_facts(tx, run, incident, source),
        **findings.facts_of(progress),
        **({"template": node.config["template"]} if node.config.get("template") else {}),
    }
    notify.insert_many(tx, [_message(run, incident, node, channel, facts, now) for channel in channels], now=now)
    for message in outbox.messages_of_runs(tx, [run.run_id]).get(run.run_id, []):
        if message.status in LOST:
            notify.retry(tx, message.id, now=now)
    return None


def settle(tx: Tx, run: PipelineRun, node: Node, stage: StageExecution, *, now: datetime) -> Told | None:
    """End the notify stage if its messages let it end; None while they do not."""
    messages = outbox.messages_of_runs(tx, [run.run_id]).get(run.run_id, [])
    verdict = _judge(run, messages, now)
    if not verdict.is_final:
        pipeline.wait_on(tx, run, now=now)
        return None
    names = _names(tx, messages)
    told = verdict.reason is NotifyReason.TOLD
    missing = "; ".join(f"{names[each.id]}: {each.last_error or each.status}" for each in verdict.missing)[:CLIPPED]
    result = Told() if told else Told(verdict.reason.value, missing or verdict.reason.value)
    pipeline.end_stage(
        tx, run, stage, status=StageStatus.SUCCEEDED if told else StageStatus.FAILED,
        snapshot=_result(run, verdict, messages, names, missing).to_dict(), now=now,
        error_type=result.error_type, error_message=missing, error_retryable=not told,
    )  # fmt: skip
    _say(tx, run, messages, names, missing, now=now)
    return result


def say_lost(tx: Tx, run: PipelineRun, why: str, *, now: datetime) -> None:
    """The team could not be told at all."""
    _say(tx, run, [], {}, f"the team: {why}", now=now)


def _judge(run: PipelineRun, messages: Sequence[Notification], now: datetime) -> NotifyVerdict:
    # Each resumption grants the messages as many tries again.
    tries = _tries(run) * max(1, run.total_attempts)
    return judge_messages(messages, max_retries=tries, deadline=run.due_at, now=now)


def _tries(run: PipelineRun) -> int:
    """How often a message may fail: as its plan says, and where several nodes tell the team as the strictest does."""
    progress = Progress.of(run)
    said = (progress.retries(node) for node in progress.plan.nodes if node.type is NodeType.NOTIFY)
    return max(1, min(said, default=run.max_retries))


def _channels(tx: Tx, node: Node, source: AlertSource | None) -> list[NotificationChannel]:
    """Those that the pipeline names, by name or kind; else those of the source; else the first active one."""
    names, kinds = node.config.get("channels"), node.config.get("drivers")
    if names or kinds:
        wanted = {family_of(kind) for kind in kinds or ()}
        return [
            each
            for each in outbox.active_channels(tx)
            if each.name in (names or ()) or family_of(each.driver) in wanted
        ]
    names = source.config.get("channels") if source is not None else None
    if isinstance(names, list) and names:
        return outbox.active_channels(tx, [str(name) for name in names])
    return outbox.active_channels(tx)[:1]


def _message(
    run: PipelineRun, incident: Incident | None, node: Node, channel: NotificationChannel, facts: JsonObject,
    now: datetime,
) -> NewNotification:  # fmt: skip
    return NewNotification(
        kind=NotificationKind.TEAM,
        channel=channel.driver,
        channel_id=channel.id,
        due_at=now,
        facts=facts,
        incident_id=incident.id if incident is not None else None,
        idempotency_key=f"{run.run_id}:{node.id}:{channel.id}",
        run_id=run.run_id,
    )


def _facts(tx: Tx, run: PipelineRun, incident: Incident | None, source: AlertSource | None) -> JsonObject:
    """What the team is told: the incident as it stands, and the alert that speaks for it."""
    if incident is None:
        return findings.facts_of_host(run)
    found = alerts.alerts_of_incident(tx, incident.id, limit=1)
    is_first = not any(each.notify_output_ref for each in queries.runs_of(tx, incident.id))
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
        **(facts_of(found[0], labels=LABELS_SHOWN) if found else {}),
    }


def _result(
    run: PipelineRun, verdict: NotifyVerdict, messages: Sequence[Notification], names: Mapping[int, str], missing: str
) -> NotifyResult:
    out = [each for each in messages if each.status in GOT_OUT]
    return NotifyResult(
        reason=verdict.reason.value,
        deliveries=tuple(
            {"notification_id": each.id, "channel": names[each.id], "status": each.status.value} for each in messages
        ),
        provider_ids=tuple(each.provider_message_id for each in messages if each.provider_message_id),
        messages=tuple(each.id for each in messages),
        channels_attempted=len(messages),
        channels_succeeded=len(out),
        channels_failed=len(messages) - len(out),
        notify_output_ref=f"run:{run.run_id}",
        errors=(missing,) if missing else (),
    )


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
