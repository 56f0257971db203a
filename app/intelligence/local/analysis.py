"""Looks, judges and tells: the local provider from end to end, within two seconds whatever the machine does."""

from app.intelligence.local import judging, telling, words
from app.intelligence.local.looking import look
from app.intelligence.local.params import LocalParams
from app.intelligence.types import Analysis, Evidence
from app.platform.clock import Clock
from app.platform.ports import Outside


async def analyze(evidence: Evidence, params: LocalParams, outside: Outside, *, clock: Clock) -> Analysis:
    """The likeliest kind of trouble, why, how sure and what to do first.

    Raises nothing: what could not be looked at is said, and lowers the confidence.
    """
    hints = words.read(evidence)
    machine = await look(hints, params, clock)
    return telling.tell(judging.judge(evidence, hints, machine), evidence, machine)
