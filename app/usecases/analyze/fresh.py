"""A look at this machine for whoever asks now: nothing is kept, nobody is paid, and looks do not pile up."""

from dataclasses import dataclass
from datetime import datetime
from functools import partial

from app.incidents import queries as incidents
from app.intelligence import local, queries
from app.intelligence.local import LOCAL, Examination
from app.intelligence.types import AnalysisRun, Evidence, RecommendationType, Subject
from app.platform.db import Tx
from app.platform.flights import Flights
from app.platform.runtime import Runtime
from app.platform.types import JsonValue
from app.usecases.analyze.evidence import gather
from app.usecases.analyze.recording import local_params

# Of the process, whoever asks. A look costs a tenth of a second of one processor.
_looks = Flights(at_most=2, kept_seconds=2.0)


@dataclass(frozen=True, slots=True)
class Recommended:
    """What is recommended, by whom, and when it was found; `analysis_run_id` is None for what is not kept."""

    incident_id: int | None
    provider: str
    analysis_run_id: int | None
    fallback_used: bool
    summary: str
    probable_cause: str
    confidence: float | None
    recommendations: list[JsonValue]
    found_at: datetime

    @classmethod
    def of_run(cls, run: AnalysisRun) -> "Recommended":
        """What an analysis that is kept recommends."""
        return cls(
            incident_id=run.incident_id,
            provider=run.provider,
            analysis_run_id=run.id,
            fallback_used=run.fallback_used,
            summary=run.summary,
            probable_cause=run.probable_cause,
            confidence=run.confidence,
            recommendations=run.recommendations,
            found_at=run.completed_at or run.created_at,
        )


async def recommend(rt: Runtime, *, incident_id: int | None = None) -> Recommended:
    """The newest analysis of an incident; where it has none, and without an incident, what this machine shows now.

    Nobody is asked and nothing is stored. Raises IncidentNotFound, Unavailable.
    """
    known = await rt.db.run_read(partial(_known, incident_id=incident_id)) if incident_id is not None else None
    if known is not None:
        return Recommended.of_run(known)
    return await _looks.share(("incident", incident_id), partial(_fresh, rt, incident_id))


async def look_here(rt: Runtime, about: RecommendationType) -> Examination:
    """What this machine shows now, with an eye to one kind of trouble. Raises Unavailable."""
    return await _looks.share(("here", about), partial(_examine, rt, about))


def _known(tx: Tx, *, incident_id: int) -> AnalysisRun | None:
    incidents.get_incident(tx, incident_id)
    return queries.find_analysis(tx, incident_id)


async def _fresh(rt: Runtime, incident_id: int | None) -> Recommended:
    evidence, params = await rt.db.run_read(lambda tx: (gather(tx, incident_id=incident_id, made=()), local_params(tx)))
    found = await local.analyze(evidence, params, rt.outside, clock=rt.clock)
    return Recommended(
        incident_id=incident_id,
        provider=LOCAL,
        analysis_run_id=None,
        fallback_used=False,
        summary=found.summary,
        probable_cause=found.probable_cause,
        confidence=found.confidence,
        recommendations=[each.to_dict() for each in found.recommendations],
        found_at=rt.clock.now(),
    )


async def _examine(rt: Runtime, about: RecommendationType) -> Examination:
    params = await rt.db.run_read(local_params)
    evidence = Evidence(Subject(None, f"{about.value.capitalize()} of this host", "info", "triggered"))
    return await local.examine(evidence, params, rt.outside, clock=rt.clock)
