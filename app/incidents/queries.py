"""Reading incidents, for every door and use case."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy import and_, bindparam, func, or_, select

from app.incidents import repository
from app.incidents.errors import IncidentNotFound
from app.incidents.models import IncidentRow, TimelineRow
from app.incidents.types import (
    OPEN_STATUSES,
    OVER_STATUSES,
    Incident,
    IncidentFilter,
    IncidentStatus,
    Responder,
    TimelineEntry,
    TimelineKind,
)
from app.platform.db import Tx, paged
from app.platform.tables import UtcDateTime, fields_of
from app.platform.types import Page, PageQuery

_IDS_OF_GROUPS = select(IncidentRow.id).where(
    IncidentRow.source_id == bindparam("source_id"),
    IncidentRow.group_key.in_(bindparam("group_keys", expanding=True)),
    or_(
        IncidentRow.status.in_(sorted(OPEN_STATUSES)),
        and_(IncidentRow.resolved_by_alerts, IncidentRow.resolved_at >= bindparam("since", type_=UtcDateTime)),
    ),
)


def get_incident(tx: Tx, incident_id: int) -> Incident:
    """The incident. Raises IncidentNotFound."""
    found = find_incident(tx, incident_id)
    if found is None:
        raise IncidentNotFound(incident_id)
    return found


def find_incident(tx: Tx, incident_id: int) -> Incident | None:
    """The incident, or None."""
    return tx.first(Incident, repository.select_incidents().where(IncidentRow.id == incident_id))


def find_newest(tx: Tx) -> Incident | None:
    """The incident that was opened last, or None."""
    return tx.first(Incident, repository.select_incidents().order_by(IncidentRow.id.desc()).limit(1))


def incidents_by_id(tx: Tx, incident_ids: Iterable[int]) -> dict[int, Incident]:
    """The incidents that exist among these."""
    wanted = sorted(set(incident_ids))
    if not wanted:
        return {}
    found = tx.all(Incident, repository.select_incidents().where(IncidentRow.id.in_(wanted)))
    return {incident.id: incident for incident in found}


def list_incidents(tx: Tx, filters: IncidentFilter, page: PageQuery) -> Page[Incident]:
    """One page, most urgent first."""
    return paged(tx, Incident, repository.narrowed(filters), page)


def open_incidents_assigned_to(tx: Tx, user_id: int) -> list[Incident]:
    """Open incidents that this person has."""
    filters = IncidentFilter(statuses=OPEN_STATUSES, assigned_to=user_id)
    return tx.all(Incident, repository.narrowed(filters))


def has_open_incidents(tx: Tx, source_id: int) -> bool:
    """Whether this source has anything open."""
    statement = select(func.count()).where(IncidentRow.source_id == source_id, IncidentRow.status.in_(OPEN_STATUSES))
    return bool(tx.scalar(statement))


def ids_of_groups(tx: Tx, keys: Mapping[int, Iterable[str]], *, resolved_since: datetime) -> set[int]:
    """The open incidents of these (source, group keys), and those that their alerts resolved since then."""
    found: set[int] = set()
    for source_id, group_keys in keys.items():
        parameters = {"source_id": source_id, "group_keys": sorted(set(group_keys)), "since": resolved_since}
        found.update(tx.execute(_IDS_OF_GROUPS, parameters).scalars())
    return found


def open_of_group(tx: Tx, source_id: int, group_key: str) -> Incident | None:
    """The group's open incident, or None."""
    statement = repository.select_incidents().where(
        IncidentRow.source_id == source_id,
        IncidentRow.group_key == group_key,
        IncidentRow.status.in_(sorted(OPEN_STATUSES)),
    )
    return tx.first(Incident, statement)


def over_before(tx: Tx, incident: Incident, *, within: int) -> list[Incident]:
    """Those that are over among the `within` incidents before this one, newest first."""
    statement = repository.select_incidents().where(
        IncidentRow.id < incident.id,
        IncidentRow.id >= incident.id - within,
        IncidentRow.status.in_(sorted(OVER_STATUSES)),
    )
    return tx.all(Incident, statement.order_by(IncidentRow.id.desc()))


def over_of_group(tx: Tx, incident: Incident, *, limit: int) -> list[Incident]:
    """The newest incidents of the same source and group that are over."""
    statement = repository.select_incidents().where(
        IncidentRow.source_id == incident.source_id,
        IncidentRow.group_key == incident.group_key,
        IncidentRow.id < incident.id,
        IncidentRow.status.in_(sorted(OVER_STATUSES)),
    )
    return tx.all(Incident, statement.order_by(IncidentRow.id.desc()).limit(limit))


def words_of_people(tx: Tx, incident_ids: Iterable[int]) -> dict[int, list[TimelineEntry]]:
    """What people wrote into the stories of these incidents, in order: notes, and how they resolved and closed them."""
    statement = select(*fields_of(TimelineRow, TimelineEntry)).where(
        TimelineRow.incident_id.in_(sorted(set(incident_ids))),
        TimelineRow.kind.in_([TimelineKind.NOTE, TimelineKind.RESOLVED, TimelineKind.CLOSED]),
        TimelineRow.actor_id.is_not(None),
    )
    found: dict[int, list[TimelineEntry]] = {}
    for entry in tx.all(TimelineEntry, statement.order_by(TimelineRow.incident_id, TimelineRow.seq)):
        found.setdefault(entry.incident_id, []).append(entry)
    return found


def count_by_status(tx: Tx) -> dict[IncidentStatus, int]:
    """How many incidents are in each open status, resolved and closed ones left out."""
    statement = (
        select(IncidentRow.status, func.count())
        .where(IncidentRow.status.in_(OPEN_STATUSES))
        .group_by(IncidentRow.status)
    )
    found = {status: int(count) for status, count in tx.execute(statement)}
    return {status: found.get(status, 0) for status in sorted(OPEN_STATUSES)}


def timeline_of(tx: Tx, incident_id: int) -> list[TimelineEntry]:
    """The incident's story in order."""
    return tx.all(TimelineEntry, repository.select_timeline(incident_id))


def responders_of(tx: Tx, incident_id: int) -> list[Responder]:
    """Who answered, in order."""
    return tx.all(Responder, repository.select_responders(incident_id))


def created_since(tx: Tx, since: datetime) -> list[Incident]:
    """Incidents that began at or after `since`, oldest first, for figures of the last days."""
    statement = repository.select_incidents().where(IncidentRow.created_at >= since)
    return tx.all(Incident, statement.order_by(IncidentRow.id).limit(10_000))


def answer_times(
    tx: Tx, since: datetime, *, limit: int = 500
) -> list[tuple[datetime, datetime | None, datetime | None]]:
    """When each of the newest incidents was created, acknowledged and resolved, none older than `since`."""
    statement = (
        select(IncidentRow.created_at, IncidentRow.acknowledged_at, IncidentRow.resolved_at)
        .order_by(IncidentRow.id.desc())
        .limit(limit)
    )
    return [(row[0], row[1], row[2]) for row in tx.execute(statement) if row[0] >= since]
