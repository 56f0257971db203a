"""What is known about an incident, gathered in one read: alerts, checks, changes of severity, others like it.

Every query is bounded, however long the history is.
"""

from collections.abc import Iterable, Sequence

from app.alerts import queries as alerts
from app.alerts.types import Alert
from app.checks import queries as checks
from app.checks.types import CheckRun, CheckStatus
from app.incidents import queries as incidents
from app.incidents.types import Incident, Severity, TimelineEntry, TimelineKind
from app.intelligence.likeness import LIKE_ENOUGH, Features, likeness, pairs
from app.intelligence.types import AlertFacts, CheckFacts, Evidence, PastIncident, SeverityChange, Subject
from app.platform.db import Tx
from app.platform.host import hostname as this_host

ALERTS_LIMIT = 50
CHECKS_LIMIT = 20
CHANGES_LIMIT = 20
PAST_LIMIT = 5
# How far back others are looked for: so many incidents, and so many more with the same alerts or of the same group.
PAST_LOOKED_AT = 300
PAST_OF_SAME = 20
PAST_ALERTS = 2000
RESOLUTION_LENGTH = 500
NOTES_KEPT = 3
WORST_FIRST = (CheckStatus.CRITICAL, CheckStatus.WARNING, CheckStatus.UNKNOWN, CheckStatus.OK)
SEVERITY_OF_CHECK = {CheckStatus.CRITICAL: Severity.CRITICAL, CheckStatus.WARNING: Severity.WARNING}


def gather(tx: Tx, *, incident_id: int | None, made: Sequence[CheckRun]) -> Evidence:
    """The evidence about an incident, or about this host; `made` are checks made just now. Raises IncidentNotFound."""
    if incident_id is None:
        return _of_host(made)
    incident = incidents.get_incident(tx, incident_id)
    found = alerts.alerts_of_incident(tx, incident_id, limit=ALERTS_LIMIT)
    runs = [*made, *checks.runs_of_incident(tx, incident_id)]
    subject = Subject(
        incident_id=incident_id,
        title=incident.title,
        severity=incident.severity.value,
        status=incident.status.value,
        description=incident.description,
        metadata=incident.metadata,
        alerts=tuple(_alert_facts(alert) for alert in found),
        checks=_check_facts(runs),
    )
    return Evidence(subject, _changes(tx, found), _past(tx, incident, found))


def _of_host(made: Sequence[CheckRun]) -> Evidence:
    host = made[0].hostname if made else this_host()
    worst = next((status for status in WORST_FIRST if any(run.status is status for run in made)), CheckStatus.OK)
    severity = SEVERITY_OF_CHECK.get(worst, Severity.INFO)
    return Evidence(Subject(None, f"The state of {host}", severity.value, worst.value, checks=_check_facts(made)))


def _alert_facts(alert: Alert) -> AlertFacts:
    return AlertFacts(
        name=alert.name,
        status=alert.status.value,
        severity=alert.severity.value,
        description=alert.description,
        started_at=alert.started_at,
        labels=alert.labels,
        annotations=alert.annotations,
    )


def _check_facts(runs: Iterable[CheckRun]) -> tuple[CheckFacts, ...]:
    """What each checker found last, what is wrong first."""
    newest: dict[tuple[str, str], CheckRun] = {}
    for run in sorted(runs, key=lambda run: run.id):
        newest[run.hostname, run.checker_name] = run
    worst_first = sorted(newest.values(), key=lambda run: (WORST_FIRST.index(run.status), run.checker_name))
    return tuple(
        CheckFacts(run.checker_name, run.status.value, run.message, run.metrics) for run in worst_first[:CHECKS_LIMIT]
    )


def _changes(tx: Tx, found: Sequence[Alert]) -> tuple[SeverityChange, ...]:
    names = {alert.id: alert.name for alert in found}
    return tuple(
        SeverityChange(
            at=entry.created_at,
            alert=names[entry.alert_id],
            before=str(entry.details["severity_before"]),
            after=str(entry.details["severity_after"]),
        )
        for entry in alerts.severity_changes(tx, names)[-CHANGES_LIMIT:]
    )


def _past(tx: Tx, incident: Incident, found: Sequence[Alert]) -> tuple[PastIncident, ...]:
    """The incidents most like this one that are over, the likest first, with what people wrote about their end."""
    candidates = {each.id: each for each in incidents.over_before(tx, incident, within=PAST_LOOKED_AT)}
    candidates |= {each.id: each for each in incidents.over_of_group(tx, incident, limit=PAST_OF_SAME)}
    same_alerts = alerts.incidents_of_alerts(tx, [alert.id for alert in found], limit=PAST_OF_SAME)
    known = incidents.incidents_by_id(tx, [each for each in same_alerts if each < incident.id])
    candidates |= {each.id: each for each in known.values() if not each.status.is_open}
    told = alerts.alerts_by_incident(tx, candidates, limit=PAST_ALERTS)
    own = _features(incident, found)
    scored = [(likeness(own, _features(each, told.get(each.id, []))), each) for each in candidates.values()]
    likest = sorted((pair for pair in scored if pair[0] >= LIKE_ENOUGH), key=lambda pair: (-pair[0], -pair[1].id))
    words = incidents.words_of_people(tx, [each.id for _, each in likest[:PAST_LIMIT]])
    return tuple(
        PastIncident(
            incident_id=each.id,
            number=each.number,
            title=each.title,
            severity=each.severity.value,
            created_at=each.created_at,
            resolved_at=each.resolved_at,
            resolution=_resolution(each, words.get(each.id, [])),
            similarity=score,
        )
        for score, each in likest[:PAST_LIMIT]
    )


def _features(incident: Incident, told: Iterable[Alert]) -> Features:
    told = list(told)
    return Features(
        source_id=incident.source_id,
        group_key=incident.group_key,
        title=incident.title,
        alert_names=frozenset(alert.name for alert in told),
        labels=frozenset().union(*(pairs(alert.labels) for alert in told)),
    )


def _resolution(incident: Incident, words: Sequence[TimelineEntry]) -> str:
    """The summary and the last notes; «Ada resolved» alone says nothing about how."""
    notes = [entry.text for entry in words if entry.kind is TimelineKind.NOTE or ": " in entry.text]
    told = [text for text in (incident.summary, *notes[-NOTES_KEPT:]) if text]
    return " / ".join(told)[:RESOLUTION_LENGTH]
