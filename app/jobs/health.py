"""What the jobs of all processes did last, for `/api/v1/system/jobs`, the settings page and the banners."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, insert, select, update

from app.jobs._guard import Job, JobState
from app.jobs.models import JobRunRow
from app.jobs.schedule import JOBS
from app.platform.db import Tx
from app.platform.settings import Settings
from app.platform.tables import fields_of

SAVE_SECONDS = 5
# A job is healthy while it ran within a few of its own periods.
HEALTHY_PERIODS = 3
HEALTHY_AT_LEAST_SECONDS = 30
# Longer than any job may be silent and count as healthy.
FORGOTTEN_AFTER = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class JobHealth:
    """One job over all processes; times are UTC, `healthy` is also true for one that is switched off."""

    name: str
    enabled: bool
    last_run_at: datetime | None
    last_duration_ms: float | None
    last_error: str | None
    next_run_at: datetime | None
    lag_ms: float
    healthy: bool


def is_enabled(job: Job, settings: Settings) -> bool:
    """Whether the job's switch is on."""
    return job.setting is None or bool(getattr(settings, job.setting))


def jobs_health(tx: Tx, settings: Settings, *, now: datetime) -> list[JobHealth]:
    """Every job with the newest run of any process."""
    newest = {
        row["name"]: row for row in tx.execute(select(JobRunRow.__table__).order_by(JobRunRow.last_run_at)).mappings()
    }
    found = []
    for job in JOBS:
        row = newest.get(job.name)
        enabled = is_enabled(job, settings)
        last_run_at: datetime | None = row["last_run_at"] if row else None
        patience = timedelta(seconds=max(HEALTHY_AT_LEAST_SECONDS, HEALTHY_PERIODS * job.every_seconds))
        ran = last_run_at is not None and now - last_run_at < patience
        found.append(
            JobHealth(
                name=job.name,
                enabled=enabled,
                last_run_at=last_run_at,
                last_duration_ms=row["last_duration_ms"] if row else None,
                last_error=row["last_error"] if row else None,
                next_run_at=last_run_at + timedelta(seconds=job.every_seconds) if last_run_at else None,
                lag_ms=row["lag_ms"] if row else 0.0,
                healthy=not enabled or (ran and (row is None or row["last_error"] is None)),
            )
        )
    return found


@dataclass(frozen=True, slots=True)
class JobCount:
    """How often a job has run, and how often it broke off, since its process began."""

    name: str
    runs: int
    errors: int


def counts_of(tx: Tx, owner: str) -> list[JobCount]:
    """How often the jobs of one process have run."""
    statement = select(*fields_of(JobRunRow, JobCount)).where(JobRunRow.owner == owner)
    return tx.all(JobCount, statement.order_by(JobRunRow.name))


def jobs_move(tx: Tx, settings: Settings, now: datetime) -> bool:
    """Whether every job that is switched on runs without error, in whichever process."""
    return all(job.healthy for job in jobs_health(tx, settings, now=now))


def save(tx: Tx, owner: str, states: Iterable[JobState], *, now: datetime) -> None:
    """Keep what this process's jobs did; rows of processes long gone are dropped."""
    for state in states:
        if state.last_run_at is None:
            continue
        values = {
            "last_run_at": state.last_run_at,
            "last_duration_ms": state.last_duration_ms,
            "last_error": state.last_error,
            "last_error_at": state.last_error_at,
            "runs": state.runs,
            "errors": state.errors,
            "lag_ms": state.lag_ms,
        }
        mine = (JobRunRow.name == state.name, JobRunRow.owner == owner)
        if tx.execute(update(JobRunRow).where(*mine).values(**values)).rowcount == 0:
            tx.execute(insert(JobRunRow).values(name=state.name, owner=owner, **values))
    tx.execute(delete(JobRunRow).where(JobRunRow.last_run_at < now - FORGOTTEN_AFTER))
