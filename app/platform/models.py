"""Tables of the floor: leases, blackouts, and secrets that the installation makes for itself."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from app.platform.tables import Base, LongText, UtcDateTime


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
