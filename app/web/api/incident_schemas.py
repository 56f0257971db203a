"""Incidents and alerts in JSON: what the API answers about them and what it takes."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from app.accounts.types import User
from app.alerts.types import Alert, AlertHistoryEntry, AlertStatus, Severity
from app.escalation.types import Escalation, EscalationStatus
from app.incidents.types import Incident, IncidentStatus, Responder, TimelineEntry, TimelineKind
from app.notify.types import ActionUse, Notification, NotificationKind, NotificationStatus
from app.pipeline.types import PipelineRun, RunStatus, Stage
from app.web.api.accounts_schemas import In, Out, ShortText
from app.web.api.analysis_schemas import AnalysisOut
from app.web.api.catalogue_schemas import AnId
from app.web.api.check_schemas import CheckRunOut
from app.web.api.times import Instant

LongText = Annotated[str, Field(max_length=10_000)]


class AlertOut(Out):
    """One signal from one source about one fingerprint."""

    id: int
    source_id: int
    driver: str
    fingerprint: str
    name: str
    status: AlertStatus
    severity: Severity
    description: str
    labels: dict[str, str]
    annotations: dict[str, str]
    started_at: datetime
    ended_at: datetime | None
    received_at: datetime
    updated_at: datetime
    last_seen_at: datetime
    incident_id: int | None
    occurrences: int
    acknowledged_upstream: bool
    trace_id: str

    @classmethod
    def of(cls, alert: Alert) -> "AlertOut":
        """The alert as the API shows it."""
        return cls.model_validate(alert)


class AlertChangeOut(Out):
    """One change of an alert."""

    id: int
    event: str
    old_status: AlertStatus | None
    new_status: AlertStatus
    details: dict[str, Any]
    created_at: datetime

    @classmethod
    def of(cls, entry: AlertHistoryEntry) -> "AlertChangeOut":
        """The change as the API shows it."""
        return cls.model_validate(entry)


class IncidentOut(Out):
    """A problem that people own."""

    id: int
    number: int
    title: str
    description: str
    summary: str
    metadata: dict[str, Any]
    status: IncidentStatus
    severity: Severity
    source_id: int | None
    group_key: str
    assigned_to: int | None
    snoozed_until: datetime | None
    created_at: datetime
    updated_at: datetime
    acknowledged_at: datetime | None
    resolved_at: datetime | None
    closed_at: datetime | None
    alert_count: int
    firing_alert_count: int

    @classmethod
    def of(cls, incident: Incident) -> "IncidentOut":
        """The incident as the API shows it."""
        return cls.model_validate(incident)


class NameOut(Out):
    """Somebody by name; `id` is null for PagerPal itself."""

    id: int | None
    name: str


class TimelineOut(Out):
    """One line of an incident's story: who acted, and which account was signed in (B4)."""

    seq: int
    kind: TimelineKind
    text: str
    actor: NameOut
    authenticated_as: NameOut | None
    source: str
    data: dict[str, Any]
    at: datetime

    @classmethod
    def of(cls, entry: TimelineEntry, names: dict[int, User]) -> "TimelineOut":
        """The line as the API shows it."""
        account = names.get(entry.authenticated_as_id or 0)
        return cls(
            seq=entry.seq,
            kind=entry.kind,
            text=entry.text,
            actor=NameOut(id=entry.actor_id, name=entry.actor_name),
            authenticated_as=NameOut(id=account.id, name=account.name) if account else None,
            source=entry.source,
            data=entry.data,
            at=entry.at,
        )


class ResponderOut(Out):
    """Who answered, and by which way."""

    user_id: int
    user_name: str
    role: str
    ack_source: str
    joined_at: datetime

    @classmethod
    def of(cls, responder: Responder, names: dict[int, User]) -> "ResponderOut":
        """The responder as the API shows them."""
        return cls(
            user_id=responder.user_id,
            user_name=names[responder.user_id].name,
            role=responder.role,
            ack_source=responder.ack_source,
            joined_at=responder.joined_at,
        )


