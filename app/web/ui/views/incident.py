"""The incident page as values: what fired, who was told, who answered, the plan, the story, the actions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from zoneinfo import ZoneInfo

from app.accounts import queries as people
from app.accounts.types import User
from app.alerts import queries as alerts
from app.alerts.types import Alert, AlertStatus
from app.checks import kinds, queries as checks
from app.checks.rules import WORST_FIRST
from app.checks.types import CheckStatus
from app.escalation import queries as escalation
from app.escalation.types import FALLBACK_LEVEL
from app.incidents import queries as incidents
from app.incidents.types import Incident, IncidentStatus, Responder, ResponderRole, TimelineEntry
from app.notify import queries as outbox
from app.notify.rendering import why_lines
from app.notify.types import Notification, NotificationChannel, NotificationStatus
from app.pipeline import queries as pipeline
from app.platform.db import Tx
from app.web.ui.forms import Form
from app.web.ui.templating import is_web_address
from app.web.ui.views.analysis import analysis_of
from app.web.ui.views.channel_kinds import called
from app.web.ui.views.choices import user_options
from app.web.ui.views.plan import assignee_names, coming, escalation_in_words
from app.web.ui.words import day, duration

ALERTS_SHOWN = 20
RUNS_SHOWN = 3
CHECKS_SHOWN = 24
RETRYABLE = (NotificationStatus.FAILED, NotificationStatus.EXHAUSTED)
LINKS = {"runbook_url": "Runbook", "dashboard_url": "Dashboard", "generator_url": "At the sender", "panel_url": "Panel"}
WAYS = {"ui": "the screen", "api": "the API", "link": "the link in a message", "sms": "SMS", "whatsapp": "WhatsApp",
        "voice": "phone", "slack": "Slack", "push": "a push message"}  # fmt: skip
SNOOZES = [("30", "30 minutes", ""), ("60", "1 hour", ""), ("240", "4 hours", ""), ("720", "12 hours", "")]


@dataclass(frozen=True, slots=True)
class ActionButton:
    """What can be done to the incident in its status; `verb` is the last part of the address."""

    verb: str
    text: str
    kind: str = ""
    icon: str | None = None


BUTTONS: Mapping[IncidentStatus, tuple[ActionButton, ...]] = {
    IncidentStatus.TRIGGERED: (
        ActionButton("acknowledge", "Acknowledge", "primary", "check"),
        ActionButton("resolve", "Resolve"),
    ),
    IncidentStatus.ACKNOWLEDGED: (ActionButton("resolve", "Resolve", "primary", "check"),),
    IncidentStatus.RESOLVED: (ActionButton("reopen", "Reopen", "", "retry"), ActionButton("close", "Close")),
    IncidentStatus.CLOSED: (ActionButton("reopen", "Reopen", "", "retry"),),
}


@dataclass(frozen=True, slots=True)
class AlertView:
    """An alert with those of its annotations that are addresses worth a button."""

    alert: Alert
    links: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Told:
    """One message: to whom, by what, why, and what became of it."""

    notification: Notification
    user: User | None
    name: str
    by: str
    why: str
    reasons: list[str]
    tries: str
    may_retry: bool

    @property
    def at(self) -> datetime:
        """When it left, or was written if it has not."""
        return self.notification.delivered_at or self.notification.sent_at or self.notification.created_at


@dataclass(frozen=True, slots=True)
class Measured:
    """One check that was made for the incident."""

    id: int
    checker_name: str
    label: str
    status: CheckStatus
    message: str
    hostname: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Answered:
    """Who answered, what and by what, when."""

    user: User | None
    how: str
    at: datetime


@dataclass(frozen=True, slots=True)
class StoryLine:
    """A line of the timeline; `signed_in` names the account where it acted as somebody else."""

    entry: TimelineEntry
    signed_in: str


@dataclass(frozen=True, slots=True)
class StoryDay:
    """The lines of one day, newest first."""

    label: str
    lines: list[StoryLine]


@dataclass(frozen=True, slots=True)
class Reader:
    """For whom the page is made: whose zone, who acts by default, what they may do."""

    viewer: User
    zone: ZoneInfo
    now: datetime
    may_act: bool
    may_retry: bool
    may_analyze: bool = False


def incident_page(tx: Tx, incident_id: int, reader: Reader, forms: Mapping[str, Form]) -> dict[str, object]:
    """Everything on the page; `forms` holds those that came back with errors. Raises IncidentNotFound."""
    incident = incidents.get_incident(tx, incident_id)
    fired = alerts.alerts_of_incident(tx, incident_id)
    running = escalation.escalation_of(tx, incident_id)
    names = assignee_names(tx, running.plan.levels if running else (), reader.now, reader.zone)
    responders = people.active_responders(tx)
    source = alerts.sources_by_id(tx, [incident.source_id]).get(incident.source_id) if incident.source_id else None
    messages = told(tx, incident_id, may_retry=reader.may_retry)
    return {
        "incident": incident,
        "source": source,
        "description": _own_description(incident, fired),
        "assignee": people.find_user(tx, incident.assigned_to) if incident.assigned_to else None,
        "can_act": reader.may_act,
        "buttons": BUTTONS[incident.status],
        "escalation_next": coming(running, names) if incident.status.is_open else None,
        "plan": escalation_in_words(running, names, zone=reader.zone, now=reader.now) if running else None,
        "responders": responders,
        "acting_id": reader.viewer.id,
        "people_options": user_options(responders),
        "snooze_choices": SNOOZES,
        "alerts": [AlertView(alert, _links(alert)) for alert in fired[:ALERTS_SHOWN]],
        "alerts_said": _alerts_said(incident, fired),
        "more_alerts": max(0, incident.alert_count - ALERTS_SHOWN),
        "checks": measured(tx, incident_id),
        "told": messages,
        "told_said": _told_said(messages),
        "answered": answered(tx, incident_id),
        "runs": pipeline.runs_of(tx, incident_id, limit=RUNS_SHOWN),
        "analysis": analysis_of(tx, incident_id),
        "may_analyze": reader.may_analyze,
        "days": story(tx, incident_id, reader.zone, reader.now),
        "snooze_form": forms.get("snooze", Form.of("snooze", **{"for": "60", "until": ""})),
        "assign_form": forms.get("assign", Form.of("assign")),
        "note_form": forms.get("note", Form.of("note", note="")),
    }


def told(tx: Tx, incident_id: int, *, may_retry: bool) -> list[Told]:
    """Every message about the incident, newest first."""
    sent = outbox.notifications_of(tx, incident_id)
    names = people.users_by_id(tx, {each.user_id for each in sent if each.user_id})
    channels = outbox.channels_by_id(tx, {each.channel_id for each in sent if each.channel_id})
    return [_told(each, names, channels, may_retry) for each in reversed(sent)]


def measured(tx: Tx, incident_id: int) -> list[Measured]:
    """What the checks of the pipeline's stages found, what is bad first, then the newest."""
    found = checks.runs_of_incident(tx, incident_id, limit=CHECKS_SHOWN)
    runs = sorted(found, key=lambda run: WORST_FIRST.index(run.status))
    known = kinds.checkers()
    return [
        Measured(each.id, each.checker_name, known[each.checker_name].label if each.checker_name in known else
                 each.checker_name, each.status, each.message, each.hostname, each.executed_at)
        for each in runs
    ]  # fmt: skip


