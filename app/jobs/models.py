"""Tables of the clock's door: what each job did last."""

from datetime import datetime

from sqlalchemy import UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.platform.tables import Base, LongText, UtcDateTime


class JobRunRow(Base):
    """A job's latest run in one process, one row each; `healthy` is computed from it."""

    __tablename__ = "job_runs"
    __table_args__ = (UniqueConstraint("name", "owner"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    owner: Mapped[str]
    last_run_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_duration_ms: Mapped[float]
    last_error: Mapped[str | None] = mapped_column(LongText)
    last_error_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    runs: Mapped[int] = mapped_column(default=0)
    errors: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    lag_ms: Mapped[float] = mapped_column(default=0)
