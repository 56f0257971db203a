"""Tables of outbound messages."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.notify.types import CircuitStatus, NotificationKind, NotificationStatus
from app.platform.tables import Base, EnumText, Json, LongText, UtcDateTime
from app.platform.types import JsonObject

DUE = text("status IN ('pending', 'retrying', 'held', 'unknown')")
IN_FLIGHT = text("status = 'in_flight'")
_IN_BUNDLE = text("bundle_id IS NOT NULL")
_LOOSE = text("incident_id IS NULL")
_TO_TEAM = text("channel_id IS NOT NULL")
_TO_PERSON = text("contact_method_id IS NOT NULL")


class ChannelRow(Base):
    """A named channel configuration; secret fields of `config` are ciphertext."""

    __tablename__ = "notification_channels"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    driver: Mapped[str] = mapped_column(index=True)
    config: Mapped[JsonObject] = mapped_column(Json, default=dict)
    is_active: Mapped[bool] = mapped_column(default=True, index=True)
    description: Mapped[str] = mapped_column(LongText, default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)


class NotificationRow(Base):
    """The outbox: one row per message, written in the transaction that caused it."""

    __tablename__ = "notifications"
    __table_args__ = (
        Index("ix_notifications_due", "due_at", "id", sqlite_where=DUE, postgresql_where=DUE),
        Index("ix_notifications_in_flight", "lease_until", sqlite_where=IN_FLIGHT, postgresql_where=IN_FLIGHT),
        Index("ix_notifications_bundle", "bundle_id", sqlite_where=_IN_BUNDLE, postgresql_where=_IN_BUNDLE),
        Index("ix_notifications_incident", "incident_id", "id"),
        Index("ix_notifications_contact", "contact_method_id", "status"),
        Index("ix_notifications_loose", "incident_id", "created_at", sqlite_where=_LOOSE, postgresql_where=_LOOSE),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[NotificationKind] = mapped_column(EnumText(NotificationKind))
    incident_id: Mapped[int | None] = mapped_column(ForeignKey("incidents.id"))
    episode: Mapped[int | None]
    level: Mapped[int | None]
    round: Mapped[int] = mapped_column(default=0)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    contact_method_id: Mapped[int | None] = mapped_column(ForeignKey("contact_methods.id"))
    channel_id: Mapped[int | None] = mapped_column(ForeignKey("notification_channels.id"))
    channel: Mapped[str]
    address: Mapped[str] = mapped_column(default="")
    # Whose circuit and whose share of the sends it counts to (`circuits.provider_of`).
    provider: Mapped[str] = mapped_column(default="", server_default=text("''"))
    rule_delay_minutes: Mapped[int] = mapped_column(default=0)
    page_key: Mapped[str | None] = mapped_column(unique=True)
    urgency: Mapped[str] = mapped_column(default="high")
    facts: Mapped[JsonObject] = mapped_column(Json)
    subject: Mapped[str] = mapped_column(LongText, default="")
    body: Mapped[str] = mapped_column(LongText, default="")
    status: Mapped[NotificationStatus] = mapped_column(EnumText(NotificationStatus))
    attempts: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime] = mapped_column(UtcDateTime)
    waits_for_bundle: Mapped[bool] = mapped_column(default=False)
    # The digest that a page of low urgency waits for, or that this row is (B6).
    held_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    owner: Mapped[str | None]
    fence: Mapped[int] = mapped_column(default=0)
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    idempotency_key: Mapped[str] = mapped_column(unique=True)
    provider_message_id: Mapped[str | None] = mapped_column(index=True)
    last_error: Mapped[str] = mapped_column(LongText, default="")
    possible_repeat: Mapped[bool] = mapped_column(default=False)
    bundle_id: Mapped[int | None]
    late_by_seconds: Mapped[int] = mapped_column(default=0)
    run_id: Mapped[str | None] = mapped_column(index=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    delivered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class CircuitRow(Base):
    """The health of one provider; there is none for a provider that has never failed."""

    __tablename__ = "provider_circuits"
    provider: Mapped[str] = mapped_column(primary_key=True)
    channel: Mapped[str]
    channel_id: Mapped[int | None] = mapped_column(ForeignKey("notification_channels.id"), index=True)
    status: Mapped[CircuitStatus] = mapped_column(EnumText(CircuitStatus), index=True)
    failures: Mapped[int] = mapped_column(default=0)
    first_failed_id: Mapped[int] = mapped_column(default=0)
    is_shared: Mapped[bool] = mapped_column(default=False)
    last_error: Mapped[str] = mapped_column(LongText, default="")
    opened_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    probe_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    probes: Mapped[int] = mapped_column(default=0)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)


class AttemptRow(Base):
    """One try to send; begun before the socket opens, ended with its outcome."""

    __tablename__ = "notification_attempts"
    __table_args__ = (UniqueConstraint("notification_id", "attempt"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    notification_id: Mapped[int] = mapped_column(ForeignKey("notifications.id"))
    attempt: Mapped[int]
    owner: Mapped[str]
    fence: Mapped[int]
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    # The metrics count those that ended since they last did.
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
    outcome: Mapped[str] = mapped_column(default="")
    error: Mapped[str] = mapped_column(LongText, default="")


class ContactWindowRow(Base):
    """The 60 s window that the first page to a contact method opens (B29)."""

    __tablename__ = "contact_windows"
    id: Mapped[int] = mapped_column(primary_key=True)
    contact_key: Mapped[str] = mapped_column(unique=True)
    opens_until: Mapped[datetime] = mapped_column(UtcDateTime)
    holder_id: Mapped[int | None]


class ActionUseRow(Base):
    """An action link that was used; the token itself is an HMAC and is not stored."""

    __tablename__ = "action_uses"
    __table_args__ = (UniqueConstraint("notification_id", "action"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    notification_id: Mapped[int] = mapped_column(ForeignKey("notifications.id"))
    action: Mapped[str]
    used_at: Mapped[datetime] = mapped_column(UtcDateTime)
    used_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))


class ThreadRow(Base):
    """The first message of an incident to a channel or a contact method, by the vendor's handle of it."""

    __tablename__ = "channel_threads"
    __table_args__ = (
        Index("ix_channel_threads_ref", "channel", "ref"),
        Index(
            "ix_channel_threads_team", "incident_id", "channel_id", "ref",
            unique=True, sqlite_where=_TO_TEAM, postgresql_where=_TO_TEAM,
        ),
        Index(
            "ix_channel_threads_person", "incident_id", "contact_method_id", "ref",
            unique=True, sqlite_where=_TO_PERSON, postgresql_where=_TO_PERSON,
        ),
    )  # fmt: skip
    id: Mapped[int] = mapped_column(primary_key=True)
    incident_id: Mapped[int] = mapped_column(ForeignKey("incidents.id"), index=True)
    channel_id: Mapped[int | None] = mapped_column(ForeignKey("notification_channels.id"))
    contact_method_id: Mapped[int | None] = mapped_column(ForeignKey("contact_methods.id"))
    channel: Mapped[str]
    ref: Mapped[str] = mapped_column(LongText)
    state: Mapped[str] = mapped_column(default="")


