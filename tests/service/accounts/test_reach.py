"""Contact methods, the code that verifies one, and notification rules (B6)."""

import re

import pytest

from app.accounts import queries
from app.accounts.contacts import RuleMissing
from app.accounts.errors import ContactMethodMissing, SlowDown, WrongCode
from app.accounts.types import ContactMethod, Urgency, User
from app.notify import queries as outbox
from app.notify.types import NotificationFilter, NotificationKind
from app.platform.errors import Invalid
from app.platform.runtime import Runtime
from app.platform.types import PageQuery
from app.usecases import people
from tests.support.clock import FrozenClock
from tests.support.people import add_user


def add(rt: Runtime, user: User, address: str, channel: str = "email", *, verified: bool = False) -> ContactMethod:
    return people.add_contact_method(
        rt,
        user_id=user.id,
        channel=channel,
        address=address,
        verified=verified,
        actor=user,
        now=rt.clock.now(),
    )


def rule(rt: Runtime, user: User, method: ContactMethod, minutes: int = 5, urgency: Urgency = Urgency.HIGH) -> None:
    people.add_rule(
        rt,
        user_id=user.id,
        urgency=urgency,
        delay_minutes=minutes,
        contact_method_id=method.id,
        actor=user,
        now=rt.clock.now(),
    )


def reach(rt: Runtime, user: User) -> list[tuple[str, int]]:
    ways = rt.db.read(lambda tx: queries.reach_of(tx, [user.id], urgency=Urgency.HIGH))[user.id]
    return [(way.address, way.delay_minutes) for way in ways]


def sent_code(rt: Runtime, method: ContactMethod) -> str:
    """The code as it stands in the newest message to this address."""
    people.send_code(rt, user_id=method.user_id, contact_method_id=method.id, now=rt.clock.now())
    filters = NotificationFilter(user_id=method.user_id)
    messages = rt.db.read(lambda tx: outbox.list_notifications(tx, filters, PageQuery(page_size=200))).items
    newest = max((each for each in messages if each.contact_method_id == method.id), key=lambda each: each.id)
    assert (newest.kind, newest.channel, newest.address) == (NotificationKind.TEST, method.channel, method.address)
    found = re.search(r"\d{6}", str(newest.facts["text"]))
    assert found
    return found.group()


def test_an_unverified_address_is_not_paged_until_its_code_comes_back(rt: Runtime, admin: User) -> None:
    second = add(rt, admin, "second@example.com")
    rule(rt, admin, second)
    assert reach(rt, admin) == [("ada@example.com", 0)]
    code = sent_code(rt, second)
    people.verify_contact_method(
        rt, user_id=admin.id, contact_method_id=second.id, code=f" {code} ", actor=admin, now=rt.clock.now()
    )
    assert reach(rt, admin) == [("ada@example.com", 0), ("second@example.com", 5)]


def test_the_code_is_stored_as_a_hash_and_sent_to_that_address_only(rt: Runtime, admin: User) -> None:
    second = add(rt, admin, "second@example.com")
    code = sent_code(rt, second)
    row = rt.db.read(lambda tx: str(tx.connection.exec_driver_sql("SELECT * FROM contact_methods").all()))
    assert code not in row


def verify(rt: Runtime, method: ContactMethod, code: str) -> ContactMethod:
    return people.verify_contact_method(
        rt,
        user_id=method.user_id,
        contact_method_id=method.id,
        code=code,
        actor=rt.db.read(lambda tx: queries.get_user(tx, method.user_id)),
        now=rt.clock.now(),
    )


def test_a_code_works_once_and_for_a_quarter_of_an_hour(rt: Runtime, admin: User, clock: FrozenClock) -> None:
    second = add(rt, admin, "second@example.com")
    code = sent_code(rt, second)
    clock.advance(minutes=15)
    with pytest.raises(WrongCode):
        verify(rt, second, code)
    code = sent_code(rt, second)
    assert verify(rt, second, code).verified_at == clock.now()
    with pytest.raises(WrongCode):
        verify(rt, second, code)


