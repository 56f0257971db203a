"""Provider health: a broken provider makes its messages wait, is tried now and then, and the admins are told of it."""

from datetime import datetime, timedelta

import pytest

from app.accounts import queries as accounts
from app.accounts.types import Urgency
from app.incidents.types import Actor
from app.notify import circuits, queries as outbox
from app.notify.repository import select_notifications
from app.notify.types import Circuit, CircuitStatus, Notification, NotificationKind, NotificationStatus, Outcome, Report
from app.platform.ports import HttpAnswer, HttpFailed, MailFailed
from app.usecases import answer, catalogue, deliver, people, watch
from tests.service.notify.conftest import Ward
from tests.support.people import email_of

DOWN = MailFailed("could not connect", permanent=False)
NO_WEB = HttpFailed("could not connect")
PENDING, SENT, RETRYING = NotificationStatus.PENDING, NotificationStatus.SENT, NotificationStatus.RETRYING
MAIL = "people:email"


def state(ward: Ward, provider: str = MAIL) -> Circuit | None:
    found = ward.reads(circuits.list_circuits)
    return next((each for each in found if each.provider == provider), None)


def breaks(ward: Ward) -> list[int]:
    """The mail server is gone until messages to two people have failed."""
    ward.world.mail.down = DOWN
    ids = [ward.opens(), ward.opens("Database down")]
    ward.does(answer.escalate_now, ids[1])
    ward.delivers()
    for _ in range(60):
        found = state(ward)
        if found is not None and found.is_open:
            return ids
        ward.passes(seconds=5)
    raise AssertionError("the circuit never opened")


def comes_to_the_next_try(ward: Ward) -> None:
    """The clock goes to when the broken provider is tried next, and no message waits for anything else."""
    broken = state(ward)
    assert broken is not None
    assert broken.probe_at is not None
    ward.world.clock.advance(seconds=(broken.probe_at - ward.now).total_seconds())
    while not [each for each in due(ward) if each <= ward.now]:
        ward.world.clock.advance(seconds=1)


def due(ward: Ward) -> list[datetime]:
    found = ward.reads(lambda tx: outbox.next_due_at(tx))
    return [found] if found else []


def method_of(ward: Ward, name: str, channel: str, address: str, *, after: int | None = None) -> int:
    """Another contact method of somebody, with a rule for high urgency where `after` is given."""
    user = ward.reads(lambda tx: accounts.find_user_by_email(tx, email_of(name)))
    assert user is not None
    rt, admin, now = ward.rt, ward.admin, ward.now
    made = people.add_contact_method(
        rt, user_id=user.id, channel=channel, address=address, verified=True, actor=admin, now=now
    )
    if after is not None:
        people.add_rule(
            rt, user_id=user.id, urgency=Urgency.HIGH, delay_minutes=after, contact_method_id=made.id, actor=admin,
            now=now,
        )  # fmt: skip
    return int(user.id)


def notices(ward: Ward) -> list[Notification]:
    found = ward.reads(lambda tx: tx.all(Notification, select_notifications()))
    return sorted((each for each in found if each.kind is NotificationKind.NOTICE), key=lambda each: each.id)


def test_provider_that_fails_again_and_again_is_left_alone(ward: Ward) -> None:
    ids = breaks(ward)
    broken = state(ward)
    assert broken is not None
    assert (broken.status, broken.failures, broken.last_error) == (CircuitStatus.OPEN, 5, "could not connect")
    assert broken.probe_at == ward.now + timedelta(seconds=30)
    waiting = [ward.messages(each)[0].attempts for each in ids]
    fresh = ward.opens("New")
    outcome = ward.delivers()
    assert (ward.statuses(fresh), [ward.messages(each)[0].attempts for each in ids]) == ([PENDING], waiting)
    assert outcome.next_due_at is not None
    assert outcome.next_due_at >= broken.probe_at


def test_one_message_at_a_time_finds_out_whether_it_is_well_again(ward: Ward) -> None:
    ids = breaks(ward)
    comes_to_the_next_try(ward)
    ward.delivers()
    broken = state(ward)
    assert broken is not None
    assert (broken.failures, broken.probes) == (6, 1)
    assert broken.probe_at == ward.now + timedelta(seconds=60)
    ward.world.mail.down = None
    comes_to_the_next_try(ward)
    ward.delivers()
    well = state(ward)
    assert well is not None
    assert (well.status, well.failures, well.opened_at) == (CircuitStatus.CLOSED, 0, None)
    ward.passes(minutes=5)
    ward.passes(minutes=5)
    assert {ward.messages(each)[0].status for each in ids} <= {SENT, NotificationStatus.BUNDLED}


