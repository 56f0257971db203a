"""Writing what triage decided: incidents, alerts, timeline, pages, runs and the deliveries themselves."""

from dataclasses import replace
from datetime import datetime, timedelta

from app.alerts import service as alerts
from app.alerts.problems import Counts, Problem, Sighting
from app.alerts.subscriptions import note_control
from app.alerts.triage import Outcome, Triage, outcome_of, page_facts
from app.alerts.types import Alert, AlertStatus, DeliveryResult
from app.escalation.types import EscalationStatus, Plan
from app.incidents import service as incidents
from app.incidents.types import SYSTEM, IncidentAction, IncidentStatus, NewTimelineEntry, TimelineKind
from app.pipeline import service as pipeline
from app.pipeline.types import NewRun
from app.platform.db import Tx
from app.platform.types import JsonObject
from app.usecases import paging

# What joins a running incident is told to the team's channels together.
GATHER = timedelta(seconds=30)
COLUMNS = tuple(name for name in Alert.__slots__ if name != "id")


class Flush:
    """Writes one batch of deliveries that was decided; `run` is called once."""

    def __init__(self, tx: Tx, triage: Triage) -> None:
        self.tx = tx
        self.submissions = triage.submissions
        self.counts = triage.counts
        self.sightings = list(triage.sightings.values())
        self.known = list(triage.known.values())
        self.fresh = triage.fresh
        self.now: datetime = max(submission.received_at for submission in triage.submissions)
        self._plans: dict[int, tuple[Plan, int | None]] = {}

    def run(self) -> list[DeliveryResult]:
        """Write in lock order: incidents, alerts, escalations and notifications, runs; deliveries last."""
        self._open_incidents()
        self._store_alerts()
        self._store_counts_and_lines()
        self._page_fresh()
        for problem in self.known:
            self._follow(problem)
        runs = self._request_runs()
        self._store_deliveries()
        return [_result(each, runs) for each in self.counts]

    def _open_incidents(self) -> None:
        wanted = [
            replace(problem.new, severity=problem.severity, alert_count=problem.attached,
                    firing_alert_count=max(0, problem.firing))
            for problem in self.fresh if problem.new is not None
        ]  # fmt: skip
        for problem, incident in zip(self.fresh, incidents.open_many(self.tx, wanted, now=self.now), strict=True):
            problem.stored = incident

    def _store_alerts(self) -> None:
        new = [sighting for sighting in self.sightings if sighting.is_new]
        ids = alerts.insert_alerts(self.tx, [_columns(sighting) for sighting in new])
        for sighting in self.sightings:
            alert = sighting.alert
            alert_id = ids[alert.source_id, alert.fingerprint] if sighting.is_new else alert.id
            sighting.alert = replace(alert, id=alert_id, incident_id=_incident_id(sighting))
        alerts.update_alerts(self.tx, [each.alert for each in self.sightings if each.is_changed and not each.is_new])
        alerts.insert_history(
            self.tx, [{"alert_id": each.alert.id, **entry} for each in self.sightings for entry in each.history]
        )
        alerts.insert_memberships(
            self.tx,
            [
                {"incident_id": problem.incident.id, "alert_id": each.alert.id, "generation": generation,
                 "attached_at": self.now}
                for each in self.sightings for problem, generation in each.joined
            ],
        )  # fmt: skip
        alerts.end_memberships(
            self.tx, [e.alert for e in self.sightings if e.ended and e.alert.status is AlertStatus.RESOLVED]
        )

    def _store_counts_and_lines(self) -> None:
        changed = [p for p in self.known if p.attached or p.firing or p.severity is not p.incident.severity]
        incidents.set_many(
            self.tx,
            [
                {
                    "id": problem.incident.id,
                    "alert_count": problem.incident.alert_count + problem.attached,
                    "firing_alert_count": max(0, problem.incident.firing_alert_count + problem.firing),
                    "severity": problem.severity,
                    "updated_at": self.now,
                }
                for problem in changed
            ],
        )
        lines = [line for problem in self.fresh for line in _opening(problem)]
        lines += [line for problem in self.known for line in _changes(problem)]
        incidents.add_timeline(self.tx, lines, now=self.now)
        noted = [problem.incident for problem in self.known if _notes_still_firing(problem)]
        incidents.set_many(
            self.tx,
            [{"id": each.id, "metadata": {**each.metadata, "still_firing_noted": True}} for each in noted],
        )
        for problem in changed:
            self.tx.publish("incident", id=problem.incident.id)

    def _page_fresh(self) -> None:
        outcomes = [(problem, outcome_of(problem)) for problem in self.fresh]
        lasting = [problem for problem, outcome in outcomes if outcome is Outcome.OPENED]
        paging.start(self.tx, [self._order(problem) for problem in lasting], now=self.now)
        for problem, outcome in outcomes:
            if outcome is Outcome.OPENED_AND_RECOVERED:
                self._resolve(problem)

    def _follow(self, problem: Problem) -> None:
        match outcome_of(problem):
            case Outcome.REOPENED | Outcome.REOPENED_AND_HELD:
                self._reopen(problem)
            case Outcome.RESOLVED:
                self._resolve(problem)
            case Outcome.RECOVERED:
                text = "All alerts have recovered; this source does not resolve by itself"
                line = NewTimelineEntry(problem.incident.id, TimelineKind.ALERTS, text)
                incidents.add_timeline(self.tx, [line], now=self.now)
            case Outcome.RISEN:
                self._rise(problem)
            case Outcome.UNCHANGED if _is_louder(problem):
                paging.release(self.tx, replace(problem.incident, severity=problem.severity), now=self.now)

    def _reopen(self, problem: Problem) -> None:
        incident = problem.incident
        incidents.transition(
            self.tx, incident, IncidentAction.REOPEN,
            kind=TimelineKind.REOPENED, text=f"Reopened: {problem.reopen}", actor=SYSTEM, now=self.now,
        )  # fmt: skip
        incidents.set_many(self.tx, [{"id": incident.id, "metadata": _without_note(incident.metadata)}])
        # What wakes somebody hears of a flapping incident when it is paged again, not at every turn.
        waking = None if problem.page_at is None else False
        text = f"reopened: {problem.reopen}"
        paging.tell_channels(self.tx, incident, "reopened", text, waking=waking, now=self.now)
        if problem.page_at is not None:
            paging.hold(self.tx, self._order(problem), until=problem.page_at, now=self.now)
        else:
            paging.restart(self.tx, self._order(problem), now=self.now)

    def _resolve(self, problem: Problem) -> None:
        incident = problem.incident
        incidents.transition(
            self.tx, incident, IncidentAction.RESOLVE, kind=TimelineKind.RESOLVED,
            text="Resolved: all alerts have recovered", actor=SYSTEM, now=self.now, by_alerts=True,
        )  # fmt: skip
        paging.stop(self.tx, incident.id, EscalationStatus.STOPPED, now=self.now)
        paging.tell_channels(self.tx, incident, "resolved", "all alerts have recovered", now=self.now)

    def _rise(self, problem: Problem) -> None:
        incident = problem.incident
        if incident.status is IncidentStatus.ACKNOWLEDGED:
            incidents.transition(
                self.tx, incident, IncidentAction.RETRIGGER, kind=TimelineKind.TRIGGERED,
                text="Triggered again: severity rose to critical", actor=SYSTEM, now=self.now,
            )  # fmt: skip
        elif incident.snoozed_until is not None:
            # Snoozed, it would count as answered: a page that fails would be called off instead of tried again.
            incidents.snooze(self.tx, incident.id, None, now=self.now)
            line = NewTimelineEntry(incident.id, TimelineKind.SNOOZED, "The snooze ends: severity rose to critical")
            incidents.add_timeline(self.tx, [line], now=self.now)
        risen = replace(incident, severity=problem.severity)
        paging.tell_channels(self.tx, risen, "triggered", "severity rose to critical", now=self.now)
        paging.restart(self.tx, self._order(problem), now=self.now)

    def _order(self, problem: Problem) -> paging.Order:
        source = problem.source
        if source.id not in self._plans:
            self._plans[source.id] = paging.plan_for(
                self.tx,
                policy_id=source.escalation_policy_id,
                schedule_id=source.schedule_id,
                team_id=source.team_id,
            )
        plan, version_id = self._plans[source.id]
        incident = replace(problem.incident, severity=problem.severity)
        urgency = paging.urgency_of(problem.severity, source.config)
        return paging.Order(incident, plan, urgency, page_facts(problem), version_id)

    def _request_runs(self) -> dict[int, str]:
        wanted: list[tuple[NewRun, datetime]] = []
        for problem in (*self.fresh, *self.known):
            submission = problem.wants_run
            if submission is None or problem.first is None:
                continue
            is_first = problem.new is not None or bool(problem.reopen)
            run = NewRun(
                trace_id=submission.trace_id,
                run_id=submission.new_run_id(),
                pipeline=problem.source.pipeline,
                incident_id=problem.incident.id,
                source=submission.driver,
                source_id=problem.source.id,
                alert_fingerprint=problem.first.alert.fingerprint,
                environment=str(problem.source.config.get("environment", "production")),
            )
            wanted.append((run, self.now if is_first else self.now + GATHER))
        return pipeline.request_many(self.tx, wanted, now=self.now)

    def _store_deliveries(self) -> None:
        alerts.insert_deliveries(
            self.tx,
            [
                {
                    "trace_id": each.trace_id,
                    "source_id": each.source.id,
                    "driver": each.driver,
                    "outcome": each.outcome,
                    "headers": each.headers,
                    "body": each.body,
                    "error": each.error,
                    "alert_count": len(each.parsed.alerts) if each.parsed else 0,
                    "received_at": each.received_at,
                }
                for each in self.submissions
            ],
        )
        for each in self.submissions:
            if each.parsed is not None and each.parsed.control is not None:
                note_control(self.tx, each.source.id, each.parsed.control, now=self.now)
        used = {each.key_id for each in self.submissions if each.key_id is not None}
        alerts.touch_keys(self.tx, used, self.now)
        alerts.touch_sources(self.tx, {each.source.id for each in self.submissions if each.notes_source}, self.now)
        self.tx.publish("sources")


