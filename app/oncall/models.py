"""Tables of schedules."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.platform.tables import Base, LongText, UtcDateTime


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
