"""Writing check runs and configurations inside the caller's transaction."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from app.checks import kinds, queries, repository
from app.checks.errors import CheckInvalid
from app.checks.models import CheckRunRow
from app.checks.types import CheckConfig, CheckRun, CheckStatus, NewCheckRun, Watch
from app.platform.db import Tx
from app.platform.errors import FieldError

TIMEOUT_SECONDS_AT_MOST = 600.0
CADENCE_SECONDS_AT_LEAST = 10
CADENCE_SECONDS_AT_MOST = 7 * 86400
RECENT_RUNS = 5
CLAIM_MARGIN = timedelta(seconds=60)


def record_many(
    tx: Tx, runs: Sequence[NewCheckRun], *, hostname: str, trace_id: str, incident_id: int | None = None
) -> list[CheckRun]:
    """Write down what checks found, in their order."""
    return [_record(tx, run, hostname, trace_id, incident_id) for run in runs]


def link_alert(tx: Tx, *, run_id: int, alert_id: int) -> None:
    """Say which alert a run is about."""
    repository.link_alert(tx, run_id, alert_id)


def claim_due(tx: Tx, configs: Sequence[CheckConfig], *, hostname: str, now: datetime) -> list[CheckConfig]:
    """Those of these checkers whose time has come again on this host, each taken by one process only."""
    repository.add_watches(tx, hostname, [config.checker for config in configs], now=now)
    return [config for config in configs if _claim(tx, config, hostname, now)]


def note_run(tx: Tx, run: CheckRun, *, now: datetime) -> Watch:
    """Remember how a run of this host came out; gives the checker's row as it was before, locked."""
    repository.add_watches(tx, run.hostname, [run.checker_name], now=now)
    before = repository.lock_watch(tx, run.hostname, run.checker_name)
    known_at = before.known_at if run.status is CheckStatus.UNKNOWN else run.executed_at
    recent = [*before.recent, run.status.value][-RECENT_RUNS:]
    repository.store_watch(tx, replace(before, recent=recent, known_at=known_at), now=now)
    return before


def _claim(tx: Tx, config: CheckConfig, hostname: str, now: datetime) -> bool:
    return repository.claim_watch(
        tx,
        hostname,
        config.checker,
        last_before=now - timedelta(seconds=config.cadence_seconds or 0),
        # Heavy ones wait for each other before they begin.
        lease_until=now + timedelta(seconds=2 * config.timeout) + CLAIM_MARGIN,
        now=now,
    )


def change_config(tx: Tx, checker: str, *, changes: Mapping[str, Any], now: datetime) -> CheckConfig:
    """Change how a checker is set up; a field that is None, within `params` too, goes back to the checker's own.

    Raises CheckerMissing, CheckInvalid.
    """
    defaults = kinds.defaults_of(checker)
    stored = repository.lock_changes(tx, checker, now=now)
    params = (
        {**stored.get("params", {}), **(changes.get("params") or {})} if changes.get("params", {}) is not None else {}
    )
    kept = {
        **{name: value for name, value in {**stored, **changes}.items() if value is not None},
        "params": {name: value for name, value in params.items() if value is not None},
    }
    _check_times(kept)
    kinds.checked(kinds.with_changes(defaults, kept))
    repository.store_changes(tx, checker, kept, now=now)
    tx.publish("checks", checker=checker)
    tx.wake("checks")
    return queries.get_config(tx, checker)


def _record(tx: Tx, run: NewCheckRun, hostname: str, trace_id: str, incident_id: int | None) -> CheckRun:
    run_id = tx.insert(
        CheckRunRow,
        checker_name=run.result.checker_name,
        hostname=hostname,
        status=run.result.status,
        message=run.result.message,
        metrics=run.result.metrics,
        error=run.result.error or "",
        value=run.result.value,
        warning_threshold=run.thresholds.warning,
        critical_threshold=run.thresholds.critical,
        incident_id=incident_id,
        duration_ms=run.duration_ms,
        executed_at=run.executed_at,
        trace_id=trace_id,
    )
    tx.publish("checks", checker=run.result.checker_name, incident_id=incident_id)
    return queries.get_run(tx, run_id)


def _check_times(config: Mapping[str, Any]) -> None:
    errors = []
    timeout, cadence = config.get("timeout"), config.get("cadence_seconds")
    if timeout is not None and not (math.isfinite(timeout) and 0 < timeout <= TIMEOUT_SECONDS_AT_MOST):
        errors.append(FieldError("timeout", f"more than 0 and at most {TIMEOUT_SECONDS_AT_MOST:g} seconds"))
    if cadence and not CADENCE_SECONDS_AT_LEAST <= cadence <= CADENCE_SECONDS_AT_MOST:
        allowed = f"{CADENCE_SECONDS_AT_LEAST} to {CADENCE_SECONDS_AT_MOST} seconds, or 0 to run only when asked"
        errors.append(FieldError("cadence_seconds", allowed))
    if errors:
        raise CheckInvalid(errors)
