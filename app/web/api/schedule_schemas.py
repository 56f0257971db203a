"""Schedules in JSON: rotations, windows, computed slots, hand-offs and swaps."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, PlainSerializer

from app.accounts.types import User
from app.oncall.types import Cadence, Rotation, RotationPlan, Schedule, Slot, SlotSource, Swap, SwapStatus, Window
from app.usecases.rota import Handoff
from app.web.api.accounts_schemas import In, Out, ShortText
from app.web.api.catalogue_schemas import AnId, Minutes
from app.web.api.times import Instant

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def _weekday(value: object) -> object:
    name = value.strip().lower() if isinstance(value, str) else None
    return WEEKDAYS.index(name) if name in WEEKDAYS else value


def _clock(value: object) -> object:
    # Pydantic takes a number for seconds since midnight; nobody means that.
    if not isinstance(value, str | time):
        raise ValueError("must be hours and minutes, such as 09:00")
    return value


Weekday = Annotated[int, BeforeValidator(_weekday), Field(ge=0, le=6)]
WallTime = Annotated[time, BeforeValidator(_clock), PlainSerializer(lambda at: f"{at:%H:%M}", return_type=str)]


class RotationIn(In):
    """The rule that generates slots; `handoff_weekday` counts from 0 for Monday, or is the day's English name."""

    cadence: Cadence
    shift_length_hours: Annotated[int, Field(ge=1, le=2**31 - 1)] | None = None
    handoff_time: WallTime = time(9)
    handoff_weekday: Weekday | None = None
    start_date: date
    member_ids: Annotated[list[AnId], Field(max_length=1000)]
    skips_absent: bool = False

    def plan(self) -> RotationPlan:
        """The rotation as a value; its time zone is filled in with the schedule's."""
        return RotationPlan(
            timezone="UTC",
            cadence=self.cadence,
            handoff_time=self.handoff_time,
            start_date=self.start_date,
            member_ids=tuple(self.member_ids),
            handoff_weekday=self.handoff_weekday if self.cadence is Cadence.WEEKLY else None,
            shift_length_hours=self.shift_length_hours if self.cadence is Cadence.CUSTOM else None,
            skips_absent=self.skips_absent,
        )


class RotationOut(Out):
    """One version of a rotation and from when on it rules."""

    version: int
    effective_from: datetime
    timezone: str
    cadence: Cadence
    shift_length_hours: int | None
    handoff_time: WallTime
    handoff_weekday: int | None
    start_date: date
    member_ids: list[int]
    skips_absent: bool

    @classmethod
    def of(cls, rotation: Rotation) -> "RotationOut":
        """The version as the API shows it."""
        own = {name: getattr(rotation.plan, name) for name in RotationPlan.__slots__}
        return cls(version=rotation.version, effective_from=rotation.effective_from, **own)


class ScheduleOut(Out):
    """A schedule with the rotation that rules now and the change that is planned; slots are asked at `/slots`."""

    id: int
    name: str
    team_id: int | None
    timezone: str
    is_active: bool
    escalation_delay_minutes: int
    escalation_to_user_id: int | None
    rotation: RotationOut | None
    planned_rotation: RotationOut | None
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, schedule: Schedule, rotations: Sequence[Rotation], now: datetime) -> "ScheduleOut":
        """The schedule as the API shows it; `rotations` are all its versions, oldest first."""
        ruling = [each for each in rotations if each.effective_from <= now]
        planned = rotations[-1] if rotations and rotations[-1].effective_from > now else None
        own = {name: getattr(schedule, name) for name in Schedule.__slots__}
        return cls(
            **own,
            rotation=RotationOut.of(ruling[-1]) if ruling and ruling[-1].plan.member_ids else None,
            planned_rotation=RotationOut.of(planned) if planned else None,
        )


class ScheduleNew(In):
    """A schedule to be added."""

    name: ShortText
    team_id: AnId | None = None
    timezone: ShortText = "UTC"
    is_active: bool = True
    escalation_delay_minutes: Minutes = 15
    escalation_to_user_id: AnId | None = None
    rotation: RotationIn | None = None


