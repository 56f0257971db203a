"""What is written around an analysis: before anybody is asked, and once they have answered.

Each function is one transaction's work. Nothing that a provider said touches more than its own run and one line of
text in the incident's story.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from app.incidents import service as incidents
from app.incidents.types import NewTimelineEntry, TimelineKind
from app.intelligence import configs, prompt, queries, service
from app.intelligence.errors import ProviderInvalid
from app.intelligence.local import LOCAL, LocalParams
from app.intelligence.rules import is_orphan
from app.intelligence.types import (
    ALL_LABELS,
    UNFINISHED,
    AnalysisRun,
    AnalysisStatus,
    Asked,
    Consent,
    Fault,
    IntelligenceProvider,
    NewAnalysis,
    Prompt,
    Subject,
)
from app.platform.db import Tx
from app.platform.runtime import Runtime
from app.platform.secrets import SecretUnreadable
from app.platform.settings import Settings
from app.platform.types import JsonObject
from app.usecases.analyze.order import Ended, Instead, Local, Order, Paid, Refused

SUMMARY_SHOWN = 300
NAME_SHOWN = 80


def begin(tx: Tx, rt: Runtime, order: Order, *, now: datetime) -> AnalysisRun | Paid | Local | Refused:
    """Decide who answers, and write it down before they are asked.

    1. An analysis that this pipeline run already has is the answer.
    2. Runs that a dead process left behind are closed; who was paid once for this pipeline run is not paid again.
    3. One analysis per incident, unless somebody asks for another.
    4. The local provider, where it is wanted; else the provider, where it is there, free, affordable and set up.
    """
    _lock(tx, order)
    earlier = queries.runs_of_pipeline_run(tx, order.pipeline_run_id) if order.pipeline_run_id else []
    answered = next((run for run in earlier if run.status is AnalysisStatus.SUCCEEDED), None)
    if answered is not None:
        return answered
    interrupted = _close_left_behind(tx, order, earlier, now=now)
    if not order.is_requested and order.incident_id is not None:
        known = queries.find_analysis(tx, order.incident_id)
        if known is not None:
            return known
    failed = interrupted or _failed_before(rt.settings, earlier)
    if failed is not None:
        return stand_in(tx, rt, order, Instead.of_run(failed), now=now)
    provider = _wanted(tx, order)
    if isinstance(provider, Instead):
        return stand_in(tx, rt, order, provider, now=now)
    if provider is None or provider.provider == LOCAL:
        return _local(tx, rt, order, None, now=now)
    return _paid(tx, rt, order, provider, now=now)


def stand_in(tx: Tx, rt: Runtime, order: Order, instead: Instead, *, now: datetime) -> Local | Refused:
    """The local provider answers instead, if the operator lets it."""
    if not rt.settings.orchestration_intelligence_fallback_enabled:
        return Refused(instead)
    return _local(tx, rt, order, instead, now=now)


def end_paid(tx: Tx, rt: Runtime, order: Order, paid: Paid, ended: Ended) -> AnalysisRun | Local | Refused:
    """Keep what the provider said, or why it said nothing and the local one begins. Raises AnalysisEnded."""
    _lock(tx, order)
    if isinstance(ended.outcome, Asked):
        return _answered(tx, order, paid.run_id, ended, ended.outcome, paid.name)
    service.mark_failed(tx, paid.run_id, ended.outcome, duration_ms=ended.duration_ms, now=ended.now)
    return stand_in(tx, rt, order, Instead.of_failure(paid.name, ended.outcome), now=ended.now)


def end_local(tx: Tx, order: Order, answering: Local, ended: Ended) -> AnalysisRun | Refused:
    """Keep what the local provider found, or that not even this one answered. Raises AnalysisEnded."""
    _lock(tx, order)
    if isinstance(ended.outcome, Asked):
        return _answered(tx, order, answering.run_id, ended, ended.outcome, answering.who)
    service.mark_failed(tx, answering.run_id, ended.outcome, duration_ms=ended.duration_ms, now=ended.now)
    return Refused(Instead.of_failure("the local provider", ended.outcome))


def has_orphans(tx: Tx, *, now: datetime) -> bool:
    """Whether there is anything for `close_orphans` to do."""
    return any(is_orphan(run, now) for run in queries.unfinished_runs(tx))


def close_orphans(tx: Tx, *, now: datetime) -> int:
    """Close the runs of processes that died and whose pipeline run did not come back; how many there were."""
    left = [run for run in queries.unfinished_runs(tx) if is_orphan(run, now)]
    for run in left:
        service.interrupt_run(tx, run.id, now=now)
        if run.incident_id is not None:
            tx.publish("incident", id=run.incident_id)
    return len(left)


def _lock(tx: Tx, order: Order) -> None:
    """Incidents come first: whoever analyses one of them at the same time waits here."""
    if order.incident_id is not None:
        incidents.lock(tx, order.incident_id)


def _answered(tx: Tx, order: Order, run_id: int, ended: Ended, asked: Asked, who: str) -> AnalysisRun:
    """Keep the analysis, and tell the incident's story in one line of plain text."""
    run = service.mark_succeeded(tx, run_id, asked, duration_ms=ended.duration_ms, now=ended.now)
    if order.incident_id is not None:
        data: JsonObject = {"analysis_run_id": run.id, "run_id": order.pipeline_run_id}
        text = f"Analysis by {who}: {_in_short(run)}"
        line = NewTimelineEntry(order.incident_id, TimelineKind.PIPELINE, text, order.actor, data)
        incidents.add_timeline(tx, [line], now=ended.now)
        tx.publish("incident", id=order.incident_id)
    return run


