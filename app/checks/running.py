"""Makes one check: measures within its time-out, judges the value, and turns whatever goes wrong into «unknown»."""

import asyncio
from collections import defaultdict
from dataclasses import replace
from datetime import datetime

import psutil

from app.checks import kinds, rules
from app.checks.checkers._base import Checker, CheckParams
from app.checks.types import CheckConfig, CheckResult, CheckStatus, NewCheckRun, Reading, Thresholds
from app.platform.clock import Clock
from app.platform.logs import get_logger
from app.platform.ports import Outside
from app.platform.threads import CannotMeasure, Threads

ERROR_LIMIT = 1000
MESSAGE_LIMIT = 1000
THREADS_AT_MOST = 8
# Of the process, each kind its own: what hangs in one takes no thread from the others.
_threads: defaultdict[str, Threads] = defaultdict(lambda: Threads(THREADS_AT_MOST))

log = get_logger(__name__)


async def make(config: CheckConfig, outside: Outside, clock: Clock, *, now: datetime) -> NewCheckRun:
    """Measure and judge; never longer than the time-out. Raises CheckerMissing, CheckInvalid and nothing else."""
    checker = kinds.get_checker(config.checker)
    params, thresholds = kinds.checked(config)
    started = clock.monotonic()
    result = await result_of(checker, config, params, thresholds, replace(outside, blocking=_threads[config.checker]))
    return NewCheckRun(result, thresholds, round((clock.monotonic() - started) * 1000, 1), now)


async def result_of(
    checker: Checker, config: CheckConfig, params: CheckParams, thresholds: Thresholds, outside: Outside
) -> CheckResult:
    """What a checker finds; whatever goes wrong is «unknown», with its reason as `error`."""
    if not kinds.applies_here(checker):
        return _unknown(config, f"there is nothing to measure here: it is for {', '.join(checker.platforms)}")
    try:
        async with asyncio.timeout(config.timeout):
            reading = await checker.measure(params, outside)
    except TimeoutError:
        return _unknown(config, f"no result within {config.timeout:g} s")
    except (CannotMeasure, OSError, psutil.Error) as error:
        return _unknown(config, str(error) or type(error).__name__)
    except Exception as error:
        # One checker that breaks does not stop the others.
        log.exception("a checker broke", checker=config.checker)
        return _unknown(config, f"the checker broke: {type(error).__name__}")
    return _judged(config.checker, reading, thresholds)


def _judged(name: str, reading: Reading, thresholds: Thresholds) -> CheckResult:
    return CheckResult(
        status=rules.judge(reading, thresholds),
        message=reading.message[:MESSAGE_LIMIT],
        metrics=reading.metrics,
        checker_name=name,
        error=reading.error[:ERROR_LIMIT] if reading.error else None,
        value=reading.value,
    )


def _unknown(config: CheckConfig, why: str) -> CheckResult:
    clipped = why[:ERROR_LIMIT]
    return CheckResult(CheckStatus.UNKNOWN, f"Not known: {clipped}", {}, config.checker, error=clipped)
