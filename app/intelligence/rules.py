"""When a provider may be asked, when it is asked again, and how an analysis run lives. Values only."""

from datetime import datetime, timedelta

from app.intelligence.errors import AnalysisEnded
from app.intelligence.types import UNFINISHED, AnalysisAction, AnalysisRun, AnalysisStatus, AskFailed, Consent

DEADLINE_SECONDS = 20.0
TRIES = 3
FIRST_WAIT_SECONDS = 0.5
LONGEST_WAIT_SECONDS = 8.0
LONGEST_ASKED_WAIT_SECONDS = 60.0
# What writing the end down may take, before a run counts as left behind by a process that died.
GRACE_SECONDS = 15.0

TRANSITIONS = {
    (AnalysisStatus.PENDING, AnalysisAction.START): AnalysisStatus.RUNNING,
    (AnalysisStatus.PENDING, AnalysisAction.FAIL): AnalysisStatus.FAILED,
    (AnalysisStatus.RUNNING, AnalysisAction.SUCCEED): AnalysisStatus.SUCCEEDED,
    (AnalysisStatus.RUNNING, AnalysisAction.FAIL): AnalysisStatus.FAILED,
}


def next_status(status: AnalysisStatus, action: AnalysisAction) -> AnalysisStatus:
    """What an analysis run becomes. Raises AnalysisEnded."""
    try:
        return TRANSITIONS[status, action]
    except KeyError:
        raise AnalysisEnded(status.value, action.value) from None


def may_ask(*, is_requested: bool, has_analysis: bool, asked_this_hour: int, budget_per_hour: int) -> Consent:
    """Whether a provider may be asked: one analysis per incident unless a person asks, and so many an hour in all."""
    if has_analysis and not is_requested:
        return Consent.ANALYZED_ALREADY
    return Consent.ASK if asked_this_hour < budget_per_hour else Consent.BUDGET_SPENT


def deadline_seconds(timeout_seconds: float | None, *, at_most: float | None = None) -> float:
    """How long asking may take in all: 20 s unless the configuration says more, and at most the node's time (B40)."""
    wanted = max(DEADLINE_SECONDS, timeout_seconds or 0.0)
    return wanted if at_most is None else min(wanted, at_most)


def is_orphan(run: AnalysisRun, now: datetime) -> bool:
    """Whether whoever asked must be dead: the run goes on for longer than asking may take in all."""
    timeout = run.provider_config.get("timeout_seconds")
    seconds = deadline_seconds(float(timeout) if isinstance(timeout, int | float) else None)
    begun = run.started_at or run.created_at
    return run.status in UNFINISHED and begun + timedelta(seconds=seconds + GRACE_SECONDS) <= now


def wait_before_next(failed: AskFailed, *, tries: int, left_seconds: float, roll: float) -> float | None:
    """Seconds until the next try, or None when there is to be none: useless, often enough, or too late.

    What the provider asks for rules, up to a minute; else half a second, doubled, with jitter by `roll` in [0, 1).
    """
    if failed.permanent or tries >= TRIES:
        return None
    wait = min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2.0 ** (tries - 1)) * (0.5 + roll / 2)
    if failed.retry_after_seconds is not None:
        wait = min(failed.retry_after_seconds, LONGEST_ASKED_WAIT_SECONDS)
    return wait if wait < left_seconds else None
