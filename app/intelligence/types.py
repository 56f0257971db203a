"""Analysis in values: what is told about an incident, what is asked, what comes back, and what is kept of it.

A model's output is text for people. Nothing here has a field that changes an incident (F-114).
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum

from app.platform.errors import PagerPalError
from app.platform.types import JsonObject, JsonValue

ALL_LABELS = frozenset({"*"})


class RecommendationType(StrEnum):
    """What a recommendation is about (001)."""

    MEMORY = "memory"
    DISK = "disk"
    CPU = "cpu"
    PROCESS = "process"
    NETWORK = "network"
    GENERAL = "general"


class RecommendationPriority(StrEnum):
    """How much it matters (001)."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True)
class Recommendation:
    """One thing to do about an incident."""

    type: RecommendationType
    priority: RecommendationPriority
    title: str
    description: str
    details: JsonObject = field(default_factory=dict)
    actions: tuple[str, ...] = ()
    incident_id: int | None = None

    def to_dict(self) -> JsonObject:
        """The recommendation as JSON."""
        return {**asdict(self), "type": self.type.value, "priority": self.priority.value, "actions": list(self.actions)}


@dataclass(frozen=True, slots=True)
class AlertFacts:
    """What may be told about one alert; labels and annotations only where the operator opted in (F-115)."""

    name: str
    status: str
    severity: str
    description: str = ""
    started_at: datetime | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CheckFacts:
    """What one health check found."""

    checker: str
    status: str
    message: str = ""
    metrics: Mapping[str, JsonValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Subject:
    """The incident as it is told to a provider; what is not listed here is never told."""

    incident_id: int | None
    title: str
    severity: str
    status: str
    description: str = ""
    metadata: Mapping[str, JsonValue] = field(default_factory=dict)
    alerts: tuple[AlertFacts, ...] = ()
    checks: tuple[CheckFacts, ...] = ()


@dataclass(frozen=True, slots=True)
class SeverityChange:
    """One change of how bad one of the incident's alerts is; `at` in UTC."""

    at: datetime
    alert: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class PastIncident:
    """An incident like this one that is over, and what is known of how it ended.

    `resolution` is what people wrote (summary, last notes), empty when nobody did; `similarity` in [0, 1].
    """

    incident_id: int
    number: int
    title: str
    severity: str
    created_at: datetime
    resolved_at: datetime | None
    resolution: str
    similarity: float


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that the local provider looks at beside the machine itself; nothing of it leaves the house."""

    subject: Subject
    changes: tuple[SeverityChange, ...] = ()
    past: tuple[PastIncident, ...] = ()


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a provider is asked: our instructions, the incident as fenced data, and the shape of the answer."""

    system: str
    user: str
    schema: JsonObject
    summary: str


@dataclass(frozen=True, slots=True)
class Usage:
    """What an answer cost; None where the provider did not say."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    total_tokens: int | None = None


class Ending(StrEnum):
    """Why a model stopped."""

    COMPLETE = "complete"
    CUT = "cut"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Completion:
    """What a provider answered; `model` is the one that it says it used."""

    text: str
    model: str
    usage: Usage = Usage()
    ending: Ending = Ending.COMPLETE


class Fault(StrEnum):
    """Why there is no analysis; each is stored, and leads to the local fallback (B40)."""

    UNREACHABLE = "unreachable"
    TIMED_OUT = "timed_out"
    UNAUTHORIZED = "unauthorized"
    NO_SUCH_MODEL = "no_such_model"
    RATE_LIMITED = "rate_limited"
    OUT_OF_QUOTA = "out_of_quota"
    REJECTED = "rejected"
    SERVER_ERROR = "server_error"
    TOO_LARGE = "too_large"
    UNREADABLE = "unreadable"
    CUT = "cut"
    REFUSED = "refused"
    NO_SUCH_PROVIDER = "no_such_provider"
    MISCONFIGURED = "misconfigured"
    BUDGET_SPENT = "budget_spent"
    UNDER_WAY = "under_way"
    INTERRUPTED = "interrupted"


class AskFailed(Exception):
    """No analysis came of asking. `message` is for the operator and holds no secret.

    `permanent` says that asking again cannot help; `usage` is what it cost nevertheless.
    """

    def __init__(
        self,
        fault: Fault,
        message: str,
        *,
        permanent: bool = True,
        retry_after_seconds: float | None = None,
        usage: Usage = Usage(),
    ) -> None:
        super().__init__(message)
        self.fault = fault
        self.message = message
        self.permanent = permanent
        self.retry_after_seconds = retry_after_seconds
        self.usage = usage


class AnalysisFailed(PagerPalError):
    """There is no analysis, and the local provider may not stand in; `retryable` says that trying again can help."""

    default_status = 502
    default_code = "analysis_failed"

    def __init__(self, fault: Fault, reason: str, *, retryable: bool) -> None:
        super().__init__(f"There is no analysis: {reason} ({fault.value.replace('_', ' ')}).")
        self.fault = fault
        self.retryable = retryable


@dataclass(frozen=True, slots=True)
class Analysis:
    """What a provider thinks: text and numbers for people, and nothing that acts."""

    summary: str
    probable_cause: str
    confidence: float | None
    recommendations: tuple[Recommendation, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """An analysis, and what it took to get it."""

    analysis: Analysis
    model: str
    usage: Usage
    tries: int


class AnalysisStatus(StrEnum):
    """An analysis run's life (001)."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"


UNFINISHED = frozenset({AnalysisStatus.PENDING, AnalysisStatus.RUNNING})


class AnalysisAction(StrEnum):
    """What happens to an analysis run."""

    START = "start"
    SUCCEED = "succeed"
    FAIL = "fail"


class Consent(StrEnum):
    """Whether a provider may be asked about an incident now, and why not (F-116)."""

    ASK = "ask"
    ANALYZED_ALREADY = "analyzed_already"
    BUDGET_SPENT = "budget_spent"


@dataclass(frozen=True, slots=True)
class IntelligenceProvider:
    """A named provider configuration; secrets of `config` are ciphertext. At most one is active."""

    id: int
    name: str
    provider: str
    config: JsonObject
    is_active: bool
    description: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class NewAnalysis:
    """What is known before anybody is asked."""

    provider: str
    provider_config: JsonObject
    model_name: str
    input_summary: str
    trace_id: str = ""
    pipeline_run_id: str = ""
    incident_id: int | None = None
    checker_output_ref: str = ""
    fallback_used: bool = False
    error_message: str = ""


@dataclass(frozen=True, slots=True)
class AnalysisRun:
    """The audit of one analysis (001); `provider_config` is redacted.

    Where `fallback_used` is set, `error_message` says why the provider that was wanted did not answer.
    """

    id: int
    trace_id: str
    pipeline_run_id: str
    provider: str
    provider_config: JsonObject
    model_name: str
    status: AnalysisStatus
    error_message: str
    fallback_used: bool
    incident_id: int | None
    input_summary: str
    checker_output_ref: str
    recommendations: list[JsonValue]
    recommendations_count: int
    summary: str
    probable_cause: str
    confidence: float | None
    prompt_tokens: int | None
    completion_tokens: int | None
    total_tokens: int | None
    created_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    duration_ms: float


@dataclass(frozen=True, slots=True)
class AnalysisFilter:
    """What a list of analysis runs is narrowed to."""

    incident_id: int | None = None
    status: AnalysisStatus | None = None
    provider: str | None = None