class InboundMessageRow(Base):
    """A message that a vendor delivered; what it led to was committed with it, so that a retry gets the first answer.

    `user_id` is the person who sent it, where that is known; `text` is what they were answered.
    """

    __tablename__ = "inbound_messages"
    __table_args__ = (
        UniqueConstraint("vendor", "vendor_id"),
        Index("ix_inbound_messages_sender", "vendor", "sender", "received_at"),
        Index("ix_inbound_messages_loose", "incident_id", "received_at", sqlite_where=_LOOSE, postgresql_where=_LOOSE),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    vendor: Mapped[str]
    vendor_id: Mapped[str]
    kind: Mapped[str]
    sender: Mapped[str] = mapped_column(default="")
    outcome: Mapped[str] = mapped_column(default="")
    text: Mapped[str] = mapped_column(LongText, default="")
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    incident_id: Mapped[int | None] = mapped_column(ForeignKey("incidents.id"), index=True)
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)


class IntegrationRow(Base):
    """How a vendor's door is doing: what came in last, and how much was taken and refused."""

    __tablename__ = "integrations"
    vendor: Mapped[str] = mapped_column(primary_key=True)
    accepted: Mapped[int] = mapped_column(default=0)
    refused: Mapped[int] = mapped_column(default=0)
    last_inbound_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_outcome: Mapped[str | None]
    last_error: Mapped[str | None] = mapped_column(LongText)
