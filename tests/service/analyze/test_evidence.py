"""What is gathered about an incident: its alerts, checks, changes of severity, and others like it with their end."""

from typing import Any

from app.alerts.types import Severity
from app.checks.types import CheckStatus
from app.incidents.types import Actor
from app.intelligence.types import Evidence
from app.usecases import answer
from app.usecases.analyze.evidence import gather
from tests.service.analyze.conftest import Ward, checked
from tests.service.intake.conftest import Tool
from tests.support.statements import Statements


def gathered(ward: Ward, incident_id: int) -> Evidence:
    return ward.rt.db.read(lambda tx: gather(tx, incident_id=incident_id, made=()))


def resolved(ward: Ward, incident_id: int, note: str | None) -> None:
    actor = Actor(ward.admin.id, ward.admin.name, ward.admin.id, "ui")
    answer.resolve(ward.rt, incident_id=incident_id, actor=actor, now=ward.rt.clock.now(), note=note)


def test_alerts_are_told_with_how_bad_they_were_before(ward: Ward, tool: Tool) -> None:
    alert: dict[str, Any] = {"description": "/var is full", "labels": {"host": "web-01"}}
    tool.post(tool.alert("DiskFull", severity=Severity.WARNING, **alert))
    at = tool.later(minutes=5)
    (incident_id,) = tool.post(tool.alert("DiskFull", severity=Severity.CRITICAL, **alert)).incident_ids
    tool.later(minutes=5)
    tool.post(tool.alert("DiskFull", severity=Severity.CRITICAL, **alert))
    found = gathered(ward, incident_id)
    (told,) = found.subject.alerts
    assert (told.name, told.severity, told.description) == ("DiskFull", "critical", "/var is full")
    assert told.labels == {"host": "web-01"}
    (change,) = found.changes
    assert (change.at, change.alert, change.before, change.after) == (at, "DiskFull", "warning", "critical")


def test_of_each_checker_the_last_run_is_told_and_what_is_wrong_first(ward: Ward) -> None:
    incident_id = ward.incident()
    checked(ward, CheckStatus.CRITICAL, checker="memory", incident_id=incident_id)
    for status in (CheckStatus.CRITICAL, CheckStatus.OK):
        checked(ward, status, checker="cpu", incident_id=incident_id)
    checked(ward, CheckStatus.WARNING, incident_id=incident_id)
    checked(ward, CheckStatus.CRITICAL, checker="network")
    told = [(check.checker, check.status) for check in gathered(ward, incident_id).subject.checks]
    assert told == [("memory", "critical"), ("disk", "warning"), ("cpu", "ok")]


def test_this_host_is_told_by_the_checks_that_were_made(ward: Ward) -> None:
    made = [checked(ward, CheckStatus.OK, checker="cpu"), checked(ward, CheckStatus.WARNING)]
    run = ward.analyze(None, checks=made)
    assert run.incident_id is None
    assert run.checker_output_ref == f"{made[0].id},{made[1].id}"
    subject = ward.rt.db.read(lambda tx: gather(tx, incident_id=None, made=made)).subject
    assert (subject.severity, subject.status) == ("warning", "warning")
    assert [check.checker for check in subject.checks] == ["disk", "cpu"]
    again = ward.analyze(None, checks=made)
    assert again.id != run.id, "«once» is for incidents"


def test_earlier_incidents_of_the_same_alert_come_with_how_they_ended(ward: Ward, tool: Tool) -> None:
    (first,) = tool.post(tool.alert("DiskFull")).incident_ids
    resolved(ward, first, "logs rotated by hand, see the runbook")
    tool.post(tool.alert("DiskFull", "resolved"))
    (other,) = tool.post(tool.alert("QueueLong")).incident_ids
    resolved(ward, other, None)
    tool.later(days=1)
    now = max(tool.post(tool.alert("DiskFull")).incident_ids)
    assert now != first
    (past,) = gathered(ward, now).past
    assert past.incident_id == first
    assert past.resolution == "Ada resolved: logs rotated by hand, see the runbook"
    assert past.similarity >= 0.95
    assert past.resolved_at is not None


def test_an_open_one_and_a_later_one_are_no_past(ward: Ward, tool: Tool) -> None:
    (first,) = tool.post(tool.alert("DiskFull")).incident_ids
    second = ward.incident("Disk full")
    resolved(ward, second, "by itself")
    assert gathered(ward, first).past == ()
    third = ward.incident("Disk full")
    assert [past.incident_id for past in gathered(ward, third).past] == [second]


def test_a_long_history_costs_no_more_questions_than_a_short_one(ward: Ward, tool: Tool) -> None:
    statements = Statements(ward.rt.db)

    def cost() -> int:
        tool.later(days=1)
        incident_id = max(tool.post(tool.alert("DiskFull")).incident_ids)
        with statements.counted() as count:
            gathered(ward, incident_id)
        resolved(ward, incident_id, "again")
        tool.post(tool.alert("DiskFull", "resolved"))
        return count()

    costs = [cost() for _ in range(12)]
    assert costs[2] == costs[-1] <= 12
