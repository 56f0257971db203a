"""Alarms in JSON: what the API answers about them and what it takes."""

from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import Field, StrictBool

from app.alarms.types import (
    Alarm,
    AlarmEvent,
    AlarmSummary,
    AlarmVersion,
    ClearReason,
    Detection,
    EngineRun,
    EventState,
    Found,
    Outcome,
    ParamSpec,
    RunStatus,
    Saved,
    Trigger,
)
from app.platform.redact import redact
from app.usecases.run_alarms import ModuleShown, Preview
from app.web.api.accounts_schemas import In, Out, ShortText
from app.web.deps import MAX_ID

Window = Annotated[float, Field(ge=0, le=8760, allow_inf_nan=False)]
Recipients = Annotated[list[ShortText], Field(max_length=50)] | Annotated[str, Field(max_length=25_000)]
Content = Annotated[str, Field(max_length=50_000)]
PolicyId = Annotated[int, Field(ge=1, le=MAX_ID)]
Version = Annotated[int, Field(ge=1, le=MAX_ID)]


class SettingsOut(Out):
    """What people set of an alarm."""

    module: str
    title: str
    content: str
    enabled: bool
    recipients: list[str]
    renotification_window_hours: float
    params: dict[str, Any]
    pages: bool
    escalation_policy_id: int | None
    archived: bool

    def for_reader(self, *, is_editor: bool) -> Self:
        """The same; without the secrets that addresses hold for those who may not change it."""
        return self if is_editor else self.model_copy(update={"params": redact(self.params)})


class AlarmOut(SettingsOut):
    """An alarm with how it is doing; `enabled` is about mail only."""

    id: int
    entry_id: str
    name: str
    status: str
    version: int
    created_at: datetime
    updated_at: datetime
    last_ran_at: datetime | None
    last_outcome: Outcome | None
    last_error: str
    unknown_ticks: int
    active_events: int
    events_24h: int
    last_fired_at: datetime | None
    is_quiet: bool

    @classmethod
    def of(cls, summary: AlarmSummary) -> "AlarmOut":
        """The alarm as the API shows it."""
        own = {name: getattr(summary.alarm, name) for name in (*Alarm.__slots__, "name") if name in cls.model_fields}
        return cls(
            **own,
            active_events=summary.active,
            events_24h=summary.events_since,
            last_fired_at=summary.last_fired_at,
            is_quiet=summary.is_quiet,
        )


class VersionOut(SettingsOut):
    """An alarm as it was saved once."""

    version: int
    how: Saved
    saved_by: int | None
    saved_at: datetime

    @classmethod
    def of(cls, version: AlarmVersion) -> "VersionOut":
        """The version as the API shows it."""
        return cls.model_validate(version)


class AlarmNew(In):
    """An alarm to be added; `entry_id` with or without `alarm_`."""

    entry_id: ShortText
    module: ShortText
    title: ShortText = ""
    content: Content = ""
    enabled: StrictBool = False
    recipients: Recipients = Field(default_factory=list)
    renotification_window_hours: Window = 24.0
    params: dict[str, Any] = Field(default_factory=dict)
    pages: StrictBool = False
    escalation_policy_id: PolicyId | None = None


class AlarmChange(In):
    """Fields to change; what is left out stays. With an old `version` nothing changes, and the answer is 409."""

    version: Version | None = None
    module: ShortText = ""
    title: ShortText = ""
    content: Content = ""
    enabled: StrictBool = False
    recipients: Recipients = Field(default_factory=list)
    renotification_window_hours: Window = 24.0
    params: dict[str, Any] = Field(default_factory=dict)
    pages: StrictBool = False
    escalation_policy_id: PolicyId | None = None
    archived: StrictBool = False

    def changes(self) -> dict[str, Any]:
        """The settings that were sent."""
        return self.model_dump(exclude_unset=True, exclude={"version", "csrf_token"})


class AlarmAutosave(AlarmChange):
    """What an editor saves while somebody types; a beacon can send no header, so the token is in here."""

    csrf_token: Annotated[str, Field(max_length=500)] = ""


class AlarmTest(In):
    """With which parameters to ask; the stored ones where none are given."""

    params: dict[str, Any] | None = None
    module: ShortText | None = None


class AlarmPreview(In):
    """With which parameters, words and module to compose the mail; the stored ones where none are given."""

    params: dict[str, Any] | None = None
    content: Content | None = None
    title: ShortText | None = None
    module: ShortText | None = None


