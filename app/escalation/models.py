"""Tables of policies and running escalations."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.escalation.types import AssigneeType, EscalationStatus
from app.platform.tables import Base, EnumText, Json, UtcDateTime
from app.platform.types import JsonObject


class PolicyRow(Base):
    """A named policy; what it says is in its newest version."""

    __tablename__ = "escalation_policies"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    team_id: Mapped[int | None] = mapped_column(ForeignKey("teams.id"))
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)


class PolicyVersionRow(Base):
    """One version of a policy; never changed, only followed by the next."""

    __tablename__ = "escalation_policy_versions"
    __table_args__ = (UniqueConstraint("policy_id", "version"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    policy_id: Mapped[int] = mapped_column(ForeignKey("escalation_policies.id"))
    version: Mapped[int]
    repeat: Mapped[int] = mapped_column(default=0)
    ack_timeout_minutes: Mapped[int | None]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class LevelRow(Base):
    """A level of one policy version."""

    __tablename__ = "escalation_levels"
    __table_args__ = (UniqueConstraint("policy_version_id", "level"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    policy_version_id: Mapped[int] = mapped_column(ForeignKey("escalation_policy_versions.id"))
    level: Mapped[int]
    delay_minutes: Mapped[int]


class AssigneeRow(Base):
    """A target of a level; `target_id` is a user's, team's or schedule's id."""

    __tablename__ = "escalation_assignees"
    __table_args__ = (UniqueConstraint("level_id", "type", "target_id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    level_id: Mapped[int] = mapped_column(ForeignKey("escalation_levels.id"))
    type: Mapped[AssigneeType] = mapped_column(EnumText(AssigneeType))
    target_id: Mapped[int]
    position: Mapped[int] = mapped_column(default=0)


class EscalationRow(Base):
    """One escalation per incident; `episode` counts its starts, `plan` is the frozen snapshot."""

    __tablename__ = "escalations"
    __table_args__ = (
        Index(
            "ix_escalations_due", "due_at",
            sqlite_where=text("due_at IS NOT NULL"), postgresql_where=text("due_at IS NOT NULL"),
        ),
    )  # fmt: skip
    id: Mapped[int] = mapped_column(primary_key=True)
    incident_id: Mapped[int] = mapped_column(ForeignKey("incidents.id"), unique=True)
    policy_version_id: Mapped[int | None] = mapped_column(ForeignKey("escalation_policy_versions.id"))
    plan: Mapped[JsonObject] = mapped_column(Json)
    episode: Mapped[int]
    level: Mapped[int]
    round: Mapped[int] = mapped_column(default=0)
    status: Mapped[EscalationStatus] = mapped_column(EnumText(EscalationStatus), index=True)
    due_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    level_started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    # Backups of schedules that the current level still waits to page: [{schedule_id, user_id, due_at}] (B21).
    backups: Mapped[list[JsonObject]] = mapped_column(Json, default=list, server_default=text("'[]'"))