def test_pauses_between_tries_grow_to_five_minutes_and_no_more() -> None:
    pauses = [circuits.probe_pause(probes).total_seconds() for probes in (0, 1, 2, 3, 4, 400)]
    assert pauses == [30, 60, 120, 240, 300, 300]


def test_success_in_between_begins_the_count_anew(ward: Ward) -> None:
    ward.opens()
    ward.world.mail.next.extend([DOWN] * 4)
    ward.delivers()
    for _ in range(12):
        ward.passes(minutes=1)
    found = state(ward)
    assert found is not None
    assert (found.failures, found.status) == (0, CircuitStatus.CLOSED)


def test_single_message_with_a_fault_of_its_own_breaks_nothing_for_others(ward: Ward) -> None:
    closed = Circuit(MAIL, "email", None, CircuitStatus.CLOSED, 0, 0, False, "", None, None, 0, ward.now)
    for count in range(1, 10):
        closed = circuits.after_failure(closed, notification_id=7, error="mailbox full", now=ward.now)
        assert (closed.failures, closed.is_open) == (count, False)
    assert circuits.after_failure(closed, notification_id=7, error="mailbox full", now=ward.now).is_open


def test_refusal_for_good_says_nothing_of_the_provider(ward: Ward) -> None:
    ward.world.mail.next.append(MailFailed("no such mailbox", code=550, permanent=True))
    ward.opens()
    ward.delivers()
    assert state(ward) is None


def test_receiver_that_names_a_time_is_not_broken(ward: Ward) -> None:
    ward.reached_by("Ravi", "webhook", "https://hooks.example.com/ravi")
    ward.world.http.next.append(HttpAnswer(429, {"retry-after": "60"}, b""))
    ward.opens()
    ward.delivers()
    assert ward.reads(circuits.list_circuits) == []


def test_two_processes_try_a_broken_provider_once(ward: Ward) -> None:
    breaks(ward)
    comes_to_the_next_try(ward)
    (claim,) = ward.claims(owner="one")
    assert ward.claims(owner="other") == []
    ward.records(claim, Report(Outcome.FAILED, error="still down"))


def test_probe_that_dies_with_its_process_is_made_again(ward: Ward) -> None:
    breaks(ward)
    comes_to_the_next_try(ward)
    assert len(ward.claims(owner="dies")) == 1
    ward.world.clock.advance(seconds=59)
    assert ward.claims(owner="other") == []
    ward.world.clock.advance(seconds=1)
    assert len(ward.claims(owner="other")) == 1


def test_admins_are_told_once_by_another_way_that_it_broke_and_once_that_it_is_well(ward: Ward) -> None:
    method_of(ward, "Ada", "webhook", "https://ada.example.com/page")
    breaks(ward)
    ward.delivers()
    (broken,) = notices(ward)
    assert (broken.channel, broken.status, broken.facts["title"]) == ("webhook", SENT, "Email does not work")
    assert "could not connect" in broken.body
    ward.passes(minutes=20)
    ward.passes(minutes=20)
    assert len(notices(ward)) == 1
    ward.world.mail.down = None
    ward.passes(minutes=5)
    ward.passes(minutes=5)
    assert [each.facts["title"] for each in notices(ward)] == ["Email does not work", "Email works again"]


def test_admin_without_another_way_is_told_by_the_pages_alone(ward: Ward) -> None:
    breaks(ward)
    assert notices(ward) == []


def test_next_rule_of_a_person_goes_at_once_while_the_first_one_waits(ward: Ward) -> None:
    method_of(ward, "Ravi", "webhook", "https://ravi.example.com/page", after=5)
    breaks(ward)
    ward.world.http.calls.clear()
    incident_id = ward.opens("New")
    ward.delivers()
    by_mail, by_web = ward.messages(incident_id)
    assert (by_mail.status, by_web.status, by_web.sent_at) == (PENDING, SENT, ward.now)


def test_rules_behind_the_next_one_keep_their_time(ward: Ward) -> None:
    method_of(ward, "Ravi", "webhook", "https://ravi.example.com/page", after=5)
    method_of(ward, "Ravi", "mattermost", "https://chat.example.com/hooks/x", after=8)
    breaks(ward)
    incident_id = ward.opens("New")
    ward.delivers()
    ward.delivers()
    third = ward.messages(incident_id)[2]
    assert (third.status, third.due_at) == (PENDING, ward.now + timedelta(minutes=8))


