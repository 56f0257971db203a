"""`/api/v1/checks` and `/api/v1/check-runs`: how this host is measured, what was found, and measuring now."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import Path, Query
from pydantic import Field, StrictBool

from app.accounts.permissions import Permission, allows
from app.checks import kinds, queries
from app.checks.queries import CheckRunFilter
from app.checks.types import CheckConfig, CheckOrder, CheckRun, CheckStatus
from app.platform.db import Tx
from app.usecases import run_checks
from app.web.api.accounts_schemas import In, Out
from app.web.api.pages import PageOut, page_out
from app.web.deps import MAX_ID, IdentityDep, NowDep, PageDep, RuntimeDep

CheckerName = Annotated[str, Path(min_length=1, max_length=64)]
Threshold = Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)]
Word = Annotated[str | None, Query(max_length=255)]


class CheckRunOut(Out):
    """One execution of a checker; `duration_ms` in milliseconds."""

    id: int
    checker_name: str
    hostname: str
    status: CheckStatus
    message: str
    metrics: dict[str, Any]
    error: str
    warning_threshold: float | None
    critical_threshold: float | None
    alert_id: int | None
    incident_id: int | None
    duration_ms: float
    executed_at: datetime
    trace_id: str


class CheckOut(Out):
    """A checker and how it is set up; `metric` is the one that the thresholds are about."""

    name: str
    label: str
    setup: str
    params: dict[str, Any]
    timeout: float
    warning_threshold: float
    critical_threshold: float
    is_inverted: bool
    metric: str
    unit: str
    enabled: bool
    applies_here: bool
    cadence_seconds: int | None
    last_run: CheckRunOut | None

    @classmethod
    def of(cls, config: CheckConfig, last_run: CheckRun | None) -> "CheckOut":
        """The checker as the API shows it."""
        checker = kinds.get_checker(config.checker)
        own = {name: getattr(config, name) for name in CheckConfig.__slots__ if name != "checker"}
        about = {name: getattr(checker, name) for name in ("label", "setup", "is_inverted", "metric", "unit")}
        return cls(
            name=config.checker,
            applies_here=kinds.applies_here(checker),
            last_run=CheckRunOut.model_validate(last_run) if last_run else None,
            **own,
            **about,
        )


class CheckChange(In):
    """Fields to change; what is left out stays, within `params` too; null goes back to the checker's own."""

    params: dict[str, Any] | None = None
    timeout: Annotated[float, Field(allow_inf_nan=False)] | None = None
    warning_threshold: Threshold | None = None
    critical_threshold: Threshold | None = None
    enabled: StrictBool | None = None
    cadence_seconds: Annotated[int, Field(ge=0, le=MAX_ID)] | None = None


class CheckNow(In):
    """What is different this once; where to look (`hosts`, `paths`, …) is for admins to say."""

    params: dict[str, Any] = Field(default_factory=dict)
    warning_threshold: Threshold | None = None
    critical_threshold: Threshold | None = None


def list_checks(rt: RuntimeDep) -> list[CheckOut]:
    """Every checker with its parameters, thresholds and newest run."""
    return rt.db.read(_all)


def change_check(
    checker: CheckerName, body: CheckChange, rt: RuntimeDep, identity: IdentityDep, now: NowDep
) -> CheckOut:
    """Change the fields that are sent."""
    changes = body.model_dump(exclude_unset=True)
    config = run_checks.change_config(rt, checker=checker, changes=changes, actor=identity.user, now=now)
    return CheckOut.of(config, rt.db.read(queries.last_runs).get(checker))


async def run_check(
    checker: CheckerName, rt: RuntimeDep, identity: IdentityDep, now: NowDep, body: CheckNow | None = None
) -> CheckRunOut:
    """Measure now and answer with what was found, at the latest when the check's time-out is over."""
    order = CheckOrder(checker, **(body or CheckNow()).model_dump())
    may_choose = allows(identity, Permission.MANAGE_CHECKS)
    (made,) = await run_checks.run(rt, [order], now=now, may_choose_places=may_choose)
    return CheckRunOut.model_validate(made)


def list_runs(
    rt: RuntimeDep,
    page: PageDep,
    checker: Word = None,
    status: CheckStatus | None = None,
    hostname: Word = None,
    incident_id: Annotated[int | None, Query(ge=1, le=MAX_ID)] = None,
    trace_id: Word = None,
) -> PageOut[CheckRunOut]:
    """One page of check runs, newest first."""
    filters = CheckRunFilter(checker, status, hostname, incident_id, trace_id)
    return page_out(rt.db.read(lambda tx: queries.list_runs(tx, filters, page)), CheckRunOut.model_validate)


def _all(tx: Tx) -> list[CheckOut]:
    last = queries.last_runs(tx)
    return [CheckOut.of(config, last.get(name)) for name, config in queries.configs(tx).items()]