def test_five_wrong_tries_make_a_code_worthless(rt: Runtime, admin: User) -> None:
    second = add(rt, admin, "second@example.com")
    code = sent_code(rt, second)
    wrong = f"{(int(code) + 1) % 10**6:06}"
    for _ in range(5):
        with pytest.raises(WrongCode):
            verify(rt, second, wrong)
    with pytest.raises(WrongCode):
        verify(rt, second, code)


def test_the_code_of_one_address_does_not_verify_another(rt: Runtime, admin: User) -> None:
    second, third = add(rt, admin, "second@example.com"), add(rt, admin, "third@example.com")
    code = sent_code(rt, second)
    sent_code(rt, third)
    with pytest.raises(WrongCode):
        verify(rt, third, code)


def test_a_second_code_waits_a_minute(rt: Runtime, admin: User, clock: FrozenClock) -> None:
    second = add(rt, admin, "second@example.com")
    sent_code(rt, second)
    with pytest.raises(SlowDown):
        sent_code(rt, second)
    clock.advance(minutes=1)
    assert sent_code(rt, second)


@pytest.mark.parametrize(
    ("channel", "address"),
    [
        ("email", "nobody"),
        ("twilio_sms", "0664 1234"),
        ("webhook", "ftp://example.com"),
        ("webhook", "javascript:alert(1)"),
        ("slack", ""),
        ("slack", "U1\nU2"),
        ("pigeon", "coo"),
    ],
)
def test_addresses_that_their_channel_cannot_use_are_refused(
    rt: Runtime, admin: User, channel: str, address: str
) -> None:
    with pytest.raises(Invalid):
        add(rt, admin, address, channel)


def test_the_same_address_twice_is_one_contact_method(rt: Runtime, admin: User) -> None:
    first = add(rt, admin, "second@example.com")
    assert add(rt, admin, "SECOND@example.com") == first
    assert add(rt, admin, "https://example.com/hook", "generic").channel == "webhook"


def test_a_removed_address_takes_its_rules_along_and_comes_back_unverified(rt: Runtime, admin: User) -> None:
    second = add(rt, admin, "second@example.com", verified=True)
    rule(rt, admin, second)
    people.remove_contact_method(rt, user_id=admin.id, contact_method_id=second.id, actor=admin, now=rt.clock.now())
    assert reach(rt, admin) == [("ada@example.com", 0)]
    with pytest.raises(ContactMethodMissing):
        verify(rt, second, "000000")
    back = add(rt, admin, "second@example.com")
    assert back.verified_at is None
    assert [each.contact_method_id for each in rt.db.read(lambda tx: queries.rules_of(tx, admin.id))] != [back.id]


def test_rules_are_kept_once_in_the_order_of_their_delays(rt: Runtime, admin: User) -> None:
    second = add(rt, admin, "second@example.com", verified=True)
    for minutes in (30, 5, 5, 1440):
        rule(rt, admin, second, minutes)
    assert reach(rt, admin) == [
        ("ada@example.com", 0),
        ("second@example.com", 5),
        ("second@example.com", 30),
        ("second@example.com", 1440),
    ]


@pytest.mark.parametrize("minutes", [-1, 1441])
def test_a_delay_beyond_a_day_is_refused(rt: Runtime, admin: User, minutes: int) -> None:
    method = rt.db.read(lambda tx: queries.contact_methods_of(tx, admin.id))[0]
    with pytest.raises(Invalid):
        rule(rt, admin, method, minutes)


def test_nobody_removes_somebody_elses_rule(rt: Runtime, admin: User) -> None:
    ravi = add_user(rt, "Ravi", actor=admin)
    theirs = rt.db.read(lambda tx: queries.rules_of(tx, ravi.id))[0]
    with pytest.raises(RuleMissing):
        people.remove_rule(rt, user_id=admin.id, rule_id=theirs.id, actor=admin, now=rt.clock.now())
