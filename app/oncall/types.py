"""On call in values: schedules, stored windows and computed slots; all windows are half-open UTC instants."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class SlotSource(StrEnum):
    """Where a slot comes from, in order of precedence from weakest to strongest."""

    ROTATION = "rotation"
    ENTRY = "entry"
    OVERRIDE = "override"


@dataclass(frozen=True, slots=True)
class Schedule:
    """Who is on call over time, for one duty; the backup is paged `escalation_delay_minutes` after no answer (B21)."""

    id: int
    name: str
    team_id: int | None
    timezone: str
    is_active: bool
    escalation_delay_minutes: int
    escalation_to_user_id: int | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Window:
    """A stored window: a fixed entry or an override; a voided or ended one stays in the table."""

    id: int
    schedule_id: int
    user_id: int
    start_time: datetime
    end_time: datetime
    reason: str
    created_at: datetime
    voided_at: datetime | None


@dataclass(frozen=True, slots=True)
class Activity:
    """An interval in which a user was active; `ended_at` is None while they are."""

    user_id: int
    started_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Slot:
    """User `user_id` covers [start_time, end_time); `id` names the stored window, or the computed start."""

    id: str
    schedule_id: int
    user_id: int
    start_time: datetime
    end_time: datetime
    source: SlotSource

    @property
    def is_override(self) -> bool:
        """Whether it wins over entries and the rotation."""
        return self.source is SlotSource.OVERRIDE