def _columns(sighting: Sighting) -> JsonObject:
    columns = {name: getattr(sighting.alert, name) for name in COLUMNS}
    columns["incident_id"] = _incident_id(sighting)
    return columns


def _incident_id(sighting: Sighting) -> int | None:
    return sighting.alert.incident_id if sighting.problem is None else sighting.problem.incident.id


def _opening(problem: Problem) -> list[NewTimelineEntry]:
    name = problem.first.alert.name if problem.first else problem.incident.title
    text = f"Triggered by {problem.source.name}: {name}"
    more = problem.attached - 1
    lines = [NewTimelineEntry(problem.incident.id, TimelineKind.TRIGGERED, text)]
    if more > 0:
        lines.append(NewTimelineEntry(problem.incident.id, TimelineKind.ALERTS, _attached(more)))
    return lines


def _attached(more: int) -> str:
    return "1 more alert attached" if more == 1 else f"{more} more alerts attached"


def _changes(problem: Problem) -> list[NewTimelineEntry]:
    incident, lines = problem.incident, []
    if problem.attached and not problem.reopen:
        name = problem.first.alert.name if problem.first else ""
        text = f"Alert attached: {name}" if problem.attached == 1 else _attached(problem.attached)
        lines.append(NewTimelineEntry(incident.id, TimelineKind.ALERTS, text))
    if problem.severity is not incident.severity and problem.is_open:
        text = f"Severity {incident.severity} → {problem.severity}"
        lines.append(NewTimelineEntry(incident.id, TimelineKind.SEVERITY, text))
    if _notes_still_firing(problem):
        text = "Still firing at the source, though it was resolved by hand"
        lines.append(NewTimelineEntry(incident.id, TimelineKind.ALERTS, text))
    return lines


def _is_louder(problem: Problem) -> bool:
    return problem.is_open and paging.is_louder(problem.incident.severity, problem.severity, problem.source.config)


def _notes_still_firing(problem: Problem) -> bool:
    return problem.still_firing and not problem.reopen and not problem.incident.metadata.get("still_firing_noted")


def _without_note(metadata: JsonObject) -> JsonObject:
    return {name: value for name, value in metadata.items() if name != "still_firing_noted"}


def _result(counts: Counts, runs: dict[int, str]) -> DeliveryResult:
    opened = [problem.incident.id for problem in counts.opened]
    ids = list(dict.fromkeys([*opened, *(each.incident.id for each in (*counts.touched, *counts.seen))]))
    return DeliveryResult(
        trace_id=counts.trace_id,
        alerts_created=counts.created,
        alerts_updated=counts.updated,
        alerts_resolved=counts.resolved,
        incidents_created=len(opened),
        incidents_updated=len(counts.touched),
        incident_ids=tuple(ids),
        run_ids=tuple(runs[incident_id] for incident_id in ids if incident_id in runs),
    )
