"""Triage: what deliveries do to alerts and incidents, alert by alert in the order of arrival (B8–B10).

Values in, decisions out; no database, no clock. Intake writes what is decided here, and the simulation shows it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from app.alerts.facts import LABELS_OF_PAGES, facts_of
from app.alerts.problems import Counts, Problem, Sighting, Submission
from app.alerts.rules import FLAP_WINDOW, NEWLY_FIRING, STILL_FIRING_AFTER, Decision, decide, group_key_of, severity_of
from app.alerts.types import Alert, AlertSource, AlertStatus, ParsedAlert, Severity
from app.incidents.types import Incident, NewIncident
from app.platform.types import JsonObject

TITLE_LENGTH = 300
# What an alert's history entry is called, where the decision's own word is not the plainest.
UNCHANGED = frozenset({Decision.REPEATED, Decision.REPEATED_RECOVERY})
SEVERITY_CHANGED = "severity_changed"


class Outcome(StrEnum):
    """What comes of an incident when the deliveries have been decided: whom it pages is decided by this alone."""

    OPENED = "opened"
    OPENED_AND_RECOVERED = "opened_and_recovered"
    REOPENED = "reopened"
    REOPENED_AND_HELD = "reopened_and_held"
    RISEN = "risen_to_critical"
    RESOLVED = "resolved"
    RECOVERED = "recovered_but_left_to_people"
    UNCHANGED = "unchanged"


def outcome_of(problem: Problem) -> Outcome:
    """What comes of the incident (B9, B10)."""
    if problem.new is not None:
        lasts = problem.firing > 0 or not problem.source.auto_resolve
        return Outcome.OPENED if lasts else Outcome.OPENED_AND_RECOVERED
    incident = problem.incident
    if problem.reopen:
        return Outcome.REOPENED if problem.page_at is None else Outcome.REOPENED_AND_HELD
    if not incident.status.is_open:
        return Outcome.UNCHANGED
    still_firing = incident.firing_alert_count + problem.firing > 0
    if problem.recheck and not still_firing:
        return Outcome.RESOLVED if problem.source.auto_resolve else Outcome.RECOVERED
    if problem.risen and problem.severity is Severity.CRITICAL and incident.severity is not Severity.CRITICAL:
        return Outcome.RISEN
    return Outcome.UNCHANGED


@dataclass(frozen=True, slots=True)
class Asked:
    """What has to be read before deliveries can be decided, by source: alerts by fingerprint, incidents by group key.

    Besides the open incidents, those count that their alerts have resolved since `flapped_since`.
    """

    fingerprints: dict[int, set[str]]
    group_keys: dict[int, set[str]]
    flapped_since: datetime


def asked_by(submissions: Sequence[Submission]) -> Asked | None:
    """What these deliveries are about; None where they hold no alert."""
    fingerprints: dict[int, set[str]] = {}
    group_keys: dict[int, set[str]] = {}
    for submission in submissions:
        for parsed in _alerts_of(submission):
            fingerprints.setdefault(submission.source.id, set()).add(parsed.fingerprint)
            group_keys.setdefault(submission.source.id, set()).add(key_of(submission, parsed))
    if not group_keys:
        return None
    return Asked(fingerprints, group_keys, min(each.received_at for each in submissions) - FLAP_WINDOW)


@dataclass(slots=True)
class _Case:
    """One delivered alert on its way through the rules."""

    submission: Submission
    parsed: ParsedAlert
    group_key: str
    sighting: Sighting
    before: Alert | None
    counts: Counts


class Triage:
    """Decides deliveries one by one, over the stored alerts and incidents that `asked_by` names.

    `known` are the stored incidents by id, `fresh` those to be opened, `counts` what each sender is told.
    """

    def __init__(
        self,
        submissions: Sequence[Submission],
        stored: Mapping[tuple[int, str], Alert],
        incidents: Iterable[Incident],
        *,
        flapped_since: datetime,
    ) -> None:
        self.submissions = submissions
        self.counts: list[Counts] = []
        self.sightings: dict[tuple[int, str], Sighting] = {}
        self.known: dict[int, Problem] = {}
        self.fresh: list[Problem] = []
        self._open: dict[tuple[int, str], Problem] = {}
        self._flapped: dict[tuple[int, str], Problem] = {}
        sources = {submission.source.id: submission.source for submission in reversed(submissions)}
        for incident in incidents:
            self._remember(incident, sources, flapped_since)
        for key, alert in stored.items():
            self.sightings[key] = Sighting(alert, self.known.get(alert.incident_id or 0), is_new=False)
        for submission in submissions:
            self._take(submission)

    @property
    def unsure(self) -> list[Problem]:
        """Incidents whose severity may have fallen: an alert of theirs recovered or came back milder."""
        return [problem for problem in self.known.values() if problem.recheck]

    def settle(self, worst_of_others: Mapping[int, Severity]) -> None:
        """Give each unsure incident the worst severity that still fires.

        `worst_of_others` is that of the alerts which no delivery was about, by incident.
        """
        firing: dict[Problem, list[Severity]] = {problem: [] for problem in self.unsure}
        for sighting in self.sightings.values():
            if sighting.problem in firing and sighting.alert.status is AlertStatus.FIRING:
                firing[sighting.problem].append(sighting.alert.severity)
        for problem, severities in firing.items():
            other = worst_of_others.get(problem.incident.id)
            found = severities if other is None else [*severities, other]
            problem.severity = min(found, key=lambda severity: severity.rank, default=problem.severity)

    def _take(self, submission: Submission) -> None:
        counts = Counts(submission.trace_id)
        self.counts.append(counts)
        for parsed in _alerts_of(submission):
            self._take_alert(submission, parsed, counts)

    def _remember(self, incident: Incident, sources: dict[int, AlertSource], flapped_since: datetime) -> None:
        source = sources.get(incident.source_id or 0)
        if source is None:
            return
        problem = Problem(source, incident.group_key, incident.severity, stored=incident)
        self.known[incident.id] = problem
        if incident.status.is_open:
            self._open[source.id, incident.group_key] = problem
        elif incident.resolved_by_alerts and incident.resolved_at and incident.resolved_at >= flapped_since:
            self._flapped[source.id, incident.group_key] = problem

    def _take_alert(self, submission: Submission, parsed: ParsedAlert, counts: Counts) -> None:
        key = (submission.source.id, parsed.fingerprint)
        sighting = self.sightings.get(key)
        before = sighting.alert if sighting else None
        decision = decide(before, parsed, submission.received_at)
        if sighting is None:
            sighting = self.sightings[key] = Sighting(_new_alert(submission, parsed), None, is_new=True)
            counts.created += 1
        else:
            sighting.alert = _changed_alert(sighting.alert, submission, parsed, decision)
            sighting.is_changed = True
            counts.resolved += decision is Decision.RESOLVED
            counts.updated += decision is not Decision.RESOLVED
        sighting.decision = decision
        rise = _severities(before, sighting.alert)
        if decision not in UNCHANGED or rise:
            old = before.status if before else None
            event = SEVERITY_CHANGED if decision in UNCHANGED else decision.value
            sighting.history.append(
                {"event": event, "old_status": old, "new_status": sighting.alert.status,
                 "details": {"trace_id": submission.trace_id, **rise}, "created_at": submission.received_at}
            )  # fmt: skip
        if sighting.problem is not None and sighting.problem not in counts.seen:
            counts.seen.append(sighting.problem)
        self._follow_up(_Case(submission, parsed, key_of(submission, parsed), sighting, before, counts), decision)

    def _follow_up(self, case: _Case, decision: Decision) -> None:
        problem = case.sighting.problem
        if decision in NEWLY_FIRING or (decision is Decision.REPEATED and problem is None):
            self._attach(case)
        elif decision is Decision.REPEATED and problem is not None:
            self._repeat(case, problem)
        elif decision is Decision.RESOLVED:
            case.sighting.ended = True
            if problem is not None:
                problem.firing -= 1
                problem.recheck = True
                _touch(case.counts, problem)

    def _attach(self, case: _Case) -> None:
        key = (case.submission.source.id, case.group_key)
        problem = self._open.get(key)
        if problem is None and key in self._flapped:
            problem = self._open[key] = self._flapped.pop(key)
            problem.reopen = f"{case.sighting.alert.name} fires again: flapping"
            last = problem.stored.last_paged_at if problem.stored else None
            if last is not None and case.submission.received_at - last < FLAP_WINDOW:
                problem.page_at = last + FLAP_WINDOW
        if problem is None:
            problem = self._open_new(case)
            case.counts.opened.append(problem)
        else:
            _touch(case.counts, problem)
        self._join(case, problem)

    def _repeat(self, case: _Case, problem: Problem) -> None:
        if problem.is_open:
            if case.before is not None and case.sighting.alert.severity is not case.before.severity:
                problem.recheck = True
                self._weigh(case, problem)
                _touch(case.counts, problem)
            return
        other = self._open.get((case.submission.source.id, case.group_key))
        if other is not None:
            self._join(case, other)
            _touch(case.counts, other)
        elif problem.ended_at is not None and case.submission.received_at - problem.ended_at < STILL_FIRING_AFTER:
            problem.still_firing = True
        else:
            problem.reopen = f"{case.sighting.alert.name} is still firing"
            problem.first = problem.first or case.sighting
            problem.wants_run = case.submission
            self._open[case.submission.source.id, problem.group_key] = problem
            self._weigh(case, problem)
            _touch(case.counts, problem)

    def _open_new(self, case: _Case) -> Problem:
        alert, source = case.sighting.alert, case.submission.source
        new = NewIncident(alert.name[:TITLE_LENGTH], alert.description, alert.severity, source.id, case.group_key)
        problem = Problem(source, case.group_key, alert.severity, new=new)
        self.fresh.append(problem)
        self._open[source.id, case.group_key] = problem
        return problem

    def _join(self, case: _Case, problem: Problem) -> None:
        sighting = case.sighting
        problem.attached += sighting.problem is not problem
        problem.firing += 1
        problem.first = problem.first or sighting
        problem.wants_run = problem.wants_run or case.submission
        sighting.problem = problem
        sighting.is_changed = True
        sighting.joined.append((problem, sighting.alert.generation))
        self._weigh(case, problem)

    def _weigh(self, case: _Case, problem: Problem) -> None:
        severity = case.sighting.alert.severity
        if severity.rank < problem.severity.rank:
            problem.risen = problem.risen or severity is Severity.CRITICAL
            problem.severity = severity
            problem.wants_run = problem.wants_run or case.submission


def page_facts(problem: Problem) -> JsonObject:
    """What every page of the incident says of the source and of its first alert."""
    facts: JsonObject = {"source": problem.source.name, "severity": problem.severity.value}
    if problem.first is not None:
        alert = problem.first.alert
        facts |= {**facts_of(alert, labels=LABELS_OF_PAGES), "trace_id": alert.trace_id}
    return facts


def _alerts_of(submission: Submission) -> Iterable[ParsedAlert]:
    return () if submission.parsed is None else submission.parsed.alerts


def key_of(submission: Submission, parsed: ParsedAlert) -> str:
    """Which open incident of its source this alert belongs to (B9)."""
    source = submission.source
    senders_key = submission.parsed.group_key if submission.parsed else ""
    return group_key_of(parsed, source.grouping, source.group_labels, senders_key)


def _touch(counts: Counts, problem: Problem) -> None:
    if problem not in counts.touched and problem not in counts.opened:
        counts.touched.append(problem)


def _default_severity(submission: Submission) -> Severity | None:
    return Severity.named(submission.source.config.get("default_severity"))


def _new_alert(submission: Submission, parsed: ParsedAlert) -> Alert:
    now = submission.received_at
    return Alert(
        id=0,
        source_id=submission.source.id,
        driver=submission.driver,
        fingerprint=parsed.fingerprint,
        name=parsed.name,
        status=parsed.status,
        severity=severity_of(parsed, None, _default_severity(submission)),
        description=parsed.description,
        labels=parsed.labels,
        annotations=parsed.annotations,
        started_at=parsed.started_at or now,
        ended_at=None if parsed.status is AlertStatus.FIRING else parsed.ended_at or now,
        received_at=now,
        updated_at=now,
        last_seen_at=now,
        occurrences=1,
        generation=1,
        acknowledged_upstream=bool(parsed.acknowledged),
        incident_id=None,
        trace_id=submission.trace_id,
    )


def _severities(before: Alert | None, after: Alert) -> JsonObject:
    """What an alert's history says of a severity that is another than before; nothing where it is the same."""
    if before is None or before.severity is after.severity:
        return {}
    return {"severity_before": before.severity.value, "severity_after": after.severity.value}


