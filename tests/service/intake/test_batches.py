"""Deliveries become alerts and incidents: together or one by one, twice, late and in any order."""

from collections.abc import Callable
from datetime import timedelta

from app.alerts.types import AlertStatus, Severity
from app.escalation import running
from app.incidents.types import IncidentStatus
from tests.service.intake.conftest import Tool


def test_first_firing_opens_an_incident_that_is_paged_in_the_same_transaction(tool: Tool) -> None:
    result = tool.post(tool.alert("disk"))

    assert (result.alerts_created, result.incidents_created) == (1, 1)
    assert len(result.run_ids) == 1
    [incident] = tool.incidents()
    assert (incident.title, incident.severity, incident.alert_count) == ("disk", Severity.CRITICAL, 1)
    assert tool.story(incident.id) == ["Triggered by prod: disk", "Fallback paged: Ada (email)"]


def test_same_delivery_twice_changes_counters_only(tool: Tool) -> None:
    first = tool.post(tool.alert("disk"))
    again = tool.post(tool.alert("disk"))

    assert (again.alerts_created, again.alerts_updated, again.incidents_created) == (0, 1, 0)
    assert again.incident_ids == first.incident_ids
    assert [alert.occurrences for alert in tool.alerts()] == [2]
    assert len(tool.story(first.incident_ids[0])) == 2


def test_many_deliveries_committed_together_are_as_if_one_by_one(grouped: Tool) -> None:
    submissions = [
        grouped.submission([grouped.alert("a")], group_key="g"),
        grouped.submission([grouped.alert("b"), grouped.alert("c")], group_key="g"),
        grouped.submission([grouped.alert("a", "resolved")], group_key="g"),
        grouped.submission([grouped.alert("a")], group_key="g"),
    ]
    results = grouped.post_together(submissions)

    assert [result.incidents_created for result in results] == [1, 0, 0, 0]
    assert [result.alerts_created for result in results] == [1, 2, 0, 0]
    [incident] = grouped.incidents()
    assert (incident.alert_count, incident.firing_alert_count, incident.status) == (3, 3, IncidentStatus.TRIGGERED)
    assert [alert.generation for alert in grouped.alerts()] == [2, 1, 1]


def test_alert_that_fires_and_recovers_in_one_delivery_pages_nobody(tool: Tool) -> None:
    result = tool.post(tool.alert("blip"), tool.alert("blip", "resolved"))

    assert result.incidents_created == 1
    [incident] = tool.incidents()
    assert incident.status is IncidentStatus.RESOLVED
    assert tool.rt.db.read(lambda tx: running.escalation_of(tx, incident.id)) is None


def test_story_counts_the_alerts_that_came_with_the_first(grouped: Tool) -> None:
    [two] = grouped.post(grouped.alert("a"), grouped.alert("b"), group_key="g").incident_ids
    [three] = grouped.post(grouped.alert("c"), grouped.alert("d"), grouped.alert("e"), group_key="h").incident_ids

    assert "1 more alert attached" in grouped.story(two)
    assert "2 more alerts attached" in grouped.story(three)


def test_incident_is_resolved_when_its_last_alert_recovers(grouped: Tool) -> None:
    grouped.post(grouped.alert("a"), grouped.alert("b"), group_key="g")
    grouped.post(grouped.alert("a", "resolved"), group_key="g")
    assert grouped.incidents()[0].status is IncidentStatus.TRIGGERED

    grouped.post(grouped.alert("b", "resolved"), group_key="g")
    [incident] = grouped.incidents()
    assert (incident.status, incident.firing_alert_count) == (IncidentStatus.RESOLVED, 0)


def test_source_may_leave_resolving_to_people(make_tool: Callable[..., Tool]) -> None:
    tool = make_tool(auto_resolve=False)
    tool.post(tool.alert("a"))
    tool.post(tool.alert("a", "resolved"))
    [incident] = tool.incidents()
    assert incident.status is IncidentStatus.TRIGGERED
    assert "All alerts have recovered" in tool.story(incident.id)[-1]


def test_severity_is_that_of_the_worst_alert_that_still_fires(grouped: Tool) -> None:
    grouped.post(grouped.alert("a", severity=Severity.WARNING), group_key="g")
    grouped.post(grouped.alert("b", severity=Severity.CRITICAL), group_key="g")
    assert grouped.incidents()[0].severity is Severity.CRITICAL

    grouped.post(grouped.alert("b", "resolved", severity=None), group_key="g")
    assert grouped.incidents()[0].severity is Severity.WARNING
    assert grouped.alerts()[1].severity is Severity.CRITICAL


def test_recovery_that_overtakes_its_firing_wins(tool: Tool) -> None:
    began = tool.rt.clock.now() - timedelta(minutes=5)
    ended = began + timedelta(minutes=2)
    tool.post(tool.alert("a", "resolved", started_at=began, ended_at=ended))
    result = tool.post(tool.alert("a", started_at=began))

    assert result.incidents_created == 0
    assert tool.incidents() == []
    assert tool.alerts()[0].status is AlertStatus.RESOLVED


def test_same_names_at_two_sources_are_two_alerts(make_tool: Callable[..., Tool]) -> None:
    one, other = make_tool("one"), make_tool("other")
    one.post(one.alert("disk"))
    other.post(other.alert("disk"))
    assert len(one.incidents()) == 2


def test_storm_of_one_group_is_one_incident_with_one_waiting_run(grouped: Tool) -> None:
    for number in range(10):
        grouped.post_together(
            [grouped.submission([grouped.alert(f"{number}-{each}")], group_key="g") for each in range(20)]
        )
    [incident] = grouped.incidents()
    assert (incident.alert_count, incident.firing_alert_count) == (200, 200)
    assert len(grouped.story(incident.id)) <= 2 + 10


def test_reopened_by_flapping_within_ten_minutes_else_a_new_incident(tool: Tool) -> None:
    tool.post(tool.alert("a"))
    tool.post(tool.alert("a", "resolved"))
    tool.later(minutes=9)
    tool.post(tool.alert("a"))
    assert [incident.status for incident in tool.incidents()] == [IncidentStatus.TRIGGERED]

    tool.post(tool.alert("a", "resolved"))
    tool.later(minutes=11)
    assert tool.post(tool.alert("a")).incidents_created == 1
    assert len(tool.incidents()) == 2
