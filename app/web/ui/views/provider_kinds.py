"""Intelligence providers as pages show them: kinds out of the plug-ins, the hour's budget, what may be told."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from app.intelligence import queries
from app.intelligence.kinds import all_kinds
from app.intelligence.local import LOCAL
from app.intelligence.types import AnalysisFilter, IntelligenceProvider
from app.platform.db import Tx
from app.platform.errors import NotFound
from app.platform.settings import Settings
from app.platform.types import JsonObject, JsonValue, PageQuery
from app.usecases import catalogue
from app.web.ui.forms import Form
from app.web.ui.views import config_form
from app.web.ui.views.analysis import Analysed, analysed
from app.web.ui.views.config_form import ConfigField, fields_of

LATEST = PageQuery(page_size=10)


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of provider, what to do at the vendor, and the fields of its configuration."""

    name: str
    label: str
    setup: str
    fields: list[ConfigField]

    @property
    def is_local(self) -> bool:
        """Whether it asks nobody."""
        return self.name == LOCAL


@dataclass(frozen=True, slots=True)
class Terms:
    """Under which terms providers are asked: how often within an hour, and what they are told."""

    asked: int
    budget: int
    labels: str
    is_scrubbed: bool
    may_fall_back: bool


def kinds() -> list[Kind]:
    """Every kind, by label, the local one last."""
    found = [kind_of(name) for name in all_kinds()]
    return sorted(found, key=lambda kind: (kind.is_local, kind.label))


def kind_of(name: str) -> Kind:
    """The kind of this name; one that is gone has no fields."""
    kind = all_kinds().get(name)
    return Kind(name, kind.label, kind.setup, fields_of(kind.config_model)) if kind else Kind(name, name, "", [])


def get_kind(name: str) -> Kind:
    """The kind of this name. Raises NotFound."""
    kind = kind_of(name)
    if not kind.fields:
        raise NotFound(f"There is no provider of the kind {name}.")
    return kind


def labels() -> dict[str, str]:
    """What each kind is called."""
    return {name: kind.label for name, kind in all_kinds().items()}


def values_of(kind: Kind, config: Mapping[str, JsonValue]) -> dict[str, str]:
    """A stored configuration as the values of its form."""
    return config_form.values_of(kind.fields, config)


def config_of(kind: Kind, form: Form) -> JsonObject:
    """A form's values as a configuration."""
    return config_form.config_of(kind.fields, form)


def stored_form(kind: Kind, provider: IntelligenceProvider) -> Form:
    """The form of a provider as it is stored; its secrets are `***`."""
    shown = catalogue.shown_provider(provider)["config"]
    config = shown if isinstance(shown, dict) else {}
    return Form.of(name=provider.name, description=provider.description, **values_of(kind, config))


def terms_of(tx: Tx, settings: Settings, now: datetime) -> Terms:
    """The terms as of now."""
    names = settings.intelligence_labels
    return Terms(
        asked=queries.asked_this_hour(tx, now=now),
        budget=settings.intelligence_calls_per_hour,
        labels="all of them" if "*" in names else ", ".join(names) or "none",
        is_scrubbed=settings.intelligence_scrub_secrets,
        may_fall_back=settings.orchestration_intelligence_fallback_enabled,
    )


def latest(tx: Tx, kind: Kind) -> list[Analysed]:
    """The last questions to providers of this kind, newest first."""
    return [analysed(run) for run in queries.list_runs(tx, AnalysisFilter(provider=kind.name), LATEST).items]
