"""Analysis of an incident, or of this host: by a provider, and by the local one wherever that cannot be (B40).

Read – decide and write down – ask – write down: no transaction is open while anybody is asked, and a process that dies
meanwhile leaves a run that the next one closes, without asking and paying again.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from functools import partial

from app.checks.types import CheckRun
from app.incidents.types import SYSTEM, Actor
from app.intelligence import asking, local, queries
from app.intelligence.errors import AnalysisEnded
from app.intelligence.types import (
    AnalysisFailed,
    AnalysisRun,
    AnalysisStatus,
    Asked,
    AskFailed,
    Fault,
    Usage,
)
from app.platform.db import Tx
from app.platform.errors import FieldError, Invalid
from app.platform.failpoints import fp
from app.platform.logs import get_logger
from app.platform.runtime import Runtime
from app.usecases.analyze import recording
from app.usecases.analyze.evidence import gather
from app.usecases.analyze.fresh import Recommended, look_here, recommend
from app.usecases.analyze.order import Ended, Local, Order, Paid, Refused

__all__ = ["Recommended", "analyze", "analyze_by_hand", "close_orphans", "look_here", "recommend"]

# What is kept of a caller's time for the local provider, which may have to answer after all.
LOCAL_SECONDS = 5.0
CHECKS_NAMED = 20
# Proxies give up on an answer after a minute.
BY_HAND_SECONDS = 50.0

log = get_logger(__name__)


async def analyze(
    rt: Runtime,
    *,
    incident_id: int | None,
    now: datetime,
    trace_id: str,
    pipeline_run_id: str = "",
    provider: str | None = None,
    is_requested: bool = False,
    at_most_seconds: float | None = None,
    checks: Sequence[CheckRun] = (),
    checker_output_ref: str = "",
    actor: Actor = SYSTEM,
) -> AnalysisRun:
    """The analysis of an incident, or with `incident_id` None of this host by the `checks` that were made.

    `checker_output_ref` says where the checks of its pipeline run stand.
    `provider` is a provider's name, `local`, or None for the active one, else the local one. What exists is given
    back without asking: an analysis of this pipeline run, one of the incident unless `is_requested`; and then also
    one that is still RUNNING for somebody else.
    Raises IncidentNotFound, and AnalysisFailed where nobody could answer.
    """
    order = Order(
        evidence=await rt.db.run_read(partial(gather, incident_id=incident_id, made=checks)),
        trace_id=trace_id,
        pipeline_run_id=pipeline_run_id,
        provider=provider,
        is_requested=is_requested,
        checks_ref=checker_output_ref or ",".join(str(run.id) for run in checks[:CHECKS_NAMED]),
        actor=actor,
    )
    answering = await rt.db.run(partial(recording.begin, rt=rt, order=order, now=now))
    try:
        if isinstance(answering, Paid):
            answering = await _by_provider(rt, order, answering, at_most_seconds)
        if isinstance(answering, Local):
            answering = await _by_local(rt, order, answering)
    except AnalysisEnded:
        # Another process took this one for dead, closed the run, and saw to the rest.
        return await _of_another(rt, pipeline_run_id)
    if isinstance(answering, Refused):
        instead = answering.instead
        raise AnalysisFailed(instead.fault, instead.because, retryable=instead.retryable)
    return answering


async def analyze_by_hand(
    rt: Runtime, *, incident_id: int | None, actor: Actor, now: datetime, provider: str | None = None
) -> AnalysisRun:
    """The analysis that somebody asks for and waits for, in a time in which no proxy gives up.

    Raises IncidentNotFound, AnalysisFailed, and Invalid for a provider that there is not.
    """
    if provider is not None:
        await rt.db.run_read(partial(_require_provider, name=provider))
    return await analyze(
        rt,
        incident_id=incident_id,
        now=now,
        trace_id=rt.ids.hex32(),
        provider=provider,
        is_requested=True,
        at_most_seconds=BY_HAND_SECONDS,
        actor=actor,
    )


def _require_provider(tx: Tx, *, name: str) -> None:
    """Whoever asks somebody by name and mistypes it wants to hear of it, not to be answered by another."""
    known = (local.LOCAL, *queries.provider_names(tx))
    if name not in known:
        message = f"there is no provider «{name[: recording.NAME_SHOWN]}»; there are {', '.join(known)}"
        raise Invalid("Nobody can be asked.", [FieldError("provider", message)])


async def close_orphans(rt: Runtime, now: datetime) -> int:
    """Close the runs of processes that died and of which nobody asks again; how many there were."""
    if not await rt.db.run_read(partial(recording.has_orphans, now=now)):
        return 0
    return await rt.db.run(partial(recording.close_orphans, now=now))


async def _by_provider(
    rt: Runtime, order: Order, paid: Paid, at_most_seconds: float | None
) -> AnalysisRun | Local | Refused:
    """Ask the provider; the local one is next where no analysis comes of it."""
    # With no transaction open, and off the event loop: alerts may say much.
    question = await rt.outside.blocking(partial(recording.question_about, rt.settings, order.evidence.subject))
    begun = rt.clock.monotonic()
    outcome: Asked | AskFailed
    fp("analyze.before_ask")
    try:
        outcome = await asking.ask(
            paid.kind, paid.config, question, rt.outside, clock=rt.clock, roll=rt.random.random,
            at_most_seconds=_share(at_most_seconds), incident_id=order.incident_id,
        )  # fmt: skip
    except AskFailed as failed:
        log.warning("a provider gave no analysis", provider=paid.name, fault=failed.fault.value)
        outcome = failed
    fp("analyze.after_ask")
    ended = _ended(rt, outcome, begun)
    return await rt.db.run(partial(recording.end_paid, rt=rt, order=order, paid=paid, ended=ended))


async def _by_local(rt: Runtime, order: Order, answering: Local) -> AnalysisRun | Refused:
    begun = rt.clock.monotonic()
    outcome: Asked | AskFailed
    fp("analyze.before_local")
    try:
        async with asyncio.timeout(LOCAL_SECONDS):
            found = await local.analyze(order.evidence, answering.params, rt.outside, clock=rt.clock)
        outcome = Asked(found, "", Usage(), 1)
    except TimeoutError:
        outcome = AskFailed(Fault.TIMED_OUT, f"no answer within {LOCAL_SECONDS:.3g} s", permanent=False)
    ended = _ended(rt, outcome, begun)
    return await rt.db.run(partial(recording.end_local, order=order, answering=answering, ended=ended))


def _ended(rt: Runtime, outcome: Asked | AskFailed, begun: float) -> Ended:
    return Ended(outcome, (rt.clock.monotonic() - begun) * 1000, rt.clock.now())


async def _of_another(rt: Runtime, pipeline_run_id: str) -> AnalysisRun:
    """The analysis that another process made of the same pipeline run. Raises AnalysisFailed where there is none."""
    runs = await rt.db.run_read(partial(queries.runs_of_pipeline_run, pipeline_run_id=pipeline_run_id))
    answered = next((run for run in runs if pipeline_run_id and run.status is AnalysisStatus.SUCCEEDED), None)
    if answered is None:
        raise AnalysisFailed(Fault.INTERRUPTED, "it took so long that it was given up", retryable=True)
    return answered


def _share(at_most_seconds: float | None) -> float | None:
    """How much of the caller's time the provider may take."""
    return None if at_most_seconds is None else max(at_most_seconds / 2, at_most_seconds - LOCAL_SECONDS)