def answered(tx: Tx, incident_id: int) -> list[Answered]:
    """Who answered, in order; then who said that the page was not useful."""
    found, feedback = incidents.responders_of(tx, incident_id), outbox.feedback_of(tx, incident_id)
    names = people.users_by_id(
        tx, {*(each.user_id for each in found), *(each.used_by for each in feedback if each.used_by)}
    )
    responders = [Answered(names.get(each.user_id), _how(each), each.joined_at) for each in found]
    useless = [Answered(names.get(each.used_by or 0), "found the page not useful", each.used_at) for each in feedback]
    return responders + useless


def _how(responder: Responder) -> str:
    way = f"by {WAYS.get(responder.ack_source, responder.ack_source)}"
    return f"declined {way}" if responder.role == ResponderRole.DECLINED else way


def story(tx: Tx, incident_id: int, zone: ZoneInfo, now: datetime) -> list[StoryDay]:
    """The timeline by day, newest first."""
    entries = incidents.timeline_of(tx, incident_id)
    names = people.users_by_id(tx, {each.authenticated_as_id for each in entries if each.authenticated_as_id})
    lines = [StoryLine(each, _signed_in(each, names)) for each in reversed(entries)]
    return [
        StoryDay(label, list(group)) for label, group in groupby(lines, key=lambda line: day(line.entry.at, zone, now))
    ]


def _signed_in(entry: TimelineEntry, names: Mapping[int, User]) -> str:
    account = entry.authenticated_as_id
    if account is None or account == entry.actor_id:
        return ""
    return names[account].name if account in names else f"account {account}"


def _told(
    each: Notification, names: Mapping[int, User], channels: Mapping[int, NotificationChannel], may_retry: bool
) -> Told:
    channel = channels.get(each.channel_id or 0)
    return Told(
        notification=each,
        user=names.get(each.user_id or 0),
        name=channel.name if channel else each.address or each.channel,
        by=called(each.channel),
        why=_why(each),
        reasons=why_lines(each.facts),
        tries=f"{each.attempts} {'try' if each.attempts == 1 else 'tries'}",
        may_retry=may_retry and each.status in RETRYABLE,
    )


def _why(each: Notification) -> str:
    if each.level is None:
        return "team channel" if each.channel_id else each.kind.value
    level = "fallback" if each.level == FALLBACK_LEVEL else f"level {each.level}"
    waited = f", after {duration(each.rule_delay_minutes * 60)}" if each.rule_delay_minutes else ""
    return f"{level}{waited}"


def _own_description(incident: Incident, fired: Sequence[Alert]) -> str:
    # An incident that an alert opened begins with that alert's words, which stand right below.
    return "" if any(alert.description == incident.description for alert in fired) else incident.description


def _links(alert: Alert) -> list[tuple[str, str]]:
    return [
        (words, alert.annotations[key]) for key, words in LINKS.items() if is_web_address(alert.annotations.get(key))
    ]


def _alerts_said(incident: Incident, fired: Sequence[Alert]) -> str:
    if not fired:
        return ""
    firing = sum(1 for alert in fired if alert.status is AlertStatus.FIRING)
    count = max(incident.alert_count, len(fired))
    return f"{count} {'alert' if count == 1 else 'alerts'}, {max(firing, incident.firing_alert_count)} firing"


def _told_said(messages: Sequence[Told]) -> str:
    reached = {each.user.id for each in messages if each.user}
    if not messages:
        return ""
    who = f"{len(reached)} {'person' if len(reached) == 1 else 'people'}"
    return f"{len(messages)} {'message' if len(messages) == 1 else 'messages'}, {who}"
