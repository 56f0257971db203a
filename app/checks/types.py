"""Checks in values; the names are those of seed 001."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from app.platform.types import JsonObject, JsonValue


class CheckStatus(StrEnum):
    """What a check says of the host."""

    OK = "ok"
    WARNING = "warning"
    CRITICAL = "critical"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Thresholds:
    """From which value on a check warns and is critical; `inverted`: below which."""

    warning: float
    critical: float
    is_inverted: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """What a checker measured: the value to be judged, a sentence, and the metrics.

    `error` names what could not be measured beside it. With `value` None there is nothing to judge: all is well.
    """

    value: float | None
    message: str
    metrics: JsonObject
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """One of several things that a checker looked at: a mount point, a host, a program.

    `value` is judged like the whole's where it has one; else `is_there` says whether it is as it should be. With
    neither it could not be looked at.
    """

    name: str
    message: str
    value: float | None = None
    is_there: bool | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """What a run says of one target: a part of what was looked at, or the checker's own name where there is one."""

    target: str
    status: CheckStatus
    message: str
    value: float | None


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What one execution of a checker found; `value` is what was judged."""

    status: CheckStatus
    message: str
    metrics: JsonObject
    checker_name: str
    error: str | None = None
    value: float | None = None

    def is_ok(self) -> bool:
        """Whether all is well."""
        return self.status is CheckStatus.OK

    def is_critical(self) -> bool:
        """Whether it is critical."""
        return self.status is CheckStatus.CRITICAL


@dataclass(frozen=True, slots=True)
class CheckConfig:
    """How a checker is set up: what was changed over its own defaults, which fill the rest.

    `cadence_seconds` None or 0: only when somebody asks.
    """

    checker: str
    params: JsonObject
    warning_threshold: float
    critical_threshold: float
    timeout: float
    enabled: bool
    cadence_seconds: int | None


@dataclass(frozen=True, slots=True)
class CheckOrder:
    """One check to be made; what is None is as configured."""

    checker: str
    params: Mapping[str, JsonValue] = field(default_factory=dict)
    warning_threshold: float | None = None
    critical_threshold: float | None = None


@dataclass(frozen=True, slots=True)
class NewCheckRun:
    """A result with how it came about, to be written down."""

    result: CheckResult
    thresholds: Thresholds
    duration_ms: float
    executed_at: datetime


@dataclass(frozen=True, slots=True)
class CheckRun:
    """One execution of a checker, as it is kept; `incident_id` is set where it was made for an incident."""

    id: int
    checker_name: str
    hostname: str
    status: CheckStatus
    message: str
    metrics: JsonObject
    error: str
    warning_threshold: float | None
    critical_threshold: float | None
    alert_id: int | None
    incident_id: int | None
    duration_ms: float
    executed_at: datetime
    trace_id: str
    value: float | None = None

    @property
    def is_ok(self) -> bool:
        """Whether all was well."""
        return self.status is CheckStatus.OK

    @property
    def is_critical(self) -> bool:
        """Whether it was critical."""
        return self.status is CheckStatus.CRITICAL

    @property
    def has_issue(self) -> bool:
        """Whether something is wrong with the host."""
        return self.status in (CheckStatus.WARNING, CheckStatus.CRITICAL)

    @property
    def created_alert(self) -> bool:
        """Whether an alert came of it."""
        return self.alert_id is not None


@dataclass(frozen=True, slots=True)
class Watch:
    """A checker on one host, as its cadence and the command line go on.

    `last_at` is when it was last begun by cadence; `recent` are the statuses of its last runs, the newest last;
    `known_at` is when it last could be measured whole.
    """

    hostname: str
    checker: str
    last_at: datetime | None
    recent: list[str]
    known_at: datetime | None


@dataclass(frozen=True, slots=True)
class Bucket:
    """What the runs of a checker on one host found within a few minutes, from `began_at` on."""

    checker_name: str
    began_at: datetime
    lowest: float | None
    highest: float | None
    status: CheckStatus


class Signal(StrEnum):
    """What a ping says; `log` says nothing of how it is."""

    SUCCESS = "success"
    START = "start"
    FAIL = "fail"
    LOG = "log"


class HeartbeatState(StrEnum):
    """How a heartbeat is: `late` is within its grace, `overdue` was started and has not ended in time."""

    NEW = "new"
    UP = "up"
    STARTED = "started"
    LATE = "late"
    DOWN = "down"
    OVERDUE = "overdue"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """Something outside that must ping every `period_seconds`, and may be `grace_seconds` late. `uuid` is a secret."""

    id: int
    uuid: str
    name: str
    period_seconds: int
    grace_seconds: int
    last_signal: Signal | None
    last_ping_at: datetime | None
    last_ok_at: datetime | None
    last_start_at: datetime | None
    last_exit_code: int | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class NewPing:
    """A ping as it came in."""

    signal: Signal
    exit_code: int | None
    method: str
    address: str
    body: str


@dataclass(frozen=True, slots=True)
class HeartbeatPing:
    """A ping that is kept."""

    id: int
    signal: Signal
    exit_code: int | None
    method: str
    address: str
    body: str
    received_at: datetime
