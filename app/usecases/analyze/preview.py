"""What a provider would be told about an incident, byte for byte, without telling it."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial

from app.incidents import queries as incidents
from app.incidents.types import Incident
from app.intelligence import configs, prompt, queries
from app.intelligence.local import LOCAL
from app.intelligence.providers._base import Provider, ProviderConfig
from app.intelligence.types import ALL_LABELS, AskFailed, IntelligenceProvider, Prompt, Subject
from app.platform.db import Tx
from app.platform.ports import HttpAnswer, HttpFailed
from app.platform.runtime import Runtime
from app.usecases.analyze.evidence import gather
from app.usecases.analyze.recording import labels_told, question_about


@dataclass(frozen=True, slots=True)
class Preview:
    """The request as it would leave, but for the headers, which hold the key.

    `hidden` names the places where the scrubber hides something, `told` the labels, annotations and metadata that are
    let through, `kept_back` those that stay.
    """

    provider: IntelligenceProvider
    incident: Incident
    question: Prompt
    url: str
    body: str
    hidden: list[str]
    told: list[str]
    kept_back: list[str]


@dataclass
class _Catcher:
    """The `Http` port that keeps what would be sent, and sends nothing."""

    url: str = ""
    body: bytes = b""

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        timeout_seconds: float,
        max_bytes: int = 65536,
    ) -> HttpAnswer:
        self.url, self.body = url, content or b""
        raise HttpFailed("only looked at", permanent=True)


@dataclass(frozen=True, slots=True)
class _Found:
    provider: IntelligenceProvider
    kind: Provider
    config: ProviderConfig
    incident: Incident
    subject: Subject


async def preview(rt: Runtime, *, provider_id: int, incident_id: int | None) -> Preview | None:
    """What this provider would be told about an incident, or the newest one; None where there is none, or it is local.

    Raises ProviderMissing, IncidentNotFound, ProviderInvalid, SecretUnreadable.
    """
    found = await rt.db.run_read(partial(_find, rt=rt, provider_id=provider_id, incident_id=incident_id))
    if found is None:
        return None
    question = await rt.outside.blocking(partial(question_about, rt.settings, found.subject))
    catcher = _Catcher()
    # What it would have sent is all that is wanted.
    with suppress(AskFailed):
        await found.kind.complete(question, found.config, replace(rt.outside, http=catcher))
    labels, names = labels_told(rt.settings), prompt.names_in(found.subject)
    told = names if labels == ALL_LABELS else names & labels
    return Preview(
        provider=found.provider,
        incident=found.incident,
        question=question,
        url=catcher.url,
        body=catcher.body.decode(),
        hidden=prompt.hidden_in(found.subject, labels=labels) if rt.settings.intelligence_scrub_secrets else [],
        told=sorted(told),
        kept_back=sorted(names - told),
    )


def _find(tx: Tx, rt: Runtime, provider_id: int, incident_id: int | None) -> _Found | None:
    provider = queries.get_provider(tx, provider_id)
    if provider.provider == LOCAL:
        return None
    kind = configs.asked_kind_of(provider.provider)
    config = configs.unseal(kind, provider.config, rt.secrets)
    incident = incidents.find_newest(tx) if incident_id is None else incidents.get_incident(tx, incident_id)
    if incident is None:
        return None
    return _Found(provider, kind, config, incident, gather(tx, incident_id=incident.id, made=()).subject)
