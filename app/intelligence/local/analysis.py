"""Looks, judges and tells: the local provider from end to end, within two seconds whatever the machine does."""

from dataclasses import dataclass

from app.intelligence.local import judging, telling, words
from app.intelligence.local.looking import look
from app.intelligence.local.machine import Machine
from app.intelligence.local.params import LocalParams
from app.intelligence.types import Analysis, Evidence
from app.platform.clock import Clock
from app.platform.logs import get_logger
from app.platform.ports import Outside

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Examination:
    """An analysis, and what was seen for it."""

    analysis: Analysis
    machine: Machine


async def analyze(evidence: Evidence, params: LocalParams, outside: Outside, *, clock: Clock) -> Analysis:
    """The likeliest kind of trouble, why, how sure and what to do first.

    Raises nothing: what could not be looked at is said, and lowers the confidence.
    """
    return (await examine(evidence, params, outside, clock=clock)).analysis


async def examine(evidence: Evidence, params: LocalParams, outside: Outside, *, clock: Clock) -> Examination:
    """The same, with the numbers behind it."""
    begun = clock.monotonic()
    hints = words.read(evidence)
    machine = await look(hints, params, now=outside.now())
    verdict = judging.judge(evidence, hints, machine)
    log.info(
        "looked at this machine",
        incident_id=evidence.subject.incident_id,
        kind=verdict.kind.value,
        confidence=verdict.confidence,
        unseen=[each.part.value for each in machine.unseen],
        seconds=round(clock.monotonic() - begun, 3),
    )
    return Examination(telling.tell(verdict, evidence, machine), machine)
