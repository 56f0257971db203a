"""Intelligence providers: made, changed, switched, tried and removed by admins, each change with its audit (B40)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.accounts.service import auditor
from app.accounts.types import User
from app.intelligence import asking, configs, local, prompt, queries, service
from app.intelligence.providers._base import ProviderConfig
from app.intelligence.types import (
    AlertFacts,
    AnalysisRun,
    Asked,
    AskFailed,
    CheckFacts,
    Evidence,
    IntelligenceProvider,
    NewAnalysis,
    Prompt,
    Subject,
    Usage,
)
from app.platform.db import Tx
from app.platform.runtime import Runtime
from app.platform.types import JsonObject, JsonValue

_audit = auditor("intelligence_provider")

# What a provider is tried with: nothing of anybody's.
TRIAL = Subject(
    incident_id=None,
    title="Disk almost full on web-01",
    severity="warning",
    status="triggered",
    description="This is a test of the connection; the incident is made up.",
    alerts=(AlertFacts(name="DiskAlmostFull", status="firing", severity="warning", description="/var is 91 % full"),),
    checks=(CheckFacts(checker="disk", status="warning", message="/var: 91 % used", metrics={"percent": 91}),),
)


# Whoever tries a provider waits for it, and proxies give up after a minute.
TRIAL_SECONDS = 50.0


@dataclass(frozen=True, slots=True)
class _Trial:
    """A provider that is about to be tried."""

    provider: IntelligenceProvider
    config: ProviderConfig | local.LocalParams
    run_id: int


def create_provider(
    rt: Runtime,
    *,
    name: str,
    provider: str,
    config: Mapping[str, JsonValue],
    actor: User,
    now: datetime,
    is_active: bool = False,
    description: str = "",
) -> IntelligenceProvider:
    """Add a provider; an active one takes the place of the one before. Raises ProviderInvalid, ProviderNameTaken."""

    def write(tx: Tx) -> IntelligenceProvider:
        before = queries.find_active_provider(tx)
        made = service.create_provider(
            tx,
            name=name,
            provider=provider,
            config=config,
            is_active=is_active,
            description=description,
            box=rt.secrets,
            now=now,
        )
        _audit(tx, "created", made.id, actor, None, shown_provider(made), now)
        _audit_replaced(tx, before, actor, now)
        return made

    return rt.db.write(write)


def update_provider(
    rt: Runtime, *, provider_id: int, changes: Mapping[str, Any], actor: User, now: datetime
) -> IntelligenceProvider:
    """Change the named fields (name, config, is_active, description); `***` in `config` keeps a stored secret.

    Raises ProviderMissing, ProviderInvalid, ProviderNameTaken.
    """

    def write(tx: Tx) -> IntelligenceProvider:
        before, was_active = queries.get_provider(tx, provider_id), queries.find_active_provider(tx)
        after = service.update_provider(tx, provider_id, changes=changes, box=rt.secrets, now=now)
        _audit(tx, "changed", provider_id, actor, shown_provider(before), shown_provider(after), now)
        if was_active is not None and was_active.id != provider_id:
            _audit_replaced(tx, was_active, actor, now)
        return after

    return rt.db.write(write)


def delete_provider(rt: Runtime, *, provider_id: int, actor: User, now: datetime) -> None:
    """Remove a provider; the analyses that it made stay. Raises ProviderMissing."""

    def write(tx: Tx) -> None:
        before = shown_provider(queries.get_provider(tx, provider_id))
        service.delete_provider(tx, provider_id)
        _audit(tx, "deleted", provider_id, actor, before, None, now)

    rt.db.write(write)


async def try_provider(rt: Runtime, *, provider_id: int) -> AnalysisRun:
    """Ask a provider about an incident that is made up, active or not, and keep what became of it.

    Raises ProviderMissing, ProviderInvalid, SecretUnreadable; whatever the provider does is in the run.
    """
    question = prompt.build(TRIAL)
    trial = await rt.db.run(lambda tx: _begin(tx, rt, provider_id, f"Test: {question.summary}"))
    begun = rt.clock.monotonic()
    outcome = await _outcome(rt, trial, question)
    duration_ms = (rt.clock.monotonic() - begun) * 1000
    return await rt.db.run(lambda tx: _end(tx, trial.run_id, outcome, duration_ms, rt.clock.now()))


def shown_provider(provider: IntelligenceProvider) -> JsonObject:
    """A provider as people may see it: every secret is `***`."""
    return {
        "id": provider.id,
        "name": provider.name,
        "provider": provider.provider,
        "config": configs.masked(provider.provider, provider.config),
        "is_active": provider.is_active,
        "description": provider.description,
    }


async def _outcome(rt: Runtime, trial: _Trial, question: Prompt) -> Asked | AskFailed:
    if isinstance(trial.config, local.LocalParams):
        analysis = await local.analyze(Evidence(TRIAL), trial.config, rt.outside, clock=rt.clock)
        return Asked(analysis, model="", usage=Usage(), tries=1)
    kind = configs.asked_kind_of(trial.provider.provider)
    try:
        return await asking.ask(
            kind,
            trial.config,
            question,
            rt.outside,
            clock=rt.clock,
            roll=rt.random.random,
            at_most_seconds=TRIAL_SECONDS,
        )
    except AskFailed as failed:
        return failed


def _begin(tx: Tx, rt: Runtime, provider_id: int, input_summary: str) -> _Trial:
    provider = queries.get_provider(tx, provider_id)
    config = configs.open_config(provider.provider, provider.config, rt.secrets)
    now = rt.clock.now()
    new = NewAnalysis(
        provider=provider.provider,
        provider_config=configs.masked(provider.provider, provider.config),
        model_name="" if isinstance(config, local.LocalParams) else config.model,
        input_summary=input_summary,
        trace_id=rt.ids.hex32(),
    )
    run_id = service.add_run(tx, new, now=now)
    service.mark_started(tx, run_id, now=now)
    return _Trial(provider, config, run_id)


def _end(tx: Tx, run_id: int, outcome: Asked | AskFailed, duration_ms: float, now: datetime) -> AnalysisRun:
    if isinstance(outcome, AskFailed):
        return service.mark_failed(tx, run_id, outcome, duration_ms=duration_ms, now=now)
    return service.mark_succeeded(tx, run_id, outcome, duration_ms=duration_ms, now=now)


def _audit_replaced(tx: Tx, before: IntelligenceProvider | None, actor: User, now: datetime) -> None:
    """The provider that was active and is so no more has changed too."""
    if before is None:
        return
    after = queries.get_provider(tx, before.id)
    if not after.is_active:
        _audit(tx, "changed", before.id, actor, shown_provider(before), shown_provider(after), now)
