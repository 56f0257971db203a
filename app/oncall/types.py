"""On call in values: schedules, rotations, stored windows and computed slots; windows are half-open UTC instants."""

from dataclasses import dataclass
from datetime import date, datetime, time
from enum import StrEnum

HOURS_A_DAY = 24
DAYS_A_WEEK = 7


class SlotSource(StrEnum):
    """Where a slot comes from, in order of precedence from weakest to strongest."""

    ROTATION = "rotation"
    ENTRY = "entry"
    OVERRIDE = "override"


class Cadence(StrEnum):
    """How long each member of a rotation has it, in wall-clock time."""

    DAILY = "daily"
    WEEKLY = "weekly"
    CUSTOM = "custom"


class SwapStatus(StrEnum):
    """What became of a request that somebody else takes a slot; accepted, it is an override."""

    OPEN = "open"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Interval:
    """Half-open [start, end); `end` is None while it lasts."""

    start: datetime
    end: datetime | None


@dataclass(frozen=True, slots=True)
class RotationPlan:
    """The rule that generates slots: members in order, each for one shift, in the wall-clock time of `timezone` (B16).

    The first member has it from the last hand-off at or before `start_date` at `handoff_time`; coverage itself begins
    at `start_date`. `handoff_weekday` is 0 for Monday and counts for weekly ones alone, where None means the weekday of
    `start_date`. `shift_length_hours` is whole wall-clock hours and counts for custom ones alone. No members: nobody.
    With `skips_absent` the next member who is not away takes a shift; where all are away it stays whose turn it is.
    """

    timezone: str
    cadence: Cadence
    handoff_time: time
    start_date: date
    member_ids: tuple[int, ...]
    handoff_weekday: int | None = None
    shift_length_hours: int | None = None
    skips_absent: bool = False


@dataclass(frozen=True, slots=True)
class Rotation:
    """One version of a schedule's rotation: from `effective_from` on the highest version that is in effect rules (B17).

    A change makes a new version and never touches the past.
    """

    id: int
    schedule_id: int
    version: int
    effective_from: datetime
    created_at: datetime
    plan: RotationPlan


@dataclass(frozen=True, slots=True)
class Absence:
    """A window in which a person is away (holidays, leave), out of their calendar."""

    id: int
    user_id: int
    start_time: datetime
    end_time: datetime
    summary: str


@dataclass(frozen=True, slots=True)
class CalendarToken:
    """The secret in the address of a feed: of a schedule, or of a person over all schedules."""

    id: int
    schedule_id: int | None
    user_id: int | None
    created_at: datetime
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class FoundAbsence:
    """An absence as somebody's calendar has it now; `uid` and `start_time` together tell it from all others there."""

    uid: str
    start_time: datetime
    end_time: datetime
    summary: str


@dataclass(frozen=True, slots=True)
class CalendarReading:
    """What was found in a calendar: its name, the absences ahead by start, and sentences about what was left out."""

    name: str
    absences: tuple[FoundAbsence, ...]
    faults: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AbsenceCalendar:
    """A calendar of a person's absences; `url` is ciphertext, and empty for a pasted one, which is never due.

    `last_error` says why the last reading failed, or what it left out.
    """

    id: int
    user_id: int
    url: str
    name: str
    created_at: datetime
    read_at: datetime | None
    last_error: str
    due_at: datetime | None


@dataclass(frozen=True, slots=True)
class Swap:
    """`from_user_id` asks that `to_user_id`, or any member where None, takes [start_time, end_time)."""

    id: int
    schedule_id: int
    from_user_id: int
    to_user_id: int | None
    start_time: datetime
    end_time: datetime
    status: SwapStatus
    note: str
    created_at: datetime
    answered_at: datetime | None
    answered_by: int | None


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
    """User `user_id` covers [start_time, end_time), whole and whatever was asked.

    `id` is `entry-<id>` or `override-<id>` of the stored window, with the start behind it where another one cut off its
    beginning, and `rotation-<start>` for a computed one: on one schedule no two slots ever share it.
    """

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

    @property
    def window_id(self) -> int | None:
        """The stored entry or override that it is a piece of; None for a computed one."""
        return None if self.source is SlotSource.ROTATION else int(self.id.split("-")[1])


@dataclass(frozen=True, slots=True)
class DutyWatch:
    """What the watch saw when it looked at a schedule last (`looked_at` None: never): who was on call, and by what."""

    schedule_id: int
    user_id: int | None
    slot_id: str
    looked_at: datetime | None
    due_at: datetime
