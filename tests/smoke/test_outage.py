"""A day on which no message gets out of the building: nothing is lost, and what was answered stays quiet (B28, B29)."""

from collections import Counter
from datetime import timedelta

import pytest

from app.accounts.types import Urgency
from app.notify import circuits, queries as outbox
from app.notify.types import NotificationKind, NotificationStatus
from app.platform.ports import HttpFailed, MailFailed
from app.usecases import answer, people
from tests.smoke.story import Page, Story
from tests.support.people import email_of

WAITING = {NotificationStatus.PENDING, NotificationStatus.RETRYING, NotificationStatus.UNKNOWN, NotificationStatus.HELD}
LOST = {NotificationStatus.FAILED, NotificationStatus.EXHAUSTED}


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_day_without_any_provider_loses_nothing(story: Story) -> None:
    story.policy(levels=[(15, "ravi"), (10, "noor")])
    user = story.person("ravi")
    hook = people.add_contact_method(
        story.rt, user_id=user.id, channel="webhook", address="https://ravi.example.com/page", verified=True,
        actor=story.admin, now=story.now,
    )  # fmt: skip
    people.add_rule(
        story.rt, user_id=user.id, urgency=Urgency.HIGH, delay_minutes=5, contact_method_id=hook.id, actor=story.admin,
        now=story.now,
    )  # fmt: skip
    story.world.mail.down = MailFailed("could not connect", permanent=False)
    story.world.http.down = HttpFailed("could not connect")
    for number in range(12):
        story.post("grafana", ruleId=number, ruleName=f"Disk {number}", title=f"Disk {number}")
        if number % 4 == 3:
            story.does("ravi", answer.acknowledge if number % 8 == 3 else answer.resolve)
        story.advance(hours=2)
    answered = {4, 8, 12}
    assert {each.provider for each in story.rt.db.read(circuits.not_closed)} == {
        "people:email", "people:webhook:ravi.example.com",
    }  # fmt: skip
    story.world.http.calls.clear()

    story.world.mail.down = story.world.http.down = None
    back = story.now
    story.advance(hours=2)
    pages, story.inbox = story.inbox, []
    rows = story.rt.db.read(
        lambda tx: [each for number in range(1, 13) for each in outbox.notifications_of(tx, number)]
    )
    kept = [row for row in rows if row.kind is NotificationKind.PAGE]
    by_status = {status: {row.incident_id for row in kept if row.status is status} for status in NotificationStatus}
    assert not any(by_status[status] for status in WAITING | LOST)
    assert by_status[NotificationStatus.CANCELLED] == answered
    assert by_status[NotificationStatus.SENT] | by_status[NotificationStatus.BUNDLED] == set(range(1, 13)) - answered

    assert not any(f"#{number} " in page.subject + page.text for number in answered for page in pages)
    first = next(page for page in pages if page.to == email_of("Ravi"))
    assert first.at - back <= timedelta(minutes=5)
    assert "#1 " in first.subject + first.text
    assert "late" in first.text
    assert max(at_most_one_a_minute(pages).values()) == 1
    assert story.rt.db.read(circuits.not_closed) == []


def at_most_one_a_minute(pages: list[Page]) -> Counter[tuple[str, int]]:
    """How many messages each person got in each minute after their first one."""
    first: dict[str, Page] = {}
    counts: Counter[tuple[str, int]] = Counter()
    for page in pages:
        since = page.at - first.setdefault(page.to, page).at
        counts[page.to, int(since.total_seconds() // 60)] += 1
    return counts
