"""Reading intelligence providers and analysis runs, for every door and use case."""

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import func, select

from app.intelligence import local
from app.intelligence.configs import local_params
from app.intelligence.errors import AnalysisMissing, ProviderMissing
from app.intelligence.models import AnalysisRow, ProviderRow
from app.intelligence.repository import select_providers, select_runs
from app.intelligence.rules import may_ask
from app.intelligence.types import (
    UNFINISHED,
    AnalysisFilter,
    AnalysisRun,
    AnalysisStatus,
    Consent,
    IntelligenceProvider,
)
from app.platform.db import Tx, paged
from app.platform.types import Page, PageQuery

BUDGET_WINDOW = timedelta(hours=1)


def get_provider(tx: Tx, provider_id: int) -> IntelligenceProvider:
    """The provider. Raises ProviderMissing."""
    found = tx.first(IntelligenceProvider, select_providers().where(ProviderRow.id == provider_id))
    if found is None:
        raise ProviderMissing(provider_id)
    return found


def find_active_provider(tx: Tx) -> IntelligenceProvider | None:
    """The provider that was chosen; None means the local one, which may be chosen by a row of its own as well."""
    return tx.first(IntelligenceProvider, select_providers().where(ProviderRow.is_active))


def get_local_params(tx: Tx) -> local.LocalParams:
    """How the local provider is set up: by the row that is active, else by its first one, else by its defaults."""
    rows = select_providers().where(ProviderRow.provider == local.LOCAL)
    found = tx.first(IntelligenceProvider, rows.order_by(ProviderRow.is_active.desc(), ProviderRow.id).limit(1))
    return local_params(found.config) if found else local.LocalParams()


def find_provider_named(tx: Tx, name: str) -> IntelligenceProvider | None:
    """The provider of that name, or None."""
    return tx.first(IntelligenceProvider, select_providers().where(ProviderRow.name == name))


def list_providers(tx: Tx, page: PageQuery) -> Page[IntelligenceProvider]:
    """One page of providers, by name."""
    return paged(tx, IntelligenceProvider, select_providers().order_by(ProviderRow.name), page)


def provider_names(tx: Tx) -> list[str]:
    """The names of all providers, active or not."""
    return list(tx.execute(select(ProviderRow.name).order_by(ProviderRow.name)).scalars())


def get_run(tx: Tx, run_id: int) -> AnalysisRun:
    """The analysis run. Raises AnalysisMissing."""
    found = tx.first(AnalysisRun, select_runs().where(AnalysisRow.id == run_id))
    if found is None:
        raise AnalysisMissing(run_id)
    return found


def list_runs(tx: Tx, filters: AnalysisFilter, page: PageQuery) -> Page[AnalysisRun]:
    """One page of analysis runs, newest first."""
    wanted = {
        AnalysisRow.incident_id: filters.incident_id,
        AnalysisRow.status: filters.status,
        AnalysisRow.provider: filters.provider,
    }
    statement = select_runs().where(*(column == value for column, value in wanted.items() if value is not None))
    return paged(tx, AnalysisRun, statement.order_by(AnalysisRow.id.desc()), page)


def runs_of(tx: Tx, incident_id: int) -> list[AnalysisRun]:
    """Every analysis of an incident, newest first."""
    return tx.all(
        AnalysisRun, select_runs().where(AnalysisRow.incident_id == incident_id).order_by(AnalysisRow.id.desc())
    )


def runs_of_pipeline_run(tx: Tx, pipeline_run_id: str) -> list[AnalysisRun]:
    """Every analysis that a pipeline run began, newest first."""
    statement = select_runs().where(AnalysisRow.pipeline_run_id == pipeline_run_id)
    return tx.all(AnalysisRun, statement.order_by(AnalysisRow.id.desc()))


def unfinished_runs(tx: Tx, *, incident_id: int | None = None) -> list[AnalysisRun]:
    """The runs that have not ended, oldest first: all of them, or an incident's."""
    statement = select_runs().where(AnalysisRow.status.in_(sorted(UNFINISHED)))
    if incident_id is not None:
        statement = statement.where(AnalysisRow.incident_id == incident_id)
    return tx.all(AnalysisRun, statement.order_by(AnalysisRow.id))


def find_analysis(tx: Tx, incident_id: int) -> AnalysisRun | None:
    """The newest analysis of an incident that there is."""
    statement = select_runs().where(
        AnalysisRow.incident_id == incident_id, AnalysisRow.status == AnalysisStatus.SUCCEEDED
    )
    return tx.first(AnalysisRun, statement.order_by(AnalysisRow.id.desc()).limit(1))


def asked_this_hour(tx: Tx, *, now: datetime) -> int:
    """How often a provider was asked within the last hour; what the local one says costs nothing."""
    recent = AnalysisRow.created_at > now - BUDGET_WINDOW, AnalysisRow.provider != local.LOCAL
    return int(tx.scalar(select(func.count(AnalysisRow.id)).where(*recent)))


def newest_of(tx: Tx, incident_ids: Collection[int]) -> dict[int, AnalysisRun]:
    """The newest analysis of each of these incidents that has one."""
    newest = select(func.max(AnalysisRow.id)).where(
        AnalysisRow.incident_id.in_(sorted(incident_ids)), AnalysisRow.status == AnalysisStatus.SUCCEEDED
    )
    statement = select_runs().where(AnalysisRow.id.in_(newest.group_by(AnalysisRow.incident_id)))
    return {run.incident_id: run for run in tx.all(AnalysisRun, statement) if run.incident_id is not None}


def consent(tx: Tx, incident_id: int | None, *, is_requested: bool, budget_per_hour: int, now: datetime) -> Consent:
    """Whether a provider may be asked about this incident, or this host, now, and why not (F-116)."""
    return may_ask(
        is_requested=is_requested,
        has_analysis=incident_id is not None and find_analysis(tx, incident_id) is not None,
        asked_this_hour=asked_this_hour(tx, now=now),
        budget_per_hour=budget_per_hour,
    )