class FeedbackOut(Out):
    """Somebody's word on whether a page was worth it."""

    user_id: int | None
    user_name: str | None
    verdict: str
    notification_id: int
    at: datetime

    @classmethod
    def of(cls, use: ActionUse, names: dict[int, User]) -> "FeedbackOut":
        """The feedback as the API shows it."""
        user = names.get(use.used_by or 0)
        return cls(
            user_id=use.used_by,
            user_name=user.name if user else None,
            verdict=use.action,
            notification_id=use.notification_id,
            at=use.used_at,
        )


class IncidentMessageOut(Out):
    """A notification about the incident, in short; all of it is at `/notifications/{id}`."""

    id: int
    kind: NotificationKind
    channel: str
    status: NotificationStatus
    user_id: int | None
    user_name: str | None
    episode: int | None
    level: int | None
    attempts: int
    last_error: str
    provider_message_id: str | None
    due_at: datetime
    sent_at: datetime | None
    delivered_at: datetime | None

    @classmethod
    def of(cls, notification: Notification, names: dict[int, User]) -> "IncidentMessageOut":
        """The notification as the API shows it."""
        own = {name: getattr(notification, name) for name in cls.model_fields if name != "user_name"}
        user = names.get(notification.user_id or 0)
        return cls(**own, user_name=user.name if user else None)


class PlanOut(Out):
    """What an escalation climbs; `id` is null where no policy stands behind it."""

    id: int | None
    name: str
    version: int | None


class EscalationOut(Out):
    """How far the escalation is; level 0 is the fallback."""

    policy: PlanOut
    level: int
    due_at: datetime | None
    levels: int
    episode: int
    status: EscalationStatus

    @classmethod
    def of(cls, escalation: Escalation) -> "EscalationOut":
        """The escalation as the API shows it."""
        plan = escalation.plan
        return cls(
            policy=PlanOut(id=plan.policy_id, name=plan.name, version=plan.policy_version),
            level=escalation.level,
            due_at=escalation.due_at,
            levels=len(plan.levels),
            episode=escalation.episode,
            status=escalation.status,
        )


class IncidentRunOut(Out):
    """A pipeline run of the incident, in short; all of it is at `/pipeline-runs/{run_id}`."""

    run_id: str
    trace_id: str
    pipeline: str
    status: RunStatus
    current_stage: Stage | None
    created_at: datetime
    completed_at: datetime | None

    @classmethod
    def of(cls, run: PipelineRun) -> "IncidentRunOut":
        """The run as the API shows it."""
        return cls.model_validate(run)


class IncidentDetail(IncidentOut):
    """An incident with everything that belongs to it."""

    alerts: list[AlertOut]
    timeline: list[TimelineOut]
    notifications: list[IncidentMessageOut]
    responders: list[ResponderOut]
    feedback: list[FeedbackOut]
    checks: list[CheckRunOut]
    analysis: AnalysisOut | None
    escalation: EscalationOut | None
    runs: list[IncidentRunOut]


class IncidentNew(In):
    """An incident to be opened by hand; it pages like an alert, the fallback where nothing is named."""

    title: Annotated[str, Field(min_length=1, max_length=300)]
    severity: Severity
    description: LongText = ""
    escalation_policy_id: AnId | None = None
    schedule_id: AnId | None = None
    acting_as_user_id: AnId | None = None


class Answer(In):
    """An answer to an incident: as whom, and what is said with it."""

    acting_as_user_id: AnId | None = None
    note: LongText | None = None


class Snooze(Answer):
    """Until when the incident is quiet."""

    until: Instant


class Note(Answer):
    """What to write into the timeline."""

    note: LongText


class Assignment(Answer):
    """Whose it is from now on."""

    user_id: AnId


class IncidentQuery(Out):
    """What a list of incidents is narrowed to; `open` stands for triggered and acknowledged."""

    status: Annotated[str, Field(pattern="^(open|triggered|acknowledged|resolved|closed)$")] | None = None
    severity: Severity | None = None
    source_id: AnId | None = None
    assigned_to: AnId | None = None
    q: ShortText = ""
    from_: Annotated[Instant | None, Field(alias="from")] = None
    to: Instant | None = None


class AlertQuery(Out):
    """What a list of alerts is narrowed to."""

    source_id: AnId | None = None
    status: AlertStatus | None = None
    severity: Severity | None = None
    incident_id: AnId | None = None
    q: ShortText = ""
