"""What a value means against its thresholds, for how long, and which of several results counts. Values only."""

from collections.abc import Iterable, Sequence

from app.checks.types import CheckStatus, Finding, Part, Reading, Thresholds

# As monitoring plug-ins have it: what is broken counts more than what nobody knows, and that more than what is well.
WORST_FIRST = (CheckStatus.CRITICAL, CheckStatus.WARNING, CheckStatus.UNKNOWN, CheckStatus.OK)
BAD = (CheckStatus.WARNING, CheckStatus.CRITICAL)
# So many runs in a row that could not measure are no accident any more.
BLIND_RUNS = 3
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
    return min(statuses, key=WORST_FIRST.index, default=CheckStatus.UNKNOWN)


def findings(whole: Finding, parts: Sequence[Part], thresholds: Thresholds) -> list[Finding]:
    """What a run says of each of its parts, or of the whole where it has none.

    A part with a value is judged by it. One that is only there or not shares the judgement of the whole: while enough
    of the others are there, one that is missing is no problem.
    """
    return [_finding(whole, part, thresholds) for part in parts] or [whole]


def _finding(whole: Finding, part: Part, thresholds: Thresholds) -> Finding:
    if part.value is not None:
        status = _judge_value(part.value, thresholds)
    elif part.is_there is None:
        status = CheckStatus.UNKNOWN
    else:
        status = CheckStatus.OK if part.is_there else whole.status
    return Finding(part.name, status, part.message, part.value)


def lasting(status: CheckStatus, before: Sequence[CheckStatus], *, runs: int) -> CheckStatus:
    """What a status counts as where a bad one must last for so many runs: the mildest of the last ones.

    `before` are the statuses of the runs before, the newest last; those that could not be measured do not count.
    """
    if status not in BAD:
        return status
    known = [each for each in before if each is not CheckStatus.UNKNOWN]
    last = known[len(known) - (runs - 1) :] if runs > 1 else []
    return CheckStatus.OK if len(last) < runs - 1 else max([status, *last], key=WORST_FIRST.index)


def is_blind(recent: Sequence[CheckStatus]) -> bool:
    """Whether the last runs in a row, the newest last, could not be measured."""
    return len(recent) >= BLIND_RUNS and all(each is CheckStatus.UNKNOWN for each in recent[-BLIND_RUNS:])
