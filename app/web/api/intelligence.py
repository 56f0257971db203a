"""`/api/v1/intelligence/providers` and `/api/v1/analysis-runs`: who is asked about incidents, and what they said."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import Query
from pydantic import Field

from app.intelligence import queries
from app.intelligence.types import AnalysisFilter, AnalysisStatus, IntelligenceProvider
from app.usecases import catalogue
from app.web.api.accounts_schemas import In, Out, ShortText
from app.web.api.analysis_schemas import AnalysisOut
from app.web.api.pages import PageOut, page_out
from app.web.deps import MAX_ID, Id, IdentityDep, NowDep, PageDep, RuntimeDep

Name = Annotated[str, Field(min_length=1, max_length=80)]


class ProviderOut(Out):
    """A named provider configuration; its secrets are `***`."""

    id: int
    name: str
    provider: str
    config: dict[str, Any]
    is_active: bool
    description: str
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, provider: IntelligenceProvider) -> "ProviderOut":
        """The provider as the API shows it."""
        shown = catalogue.shown_provider(provider)
        return cls.model_validate({**shown, "created_at": provider.created_at, "updated_at": provider.updated_at})


class ProviderNew(In):
    """A provider to be made; `config` has the keys of its kind."""

    name: Name
    provider: Name
    config: dict[str, Any] = Field(default_factory=dict)
    is_active: bool = False
    description: ShortText = ""


class ProviderChange(In):
    """What is to be changed; a field that is not sent stays as it is."""

    name: Name = ""
    config: dict[str, Any] = Field(default_factory=dict)
    is_active: bool = False
    description: ShortText = ""


class TrialOut(Out):
    """What became of a test; `error` says why there was no answer to use."""

    success: bool
    error: str
    analysis: AnalysisOut


def list_providers(rt: RuntimeDep, page: PageDep) -> PageOut[ProviderOut]:
    """One page of providers, by name."""
    return page_out(rt.db.read(lambda tx: queries.list_providers(tx, page)), ProviderOut.of)


def show(provider_id: Id, rt: RuntimeDep) -> ProviderOut:
    """One provider."""
    return ProviderOut.of(rt.db.read(lambda tx: queries.get_provider(tx, provider_id)))


def create(body: ProviderNew, rt: RuntimeDep, identity: IdentityDep, now: NowDep) -> ProviderOut:
    """Add a provider; an active one takes the place of the one before."""
    return ProviderOut.of(catalogue.create_provider(rt, **body.model_dump(), actor=identity.user, now=now))


def change(provider_id: Id, body: ProviderChange, rt: RuntimeDep, identity: IdentityDep, now: NowDep) -> ProviderOut:
    """Change the fields that are sent."""
    changes = body.model_dump(exclude_unset=True)
    changed = catalogue.update_provider(rt, provider_id=provider_id, changes=changes, actor=identity.user, now=now)
    return ProviderOut.of(changed)


def delete(provider_id: Id, rt: RuntimeDep, identity: IdentityDep, now: NowDep) -> None:
    """Remove a provider; the analyses that it made stay."""
    catalogue.delete_provider(rt, provider_id=provider_id, actor=identity.user, now=now)


def activate(provider_id: Id, rt: RuntimeDep, identity: IdentityDep, now: NowDep) -> ProviderOut:
    """Make this the one that is asked."""
    changes = {"is_active": True}
    changed = catalogue.update_provider(rt, provider_id=provider_id, changes=changes, actor=identity.user, now=now)
    return ProviderOut.of(changed)


async def test(provider_id: Id, rt: RuntimeDep) -> TrialOut:
    """Ask the provider about an incident that is made up, and wait for its answer."""
    run = await catalogue.try_provider(rt, provider_id=provider_id)
    is_well = run.status is AnalysisStatus.SUCCEEDED
    return TrialOut(success=is_well, error=run.error_message, analysis=AnalysisOut.of(run))


def list_runs(
    rt: RuntimeDep,
    page: PageDep,
    incident_id: Annotated[int | None, Query(ge=1, le=MAX_ID)] = None,
    status: AnalysisStatus | None = None,
    provider: Annotated[str | None, Query(max_length=80)] = None,
) -> PageOut[AnalysisOut]:
    """One page of analysis runs, newest first."""
    filters = AnalysisFilter(incident_id=incident_id, status=status, provider=provider)
    return page_out(rt.db.read(lambda tx: queries.list_runs(tx, filters, page)), AnalysisOut.of)
