"""Alerts come, repeat, recover and come back: one incident, one page each time it matters."""

from datetime import timedelta

from app.platform.ports import MailFailed
from app.usecases import answer
from tests.smoke.story import Story


def test_repeated_alert_pages_once(story: Story) -> None:
    story.policy(levels=[(60, "ravi")])
    first = story.post("grafana")
    story.expect_page("ravi")

    for _ in range(5):
        story.advance(minutes=1)
        assert story.post("grafana")["incident_ids"] == first["incident_ids"]
    story.expect_nothing()


def test_recovery_resolves_the_incident_and_stops_the_climb(story: Story) -> None:
    story.policy(levels=[(15, "ravi"), (10, "noor")])
    story.post("grafana")
    story.expect_page("ravi")
    story.post("grafana", state="ok")
    assert story.incident.status == "resolved"

    story.post("grafana", state="ok")
    story.advance(hours=1)
    story.expect_nothing()


def test_recovery_of_something_unknown_pages_nobody(story: Story) -> None:
    story.policy(levels=[(15, "ravi")])
    assert story.post("grafana", state="ok")["incidents_created"] == 0
    story.expect_nothing()


def test_flapping_alert_is_one_incident_and_one_page_in_ten_minutes(story: Story) -> None:
    story.policy(levels=[(60, "ravi")])
    story.post("grafana")
    story.expect_page("ravi")
    for _ in range(20):
        story.advance(seconds=3)
        story.post("grafana", state="ok")
        story.advance(seconds=3)
        story.post("grafana")
    story.expect_nothing()
    assert story.incident.id == 1
    assert story.tells("flapping")

    story.advance(minutes=10)
    story.expect_page("ravi", within_seconds=600)


def test_alert_that_still_fires_after_a_person_resolved_it_is_noted_first_and_pages_later(story: Story) -> None:
    story.policy(levels=[(60, "ravi")])
    story.post("grafana")
    story.expect_page("ravi")
    story.does("ravi", answer.resolve)

    story.advance(minutes=5)
    story.post("grafana")
    story.post("grafana")
    story.expect_nothing()
    assert [entry.text for entry in story.timeline if "Still firing" in entry.text] == [
        "Still firing at the source, though it was resolved by hand"
    ]

    story.advance(minutes=6)
    story.post("grafana")
    story.expect_page("ravi")
    assert story.incident.status == "triggered"
    assert story.tells("still firing")


def test_rise_to_critical_pages_again_and_takes_the_acknowledgement_back(story: Story) -> None:
    story.policy(levels=[(15, "ravi"), (10, "noor")])
    story.post("grafana", tags={"severity": "warning"})
    story.expect_page("ravi", says="warning")
    story.acknowledges("noor")
    story.advance(minutes=1)

    story.post("grafana", tags={"severity": "critical"})
    story.expect_page("ravi", says="critical")
    assert story.incident.status == "triggered"


def test_new_alert_on_an_acknowledged_incident_pages_nobody(story: Story) -> None:
    story.policy(levels=[(15, "ravi")], grouping="labels", group_labels=["service"])
    story.post("grafana", ruleId=1, tags={"service": "shop"})
    story.expect_page("ravi")
    story.acknowledges("ravi")

    assert story.post("grafana", ruleId=2, tags={"service": "shop"})["incidents_created"] == 0
    story.advance(hours=1)
    story.expect_nothing()
    assert story.incident.alert_count == 2


def test_rise_to_critical_ends_a_snooze_and_its_page_is_tried_until_it_gets_out(story: Story) -> None:
    story.policy(levels=[(60, "ravi")])
    story.post("grafana", tags={"severity": "warning"})
    story.expect_page("ravi")
    story.does("ravi", answer.snooze, until=story.now + timedelta(hours=8))
    story.advance(minutes=5)

    story.world.mail.next.append(MailFailed("the server is busy"))
    story.post("grafana", tags={"severity": "critical"})
    story.expect_nothing()
    assert story.incident.snoozed_until is None

    story.advance(minutes=1)
    story.expect_page("ravi", says="critical", within_seconds=60)
