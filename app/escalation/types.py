"""Escalation in values: policies and their levels, the frozen plan, and the escalation that climbs it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

FALLBACK_LEVEL = 0


class AssigneeType(StrEnum):
    """Whom a level names."""

    USER = "user"
    TEAM = "team"
    SCHEDULE = "schedule"


class EscalationStatus(StrEnum):
    """What an escalation waits for; `due_at` says until when."""

    CLIMBING = "climbing"
    FALLBACK = "fallback"
    UNREACHED = "unreached"
    ACKNOWLEDGED = "acknowledged"
    SNOOZED = "snoozed"
    HELD = "held"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Assignee:
    """One target of a level."""

    type: AssigneeType
    id: int


@dataclass(frozen=True, slots=True)
class Level:
    """A step: whom to page, and how many minutes they have before the next level is paged."""

    level: int
    delay_minutes: int
    assignees: tuple[Assignee, ...]


@dataclass(frozen=True, slots=True)
class Policy:
    """Ordered levels; `version` counts changes, and running escalations keep the version they began with."""

    id: int
    name: str
    team_id: int | None
    version: int
    version_id: int
    repeat: int
    ack_timeout_minutes: int | None
    levels: tuple[Level, ...]
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Plan:
    """What an escalation climbs, frozen when it begins; `name` is the policy's, or says what stands in for one."""

    name: str
    levels: tuple[Level, ...]
    repeat: int = 0
    ack_timeout_minutes: int | None = None
    policy_id: int | None = None
    policy_version: int | None = None

    @property
    def has_backups_inside(self) -> bool:
        """Whether a schedule's backup is paged inside its level; in a plan made of a schedule it is a level (B21)."""
        return self.policy_id is not None


@dataclass(frozen=True, slots=True)
class Backup:
    """A schedule's backup whom the level that stands still waits to page (B21)."""

    schedule_id: int
    user_id: int
    due_at: datetime


@dataclass(frozen=True, slots=True)
class Escalation:
    """One plan running on one incident. `round` counts how often the levels were begun again within the episode.

    `due_at` is the earliest of the level's end and what its `backups` wait for.
    """

    id: int
    incident_id: int
    plan: Plan
    episode: int
    level: int
    round: int
    status: EscalationStatus
    due_at: datetime | None
    level_started_at: datetime
    backups: tuple[Backup, ...] = ()


@dataclass(frozen=True, slots=True)
class NewEscalation:
    """An escalation to be written, already on its first level, whose time begins at `level_started_at`."""

    incident_id: int
    plan: Plan
    policy_version_id: int | None
    level: int
    status: EscalationStatus
    level_started_at: datetime
    due_at: datetime | None
    backups: tuple[Backup, ...] = ()


def plan_of(stored: dict[str, Any]) -> Plan:
    """The plan out of its stored snapshot."""
    levels = tuple(
        Level(
            each["level"],
            each["delay_minutes"],
            tuple(Assignee(AssigneeType(one["type"]), one["id"]) for one in each["assignees"]),
        )
        for each in stored["levels"]
    )
    return Plan(
        name=stored["name"],
        levels=levels,
        repeat=stored["repeat"],
        ack_timeout_minutes=stored["ack_timeout_minutes"],
        policy_id=stored["policy_id"],
        policy_version=stored["policy_version"],
    )
