"""Notices about duty reach the right people once, in words and times of their own."""

from datetime import UTC, datetime

from app.notify import queries as outbox
from app.notify.kinds import channel_kinds
from app.notify.types import Notification, NotificationFilter, NotificationKind
from app.oncall.types import Schedule
from app.platform.types import PageQuery
from app.usecases import paging, people
from tests.support.duty import Duty

MONDAY_MORNING = datetime(2026, 3, 9, 8, 0, tzinfo=UTC)


def test_both_people_are_told_of_a_hand_off_in_their_own_time_zones(duty: Duty) -> None:
    schedule = duty.schedule()
    people.update_user(
        duty.rt, user_id=duty.person("noor").id, changes={"timezone": "Europe/Vienna"}, actor=duty.admin, now=duty.now
    )
    _hand_off(duty, schedule)
    assert [(each.address, each.facts["title"], each.facts["text"]) for each in _notices(duty)] == [
        ("noor@example.com", "You are on call for Platform",
         "Ravi hands over to you. You are on call until Mon 9 Mar, 09:00 CET."),
        ("ravi@example.com", "You are off call for Platform", "Noor is on call until Mon 9 Mar, 08:00 UTC."),
    ]  # fmt: skip
    assert {each.facts["link"] for each in _notices(duty)} == {f"/schedules/{schedule.id}"}


def test_hand_off_ahead_says_from_when(duty: Duty) -> None:
    _hand_off(duty, duty.schedule(), at=datetime(2026, 3, 3, 18, 0, tzinfo=UTC))
    assert [each.facts["title"] for each in _notices(duty)] == [
        "You are on call for Platform from Tue 3 Mar, 18:00 UTC",
        "You are off call for Platform from Tue 3 Mar, 18:00 UTC",
    ]


def test_same_hand_off_is_told_once(duty: Duty) -> None:
    schedule = duty.schedule()
    _hand_off(duty, schedule)
    _hand_off(duty, schedule)
    assert len(_notices(duty)) == 2


def test_somebody_inactive_or_without_email_is_not_written_to(duty: Duty) -> None:
    people.deactivate_user(duty.rt, user_id=duty.person("ravi").id, actor=duty.admin, now=duty.now)
    [method] = duty.contact_methods("noor")
    people.remove_contact_method(
        duty.rt, user_id=duty.person("noor").id, contact_method_id=method.id, actor=duty.admin, now=duty.now
    )
    _hand_off(duty, duty.schedule())
    assert _notices(duty) == []


def test_who_has_slack_is_told_there_once_there_is_a_slack_channel_and_by_email_before(duty: Duty) -> None:
    people.add_contact_method(
        duty.rt, user_id=duty.person("noor").id, channel="slack", address="U1", verified=True, actor=duty.admin,
        now=duty.now,
    )  # fmt: skip
    _hand_off(duty, duty.schedule())
    to_noor = [each for each in _notices(duty) if each.user_id == duty.person("noor").id]
    assert [each.channel for each in to_noor] == ["slack" if "slack" in channel_kinds() else "email"]


def _hand_off(duty: Duty, schedule: Schedule, *, at: datetime | None = None) -> None:
    ravi, noor = duty.person("ravi"), duty.person("noor")
    duty.rt.db.write(
        lambda tx: paging.tell_handoff(
            tx,
            schedule=schedule,
            from_user_id=ravi.id,
            to_user_id=noor.id,
            at=at or duty.now,
            until=MONDAY_MORNING,
            now=duty.now,
        )
    )


def _notices(duty: Duty) -> list[Notification]:
    page = duty.rt.db.read(lambda tx: outbox.list_notifications(tx, NotificationFilter(), PageQuery()))
    return [each for each in reversed(page.items) if each.kind is NotificationKind.HANDOFF]
