"""Tables of alarms: what is asked, what was saved before, what fired, and what the engine did."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, LargeBinary, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.alarms.types import ClearReason, Outcome, RunStatus, Saved, Trigger
from app.platform.tables import Base, EnumText, Json, LongText, UtcDateTime
from app.platform.types import JsonObject

_ACTIVE = text("clear_time IS NULL")


class AlarmRow(Base):
    """One configured condition. The last columns are the engine's: they make no version."""

    __tablename__ = "alarms"
    id: Mapped[int] = mapped_column(primary_key=True)
    entry_id: Mapped[str] = mapped_column(unique=True)
    module: Mapped[str]
    title: Mapped[str]
    content: Mapped[str] = mapped_column(LongText, default="")
    enabled: Mapped[bool] = mapped_column(default=False)
    recipients: Mapped[list[str]] = mapped_column(Json, default=list)
    renotification_window_hours: Mapped[float] = mapped_column(default=24.0)
    params: Mapped[JsonObject] = mapped_column(Json, default=dict)
    pages: Mapped[bool] = mapped_column(default=False)
    escalation_policy_id: Mapped[int | None] = mapped_column(ForeignKey("escalation_policies.id"))
    archived: Mapped[bool] = mapped_column(default=False, index=True)
    status: Mapped[str] = mapped_column(default="active")
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_ran_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_outcome: Mapped[Outcome | None] = mapped_column(EnumText(Outcome))
    last_error: Mapped[str] = mapped_column(LongText, default="")
    unknown_ticks: Mapped[int] = mapped_column(default=0)
    unknown_told_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    quiet_ticks: Mapped[int] = mapped_column(default=0)


class AlarmVersionRow(Base):
    """An alarm as it was saved; one row for each change of what people set."""

    __tablename__ = "alarm_versions"
    __table_args__ = (UniqueConstraint("alarm_id", "version"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    alarm_id: Mapped[int] = mapped_column(ForeignKey("alarms.id"))
    version: Mapped[int]
    how: Mapped[Saved] = mapped_column(EnumText(Saved))
    saved_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    saved_at: Mapped[datetime] = mapped_column(UtcDateTime)
    module: Mapped[str]
    title: Mapped[str]
    content: Mapped[str] = mapped_column(LongText)
    enabled: Mapped[bool]
    recipients: Mapped[list[str]] = mapped_column(Json)
    renotification_window_hours: Mapped[float]
    params: Mapped[JsonObject] = mapped_column(Json)
    pages: Mapped[bool]
    # No foreign key: a version may name a policy that has gone since.
    escalation_policy_id: Mapped[int | None]
    archived: Mapped[bool]


class AlarmEventRow(Base):
    """One firing from fire time to clear time; the database holds that an entity has one active event at most."""

    __tablename__ = "alarm_events"
    __table_args__ = (
        Index(
            "uq_alarm_events_active", "alarm_id", "dedupe_key",
            unique=True, sqlite_where=_ACTIVE, postgresql_where=_ACTIVE,
        ),
        Index("ix_alarm_events_alarm", "alarm_id", "fire_time"),
        Index("ix_alarm_events_entity", "alarm_id", "dedupe_key", "fire_time"),
    )  # fmt: skip
    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    alarm_id: Mapped[int] = mapped_column(ForeignKey("alarms.id"))
    dedupe_key: Mapped[str]
    subject: Mapped[str] = mapped_column(LongText)
    content: Mapped[str] = mapped_column(LongText)
    severity: Mapped[str]
    fire_time: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    clear_time: Mapped[datetime | None] = mapped_column(UtcDateTime)
    clear_reason: Mapped[ClearReason | None] = mapped_column(EnumText(ClearReason))
    last_seen: Mapped[datetime] = mapped_column(UtcDateTime)
    last_notified: Mapped[datetime | None] = mapped_column(UtcDateTime)
    recipients: Mapped[list[str]] = mapped_column(Json, default=list)
    extra_data: Mapped[JsonObject] = mapped_column(Json, default=dict)
    acked_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    acked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    incident_id: Mapped[int | None] = mapped_column(ForeignKey("incidents.id"), index=True)
    # The notifications of the last mail that it was put in.
    mail_ids: Mapped[list[int]] = mapped_column(Json, default=list)
    mailed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    mail_tries: Mapped[int] = mapped_column(default=0)


class EngineRunRow(Base):
    """One pass over the alarms; the unique boundary is why two processes never run the same one."""

    __tablename__ = "engine_runs"
    id: Mapped[int] = mapped_column(primary_key=True)
    boundary: Mapped[datetime | None] = mapped_column(UtcDateTime, unique=True)
    trigger: Mapped[Trigger] = mapped_column(EnumText(Trigger))
    status: Mapped[RunStatus] = mapped_column(EnumText(RunStatus), index=True)
    owner: Mapped[str]
    started_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    errors: Mapped[int] = mapped_column(default=0)
    counters: Mapped[JsonObject] = mapped_column(Json, default=dict)
    per_alarm: Mapped[JsonObject] = mapped_column(Json, default=dict)
    error: Mapped[str] = mapped_column(LongText, default="")


class AlarmInputRow(Base):
    """What an alarm was given in one tick, by the digest of it: what did not change is kept once."""

    __tablename__ = "alarm_inputs"
    __table_args__ = (UniqueConstraint("alarm_id", "taken_at"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    alarm_id: Mapped[int] = mapped_column(ForeignKey("alarms.id"))
    taken_at: Mapped[datetime] = mapped_column(UtcDateTime)
    digest: Mapped[str]


class AlarmInputBodyRow(Base):
    """The input itself, compressed."""

    __tablename__ = "alarm_input_bodies"
    __table_args__ = (UniqueConstraint("alarm_id", "digest"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    alarm_id: Mapped[int] = mapped_column(ForeignKey("alarms.id"))
    digest: Mapped[str]
    size: Mapped[int]
    body: Mapped[bytes] = mapped_column(LargeBinary)
