"""Alarms in values; the names are those of seed 003. Nothing here needs more than the standard library."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from app.platform.types import JsonObject

PREFIX = "alarm_"
SEVERITIES = ("critical", "warning", "info")
# Of entities of which nothing is known.
NAMED_AT_MOST = 5


class FetchError(Exception):
    """What a module needs could not be had, so it cannot know: nothing clears and nobody is told anything new (B43).

    `is_permanent` says that asking again cannot help: a wrong address, a network that may not be called.
    `elapsed_ms` is how long was waited for it.
    """

    def __init__(self, reason: str, *, is_permanent: bool = False, elapsed_ms: float = 0.0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.is_permanent = is_permanent
        self.elapsed_ms = elapsed_ms


@dataclass(frozen=True, slots=True)
class Detection:
    """What `detect()` yields for one entity.

    `dedupe_key` names the entity, the same in every tick. `recipients`, where there are any, are told instead of the
    alarm's; `severity` is that of the incident where the alarm pages.
    """

    dedupe_key: str
    subject: str
    body_context: str = ""
    extra_data: JsonObject = field(default_factory=dict)
    recipients: tuple[str, ...] = ()
    severity: str = "warning"


class Outcome(StrEnum):
    """What an alarm said in one tick; `unknown` neither clears nor tells anything new."""

    FIRING = "firing"
    CLEAR = "clear"
    UNKNOWN = "unknown"


class EventState(StrEnum):
    """Whether an event still holds."""

    ACTIVE = "active"
    CLEARED = "cleared"


class ClearReason(StrEnum):
    """Why an event is over: the module found its entity well, or nobody asks any more."""

    NOT_DETECTED = "not_detected"
    ARCHIVED = "archived"


class Trigger(StrEnum):
    """Why the engine ran: its time had come, or somebody asked."""

    TICK = "tick"
    MANUAL = "manual"


class RunStatus(StrEnum):
    """How far a run of the engine is; `interrupted`: its process ended before it did."""

    RUNNING = "running"
    DONE = "done"
    INTERRUPTED = "interrupted"


class Saved(StrEnum):
    """How a version came about."""

    CREATED = "created"
    SAVED = "saved"
    AUTOSAVED = "autosaved"
    RESTORED = "restored"


@dataclass(frozen=True, slots=True)
class ParamSpec:
    """One key that a module reads from its parameters; `type` as in `float`, `list`.

    `is_place`: it says where to look, which only admins may choose.
    """

    name: str
    type: str
    required: bool = False
    default: Any = None
    description: str = ""
    choices: tuple[Any, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    is_place: bool = False


@dataclass(frozen=True, slots=True)
class Description:
    """What a module says of itself."""

    label: str
    setup: str
    params: tuple[ParamSpec, ...]
    needs: tuple[str, ...] = ()
    replays: bool = True


@dataclass(frozen=True, slots=True)
class ModuleFile:
    """One module as it lies there: what is run is exactly what was hashed.

    A built-in one has its dotted name, one of ALARM_MODULES_DIR its source.
    """

    name: str
    sha256: str
    file: str
    dotted: str = ""
    source: str = ""

    @property
    def is_built_in(self) -> bool:
        """Whether it came with PagerPal."""
        return bool(self.dotted)


@dataclass(frozen=True, slots=True)
class Found:
    """What one run of a module gave.

    `is_cut`: there may be more than was detected, so that nothing can be said of those that are missing; `not_known`
    are the entities of which alone nothing can be said.
    `is_set_up` False: it waits for a setting, which is no error while nobody wants mail of it. `recording` is what it
    was given, for replays.
    """

    outcome: Outcome
    detections: tuple[Detection, ...] = ()
    is_cut: bool = False
    not_known: frozenset[str] = frozenset()
    warnings: tuple[str, ...] = ()
    error: str = ""
    trace: str = ""
    is_set_up: bool = True
    duration_ms: float = 0.0
    sha256: str = ""
    recording: JsonObject | None = None

    def not_known_said(self) -> str:
        """Of which entities nothing could be said, in words; empty where there are none."""
        named = sorted(self.not_known)
        more = f" and {len(named) - NAMED_AT_MOST} more" if len(named) > NAMED_AT_MOST else ""
        return f"nothing is known of {', '.join(named[:NAMED_AT_MOST])}{more}" if named else ""


@dataclass(frozen=True, slots=True)
class Alarm:
    """One configured condition: a module with parameters, and who is told. `enabled` is about mail only.

    What the engine keeps of its ticks stands at the end: how many in a row could not know, and detected nothing.
    """

    id: int
    entry_id: str
    module: str
    title: str
    content: str
    enabled: bool
    recipients: list[str]
    renotification_window_hours: float
    params: JsonObject
    pages: bool
    escalation_policy_id: int | None
    archived: bool
    status: str
    version: int
    created_at: datetime
    updated_at: datetime
    last_ran_at: datetime | None
    last_outcome: Outcome | None
    last_error: str
    unknown_ticks: int
    unknown_told_at: datetime | None
    quiet_ticks: int

    @property
    def name(self) -> str:
        """The entry id without its prefix."""
        return self.entry_id.removeprefix(PREFIX)


# What people set, and what a version keeps.
SETTINGS = (
    "module", "title", "content", "enabled", "recipients", "renotification_window_hours", "params", "pages",
    "escalation_policy_id", "archived",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class AlarmVersion:
    """An alarm as it was saved once."""

    alarm_id: int
    version: int
    how: Saved
    saved_by: int | None
    saved_at: datetime
    module: str
    title: str
    content: str
    enabled: bool
    recipients: list[str]
    renotification_window_hours: float
    params: JsonObject
    pages: bool
    escalation_policy_id: int | None
    archived: bool

    def settings(self) -> dict[str, Any]:
        """What people had set."""
        return {name: getattr(self, name) for name in SETTINGS}


@dataclass(frozen=True, slots=True)
class AlarmEvent:
    """One firing of one entity; `clear_time` None is active. Times are UTC.

    `mail_ids` are the notifications of the last mail that it was put in, `mail_tries` how many were lost in a row.
    """

    id: str
    alarm_id: int
    entry_id: str
    dedupe_key: str
    subject: str
    content: str
    severity: str
    fire_time: datetime
    clear_time: datetime | None
    clear_reason: ClearReason | None
    last_seen: datetime
    last_notified: datetime | None
    recipients: list[str]
    extra_data: JsonObject
    acked_by: int | None
    acked_at: datetime | None
    incident_id: int | None
    mail_ids: list[int]
    mailed_at: datetime | None
    mail_tries: int

    @property
    def state(self) -> EventState:
        """Whether it still holds."""
        return EventState.ACTIVE if self.clear_time is None else EventState.CLEARED


@dataclass(frozen=True, slots=True)
class EngineRun:
    """One pass over the alarms; `per_alarm` by entry id. `boundary` is None where somebody asked for it."""

    id: int
    boundary: datetime | None
    trigger: Trigger
    status: RunStatus
    owner: str
    started_at: datetime
    finished_at: datetime | None
    errors: int
    counters: JsonObject
    per_alarm: JsonObject
    error: str


@dataclass(frozen=True, slots=True)
class EventFilter:
    """What a list of events is narrowed to; None means all."""

    alarm_id: int | None = None
    state: EventState | None = None
    since: datetime | None = None
    dedupe_key: str | None = None


@dataclass(frozen=True, slots=True)
class AlarmSummary:
    """One alarm on the dashboard; `events_since` counts those that fired in the time that was asked for."""

    alarm: Alarm
    events_since: int
    active: int
    last_fired_at: datetime | None
    is_quiet: bool


class EngineState(StrEnum):
    """How the engine is doing, as the banner says it."""

    OK = "ok"
    WARN = "warn"
    BAD = "bad"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class EngineHealth:
    """The engine's state, why, and how long until its next tick."""

    state: EngineState
    reason: str
    last_run: EngineRun | None
    next_tick_at: datetime
    seconds_to_next: int


@dataclass(frozen=True, slots=True)
class NewAlarm:
    """An alarm to be made."""

    entry_id: str
    settings: Mapping[str, Any]