def _changed_alert(stored: Alert, submission: Submission, parsed: ParsedAlert, decision: Decision) -> Alert:
    now = submission.received_at
    seen = replace(stored, last_seen_at=now, occurrences=stored.occurrences + 1)
    if decision in (Decision.STALE_FIRING, Decision.STALE_RECOVERY, Decision.REPEATED_RECOVERY):
        return seen
    acknowledged = stored.acknowledged_upstream if parsed.acknowledged is None else parsed.acknowledged
    told = replace(
        seen,
        driver=submission.driver,
        name=parsed.name or stored.name,
        severity=severity_of(parsed, stored, _default_severity(submission)),
        description=parsed.description or stored.description,
        labels=parsed.labels or stored.labels,
        annotations=parsed.annotations or stored.annotations,
        acknowledged_upstream=acknowledged,
        trace_id=submission.trace_id,
    )
    if decision is Decision.RESOLVED:
        return replace(
            told,
            status=AlertStatus.RESOLVED,
            ended_at=parsed.ended_at or now,
            updated_at=now,
            acknowledged_upstream=bool(parsed.acknowledged),
        )
    if decision is Decision.REFIRED:
        return replace(
            told,
            status=AlertStatus.FIRING,
            started_at=parsed.started_at or now,
            ended_at=None,
            updated_at=now,
            generation=stored.generation + 1,
            acknowledged_upstream=bool(parsed.acknowledged),
        )
    return told
