"""What would happen: a source's delivery played through with nobody answering; nothing is sent, nothing is stored.

It has no rules of its own: the drivers read, triage decides, the ladder climbs and the outbox's rules bundle, as for a
delivery that really comes.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from app.alerts import queries as alerts
from app.alerts.keyring import options_of
from app.alerts.options import AUTO, SECRET
from app.alerts.problems import Submission
from app.alerts.queries import AlertFilter
from app.alerts.triage import Triage
from app.alerts.types import AlertSource
from app.escalation.types import Plan
from app.incidents import queries as incidents
from app.notify import queries as notify
from app.platform.db import Tx
from app.platform.errors import FieldError, Invalid
from app.platform.runtime import Runtime
from app.platform.settings import Settings
from app.platform.types import JsonValue, PageQuery
from app.usecases import paging
from app.usecases.simulate.affected import affected_by
from app.usecases.simulate.delivery import PLAIN_DRIVER, Assumed, delivery_of
from app.usecases.simulate.outbox import Outbox
from app.usecases.simulate.parts import is_released, parts_of
from app.usecases.simulate.rehearsal import Rehearsal
from app.usecases.simulate.types import Action, Affected, Note, SimulatedPage, Simulation

__all__ = ["Action", "Affected", "Note", "SimulatedPage", "Simulation", "simulate_page"]

# A time that was typed a moment ago is still now; before that, what is stored says nothing about what was.
PAST = timedelta(minutes=1)
EARLIEST_YEAR, LATEST_YEAR = 1990, 2200
LATEST = PageQuery(page_size=1)


def simulate_page(rt: Runtime, *, source_id: int, at: datetime, now: datetime, payload: JsonValue = None) -> Simulation:
    """What would happen if the source posted this at `at`; without a payload, a typical critical alert of its driver.

    Steps, all in one reading transaction: 1. read the payload; 2. decide its alerts over what is stored; 3. play the
    escalations through. Raises SourceNotFound, PayloadRejected with the driver's sentence, Invalid for a time beyond
    every calendar.
    """
    if not EARLIEST_YEAR <= at.year < LATEST_YEAR:
        words = f"must be a time between the years {EARLIEST_YEAR} and {LATEST_YEAR}"
        raise Invalid("The time is not valid.", [FieldError("at", words)])
    return rt.db.read(lambda tx: _simulate(tx, rt, source_id, payload, at, now))


def _simulate(tx: Tx, rt: Runtime, source_id: int, payload: JsonValue, at: datetime, now: datetime) -> Simulation:
    source = alerts.get_source(tx, source_id)
    given = payload if payload is not None else Assumed(_driver_of(tx, source))
    submission = delivery_of(source, given, options_of(source, rt.secrets), at=at)
    plan, _ = paging.plan_for(
        tx, policy_id=source.escalation_policy_id, schedule_id=source.schedule_id, team_id=source.team_id
    )
    notes = _notes(rt.settings, submission, plan, is_past=_is_past(at, now))
    decided = _decided(tx, submission, is_past=_is_past(at, now))
    found = affected_by(decided, submission, is_released=lambda problem: is_released(tx, problem))
    affected = [each for each, _ in found] or [_of_no_alert(submission)]
    rehearsal = Rehearsal(
        tx, rt.settings, Outbox(notify.windows_open(tx, at)), at=at, advances=rt.settings.escalation_worker_enabled
    )
    if source.is_active:
        parts = parts_of(tx, rehearsal, [problem for _, problem in found], plan, at=at)
        rehearsal.play(parts, since=min(at, now))
    else:
        affected = [_refused(source, affected[0])]
    return Simulation(
        source=source,
        at=at,
        driver=submission.driver,
        is_assumed=payload is None,
        plan=_said_plan(plan),
        affected=tuple(affected),
        pages=tuple(rehearsal.pages),
        under_way=tuple(rehearsal.under_way),
        notes=(*notes, *rehearsal.notes),
    )


def _driver_of(tx: Tx, source: AlertSource) -> str:
    """The source's own driver, or the one that read what it posted last."""
    if source.driver != AUTO:
        return source.driver
    latest = alerts.list_alerts(tx, AlertFilter(source_id=source.id), LATEST).items
    return latest[0].driver if latest else PLAIN_DRIVER


def _is_past(at: datetime, now: datetime) -> bool:
    return at < now - PAST


def _decided(tx: Tx, submission: Submission, *, is_past: bool) -> Triage:
    if is_past:
        return Triage([submission], {}, (), flapped_since=submission.received_at)
    return alerts.triage(tx, [submission], incidents_by_id=incidents.incidents_by_id)


def _of_no_alert(submission: Submission) -> Affected:
    parsed = submission.parsed
    is_control = parsed is not None and parsed.control is not None
    what = "It is about the subscription itself" if is_control else "It holds no alert that fires or recovers"
    return Affected(Action.NONE, f"{what}, and pages nobody.", "", None, "", "")


def _refused(source: AlertSource, affected: Affected) -> Affected:
    reason = f"«{source.name}» is switched off: what it posts is refused with 403, and nobody is paged."
    return replace(affected, action=Action.NONE, reason=reason, incident_id=None)


def _notes(settings: Settings, submission: Submission, plan: Plan, *, is_past: bool) -> list[Note]:
    source, parsed = submission.source, submission.parsed
    said = [*parsed.errors, *parsed.notes] if parsed else []
    if not source.is_active:
        return [Note(text) for text in said]
    if is_past:
        said.append("The time has passed: open incidents are left out, and all else is as it is set up today.")
    if not settings.notification_sending_enabled:
        said.append("Safe mode: messages are only written down, nothing leaves.")
    if not settings.escalation_worker_enabled:
        said.append("The escalation worker is switched off: level 1 is paged, and nothing advances by time.")
    if source.config.get(SECRET):
        said.append("The signature of the sender is not checked here.")
    if not plan.levels:
        said.append("The source has neither policy nor schedule nor team: only all active admins are paged.")
    return [Note(text) for text in said]


def _said_plan(plan: Plan) -> str:
    return f"policy {plan.name}, version {plan.policy_version}" if plan.policy_id is not None else plan.name