class ScheduleChange(In):
    """Fields of a schedule to change; what is left out stays. Another rotation rules from `effective_from` on, or now.

    `rotation: null` takes the rotation away from then on.
    """

    name: ShortText = ""
    team_id: AnId | None = None
    timezone: ShortText = ""
    is_active: bool = True
    escalation_delay_minutes: Minutes = 15
    escalation_to_user_id: AnId | None = None
    rotation: RotationIn | None = None
    effective_from: Instant | None = None


class WindowNew(In):
    """A fixed entry or an override to be added: the person covers [start_time, end_time)."""

    user_id: AnId
    start_time: Instant
    end_time: Instant
    reason: ShortText = ""


class WindowOut(Out):
    """A stored window."""

    id: int
    schedule_id: int
    user_id: int
    user_name: str
    start_time: datetime
    end_time: datetime
    reason: str
    is_override: bool
    created_at: datetime

    @classmethod
    def of(cls, window: Window, names: dict[int, User], *, is_override: bool) -> "WindowOut":
        """The window as the API shows it."""
        return cls(
            id=window.id,
            schedule_id=window.schedule_id,
            user_id=window.user_id,
            user_name=names[window.user_id].name,
            start_time=window.start_time,
            end_time=window.end_time,
            reason=window.reason,
            is_override=is_override,
            created_at=window.created_at,
        )


class SlotOut(Out):
    """Somebody covers [start_time, end_time); `id` stays the same from one asking to the next."""

    id: str
    user_id: int
    user_name: str
    start_time: datetime
    end_time: datetime
    is_override: bool
    source: SlotSource

    @classmethod
    def of(cls, slot: Slot, names: dict[int, User]) -> "SlotOut":
        """The slot as the API shows it."""
        return cls(
            id=slot.id,
            user_id=slot.user_id,
            user_name=names[slot.user_id].name,
            start_time=slot.start_time,
            end_time=slot.end_time,
            is_override=slot.is_override,
            source=slot.source,
        )


class GapOut(Out):
    """A window in which nobody active is on call."""

    start_time: datetime
    end_time: datetime
    reason: str


class PersonOut(Out):
    """Somebody, in short."""

    id: int
    name: str
    email: str


class OncallOut(Out):
    """Who is on call on one schedule; `user` is null in a gap and on a schedule that is switched off."""

    schedule_id: int
    schedule_name: str
    user: PersonOut | None
    slot: SlotOut | None
    next: SlotOut | None


class HandoffNew(In):
    """A hand-off: who takes over, and when (now, where left out)."""

    to_user_id: AnId
    at: Instant | None = None


class HandoffOut(Out):
    """A hand-off as it was written: `overrides` are what it made."""

    schedule_id: int
    from_user_id: int | None
    to_user_id: int
    start_time: datetime
    end_time: datetime
    overrides: list[WindowOut]

    @classmethod
    def of(cls, done: Handoff, names: dict[int, User]) -> "HandoffOut":
        """The hand-off as the API shows it."""
        return cls(
            schedule_id=done.schedule_id,
            from_user_id=done.from_user_id,
            to_user_id=done.to_user_id,
            start_time=done.start_time,
            end_time=done.end_time,
            overrides=[WindowOut.of(window, names, is_override=True) for window in done.overrides],
        )


class SwapNew(In):
    """A request that somebody takes a window of one's own: one person, or any member where nobody is named."""

    start_time: Instant
    end_time: Instant
    to_user_id: AnId | None = None
    note: ShortText = ""


class SwapOut(Out):
    """A swap request."""

    id: int
    schedule_id: int
    from_user_id: int
    from_user_name: str
    to_user_id: int | None
    start_time: datetime
    end_time: datetime
    status: SwapStatus
    note: str
    created_at: datetime
    answered_at: datetime | None
    answered_by: int | None

    @classmethod
    def of(cls, swap: Swap, names: Mapping[int, User]) -> "SwapOut":
        """The request as the API shows it."""
        own: dict[str, Any] = {name: getattr(swap, name) for name in Swap.__slots__}
        return cls(**own, from_user_name=names[swap.from_user_id].name)
