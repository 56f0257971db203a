"""Alert sources and policies in JSON: what the API answers about them and what it takes."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from app.alerts.options import shown_config
from app.alerts.types import AlertSource, Delivery, DeliveryResult, Grouping, Severity, SourceKey
from app.escalation.types import Assignee, AssigneeType, Level, Policy
from app.web.api.accounts_schemas import In, Out, ShortText

AnId = Annotated[int, Field(ge=1, le=2**31 - 1)]
Minutes = Annotated[int, Field(ge=0, le=2**31 - 1)]
SHOWN_BODY = 20_000


class KeyOut(Out):
    """A key that still opens, as people may see it."""

    id: int
    prefix: str
    masked: str
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None


class SourceOut(Out):
    """An alert source; secrets in its configuration are `***`."""

    id: int
    name: str
    driver: str
    team_id: int | None
    escalation_policy_id: int | None
    schedule_id: int | None
    pipeline: str
    grouping: Grouping
    group_labels: list[str]
    auto_resolve: bool
    is_active: bool
    is_internal: bool
    config: dict[str, Any]
    masked_api_key: str | None
    keys: list[KeyOut]
    last_delivery_at: datetime | None
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, source: AlertSource, keys: list[SourceKey]) -> "SourceOut":
        """The source as the API shows it; `keys` newest first."""
        own = {name: getattr(source, name) for name in AlertSource.__slots__}
        return cls(
            **{**own, "config": shown_config(source.config)},
            masked_api_key=keys[0].masked if keys else None,
            keys=[KeyOut.model_validate(key) for key in keys],
        )


class SourceMade(SourceOut):
    """A source with its new key, this once."""

    api_key: str


class SourceNew(In):
    """An alert source to be added."""

    name: ShortText
    driver: ShortText = "auto"
    team_id: AnId | None = None
    escalation_policy_id: AnId | None = None
    schedule_id: AnId | None = None
    pipeline: ShortText = "full"
    grouping: Grouping = Grouping.FINGERPRINT
    group_labels: list[ShortText] = Field(default_factory=list, max_length=20)
    auto_resolve: bool = True
    is_active: bool = True
    config: dict[str, Any] = Field(default_factory=dict)


class SourceChange(In):
    """Fields of an alert source to change; what is left out stays, within `config` too."""

    name: ShortText = ""
    driver: ShortText = ""
    team_id: AnId | None = None
    escalation_policy_id: AnId | None = None
    schedule_id: AnId | None = None
    pipeline: ShortText = ""
    grouping: Grouping = Grouping.FINGERPRINT
    group_labels: list[ShortText] = Field(default_factory=list, max_length=20)
    auto_resolve: bool = True
    is_active: bool = True
    config: dict[str, Any] = Field(default_factory=dict)


class KeyRegeneration(In):
    """How long the old key goes on: 0 ends it at once."""

    keep_old_hours: Annotated[int, Field(ge=0, le=720)] = 24


class TestAlert(In):
    """Which test alert: one that fires, or the recovery of those that do."""

    severity: Severity = Severity.CRITICAL
    status: Annotated[str, Field(pattern="^(firing|resolved)$")] = "firing"


class DeliveryAccepted(Out):
    """What became of a delivery; the same fields as a webhook's answer."""

    status: str
    trace_id: str
    run_id: str | None
    alerts_created: int
    alerts_updated: int
    alerts_resolved: int
    incidents_created: int
    incidents_updated: int
    incident_ids: list[int]
    run_ids: list[str]

    @classmethod
    def of(cls, result: DeliveryResult) -> "DeliveryAccepted":
        """The result as the API shows it."""
        return cls(
            status="accepted",
            trace_id=result.trace_id,
            run_id=result.run_ids[0] if result.run_ids else None,
            alerts_created=result.alerts_created,
            alerts_updated=result.alerts_updated,
            alerts_resolved=result.alerts_resolved,
            incidents_created=result.incidents_created,
            incidents_updated=result.incidents_updated,
            incident_ids=list(result.incident_ids),
            run_ids=list(result.run_ids),
        )


class QuarantinedOut(Out):
    """A delivery that no driver could parse; the body as text, its unreadable bytes replaced."""

    id: int
    trace_id: str
    driver: str
    error: str
    headers: dict[str, Any]
    body: str | None
    received_at: datetime

    @classmethod
    def of(cls, delivery: Delivery) -> "QuarantinedOut":
        """The delivery as the API shows it; a long body is clipped."""
        text = None if delivery.body is None else delivery.body[:SHOWN_BODY].decode("utf-8", "replace")
        return cls(
            id=delivery.id,
            trace_id=delivery.trace_id,
            driver=delivery.driver,
            error=delivery.error,
            headers=delivery.headers,
            body=text,
            received_at=delivery.received_at,
        )


class Reparse(In):
    """By which driver to parse it; by the source's own or detection where none is named."""

    driver: ShortText | None = None


class AssigneeJson(In):
    """One target of a level."""

    type: AssigneeType
    id: AnId


class LevelJson(In):
    """A level: whom to page, and how many minutes they have."""

    level: Annotated[int, Field(ge=1, le=1000)]
    delay_minutes: Minutes
    assignees: Annotated[list[AssigneeJson], Field(max_length=100)]

    @classmethod
    def of(cls, level: Level) -> "LevelJson":
        """The level as the API shows it."""
        targets = [AssigneeJson(type=each.type, id=each.id) for each in level.assignees]
        return cls(level=level.level, delay_minutes=level.delay_minutes, assignees=targets)

    def value(self) -> Level:
        """The level in values."""
        assignees = tuple(Assignee(each.type, each.id) for each in self.assignees)
        return Level(self.level, self.delay_minutes, assignees)


class PolicyOut(Out):
    """An escalation policy in its newest version."""

    id: int
    name: str
    team_id: int | None
    version: int
    repeat: int
    ack_timeout_minutes: int | None
    levels: list[LevelJson]
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, policy: Policy) -> "PolicyOut":
        """The policy as the API shows it."""
        own = {name: getattr(policy, name) for name in cls.model_fields}
        return cls(**{**own, "levels": [LevelJson.of(level) for level in policy.levels]})


class PolicyNew(In):
    """An escalation policy to be added."""

    name: ShortText
    team_id: AnId | None = None
    repeat: Annotated[int, Field(ge=0, le=1000)] = 0
    ack_timeout_minutes: Annotated[int, Field(ge=1, le=2**31 - 1)] | None = None
    levels: Annotated[list[LevelJson], Field(max_length=100)]


class PolicyChange(In):
    """Fields of a policy to change; what is left out stays, `levels` are replaced whole."""

    name: ShortText = ""
    team_id: AnId | None = None
    repeat: Annotated[int, Field(ge=0, le=1000)] = 0
    ack_timeout_minutes: Annotated[int, Field(ge=1, le=2**31 - 1)] | None = None
    levels: list[LevelJson] = Field(default_factory=list, max_length=100)
