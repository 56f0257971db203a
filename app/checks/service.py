"""Writing check runs and configurations inside the caller's transaction."""

import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from app.checks import kinds, queries, repository
from app.checks.errors import CheckInvalid
from app.checks.models import CheckRunRow
from app.checks.types import CheckConfig, CheckRun, NewCheckRun
from app.platform.db import Tx
from app.platform.errors import FieldError

TIMEOUT_SECONDS_AT_MOST = 600.0
CADENCE_SECONDS_AT_LEAST = 10
CADENCE_SECONDS_AT_MOST = 7 * 86400


def record_many(
    tx: Tx, runs: Sequence[NewCheckRun], *, hostname: str, trace_id: str, incident_id: int | None = None
) -> list[CheckRun]:
    """Write down what checks found, in their order."""
    return [_record(tx, run, hostname, trace_id, incident_id) for run in runs]


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
    if cadence is not None and not CADENCE_SECONDS_AT_LEAST <= cadence <= CADENCE_SECONDS_AT_MOST:
        errors.append(FieldError("cadence_seconds", f"{CADENCE_SECONDS_AT_LEAST} to {CADENCE_SECONDS_AT_MOST} seconds"))
    if errors:
        raise CheckInvalid(errors)
