"""A flapping alert and the team: chat follows every turn, what wakes somebody only when people are paged again."""

import asyncio
from functools import partial

import pytest

from app.notify import queries as outbox, service as notify
from app.notify.types import NewNotification, NotificationKind
from app.usecases import catalogue, climb
from tests.service.intake.conftest import Tool

CONFIGS = {
    "mattermost": {"webhook_url": "https://chat.example.com/hooks/x"},
    "pagerduty": {"integration_key": "0123456789abcdef0123456789abcdef"},
}


@pytest.fixture
def told(tool: Tool) -> int:
    """An incident that a chat and a PagerDuty service were told of; its id."""
    tool.post(tool.alert("a"))
    (incident,) = tool.incidents()
    for driver, config in CONFIGS.items():
        now = tool.rt.clock.now()
        channel = catalogue.create_channel(
            tool.rt, name=driver, driver=driver, config=config, actor=tool.admin, now=now
        )
        first = NewNotification(
            kind=NotificationKind.TEAM, channel=driver, channel_id=channel.id, due_at=now,
            facts={"event": "triggered"}, incident_id=incident.id,
        )  # fmt: skip
        tool.rt.db.write(partial(notify.insert_one, new=first, now=now))
    return incident.id


def heard(tool: Tool, incident_id: int, driver: str) -> list[str]:
    """What a channel was told, in order."""
    rows = tool.rt.db.read(lambda tx: outbox.notifications_of(tx, incident_id))
    return [str(row.facts["event"]) for row in rows if row.channel == driver]


def test_what_wakes_somebody_is_told_of_a_flap_when_people_are_paged_again(tool: Tool, told: int) -> None:
    tool.post(tool.alert("a", "resolved"))
    tool.later(minutes=2)
    tool.post(tool.alert("a"))
    assert heard(tool, told, "mattermost") == ["triggered", "resolved", "reopened"]
    assert heard(tool, told, "pagerduty") == ["triggered", "resolved"]

    asyncio.run(climb.climb_due(tool.rt, tool.later(minutes=8), None))
    assert heard(tool, told, "mattermost") == ["triggered", "resolved", "reopened"]
    assert heard(tool, told, "pagerduty") == ["triggered", "resolved", "reopened"]


def test_one_that_recovers_for_good_wakes_nobody_again(tool: Tool, told: int) -> None:
    for _ in range(3):
        tool.post(tool.alert("a", "resolved"))
        tool.later(minutes=1)
        tool.post(tool.alert("a"))
        tool.later(minutes=1)
    tool.post(tool.alert("a", "resolved"))
    asyncio.run(climb.climb_due(tool.rt, tool.later(minutes=30), None))
    assert "reopened" not in heard(tool, told, "pagerduty")
    assert heard(tool, told, "mattermost").count("reopened") == 3
