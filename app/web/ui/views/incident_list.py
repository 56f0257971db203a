"""Incidents as rows of a list, on the dashboard and on the list's own page."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.accounts import queries as people
from app.accounts.types import User
from app.alerts import queries as alerts
from app.incidents import queries as incidents
from app.incidents.types import OPEN_STATUSES, Incident, IncidentFilter, IncidentStatus, Severity
from app.platform.db import Tx
from app.platform.types import Page, PageQuery
from app.web.ui.forms import Form
from app.web.ui.views.choices import EVERYTHING, Option

BY_HAND = "opened by hand"
TABS = (
    ("open", "Open"),
    ("triggered", "Triggered"),
    ("acknowledged", "Acknowledged"),
    ("resolved", "Resolved"),
    ("closed", "Closed"),
    ("all", "All"),
)
FILTERS = ("q", "severity", "source_id", "assigned_to")


@dataclass(frozen=True, slots=True)
class IncidentRow:
    """An incident with the names that its row shows."""

    incident: Incident
    assignee: User | None
    source_name: str


@dataclass(frozen=True, slots=True)
class Tab:
    """A status that the list can be narrowed to, with how many there are."""

    key: str
    text: str
    count: int | None


def incident_rows(tx: Tx, found: Sequence[Incident]) -> list[IncidentRow]:
    """These incidents with their names, each asked for once."""
    names = people.users_by_id(tx, {each.assigned_to for each in found if each.assigned_to})
    sources = alerts.sources_by_id(tx, {each.source_id for each in found if each.source_id})
    return [
        IncidentRow(
            each,
            names.get(each.assigned_to or 0),
            sources[each.source_id].name if each.source_id in sources else BY_HAND,
        )
        for each in found
    ]


def filter_of(form: Form) -> IncidentFilter:
    """What the list's form narrows to; without a status the open ones. Raises Invalid."""
    severity = form.value("severity")
    return IncidentFilter(
        statuses=statuses_of(form.value("status", "open")),
        severity=Severity(severity) if severity in list(Severity) else None,
        source_id=form.maybe_id("source_id"),
        assigned_to=form.maybe_id("assigned_to"),
        q=form.value("q"),
    )


def statuses_of(word: str) -> frozenset[IncidentStatus]:
    """The statuses that a tab stands for; none means all."""
    if word == "open":
        return OPEN_STATUSES
    return frozenset({IncidentStatus(word)}) if word in list(IncidentStatus) else frozenset()


def listing(tx: Tx, form: Form, page: PageQuery) -> dict[str, object]:
    """The list's page. Raises Invalid for a filter that cannot be read."""
    found = incidents.list_incidents(tx, filter_of(form), page)
    sources = alerts.list_sources(tx, EVERYTHING).items
    counts = incidents.count_by_status(tx)
    return {
        "page": Page(incident_rows(tx, found.items), found.total, found.page, found.page_size),
        "tabs": [Tab(key, text, _count(key, counts)) for key, text in TABS],
        "status": form.value("status") or "open",
        "sources": [("", "Source"), *((str(each.id), each.name) for each in sources)],
        "people": [("", "Person"), *_people(tx)],
        "is_filtered": any(form.value(name) for name in FILTERS),
        "has_sources": bool(sources),
    }


def _count(key: str, counts: dict[IncidentStatus, int]) -> int | None:
    if key == "open":
        return sum(counts.values())
    return counts.get(IncidentStatus(key)) if key in list(IncidentStatus) else None


def _people(tx: Tx) -> list[Option]:
    return [(str(user.id), user.name) for user in people.active_responders(tx)]
