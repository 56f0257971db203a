"""Tables of people."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.accounts.types import Role, TokenScope, Urgency
from app.platform.tables import Base, EnumText, Json, LongText, UtcDateTime
from app.platform.types import JsonObject


class UserRow(Base):
    """A person. `email` is stored case-folded, so the unique constraint is too."""

    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    role: Mapped[Role] = mapped_column(EnumText(Role))
    is_active: Mapped[bool] = mapped_column(default=True)
    login_enabled: Mapped[bool] = mapped_column(default=False)
    password_hash: Mapped[str | None]
    timezone: Mapped[str] = mapped_column(default="UTC")
    phone: Mapped[str | None]
    slack_user_id: Mapped[str | None]
    quiet_from: Mapped[str | None]
    quiet_to: Mapped[str | None]
    digest_at: Mapped[str | None]
    credential_version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)


class UserActivityRow(Base):
    """Intervals in which a user was active; `ended_at` is null while they are."""

    __tablename__ = "user_activity"
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class ContactMethodRow(Base):
    """An address of a person on one channel; the code that verifies it is kept as a hash."""

    __tablename__ = "contact_methods"
    __table_args__ = (UniqueConstraint("user_id", "channel", "address"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    channel: Mapped[str]
    address: Mapped[str]
    verified_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    opted_out_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    removed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    code_hash: Mapped[str | None]
    code_expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    code_tries: Mapped[int] = mapped_column(default=0)
    # Why it was lost, where a provider said so.
    note: Mapped[str] = mapped_column(LongText, default="", server_default=text("''"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class PushSubscriptionRow(Base):
    """What a browser gave to be pushed to by, encrypted; beside it the contact method that people see."""

    __tablename__ = "push_subscriptions"
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    contact_method_id: Mapped[int] = mapped_column(ForeignKey("contact_methods.id"), unique=True)
    endpoint_hash: Mapped[str] = mapped_column(unique=True)
    sealed: Mapped[str] = mapped_column(LongText)
    name: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)


class NotificationRuleRow(Base):
    """After so many minutes at this urgency, use this contact method."""

    __tablename__ = "notification_rules"
    __table_args__ = (UniqueConstraint("user_id", "urgency", "delay_minutes", "contact_method_id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    urgency: Mapped[Urgency] = mapped_column(EnumText(Urgency))
    delay_minutes: Mapped[int]
    contact_method_id: Mapped[int] = mapped_column(ForeignKey("contact_methods.id"))


class SessionRow(Base):
    """A signed-in browser; only the hash of its cookie is kept."""

    __tablename__ = "sessions"
    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(unique=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_seen_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    address: Mapped[str] = mapped_column(default="")
    agent: Mapped[str] = mapped_column(default="")


class ApiTokenRow(Base):
    """A personal API token, as its hash."""

    __tablename__ = "api_tokens"
    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(unique=True)
    prefix: Mapped[str]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    name: Mapped[str]
    scope: Mapped[TokenScope] = mapped_column(EnumText(TokenScope))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class TeamRow(Base):
    """A named group of users."""

    __tablename__ = "teams"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    description: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)


class TeamMembershipRow(Base):
    """A user in a team."""

    __tablename__ = "team_memberships"
    __table_args__ = (UniqueConstraint("team_id", "user_id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    team_id: Mapped[int] = mapped_column(ForeignKey("teams.id"))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class TeamEmailRow(Base):
    """An address that belongs to a team without being a person's."""

    __tablename__ = "team_emails"
    __table_args__ = (UniqueConstraint("team_id", "email"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    team_id: Mapped[int] = mapped_column(ForeignKey("teams.id"))
    email: Mapped[str]


class AuditEntryRow(Base):
    """Append-only; each entry's hash covers the one before."""

    __tablename__ = "audit_entries"
    __table_args__ = (Index("ix_audit_entries_object", "object_type", "object_id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    user_name: Mapped[str]
    action: Mapped[str]
    object_type: Mapped[str]
    object_id: Mapped[str]
    before: Mapped[JsonObject | None] = mapped_column(Json)
    after: Mapped[JsonObject | None] = mapped_column(Json)
    previous_hash: Mapped[str]
    hash: Mapped[str] = mapped_column(unique=True)


class LoginAttemptRow(Base):
    """A try to sign in, for the back-off; `account` is the case-folded address that was typed."""

    __tablename__ = "login_attempts"
    __table_args__ = (
        Index("ix_login_attempts_account_at", "account", "at"), Index("ix_login_attempts_address_at", "address", "at")
    )  # fmt: skip
    id: Mapped[int] = mapped_column(primary_key=True)
    account: Mapped[str]
    address: Mapped[str]
    succeeded: Mapped[bool]
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class SetupCodeRow(Base):
    """The one-time code that the first-run screen asks for, as its hash; one row, gone after the first admin (B2)."""

    __tablename__ = "setup_codes"
    id: Mapped[int] = mapped_column(primary_key=True)
    code_hash: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
