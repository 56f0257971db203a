"""How much there was and how quickly it was answered: figures of the incidents that began in a time."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from app.incidents.models import IncidentRow
from app.incidents.types import Severity
from app.platform.db import Tx
from app.platform.tally import seconds_between


@dataclass(frozen=True, slots=True)
class Figures:
    """Counts by severity and by source (None: opened by hand), and the mean times to acknowledge and to resolve."""

    by_severity: dict[Severity, int]
    by_source: dict[int | None, int]
    mtta_seconds: float | None
    mttr_seconds: float | None


def figures(tx: Tx, start: datetime, end: datetime) -> Figures:
    """Of the incidents that began at or after `start` and before `end`; the means are of those that were answered."""
    row = IncidentRow
    then = (row.created_at >= start, row.created_at < end)
    by_severity: dict[Severity, int] = dict.fromkeys(Severity, 0)
    by_source: dict[int | None, int] = {}
    counted = select(row.severity, row.source_id, func.count()).where(*then).group_by(row.severity, row.source_id)
    for severity, source_id, count in tx.execute(counted):
        by_severity[severity] += count
        by_source[source_id] = by_source.get(source_id, 0) + count
    means = select(
        func.avg(seconds_between(row.created_at, row.acknowledged_at)),
        func.avg(seconds_between(row.created_at, row.resolved_at)),
    ).where(*then)
    [(mtta, mttr)] = tx.execute(means)
    return Figures(by_severity, by_source, _seconds(mtta), _seconds(mttr))


def _seconds(mean: float | None) -> float | None:
    # PostgreSQL's means are decimals.
    return None if mean is None else round(float(mean), 3)
