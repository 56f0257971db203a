"""What a value means against its thresholds, and which of several results counts. Values only."""

from collections.abc import Iterable

from app.checks.types import CheckStatus, Reading, Thresholds

# As monitoring plug-ins have it: what is broken counts more than what nobody knows, and that more than what is well.
_WORST_FIRST = (CheckStatus.CRITICAL, CheckStatus.WARNING, CheckStatus.UNKNOWN, CheckStatus.OK)
EXIT_STATUS = {CheckStatus.OK: 0, CheckStatus.WARNING: 1, CheckStatus.CRITICAL: 2, CheckStatus.UNKNOWN: 3}


def judge(reading: Reading, thresholds: Thresholds) -> CheckStatus:
    """What a reading means.

    A value at a threshold has reached it: `critical` and above is critical. Inverted, a value at a threshold still
    has what is asked: `warning` and above is well, and below `critical` is critical. Where something could not be
    measured, the rest being well does not make the whole well.
    """
    status = _judge_value(reading.value, thresholds)
    return CheckStatus.UNKNOWN if status is CheckStatus.OK and reading.error else status


def _judge_value(value: float | None, thresholds: Thresholds) -> CheckStatus:
    if value is None:
        return CheckStatus.OK
    if thresholds.is_inverted:
        is_critical, is_warning = value < thresholds.critical, value < thresholds.warning
    else:
        is_critical, is_warning = value >= thresholds.critical, value >= thresholds.warning
    if is_critical:
        return CheckStatus.CRITICAL
    return CheckStatus.WARNING if is_warning else CheckStatus.OK


def contradiction(thresholds: Thresholds) -> str | None:
    """What is wrong with a pair of thresholds, None when nothing is."""
    if thresholds.is_inverted and thresholds.critical > thresholds.warning:
        return "must be at most the warning threshold: this checker warns of what is too low"
    if not thresholds.is_inverted and thresholds.critical < thresholds.warning:
        return "must be at least the warning threshold"
    return None


def worst(statuses: Iterable[CheckStatus]) -> CheckStatus:
    """The status of several checks together; nothing checked is unknown."""
    return min(statuses, key=_WORST_FIRST.index, default=CheckStatus.UNKNOWN)
