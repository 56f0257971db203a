"""`/api/v1/stats`: how much there was, for whom, and how quickly it was answered."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import Query
from pydantic import BaseModel

from app.accounts import queries as people
from app.alerts import queries as alerts
from app.incidents import figures
from app.incidents.types import Severity
from app.notify import oversight as outbox
from app.platform.db import Tx
from app.platform.errors import FieldError, Invalid
from app.web.api.times import Instant
from app.web.deps import NowDep, RuntimeDep

USUAL = timedelta(days=30)
# As far back as a quarter: every page of the time is read.
LONGEST = timedelta(days=92)

# When a page was written, to whom, about which incident.
Pages = Iterable[tuple[datetime, int | None, int | None]]


class SourceCount(BaseModel):
    """How many incidents a source began; without an id those that people opened."""

    source_id: int | None
    name: str
    incidents: int


class PersonCount(BaseModel):
    """How often somebody was paged, and about how many incidents."""

    user_id: int
    name: str
    pages: int
    incidents: int


class HourCount(BaseModel):
    """How many pages were written in the hour that begins then."""

    hour: datetime
    pages: int


class StatsOut(BaseModel):
    """The incidents that began in the time, and its pages; hours without a page are left out."""

    start_time: datetime
    end_time: datetime
    incidents: int
    mtta_seconds: float | None
    mttr_seconds: float | None
    by_severity: dict[Severity, int]
    by_source: list[SourceCount]
    by_person: list[PersonCount]
    pages: int
    pages_per_hour: list[HourCount]


def show(
    rt: RuntimeDep,
    now: NowDep,
    from_: Annotated[Instant | None, Query(alias="from")] = None,
    to: Annotated[Instant | None, Query()] = None,
) -> StatsOut:
    """The figures of a time, by default of the last 30 days."""
    end = to or now
    start = from_ or end - USUAL
    if not timedelta(0) < end - start <= LONGEST:
        message = f"must lie before to, by {LONGEST.days} days at most"
        raise Invalid(f"Ask for a time of {LONGEST.days} days at most.", [FieldError("from", message)])
    return rt.db.read(lambda tx: _stats(tx, start, end))


def _stats(tx: Tx, start: datetime, end: datetime) -> StatsOut:
    counted = figures.figures(tx, start, end)
    pages = outbox.pages_between(tx, start, end)
    hours = Counter(at.replace(minute=0, second=0, microsecond=0) for at, _, _ in pages)
    return StatsOut(
        start_time=start,
        end_time=end,
        incidents=sum(counted.by_severity.values()),
        mtta_seconds=counted.mtta_seconds,
        mttr_seconds=counted.mttr_seconds,
        by_severity=counted.by_severity,
        by_source=_sources(tx, counted.by_source),
        by_person=_persons(tx, pages),
        pages=hours.total(),
        pages_per_hour=[HourCount(hour=hour, pages=hours[hour]) for hour in sorted(hours)],
    )


def _sources(tx: Tx, counts: Mapping[int | None, int]) -> list[SourceCount]:
    known = alerts.sources_by_id(tx, {each for each in counts if each is not None})
    names = {each: known[each].name if each in known else "" for each in counts if each is not None}
    busiest = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0] or 0))
    return [
        SourceCount(source_id=each, name=names[each] if each is not None else "opened by hand", incidents=count)
        for each, count in busiest
    ]


def _persons(tx: Tx, pages: Pages) -> list[PersonCount]:
    about: dict[int, Counter[int | None]] = {}
    for _, user_id, incident_id in pages:
        if user_id is not None:
            about.setdefault(user_id, Counter())[incident_id] += 1
    known = people.users_by_id(tx, about)
    found = [
        PersonCount(user_id=each, name=known[each].name, pages=told.total(), incidents=len(told))
        for each, told in about.items()
    ]
    return sorted(found, key=lambda person: (-person.pages, person.user_id))
