"""What checks and the analysis have found about incidents by now, for pages that leave later than the first."""

from collections.abc import Collection
from datetime import timedelta

from app.checks import queries as checks
from app.checks.types import CheckRun
from app.intelligence import queries as intelligence
from app.intelligence.types import AnalysisRun
from app.notify.findings import Findings
from app.platform.db import Tx
from app.platform.types import JsonObject

# No stage is quicker: a first page need not ask.
NOTHING_KNOWN_BEFORE = timedelta(seconds=1)


def findings_of(tx: Tx, incident_ids: Collection[int]) -> dict[int, Findings]:
    """The newest checks and analysis of each incident that has any."""
    if not incident_ids:
        return {}
    made = checks.newest_of_incidents(tx, incident_ids)
    said = intelligence.newest_of(tx, incident_ids)
    return {
        each: Findings(tuple(map(_check, made.get(each, ()))), _analysis(said[each]) if each in said else None)
        for each in made.keys() | said.keys()
    }


def _check(run: CheckRun) -> JsonObject:
    told = {"checker": run.checker_name, "status": run.status.value, "message": run.message}
    return {**told, "hostname": run.hostname}


def _analysis(run: AnalysisRun) -> JsonObject:
    titles = [str(each.get("title") or "") for each in run.recommendations if isinstance(each, dict)]
    return {
        "summary": run.summary,
        "probable_cause": run.probable_cause,
        "confidence": run.confidence,
        "provider": run.provider,
        "fallback_used": run.fallback_used,
        "recommendations": titles[:3],
    }
