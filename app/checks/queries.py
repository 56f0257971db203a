"""Reading how checkers are set up, and what they found."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from app.checks import kinds, repository
from app.checks.models import CheckRunRow
from app.checks.types import Bucket, CheckConfig, CheckRun, CheckStatus, Watch
from app.platform.db import Tx, paged
from app.platform.types import Page, PageQuery


@dataclass(frozen=True, slots=True)
class CheckRunFilter:
    """What a list of check runs is narrowed to."""

    checker_name: str | None = None
    status: CheckStatus | None = None
    hostname: str | None = None
    incident_id: int | None = None
    trace_id: str | None = None


def configs(tx: Tx) -> dict[str, CheckConfig]:
    """How every checker is set up, by its name."""
    changes = repository.changes_by_checker(tx)
    return {name: kinds.with_changes(kinds.defaults_of(name), changes.get(name, {})) for name in kinds.checkers()}


def set_up(tx: Tx) -> set[str]:
    """The checkers of which somebody changed anything."""
    return {
        checker
        for checker, changes in repository.changes_by_checker(tx).items()
        if any(name != "params" or value for name, value in changes.items())
    }


def get_config(tx: Tx, checker: str) -> CheckConfig:
    """How one checker is set up. Raises CheckerMissing."""
    kinds.get_checker(checker)
    return configs(tx)[checker]


def get_run(tx: Tx, run_id: int) -> CheckRun:
    """A run that is known to be there."""
    found = tx.first(CheckRun, repository.select_runs().where(CheckRunRow.id == run_id))
    if found is None:
        raise LookupError(f"there is no check run {run_id}")
    return found


def list_runs(tx: Tx, filters: CheckRunFilter, page: PageQuery) -> Page[CheckRun]:
    """One page, newest first."""
    wanted = {
        CheckRunRow.checker_name: filters.checker_name,
        CheckRunRow.status: filters.status,
        CheckRunRow.hostname: filters.hostname,
        CheckRunRow.incident_id: filters.incident_id,
        CheckRunRow.trace_id: filters.trace_id,
    }
    narrowed = (column == value for column, value in wanted.items() if value is not None)
    return paged(tx, CheckRun, repository.select_runs().where(*narrowed).order_by(CheckRunRow.id.desc()), page)


def last_runs(tx: Tx, hostname: str | None = None) -> dict[str, CheckRun]:
    """The newest run of each checker that ever ran, on that host or on whichever."""
    statement = repository.select_last_runs(kinds.checkers(), hostname)
    return {run.checker_name: run for run in tx.all(CheckRun, statement)}


def watches_of(tx: Tx, hostname: str) -> dict[str, Watch]:
    """How the checkers that run on a host by themselves go on, by their names."""
    return {watch.checker: watch for watch in tx.all(Watch, repository.select_watches(hostname))}


def hosts_since(tx: Tx, since: datetime) -> list[str]:
    """The hosts that were measured since then, by name."""
    return list(tx.execute(repository.select_hosts(since)).scalars())


def buckets_of(
    tx: Tx, hostname: str, *, since: datetime, seconds: int, checker: str | None = None
) -> dict[str, list[Bucket]]:
    """What every checker, or that one, found on a host since then: one value for so many seconds, the oldest first."""
    found: dict[str, list[Bucket]] = {}
    checkers = kinds.checkers() if checker is None else [checker]
    for bucket in repository.buckets_since(tx, hostname, checkers, since, seconds=seconds):
        found.setdefault(bucket.checker_name, []).append(bucket)
    return found


def runs_of_incident(tx: Tx, incident_id: int, *, limit: int = 100) -> list[CheckRun]:
    """The checks that were made for an incident, newest first."""
    statement = repository.select_runs().where(CheckRunRow.incident_id == incident_id)
    return tx.all(CheckRun, statement.order_by(CheckRunRow.id.desc()).limit(limit))


def newest_of_incidents(tx: Tx, incident_ids: Collection[int], *, limit: int = 20) -> dict[int, list[CheckRun]]:
    """The checks that were made last for each of these incidents, in their order."""
    found: dict[int, list[CheckRun]] = {}
    for run in tx.all(CheckRun, repository.select_newest_of(incident_ids)):
        found.setdefault(run.incident_id or 0, []).append(run)
    # A delivery that opened several incidents gave their checks one trace id.
    return {each: [run for run in runs if run.trace_id == runs[-1].trace_id][-limit:] for each, runs in found.items()}


def runs_of_trace(tx: Tx, trace_id: str, *, limit: int = 100) -> list[CheckRun]:
    """The checks that were made under this trace id, in their order."""
    statement = repository.select_runs().where(CheckRunRow.trace_id == trace_id)
    return tx.all(CheckRun, statement.order_by(CheckRunRow.id).limit(limit))
