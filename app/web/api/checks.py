"""`/api/v1/checks` and `/api/v1/check-runs`: how this host is measured, what was found, and measuring now."""

from typing import Annotated

from fastapi import Path, Query

from app.accounts.permissions import Permission, allows
from app.checks import queries
from app.checks.queries import CheckRunFilter
from app.checks.types import CheckOrder, CheckStatus
from app.platform.db import Tx
from app.usecases import run_checks
from app.web.api.check_schemas import CheckChange, CheckNow, CheckOut, CheckRunOut
from app.web.api.pages import PageOut, page_out
from app.web.deps import MAX_ID, IdentityDep, NowDep, PageDep, RuntimeDep

CheckerName = Annotated[str, Path(min_length=1, max_length=64)]
Word = Annotated[str | None, Query(max_length=255)]


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