class DetectionOut(Out):
    """One entity that a module found."""

    dedupe_key: str
    subject: str
    body_context: str
    extra_data: dict[str, Any]
    recipients: list[str]
    severity: str

    @classmethod
    def of(cls, detection: Detection) -> "DetectionOut":
        """The detection as the API shows it."""
        own = {name: getattr(detection, name) for name in Detection.__slots__}
        return cls(**{**own, "recipients": list(detection.recipients)})


class TrialOut(Out):
    """What a live run found; nothing was stored and nothing left."""

    outcome: Outcome
    detections: list[DetectionOut]
    warnings: list[str]
    error: str
    error_trace: str
    duration_ms: float
    module_hash: str

    @classmethod
    def of(cls, found: Found) -> "TrialOut":
        """The result as the API shows it."""
        return cls(
            outcome=found.outcome,
            detections=[DetectionOut.of(each) for each in found.detections],
            warnings=list(found.warnings),
            error=found.error,
            error_trace=found.trace,
            duration_ms=found.duration_ms,
            module_hash=found.sha256,
        )


class PreviewOut(Out):
    """The mail that would leave now; `synthetic`: nothing fires, so its detection is made up."""

    subject: str
    text: str
    html: str
    synthetic: bool
    outcome: Outcome
    error: str

    @classmethod
    def of(cls, preview: Preview) -> "PreviewOut":
        """The preview as the API shows it."""
        message, found = preview.message, preview.found
        return cls(
            subject=message.subject,
            text=message.text,
            html=message.html,
            synthetic=preview.is_synthetic,
            outcome=found.outcome,
            error=found.error,
        )


class ParamOut(Out):
    """One key of a module's PARAMS."""

    name: str
    type: str
    required: bool
    default: Any
    description: str
    choices: list[Any]
    minimum: float | None
    maximum: float | None

    @classmethod
    def of(cls, spec: ParamSpec) -> "ParamOut":
        """The key as the API shows it."""
        own = {name: getattr(spec, name) for name in cls.model_fields}
        return cls(**{**own, "choices": list(spec.choices)})


class ModuleOut(Out):
    """A module; `error` says why one that lies there cannot be run."""

    name: str
    label: str
    setup: str
    built_in: bool
    sha256: str
    params: list[ParamOut]
    needs: list[str]
    replays: bool
    error: str | None

    @classmethod
    def of(cls, module: ModuleShown) -> "ModuleOut":
        """The module as the API shows it."""
        about = module.about
        return cls(
            name=module.name,
            label=about.label if about else module.name,
            setup=about.setup if about else "",
            built_in=module.is_built_in,
            sha256=module.sha256,
            params=[ParamOut.of(spec) for spec in about.params] if about else [],
            needs=list(about.needs) if about else [],
            replays=about.replays if about else False,
            error=module.error or None,
        )


class EventOut(Out):
    """One firing of one entity; `alarm` is the entry id."""

    id: str
    alarm: str
    alarm_id: int
    dedupe_key: str
    subject: str
    content: str
    severity: str
    state: EventState
    fire_time: datetime
    clear_time: datetime | None
    clear_reason: ClearReason | None
    last_seen: datetime
    last_notified: datetime | None
    recipients: list[str]
    extra_data: dict[str, Any]
    acked_by: int | None
    acked_at: datetime | None
    incident_id: int | None

    @classmethod
    def of(cls, event: AlarmEvent) -> "EventOut":
        """The event as the API shows it."""
        own = {name: getattr(event, name) for name in (*AlarmEvent.__slots__, "state") if name in cls.model_fields}
        return cls(**own, alarm=event.entry_id)


class EngineRunOut(Out):
    """One pass over the alarms; `per_alarm` by entry id. A dry run has the id 0 and is not kept."""

    id: int
    boundary: datetime | None
    trigger: Trigger
    status: RunStatus
    started_at: datetime
    finished_at: datetime | None
    errors: int
    counters: dict[str, Any]
    per_alarm: dict[str, Any]
    error: str

    @classmethod
    def of(cls, run: EngineRun) -> "EngineRunOut":
        """The run as the API shows it."""
        return cls.model_validate(run)


class RunNow(In):
    """Whether to store and tell what is found; `name` asks one alarm alone."""

    dry_run: StrictBool = False
    name: ShortText | None = None
