"""What a check means for the alert of its target. Values in, a named verdict out; no database, no clock."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from app.alerts.types import Alert, Severity
from app.checks.rules import BAD
from app.checks.types import CheckStatus

# What came back within the last hour must be well for a while before it is believed.
FLAPS_FOR = timedelta(hours=1)
QUIET_FOR = timedelta(minutes=10)
SEVERITY = {CheckStatus.WARNING: Severity.WARNING, CheckStatus.CRITICAL: Severity.CRITICAL}


class Verdict(StrEnum):
    """Why an alert is said to fire or to be over, or why nothing is said."""

    FIRES = "fires"
    RECOVERED = "recovered"
    NOT_WATCHED = "not_watched_any_more"
    WELL = "well"
    NOT_KNOWN = "not_known"
    NOT_LASTING = "has_not_lasted"
    MAY_FLAP = "may_flap"
    NOBODY_ASKED = "nobody_asked"


SAID = frozenset({Verdict.FIRES, Verdict.RECOVERED, Verdict.NOT_WATCHED})


@dataclass(frozen=True, slots=True)
class Sight:
    """One target as a run saw it: its status, and what it counts as where a bad one must last."""

    status: CheckStatus
    lasting: CheckStatus


def decide(sight: Sight, firing: Alert | None, *, has_returned: bool, is_meant: bool, at: datetime) -> Verdict:
    """What a run of that time says of a target whose alert fires, or does not.

    `has_returned` says that the alert came back within FLAPS_FOR; `is_meant` that somebody wants alerts of this.
    """
    if sight.status is CheckStatus.UNKNOWN:
        return Verdict.NOT_KNOWN
    if sight.status is CheckStatus.OK:
        if firing is None:
            return Verdict.WELL
        return Verdict.MAY_FLAP if has_returned and at - firing.last_seen_at < QUIET_FOR else Verdict.RECOVERED
    if firing is not None:
        return Verdict.FIRES
    if not is_meant:
        return Verdict.NOBODY_ASKED
    return Verdict.FIRES if sight.lasting in BAD else Verdict.NOT_LASTING


def severity_of(sight: Sight, firing: Alert | None) -> Severity:
    """How bad it is: what has lasted, else what was said before."""
    if sight.lasting in BAD:
        return SEVERITY[sight.lasting]
    return SEVERITY[sight.status] if firing is None else firing.severity