def test_delayed_rule_that_cannot_go_gives_its_time_to_the_one_behind_it(ward: Ward) -> None:
    breaks(ward)
    user_id = method_of(ward, "Noor", "webhook", "https://noor.example.com/page", after=0)
    mail = ward.reads(lambda tx: accounts.contact_methods_of(tx, user_id))[0]
    for rule in ward.reads(lambda tx: accounts.rules_of(tx, user_id)):
        if rule.contact_method_id == mail.id:
            people.remove_rule(ward.rt, user_id=user_id, rule_id=rule.id, actor=ward.admin, now=ward.now)
    people.add_rule(
        ward.rt, user_id=user_id, urgency=Urgency.HIGH, delay_minutes=2, contact_method_id=mail.id, actor=ward.admin,
        now=ward.now,
    )  # fmt: skip
    method_of(ward, "Noor", "mattermost", "https://chat.example.com/hooks/n", after=5)
    incident_id = ward.opens("New")
    ward.does(answer.escalate_now, incident_id)
    began = ward.now
    ward.delivers()
    noors = [each for each in ward.messages(incident_id) if each.user_id == user_id]
    assert [each.due_at - began for each in noors] == [timedelta(minutes=minutes) for minutes in (0, 2, 2)]


def test_next_rule_goes_at_once_when_an_address_is_refused_for_good(ward: Ward) -> None:
    method_of(ward, "Ravi", "webhook", "https://ravi.example.com/page", after=5)
    ward.world.mail.next.append(MailFailed("no such mailbox", code=550, permanent=True))
    incident_id = ward.opens()
    ward.delivers()
    assert ward.statuses(incident_id) == [NotificationStatus.FAILED, SENT]
    assert ward.escalation(incident_id).level == 1


def test_each_persons_own_address_is_a_provider_of_its_own(ward: Ward) -> None:
    names = [
        circuits.provider_of("webhook", None, "https://ravi.example.com/page"),
        circuits.provider_of("webhook", None, "https://noor.example.com/page"),
        circuits.provider_of("webhook", 3, ""),
        circuits.provider_of("email", None, "ravi@example.com"),
        circuits.provider_of("webhook", None, "http://[broken"),
    ]
    assert names == [
        "people:webhook:ravi.example.com", "people:webhook:noor.example.com", "channel:3", "people:email",
        "people:webhook:",
    ]  # fmt: skip


def test_changed_channel_is_tried_at_once(ward: Ward) -> None:
    made = catalogue.create_channel(
        ward.rt, name="ops", driver="webhook", config={"endpoint": "https://ops.example.com/in"}, actor=ward.admin,
        now=ward.now,
    )  # fmt: skip
    ward.world.http.down = NO_WEB
    ada = Actor(ward.admin.id, ward.admin.name, ward.admin.id, "ui")
    for _ in range(30):
        deliver.send_test(ward.rt, channel_id=made.id, actor=ada, now=ward.now)
        ward.passes(seconds=10)
    broken = state(ward, f"channel:{made.id}")
    assert broken is not None
    assert broken.is_open
    ward.world.http.down = None
    changes = {"config": {"endpoint": "https://other.example.com/in"}}
    catalogue.update_channel(ward.rt, channel_id=made.id, changes=changes, actor=ward.admin, now=ward.now)
    ward.delivers()
    well = state(ward, f"channel:{made.id}")
    assert well is not None
    assert not well.is_open


@pytest.mark.parametrize("days", [1, 3])
def test_what_waits_for_a_broken_provider_is_not_given_up(ward: Ward, days: int) -> None:
    ids = breaks(ward)
    for _ in range(days * 24 * 2 + 2):
        ward.passes(minutes=30)
    assert NotificationStatus.EXHAUSTED not in ward.statuses(*ids)
    ward.world.mail.down = None
    for _ in range(10):
        ward.passes(minutes=1)
    assert {ward.messages(each)[0].status for each in ids} <= {SENT, NotificationStatus.BUNDLED}


def test_broken_provider_is_on_every_page_and_in_the_readiness_checklist(ward: Ward) -> None:
    breaks(ward)
    (check,) = [each for each in watch.readiness(ward.rt, ward.now) if each.check == "provider_health"]
    assert (check.status, check.detail.startswith("Email does not work: could not connect")) == ("fail", True)
    banners = ward.reads(lambda tx: watch.banners(tx, ward.rt.settings, ward.now))
    assert [each.text for each in banners if each.code == "provider"] == [
        f"Email has not worked since {ward.now:%H:%M} UTC: its messages wait."
    ]


def test_provider_that_does_not_take_our_key_is_broken_at_once(ward: Ward) -> None:
    ward.reached_by("Ravi", "webhook", "https://hooks.example.com/ravi")
    ward.world.http.next.append(HttpAnswer(401, {}, b"who are you"))
    first = ward.opens()
    ward.delivers()
    assert ward.messages(first)[0].status is NotificationStatus.FAILED
    broken = state(ward, "people:webhook:hooks.example.com")
    assert broken is not None
    assert broken.is_open
    assert [each.facts["title"] for each in notices(ward)] == ["Generic HTTP to hooks.example.com does not work"]
    second = ward.opens("Next")
    ward.delivers()
    assert ward.messages(second)[0].status is PENDING
