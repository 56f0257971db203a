"""Statements over check runs and configurations."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import case, func, literal_column, or_, select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.sql import Select

from app.checks.models import CheckConfigRow, CheckRunRow, WatchRow
from app.checks.types import Bucket, CheckRun, CheckStatus, Watch
from app.platform.db import Tx
from app.platform.tables import epoch_of, fields_of
from app.platform.types import JsonObject

_BY_RANK = (CheckStatus.OK, CheckStatus.UNKNOWN, CheckStatus.WARNING, CheckStatus.CRITICAL)
RANKS = {status.value: rank for rank, status in enumerate(_BY_RANK)}
# The fields of a configuration that may differ from the checker's own.
CHANGEABLE = ("params", "warning_threshold", "critical_threshold", "timeout", "enabled", "cadence_seconds")


def select_runs() -> "Select[Any]":
    """A select of whole runs, to be narrowed."""
    return select(*fields_of(CheckRunRow, CheckRun))


def select_last_runs(checkers: Iterable[str], hostname: str | None = None) -> "Select[Any]":
    """The newest run of each of these checkers, on that host where one is named; one look into an index for each."""
    return select_runs().where(or_(*(CheckRunRow.id == _newest(checker, hostname) for checker in checkers)))


def select_newest_of(incident_ids: Iterable[int]) -> "Select[Any]":
    """The runs under the trace id of each incident's newest one, in their order.

    By the index on incidents alone: every page after the first asks, however many checks are kept and of whom.
    """
    mine = CheckRunRow.incident_id.in_(sorted(incident_ids))
    newest = select(func.max(CheckRunRow.id)).where(mine).group_by(CheckRunRow.incident_id)
    traces = select(CheckRunRow.trace_id).where(CheckRunRow.id.in_(newest))
    return select_runs().where(mine, CheckRunRow.trace_id.in_(traces)).order_by(CheckRunRow.id)


def _newest(checker: str, hostname: str | None) -> Any:
    statement = select(CheckRunRow.id).where(CheckRunRow.checker_name == checker)
    if hostname is None:
        return statement.order_by(CheckRunRow.id.desc()).limit(1).scalar_subquery()
    newest_first = (CheckRunRow.executed_at.desc(), CheckRunRow.id.desc())
    return statement.where(CheckRunRow.hostname == hostname).order_by(*newest_first).limit(1).scalar_subquery()


def buckets_since(tx: Tx, hostname: str, checkers: Iterable[str], since: datetime, *, seconds: int) -> list[Bucket]:
    """What these checkers found on the host since then, thinned out: one row for so many seconds, the oldest first."""
    bucket = (epoch_of(tx.dialect, CheckRunRow.executed_at) // literal_column(str(seconds))).label("bucket")
    worst = func.max(case(RANKS, value=CheckRunRow.status)).label("worst")
    columns = (CheckRunRow.checker_name, bucket, func.min(CheckRunRow.value), func.max(CheckRunRow.value), worst)
    statement = (
        select(*columns)
        .where(
            CheckRunRow.hostname == hostname,
            # Named, each is one stretch of the index.
            CheckRunRow.checker_name.in_(sorted(checkers)),
            CheckRunRow.executed_at >= since,
        )
        .group_by(CheckRunRow.checker_name, bucket)
        .order_by(CheckRunRow.checker_name, bucket)
    )
    return [
        Bucket(checker, datetime.fromtimestamp(number * seconds, UTC), lowest, highest, _BY_RANK[rank])
        for checker, number, lowest, highest, rank in tx.execute(statement)
    ]


def select_watches(hostname: str) -> "Select[Any]":
    """The checkers that ran on a host by cadence or from the command line."""
    return select(*fields_of(WatchRow, Watch)).where(WatchRow.hostname == hostname)


def select_hosts(since: datetime) -> "Select[Any]":
    """The hosts of which anything was heard since then."""
    return select(WatchRow.hostname).where(WatchRow.updated_at >= since).distinct().order_by(WatchRow.hostname)


def add_watches(tx: Tx, hostname: str, checkers: Sequence[str], *, now: datetime) -> None:
    """The rows of these checkers on that host, made where they are missing."""
    insert = postgresql_insert if tx.dialect == "postgresql" else sqlite_insert
    rows = [{"hostname": hostname, "checker": checker, "recent": [], "updated_at": now} for checker in checkers]
    if rows:
        tx.execute(insert(WatchRow).on_conflict_do_nothing(), rows)


def claim_watch(
    tx: Tx, hostname: str, checker: str, *, last_before: datetime, lease_until: datetime, now: datetime
) -> bool:
    """Take the next run of a checker on that host; False where another process has it, or has had it."""
    statement = (
        update(WatchRow)
        .where(
            WatchRow.hostname == hostname,
            WatchRow.checker == checker,
            or_(WatchRow.last_at.is_(None), WatchRow.last_at <= last_before),
            or_(WatchRow.lease_until.is_(None), WatchRow.lease_until <= now),
        )
        .values(last_at=now, lease_until=lease_until, updated_at=now)
    )
    return tx.execute(statement).rowcount == 1


def lock_watch(tx: Tx, hostname: str, checker: str) -> Watch:
    """The row of a checker on that host, which is there, locked for this transaction."""
    statement = select_watches(hostname).where(WatchRow.checker == checker).with_for_update()
    return Watch(**tx.execute(statement).mappings().one())


def store_watch(tx: Tx, watch: Watch, *, now: datetime) -> None:
    """Keep how the last runs came out; whoever had claimed the run has done it."""
    statement = update(WatchRow).where(WatchRow.hostname == watch.hostname, WatchRow.checker == watch.checker)
    values = {"recent": watch.recent, "known_at": watch.known_at, "lease_until": None, "updated_at": now}
    tx.execute(statement.values(**values))


def link_alert(tx: Tx, run_id: int, alert_id: int) -> None:
    """Say which alert a run is about."""
    tx.execute(update(CheckRunRow).where(CheckRunRow.id == run_id).values(alert_id=alert_id))


def changes_by_checker(tx: Tx) -> dict[str, JsonObject]:
    """What was changed over the checkers' own configuration; what is not named is as they have it."""
    statement = select(CheckConfigRow.checker, *(getattr(CheckConfigRow, name) for name in CHANGEABLE))
    return {row["checker"]: _set(row) for row in tx.execute(statement).mappings()}


def lock_changes(tx: Tx, checker: str, *, now: datetime) -> JsonObject:
    """What was changed of one checker, its row made if need be and locked for this transaction."""
    insert = postgresql_insert if tx.dialect == "postgresql" else sqlite_insert
    row = {"checker": checker, "params": {}, "created_at": now, "updated_at": now}
    tx.execute(insert(CheckConfigRow).values(**row).on_conflict_do_nothing())
    columns = [getattr(CheckConfigRow, name) for name in CHANGEABLE]
    statement = select(*columns).where(CheckConfigRow.checker == checker).with_for_update()
    return _set(tx.execute(statement).mappings().one())


def store_changes(tx: Tx, checker: str, changes: JsonObject, *, now: datetime) -> None:
    """Keep what differs from the checker's own configuration; the rest becomes NULL."""
    values = {name: changes.get(name, {} if name == "params" else None) for name in CHANGEABLE}
    statement = update(CheckConfigRow).where(CheckConfigRow.checker == checker)
    tx.execute(statement.values(**values, updated_at=now))


def _set(row: Any) -> JsonObject:
    return {name: row[name] for name in CHANGEABLE if row[name] is not None}
