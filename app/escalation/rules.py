"""What an escalation does next. Values in; the next step and its reason out. No database, no clock."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from app.escalation.types import FALLBACK_LEVEL, Backup, Escalation, Level, Plan
from app.platform.errors import FieldError
from app.platform.types import JsonObject

MAX_LEVELS = 20
MAX_ASSIGNEES = 20
MAX_DELAY_MINUTES = 7 * 24 * 60


class StepReason(StrEnum):
    """Why the next step is what it is; shown in the timeline."""

    NEXT_LEVEL = "next_level"
    REPEAT = "repeat"
    FALLBACK = "fallback"
    BACKUP = "backup"
    INHERITED = "inherited"


@dataclass(frozen=True, slots=True)
class Step:
    """Where an escalation goes: `level` is None for the fallback; `round` counts repeats of the whole plan."""

    reason: StepReason
    level: Level | None
    round: int


def first_step(plan: Plan) -> Step:
    """Where a plan begins; a plan without levels goes to the fallback at once (promise 3)."""
    if not plan.levels:
        return Step(StepReason.FALLBACK, None, 0)
    return Step(StepReason.NEXT_LEVEL, plan.levels[0], 0)


def next_step(plan: Plan, level: int, round_: int) -> Step:
    """What follows `level`: the next one, the plan again while `repeat` allows, else the fallback (B24)."""
    following = [each for each in plan.levels if each.level > level]
    if level != FALLBACK_LEVEL and following:
        return Step(StepReason.NEXT_LEVEL, following[0], round_)
    if level != FALLBACK_LEVEL and plan.levels and round_ < plan.repeat:
        return Step(StepReason.REPEAT, plan.levels[0], round_ + 1)
    return Step(StepReason.FALLBACK, None, round_)


def level_of(escalation: Escalation) -> Level | None:
    """The level that the escalation stands on; None for the fallback."""
    return next((level for level in escalation.plan.levels if level.level == escalation.level), None)


def due_after(level: Level, started_at: datetime) -> datetime:
    """When the level's time to answer is over."""
    return started_at + timedelta(minutes=level.delay_minutes)


def due_backups(escalation: Escalation, now: datetime) -> tuple[Backup, ...]:
    """The backups whose time has come on the level that stands.

    One that was due at the level's very end, or came due while nobody could page, is paged before the level ends.
    """
    level = level_of(escalation)
    end = None if level is None else due_after(level, escalation.level_started_at)
    return tuple(
        backup for backup in escalation.backups if backup.due_at <= now and (end is None or backup.due_at <= end)
    )


def backups_to_json(backups: Iterable[Backup]) -> list[JsonObject]:
    """Waiting backups as the escalation's row keeps them."""
    return [
        {"schedule_id": each.schedule_id, "user_id": each.user_id, "due_at": each.due_at.isoformat()}
        for each in backups
    ]


def backups_of(stored: Iterable[JsonObject]) -> tuple[Backup, ...]:
    """The waiting backups out of an escalation's row."""
    return tuple(
        Backup(each["schedule_id"], each["user_id"], datetime.fromisoformat(each["due_at"])) for each in stored
    )


def plan_to_json(plan: Plan) -> JsonObject:
    """The snapshot that is stored with an escalation."""
    return {
        "name": plan.name,
        "repeat": plan.repeat,
        "ack_timeout_minutes": plan.ack_timeout_minutes,
        "policy_id": plan.policy_id,
        "policy_version": plan.policy_version,
        "levels": levels_to_json(plan.levels),
    }


def levels_to_json(levels: Sequence[Level]) -> list[JsonObject]:
    """Levels as they are stored in snapshots and in the audit."""
    return [
        {
            "level": level.level,
            "delay_minutes": level.delay_minutes,
            "assignees": [{"type": assignee.type.value, "id": assignee.id} for assignee in level.assignees],
        }
        for level in levels
    ]


def level_errors(levels: Sequence[Level]) -> list[FieldError]:
    """Everything wrong with the shape of these levels, each with its path as in `levels[1].level` (B24)."""
    errors: list[FieldError] = []
    if not 1 <= len(levels) <= MAX_LEVELS:
        errors.append(FieldError("levels", f"must be 1 to {MAX_LEVELS} levels"))
    seen: set[int] = set()
    for i, level in enumerate(levels):
        if level.level in seen:
            errors.append(FieldError(f"levels[{i}].level", f"level {level.level} is there twice"))
        if level.level < 1:
            errors.append(FieldError(f"levels[{i}].level", "must be 1 or more"))
        if not 0 <= level.delay_minutes <= MAX_DELAY_MINUTES:
            errors.append(FieldError(f"levels[{i}].delay_minutes", f"must be between 0 and {MAX_DELAY_MINUTES}"))
        if not 1 <= len(level.assignees) <= MAX_ASSIGNEES:
            errors.append(FieldError(f"levels[{i}].assignees", f"must be 1 to {MAX_ASSIGNEES} assignees"))
        if len(set(level.assignees)) < len(level.assignees):
            errors.append(FieldError(f"levels[{i}].assignees", "name somebody twice"))
        seen.add(level.level)
    return errors
