"""`/api/v1/system`: how PagerPal itself is doing, and where vendors have to send their answers."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from app.jobs.health import jobs_health
from app.platform import pulse
from app.platform.types import JsonObject
from app.usecases import watch
from app.usecases.watch import CheckStatus
from app.web.deps import NowDep, RuntimeDep


class JobOut(BaseModel):
    """One job over all processes."""

    model_config = ConfigDict(from_attributes=True)

    name: str
    enabled: bool
    last_run_at: datetime | None
    last_duration_ms: float | None
    last_error: str | None
    next_run_at: datetime | None
    lag_ms: float
    healthy: bool


class JobsOut(BaseModel):
    """Every job; `leader` says whether the process that answers does the singleton work."""

    jobs: list[JobOut]
    leader: bool


class ReadinessOut(BaseModel):
    """One line of the readiness checklist."""

    model_config = ConfigDict(from_attributes=True)

    check: str
    status: CheckStatus
    detail: str


def jobs(rt: RuntimeDep, now: NowDep) -> JobsOut:
    """What the jobs did last, and when they run next."""
    found, leader = rt.db.read(
        lambda tx: (jobs_health(tx, rt.settings, now=now), pulse.leader_of(tx, now=now)),
    )
    return JobsOut(jobs=[JobOut.model_validate(job) for job in found], leader=leader == rt.owner)


def readiness(rt: RuntimeDep, now: NowDep) -> list[ReadinessOut]:
    """The production readiness checklist, checked now."""
    return [ReadinessOut.model_validate(item) for item in watch.readiness(rt, now)]


def integrations(rt: RuntimeDep) -> JsonObject:
    """The inbound URLs of the vendors; two of them hold a secret."""
    return watch.integrations(rt)
