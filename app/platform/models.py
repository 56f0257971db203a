"""Tables of the floor: leases, blackouts, totals, marks, and secrets that the installation makes for itself."""

from datetime import datetime

from sqlalchemy import BigInteger
from sqlalchemy.orm import Mapped, mapped_column

from app.platform.tables import Base, Json, LongText, UtcDateTime


class LeaseRow(Base):
    """Who may do singleton work until when; `fence` goes up each time it changes hands."""

    __tablename__ = "leases"
    name: Mapped[str] = mapped_column(primary_key=True)
    owner: Mapped[str]
    fence: Mapped[int] = mapped_column(default=0)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)


class KeptSecretRow(Base):
    """A secret that this installation has made for itself, encrypted."""

    __tablename__ = "kept_secrets"
    name: Mapped[str] = mapped_column(primary_key=True)
    sealed: Mapped[str] = mapped_column(LongText)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class BlackoutRow(Base):
    """A stretch in which no process was alive to page (B49)."""

    __tablename__ = "blackouts"
    id: Mapped[int] = mapped_column(primary_key=True)
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime] = mapped_column(UtcDateTime)
    seconds: Mapped[int]


class TallyRow(Base):
    """How often something has happened, by the values of its labels; `settled_until` is set in the row that says when.

    Kept by `app/platform/tally.py`.
    """

    __tablename__ = "tallies"
    name: Mapped[str] = mapped_column(primary_key=True)
    labels: Mapped[str] = mapped_column(primary_key=True)
    settled_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    count: Mapped[int] = mapped_column(BigInteger, default=0)
    amount: Mapped[float] = mapped_column(default=0.0)
    buckets: Mapped[list[int]] = mapped_column(Json, default=list)


class MarkRow(Base):
    """Up to when a piece of work has come that goes through old rows in the order of time.

    Kept by `app/platform/removal.py`.
    """

    __tablename__ = "retention_marks"
    name: Mapped[str] = mapped_column(primary_key=True)
    until: Mapped[datetime] = mapped_column(UtcDateTime)