def _close_left_behind(tx: Tx, order: Order, earlier: Sequence[AnalysisRun], *, now: datetime) -> AnalysisRun | None:
    """Close what nobody will end any more; gives the run of this very order that had been paid for."""
    own = [run for run in earlier if run.status in UNFINISHED]
    others = queries.unfinished_runs(tx, incident_id=order.incident_id) if order.incident_id is not None else []
    for run in others:
        if is_orphan(run, now) and run.id not in {each.id for each in own}:
            service.interrupt_run(tx, run.id, now=now)
    closed = [service.interrupt_run(tx, run.id, now=now) for run in own]
    return next((run for run in closed if run.provider != LOCAL), None)


def _failed_before(settings: Settings, earlier: Sequence[AnalysisRun]) -> AnalysisRun | None:
    """The provider's failure that the local one was about to make up for when the process ended."""
    if not settings.orchestration_intelligence_fallback_enabled:
        return None
    return next((run for run in earlier if run.status is AnalysisStatus.FAILED and run.provider != LOCAL), None)


def _wanted(tx: Tx, order: Order) -> IntelligenceProvider | Instead | None:
    """The provider that is to be asked; None for the local one."""
    if order.provider == LOCAL:
        return None
    if order.provider is None:
        return queries.find_active_provider(tx)
    found = queries.find_provider_named(tx, order.provider)
    return found or Instead(Fault.NO_SUCH_PROVIDER, f"there is no provider named {order.provider[:NAME_SHOWN]!r}")


def _paid(
    tx: Tx, rt: Runtime, order: Order, provider: IntelligenceProvider, *, now: datetime
) -> AnalysisRun | Paid | Local | Refused:
    if order.incident_id is not None:
        unfinished = queries.unfinished_runs(tx, incident_id=order.incident_id)
        under_way = next((run for run in unfinished if run.provider != LOCAL), None)
        if under_way is not None and order.is_requested:
            return under_way
        if under_way is not None:
            because = "another question about this incident is under way"
            return stand_in(tx, rt, order, Instead(Fault.UNDER_WAY, because, retryable=True), now=now)
    service.wait_for_turn(tx)
    budget = rt.settings.intelligence_calls_per_hour
    verdict = queries.consent(tx, order.incident_id, is_requested=True, budget_per_hour=budget, now=now)
    if verdict is Consent.BUDGET_SPENT:
        because = f"the budget of {budget} questions an hour is spent"
        return stand_in(tx, rt, order, Instead(Fault.BUDGET_SPENT, because, retryable=True), now=now)
    try:
        kind = configs.asked_kind_of(provider.provider)
        config = configs.unseal(kind, provider.config, rt.secrets)
    except (ProviderInvalid, SecretUnreadable) as wrong:
        because = f"{provider.name} is not set up: {wrong.message}"
        return stand_in(tx, rt, order, Instead(Fault.MISCONFIGURED, because), now=now)
    new = NewAnalysis(
        provider=provider.provider,
        provider_config=configs.masked(provider.provider, provider.config),
        model_name=config.model,
        **_known(order),
    )
    return Paid(_started(tx, new, now=now), provider.name, kind, config)


def question_about(settings: Settings, subject: Subject) -> Prompt:
    """What a provider is told, as far as the operator lets it."""
    return prompt.build(subject, labels=labels_told(settings), is_scrubbed=settings.intelligence_scrub_secrets)


def labels_told(settings: Settings) -> frozenset[str]:
    """The names of labels, annotations and metadata that the operator lets through."""
    labels = frozenset(settings.intelligence_labels)
    return ALL_LABELS if labels >= ALL_LABELS else labels


def _local(tx: Tx, rt: Runtime, order: Order, instead: Instead | None, *, now: datetime) -> Local:
    new = NewAnalysis(
        provider=LOCAL,
        provider_config={},
        model_name="",
        fallback_used=instead is not None,
        error_message=f"{instead.fault.value}: {instead.because}" if instead else "",
        **_known(order),
    )
    return Local(_started(tx, new, now=now), local_params(tx), instead)


def local_params(tx: Tx) -> LocalParams:
    """How the operator set the local provider up; as it comes where they did not, or in a way that cannot be read."""
    try:
        return queries.get_local_params(tx)
    except ProviderInvalid:
        return LocalParams()


def _known(order: Order) -> dict[str, Any]:
    return {
        "input_summary": prompt.summary_of(order.evidence.subject),
        "trace_id": order.trace_id,
        "pipeline_run_id": order.pipeline_run_id,
        "incident_id": order.incident_id,
        "checker_output_ref": order.checks_ref,
    }


def _started(tx: Tx, new: NewAnalysis, *, now: datetime) -> int:
    run_id = service.add_run(tx, new, now=now)
    service.mark_started(tx, run_id, now=now)
    if new.incident_id is not None:
        tx.publish("incident", id=new.incident_id)
    return run_id


def _in_short(run: AnalysisRun) -> str:
    """One line of what was found; whatever it says, it is text."""
    titles = (str(each.get("title", "")) for each in run.recommendations if isinstance(each, dict))
    said = " ".join((run.summary or run.probable_cause or next(titles, "")).split())
    return said if len(said) <= SUMMARY_SHOWN else f"{said[: SUMMARY_SHOWN - 1].rstrip()}…"
