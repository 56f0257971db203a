"""Tables of schedules."""

from datetime import date, datetime, time

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.oncall.types import Cadence, SwapStatus
from app.platform.tables import Base, EnumText, LongText, UtcDateTime


class ScheduleRow(Base):
    """Who is on call over time, for one duty."""

    __tablename__ = "schedules"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    team_id: Mapped[int | None] = mapped_column(ForeignKey("teams.id"))
    timezone: Mapped[str] = mapped_column(default="UTC")
    is_active: Mapped[bool] = mapped_column(default=True)
    escalation_delay_minutes: Mapped[int] = mapped_column(default=15)
    escalation_to_user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)
    # A deleted schedule stays as a row: who was on call at a past instant must always be answerable (B17).
    deleted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class ScheduleEntryRow(Base):
    """A hand-made slot; must not overlap another entry of its schedule."""

    __tablename__ = "schedule_entries"
    __table_args__ = (Index("ix_schedule_entries_schedule_end", "schedule_id", "end_time"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    schedule_id: Mapped[int] = mapped_column(ForeignKey("schedules.id"))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    start_time: Mapped[datetime] = mapped_column(UtcDateTime)
    end_time: Mapped[datetime] = mapped_column(UtcDateTime)
    reason: Mapped[str] = mapped_column(LongText, default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    voided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class OverrideRow(Base):
    """A slot that wins over entries and rotation slots; the newest one wins over older ones."""

    __tablename__ = "overrides"
    __table_args__ = (Index("ix_overrides_schedule_end", "schedule_id", "end_time"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    schedule_id: Mapped[int] = mapped_column(ForeignKey("schedules.id"))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    start_time: Mapped[datetime] = mapped_column(UtcDateTime)
    end_time: Mapped[datetime] = mapped_column(UtcDateTime)
    reason: Mapped[str] = mapped_column(LongText, default="override")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    voided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class ScheduleActivityRow(Base):
    """An interval in which a schedule was switched on; outside of it nobody is on call there."""

    __tablename__ = "schedule_activity"
    __table_args__ = (Index("ix_schedule_activity_schedule_id", "schedule_id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    schedule_id: Mapped[int] = mapped_column(ForeignKey("schedules.id"))
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class RotationRow(Base):
    """One version of a schedule's rotation; never changed, only followed by the next one (B17)."""

    __tablename__ = "rotations"
    __table_args__ = (UniqueConstraint("schedule_id", "version"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    schedule_id: Mapped[int] = mapped_column(ForeignKey("schedules.id"))
    version: Mapped[int]
    effective_from: Mapped[datetime] = mapped_column(UtcDateTime)
    timezone: Mapped[str]
    cadence: Mapped[Cadence] = mapped_column(EnumText(Cadence))
    shift_length_hours: Mapped[int | None]
    handoff_time: Mapped[time]
    handoff_weekday: Mapped[int | None]
    start_date: Mapped[date]
    skips_absent: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class RotationMemberRow(Base):
    """Whose turn it is at `position`, counted from 0; the same person may stand there more than once."""

    __tablename__ = "rotation_members"
    __table_args__ = (UniqueConstraint("rotation_id", "position"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    rotation_id: Mapped[int] = mapped_column(ForeignKey("rotations.id"))
    position: Mapped[int]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)


class SwapRequestRow(Base):
    """A request that another member takes a slot."""

    __tablename__ = "swap_requests"
    __table_args__ = (Index("ix_swap_requests_schedule_end", "schedule_id", "end_time"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    schedule_id: Mapped[int] = mapped_column(ForeignKey("schedules.id"))
    from_user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    to_user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"), index=True)
    start_time: Mapped[datetime] = mapped_column(UtcDateTime)
    end_time: Mapped[datetime] = mapped_column(UtcDateTime)
    status: Mapped[SwapStatus] = mapped_column(EnumText(SwapStatus), default=SwapStatus.OPEN)
    note: Mapped[str] = mapped_column(LongText, default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    answered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    answered_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))


class CalendarTokenRow(Base):
    """The secret in the address of a calendar feed, of one schedule or of one person; a new one ends the old."""

    __tablename__ = "calendar_tokens"
    __table_args__ = (Index("ix_calendar_tokens_schedule_id", "schedule_id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(unique=True)
    schedule_id: Mapped[int | None] = mapped_column(ForeignKey("schedules.id"))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"), index=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class AbsenceCalendarRow(Base):
    """A calendar of a person's absences: pasted once, or read again from its address when `due_at` has come."""

    __tablename__ = "absence_calendars"
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    # Ciphertext: a calendar's address is often a secret itself. Empty for a pasted one.
    url: Mapped[str] = mapped_column(LongText, default="")
    name: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    read_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_error: Mapped[str] = mapped_column(LongText, default="")
    due_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
    removed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class AbsenceRow(Base):
    """A window in which a person is away; one that a newer reading of its calendar no longer has is voided."""

    __tablename__ = "absences"
    __table_args__ = (Index("ix_absences_user_end", "user_id", "end_time"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    calendar_id: Mapped[int] = mapped_column(ForeignKey("absence_calendars.id"), index=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    uid: Mapped[str] = mapped_column(LongText)
    start_time: Mapped[datetime] = mapped_column(UtcDateTime)
    end_time: Mapped[datetime] = mapped_column(UtcDateTime)
    summary: Mapped[str] = mapped_column(LongText, default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    voided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class DutyWatchRow(Base):
    """What the watch last knew of a schedule, and when it must look again: hand-offs, reminders, gaps ahead."""

    __tablename__ = "duty_watches"
    schedule_id: Mapped[int] = mapped_column(ForeignKey("schedules.id"), primary_key=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    slot_id: Mapped[str] = mapped_column(default="")
    looked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    due_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
