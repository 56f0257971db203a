"""A night in which somebody sleeps: what can wait waits for the morning, and what cannot does not (B6)."""

from datetime import timedelta
from typing import Any

import pytest

from app.usecases import people
from tests.smoke.story import Story


def low(name: str) -> dict[str, Any]:
    """A Grafana alert that is not urgent."""
    return {"ruleName": name, "title": name, "ruleId": sum(map(ord, name)), "tags": {"severity": "info"}}


def sleeps(story: Story, name: str, start: str = "22:00", end: str = "07:00", **more: str) -> None:
    changes = {"quiet_from": start, "quiet_to": end, **more}
    people.update_user(story.rt, user_id=story.person(name).id, changes=changes, actor=story.admin, now=story.now)


@pytest.fixture
def night(story: Story) -> Story:
    """Ravi sleeps from ten to seven; it is 22:30."""
    story.policy(levels=[(15, "ravi"), (10, "noor")])
    sleeps(story, "ravi")
    story.advance(hours=13, minutes=30)
    return story


def test_morning_brings_one_digest_of_the_night_and_then_the_levels_go_on(night: Story) -> None:
    for name in ("Disk", "Swap", "Cache"):
        night.post("grafana", **low(name))
        night.advance(minutes=40)
    night.expect_nothing()

    night.advance(hours=8)
    digest = night.expect_page("ravi", says="digest: 3 incidents", within_seconds=3 * 3600)
    assert digest.at.hour == 7
    assert all(name in digest.text for name in ("Disk", "Swap", "Cache"))
    assert len(digest.links) == 3
    first, rest = night.expect_page("noor", within_seconds=9999), night.expect_page("noor", within_seconds=9999)
    assert first.at - digest.at == timedelta(minutes=15)
    assert rest.at - first.at == timedelta(minutes=1)
    assert "2 more incidents" in rest.subject
    night.expect_page("ada", within_seconds=9999)
    night.expect_page("ada", within_seconds=9999)


def test_digest_is_answered_by_its_links_one_by_one(night: Story) -> None:
    night.post("grafana", **low("Disk"))
    night.post("grafana", **low("Swap"))
    night.advance(hours=8, minutes=30)
    digest = night.expect_page("ravi", says="digest: 2 incidents")
    for link in digest.links:
        night.taps(link)
    night.advance(hours=2)
    night.expect_nothing()


def test_rise_in_the_night_wakes_at_once(night: Story) -> None:
    sleeps(night, "ada")
    night.source("generic", grouping="labels", group_labels=["service"])
    body = {"name": "Disk", "severity": "info", "fingerprint": "a", "labels": {"service": "shop"}}
    send(night, body)
    night.advance(hours=2)
    night.expect_nothing()
    assert night.incident.severity == "info"
    send(night, {**body, "fingerprint": "b", "severity": "warning"})
    night.expect_page("ada", says="disk")
    assert night.tells("Released from the digest")


def test_recovery_in_the_night_leaves_nothing_to_say(night: Story) -> None:
    night.post("grafana", **low("Disk"))
    night.post("grafana", state="ok", **low("Disk"))
    night.advance(hours=10)
    night.expect_nothing()


def send(story: Story, body: dict[str, Any]) -> None:
    """A generic tool posts."""
    story.client.post("/alerts/webhook/generic/", json=body, headers={"x-api-key": story.keys["generic"]})
    story.settle()
