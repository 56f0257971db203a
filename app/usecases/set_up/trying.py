"""The test at the end: a real test alert, and what has become of it on its way to people and teams.

The alert pages whom its source pages; that is what is to be found out. What is read here is what really happened.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from app.accounts import queries as people
from app.accounts.types import User
from app.alerts import queries as alerts
from app.checks.types import CheckStatus
from app.incidents import queries as incidents
from app.incidents.types import TimelineKind
from app.intelligence.kinds import all_kinds as provider_kinds
from app.notify import circuits, queries as outbox
from app.notify.kinds import channel_kinds, kind_named
from app.notify.types import Notification, NotificationKind, NotificationStatus
from app.pipeline import definition_queries as definitions, queries as pipeline
from app.pipeline.types import Node, NodeType, PipelineRun, Plan, StageExecution, StageStatus
from app.platform.db import Tx
from app.platform.errors import PagerPalError
from app.platform.runtime import Runtime
from app.platform.settings import Settings
from app.platform.types import JsonObject
from app.usecases import intake
from app.usecases.set_up.types import Line, Progress, State

# Whoever asks again within this time, or reloads, is shown the test that is under way.
ONE_TEST_SECONDS = 30
SLOW_SECONDS = 45
SOON = timedelta(seconds=5)
CLIPPED = 200
TITLES = {
    NodeType.CONTEXT: "Checks of this server",
    NodeType.INTELLIGENCE: "Analysis",
    NodeType.TRANSFORM: "Transform",
    NodeType.NOTIFY: "Message to the team",
}
STAGE_STATES = {
    StageStatus.SUCCEEDED: State.GOOD,
    StageStatus.SKIPPED: State.NONE,
    StageStatus.FAILED: State.BAD,
}
SENDING_STATES = {
    NotificationStatus.SENT: (State.GOOD, "it was sent"),
    NotificationStatus.DELIVERED: (State.GOOD, "it arrived"),
    NotificationStatus.CANCELLED: (State.NONE, "somebody answered before it left"),
    NotificationStatus.HELD: (State.NONE, "it is held for the quiet hours"),
    NotificationStatus.BUNDLED: (State.GOOD, "it is said together with others"),
    NotificationStatus.SUPPRESSED: (State.BAD, "safe mode: it was written down and not sent"),
}  # fmt: skip
PEOPLE_TO_BLAME = (TimelineKind.UNREACHED, TimelineKind.FALLBACK, TimelineKind.SKIPPED, TimelineKind.WARNING)


def try_out(rt: Runtime, *, source_id: int, actor: User, now: datetime) -> int:
    """Send a test alert through the source and give the number of its incident; one that was just sent counts.

    Test alerts of before are recovered first, so that nobody goes on being paged for them. Raises SourceNotFound,
    SourceInactive.
    """
    firing = rt.db.read(lambda tx: intake.firing_tests(tx, alerts.get_source(tx, source_id)))
    latest = max(firing, key=lambda alert: alert.started_at, default=None)
    if latest is not None and now - latest.started_at < timedelta(seconds=ONE_TEST_SECONDS) and latest.incident_id:
        return latest.incident_id
    if firing:
        intake.recover_test_alerts(rt, source_id=source_id, actor=actor, now=now)
    result = intake.send_test_alert(rt, source_id=source_id, actor=actor, now=now)
    return result.incident_ids[0]


def progress(tx: Tx, settings: Settings, incident_id: int, *, now: datetime) -> Progress:
    """What has become of a test so far, line by line. Raises IncidentNotFound."""
    incident = incidents.get_incident(tx, incident_id)
    is_slow = now - incident.created_at > timedelta(seconds=SLOW_SECONDS)
    messages = outbox.notifications_of(tx, incident_id)
    lines = [
        Line("received", "Alert received", State.GOOD, "It is kept, whatever happens now."),
        Line(
            "incident", f"Incident #{incident.number} opened", State.GOOD, incident.title,
            href=f"/incidents/{incident.id}",
        ),
        *_pages(tx, settings, incident_id, messages, now=now),
        *_stages(tx, settings, incident_id, now=now),
    ]  # fmt: skip
    return Progress(tuple(_patient(line, is_slow) for line in lines))


def _patient(line: Line, is_slow: bool) -> Line:
    if line.state is not State.WAITING or not is_slow or line.advice:
        return line
    words = "This takes longer than it should. Look at the workers under Settings: one process has to lead."
    return Line(line.key, line.title, line.state, line.said, words, "/settings")


def _pages(
    tx: Tx, settings: Settings, incident_id: int, messages: Sequence[Notification], *, now: datetime
) -> list[Line]:
    pages = [each for each in messages if each.kind is NotificationKind.PAGE]
    users = people.users_by_id(tx, {each.user_id for each in pages if each.user_id is not None})
    if not pages:
        found = [each.text for each in incidents.timeline_of(tx, incident_id) if each.kind in PEOPLE_TO_BLAME]
        advice = "Give somebody a verified contact method, or page somebody else, and send the test again."
        return [Line("page", "Page", State.BAD, " ".join(["Nobody could be paged.", *found]), advice, "/people")]
    lines = [
        _message(tx, settings, each, f"Page to {_name(users, each)}, by {_kind(settings, each.channel)}", now=now)
        for each in pages
    ]
    return [replace(line, is_page=True) for line in lines]


def _stages(tx: Tx, settings: Settings, incident_id: int, *, now: datetime) -> list[Line]:
    run = next(iter(pipeline.runs_of(tx, incident_id)), None)
    if run is None:
        return [Line("pipeline", "Pipeline", State.WAITING, "It begins in a moment.")]
    try:
        plan = Plan.from_json(run.plan) if run.plan else definitions.get_plan(tx, run.pipeline)
    except PagerPalError as fault:
        return [Line("pipeline", "Pipeline", State.BAD, fault.message, "Choose another.", "/setup")]
    newest = {each.node_id: each for each in pipeline.stages_of(tx, run)}
    told = outbox.messages_of_runs(tx, [run.run_id]).get(run.run_id, [])
    lines: list[Line] = []
    for node in plan.nodes:
        if node.type is NodeType.NOTIFY and told:
            lines += _told(tx, settings, told, now=now)
        elif node.type is not NodeType.INGEST:
            lines.append(_stage(run, node, newest.get(node.id)))
    return lines


def _told(tx: Tx, settings: Settings, messages: Sequence[Notification], *, now: datetime) -> list[Line]:
    ids = [each.channel_id for each in messages if each.channel_id is not None]
    channels = outbox.channels_by_id(tx, ids)
    names = {number: channel.name for number, channel in channels.items()}
    return [
        _message(
            tx, settings, each, f"Message to the team, by {names.get(each.channel_id or 0, each.channel)}", now=now
        )
        for each in messages
    ]


def _stage(run: PipelineRun, node: Node, execution: StageExecution | None) -> Line:
    key, title = f"node-{node.id}", TITLES[node.type]
    if execution is None:
        over = run.completed_at is not None
        return Line(key, title, State.NONE if over else State.WAITING, "It did not come to this." if over else "")
    state = STAGE_STATES.get(execution.status, State.WAITING)
    reason = str(execution.output_snapshot.get("reason", ""))
    if execution.status is StageStatus.FAILED and run.completed_at is None:
        state = State.WAITING
    said = execution.error_message or (f"Not this time: {reason}." if state is State.NONE and reason else "")
    said = said or _found(node, execution.output_snapshot)
    advice = "Mend what the error names, and send the test again." if state is State.BAD else ""
    return Line(key, title, state, said, advice)


def _found(node: Node, output: JsonObject) -> str:
    """What a stage says it found, in one line."""
    if node.type is NodeType.CONTEXT and "checks_run" in output:
        bad = [str(each["message"]) for each in output.get("checks", []) if each["status"] != CheckStatus.OK]
        return " ".join([f"{output['checks_passed']} of {output['checks_run']} found everything well.", *bad])
    if node.type is NodeType.INTELLIGENCE and output.get("summary"):
        kind = provider_kinds().get(str(output.get("provider", "")))
        return f"{str(output['summary'])[:CLIPPED]} ({kind.label if kind else output.get('provider', '')})"
    return ""


def _message(tx: Tx, settings: Settings, message: Notification, title: str, *, now: datetime) -> Line:
    """One message as a line; an error is told at once, though the outbox goes on trying."""
    key, href = f"message-{message.id}", f"/notifications/{message.id}"
    if message.status in SENDING_STATES:
        state, said = SENDING_STATES[message.status]
        return Line(key, title, state, f"{said[0].upper()}{said[1:]}.", _advice(settings, message), href)
    if message.last_error and message.status is not NotificationStatus.IN_FLIGHT:
        return Line(key, title, State.BAD, message.last_error, _advice(settings, message), href)
    if circuits.is_open(tx, circuits.provider_of(message.channel, message.channel_id, message.address)):
        said = "It waits: messages by this way have failed again and again. One is tried at least every 5 minutes."
        return Line(key, title, State.BAD, said, _advice(settings, message), href)
    if message.waits_for_bundle:
        said = "Another page left a moment ago, so this one waits up to a minute for what is said together with it."
        return Line(key, title, State.WAITING, said, "It leaves by itself.", href)
    if message.due_at > now + SOON:
        return Line(key, title, State.NONE, "It leaves later, if nobody has answered by then.", "", href)
    return Line(key, title, State.WAITING, "It is on its way.", "", href)


def _advice(settings: Settings, message: Notification) -> str:
    if message.status is NotificationStatus.SUPPRESSED:
        return "Set NOTIFICATION_SENDING_ENABLED=true, start PagerPal again, and send the test again."
    if message.status in SENDING_STATES:
        return ""
    kind = channel_kinds().get(kind_named(message.channel, settings))
    missing = [name for name in kind.needs if not getattr(settings, name.lower())] if kind else []
    if missing and message.channel_id is None:
        return f"Set {' and '.join(missing)} in .env, start PagerPal again, and send the test again."
    if message.channel_id is not None:
        return "Look at the channel's settings, and send the test again."
    return "Mend what the error names; PagerPal goes on trying, or send the test again."


def _name(users: Mapping[int, User], message: Notification) -> str:
    user = users.get(message.user_id or 0)
    return user.name if user else message.address


def _kind(settings: Settings, channel: str) -> str:
    kind = channel_kinds().get(kind_named(channel, settings))
    return "email" if channel == "email" else kind.label if kind else channel
