"""What a decided delivery does to each incident, in one word and one sentence."""

from collections.abc import Callable, Iterable
from dataclasses import replace

from app.alerts.problems import Problem, Sighting, Submission
from app.alerts.rules import NEWLY_FIRING, Decision
from app.alerts.triage import Outcome, Triage, key_of, outcome_of
from app.usecases.simulate.types import Action, Affected

FIRES = NEWLY_FIRING | {Decision.REPEATED}
UNKNOWN = {
    Decision.RECOVERY_OF_UNKNOWN: "A recovery of something that never fired here is recorded and pages nobody.",
    Decision.REPEATED_RECOVERY: "A recovery that is known already only counts.",
    Decision.STALE_FIRING: "An old firing that came late: it has recovered since, and pages nobody.",
}


def affected_by(
    triage: Triage, submission: Submission, *, is_released: Callable[[Problem], bool]
) -> list[tuple[Affected, Problem | None]]:
    """Every incident that the delivery is about, the one with most to happen first; without a problem: no incident.

    `is_released` says of an incident whether its pages wait for a digest no longer.
    """
    found: dict[Problem | str, tuple[Affected, Problem | None]] = {}
    for parsed in submission.parsed.alerts if submission.parsed else ():
        sighting = triage.sightings[submission.source.id, parsed.fingerprint]
        problem = sighting.problem
        if problem is not None:
            known = [each for each in triage.sightings.values() if each.problem is problem]
            affected = _of_problem(problem, known, sighting)
            if is_released(problem):
                reason = f"#{problem.incident.number} is urgent now: it waits for the digest no longer, and is paged."
                affected = replace(affected, action=Action.ATTACH, reason=reason)
            found.setdefault(problem, (affected, problem))
        else:
            key = key_of(submission, parsed)
            found.setdefault(key, (_of_nothing(sighting, key), None))
    return sorted(found.values(), key=lambda each: list(Action).index(each[0].action))


def _of_problem(problem: Problem, sightings: Iterable[Sighting], first: Sighting) -> Affected:
    action, reason = _said(problem, {each.decision for each in sightings})
    stored = problem.stored
    return Affected(
        action=action,
        reason=reason,
        group_key=problem.group_key,
        severity=problem.severity,
        title=stored.title if stored else problem.new.title if problem.new else first.alert.name,
        fingerprint=first.alert.fingerprint,
        incident_id=stored.id if stored else None,
    )


def _of_nothing(sighting: Sighting, group_key: str) -> Affected:
    alert = sighting.alert
    reason = UNKNOWN.get(sighting.decision or Decision.REPEATED_RECOVERY, "It changes nothing.")
    return Affected(Action.NONE, reason, group_key, alert.severity, alert.name, alert.fingerprint)


def _said(problem: Problem, decisions: set[Decision | None]) -> tuple[Action, str]:
    outcome = outcome_of(problem)
    if outcome is Outcome.OPENED:
        return Action.CREATE, "It opens a new incident."
    if outcome is Outcome.OPENED_AND_RECOVERED:
        return Action.CREATE, "It opens an incident that is resolved at once: its alert recovers in the same delivery."
    name = f"#{problem.incident.number}"
    match outcome:
        case Outcome.REOPENED:
            return Action.ATTACH, f"It reopens {name}: {problem.reopen}."
        case Outcome.REOPENED_AND_HELD:
            return Action.ATTACH, f"It reopens {name}, whose last page is not 10 minutes old: {problem.reopen}."
        case Outcome.RISEN:
            return Action.ATTACH, f"{name} rises to critical: it is paged again from level 1."
        case Outcome.RESOLVED:
            return Action.RESOLVE, f"All alerts of {name} have recovered: it is resolved."
        case Outcome.RECOVERED:
            return Action.NONE, f"All alerts of {name} have recovered; this source leaves resolving to people."
    return _of_unchanged(problem, name, decisions)


def _of_unchanged(problem: Problem, name: str, decisions: set[Decision | None]) -> tuple[Action, str]:
    if not problem.is_open:
        if problem.still_firing:
            return Action.NONE, f"{name} was resolved by hand within 10 minutes: the repeat is only noted."
        return Action.NONE, f"{name} is over, and this changes nothing."
    state = "snoozed" if problem.incident.snoozed_until is not None else problem.incident.status.value
    if problem.attached:
        return Action.ATTACH, f"It is attached to {name}, which is {state}: that pages nobody anew."
    if decisions & FIRES:
        return Action.ATTACH, f"It repeats what {name} knows, which is {state}: that pages nobody anew."
    if Decision.RESOLVED in decisions:
        return Action.NONE, f"An alert of {name} recovers; others still fire."
    return Action.NONE, f"It is older than what {name} knows, and changes nothing."
