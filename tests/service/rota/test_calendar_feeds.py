"""Calendar feeds: who may read them, and that they say what the resolver says."""

import random
from datetime import datetime, timedelta
from functools import partial
from itertools import pairwise

import pytest

from app.accounts import queries as accounts
from app.accounts.queries import list_audit
from app.accounts.types import User
from app.oncall import queries
from app.oncall.errors import CalendarFeedMissing, ScheduleNotFound
from app.oncall.resolver import gaps
from app.oncall.types import Cadence, Slot
from app.platform.db import Tx
from app.platform.types import PageQuery
from app.usecases import people, rota
from tests.service.rota.conftest import DAY, MONDAY, WEEK, Duty, weekly
from tests.support.clock import FrozenClock
from tests.support.feeds import Heard, understood

HOUR = timedelta(hours=1)
MIDNIGHT = MONDAY.replace(hour=0)
FIRST, LAST = MIDNIGHT - timedelta(days=30), MIDNIGHT + timedelta(days=366)


def feed_of(duty: Duty) -> list[Heard]:
    """The feed of the schedule that was made last, by a new address."""
    made = rota.make_schedule_calendar(duty.rt, schedule_id=duty.schedule_id, actor=duty.admin, now=duty.now)
    return understood(
        rota.read_schedule_calendar(duty.rt, schedule_id=duty.schedule_id, token=made.token, now=duty.now)
    )


def feed_for(duty: Duty, user: User) -> list[Heard]:
    """The feed of somebody's own duties, by a new address."""
    made = rota.make_personal_calendar(duty.rt, user_id=user.id, actor=user, now=duty.now)
    return understood(rota.read_personal_calendar(duty.rt, token=made.token, now=duty.now))


def expected(duty: Duty, slots: list[Slot], schedule: str) -> list[tuple[datetime, datetime, str]]:
    """These slots as a calendar shows them."""

    def read(tx: Tx) -> dict[int, User]:
        return accounts.users_by_id(tx, [slot.user_id for slot in slots])

    names = duty.rt.db.read(read)
    return [(slot.start_time, slot.end_time, f"{names[slot.user_id].name} on call: {schedule}") for slot in slots]


def test_a_schedule_says_its_slots_and_its_gaps(duty: Duty) -> None:
    duty.make()
    duty.override(duty.ravi, MONDAY + HOUR, MONDAY + 3 * HOUR)
    duty.override(duty.noor, MONDAY + 2 * HOUR, MONDAY + 4 * HOUR)
    assert [(each.start, each.end, each.summary) for each in feed_of(duty)] == [
        (MONDAY, MONDAY + HOUR, "Nobody on call"),
        (MONDAY + HOUR, MONDAY + 2 * HOUR, "Ravi on call: Duty 1"),
        (MONDAY + 2 * HOUR, MONDAY + 4 * HOUR, "Noor on call: Duty 1"),
        (MONDAY + 4 * HOUR, LAST, "Nobody on call"),
    ]


def test_a_rotation_reaches_twelve_months_ahead_and_thirty_days_back(duty: Duty, clock: FrozenClock) -> None:
    duty.make(weekly(duty.ravi, duty.noor))
    clock.advance(days=70)
    heard = feed_of(duty)
    assert heard[0].start <= duty.now - 30 * DAY < heard[0].end
    assert heard[-1].start < duty.now + 365 * DAY <= heard[-1].end
    assert heard == sorted(heard)
    assert {each.end - each.start for each in heard} == {WEEK}
    assert all(one.end == other.start for one, other in pairwise(heard))


def test_the_feed_is_what_the_resolver_says_whatever_was_planned(duty: Duty, clock: FrozenClock) -> None:
    chance = random.Random(3)
    members = [duty.ravi, duty.noor, duty.kim]
    for number in range(4):
        plan = weekly(
            *members[number % 3 :], cadence=list(Cadence)[number % 3], shift_length_hours=31, timezone="Asia/Gaza"
        )
        duty.make(plan if number < 3 else None, timezone="Asia/Gaza")
        for _ in range(6):
            start = MONDAY + chance.randrange(24 * 60) * HOUR
            duty.override(chance.choice(members), start, start + chance.randrange(1, 100) * HOUR)
    people.deactivate_user(duty.rt, user_id=duty.kim.id, actor=duty.admin, now=duty.now + 10 * DAY)
    clock.advance(days=12)
    first, last = FIRST + 12 * DAY, LAST + 12 * DAY
    own: list[tuple[datetime, datetime, str]] = []
    for schedule in duty.schedules:
        slots = duty.rt.db.read(partial(queries.slots_of, schedule_id=schedule.id, start=first, end=last))
        wanted = expected(duty, slots, schedule.name)
        wanted += [(start, end, "Nobody on call") for start, end in gaps(slots, MONDAY, last)]
        made = rota.make_schedule_calendar(duty.rt, schedule_id=schedule.id, actor=duty.admin, now=duty.now)
        content = rota.read_schedule_calendar(duty.rt, schedule_id=schedule.id, token=made.token, now=duty.now)
        heard = understood(content)
        assert [(each.start, each.end, each.summary) for each in heard] == sorted(wanted)
        assert len({each.uid for each in heard}) == len(heard)
        own += expected(duty, [slot for slot in slots if slot.user_id == duty.ravi.id], schedule.name)
    assert [(each.start, each.end, each.summary) for each in feed_for(duty, duty.ravi)] == sorted(own)
    assert own


def test_a_person_sees_their_own_duties_on_all_schedules_and_no_others(duty: Duty) -> None:
    duty.make(weekly(duty.ravi, duty.noor))
    duty.make()
    duty.override(duty.ravi, MONDAY + DAY, MONDAY + 2 * DAY)
    duty.make(weekly(duty.kim))
    heard = feed_for(duty, duty.ravi)
    assert {each.summary for each in heard} == {"Ravi on call: Duty 1", "Ravi on call: Duty 2"}
    assert feed_for(duty, duty.admin) == []


def test_the_same_slot_is_the_same_event_for_everybody_who_may_have_it(duty: Duty, clock: FrozenClock) -> None:
    duty.make(weekly(duty.ravi, duty.noor))
    before = {each.uid: each for each in feed_of(duty)}
    own = {each.uid: each for each in feed_for(duty, duty.ravi)}
    assert all(before[uid] == each for uid, each in own.items())
    clock.advance(minutes=5)
    duty.override(duty.kim, MONDAY + WEEK, MONDAY + 2 * WEEK)
    after = {each.uid: each for each in feed_of(duty)}
    assert before.keys() == after.keys()
    changed = [uid for uid in before if before[uid] != after[uid]]
    assert [after[uid].summary for uid in changed] == ["Kim on call: Duty 1"]


def test_a_feed_changes_only_when_something_does(duty: Duty, clock: FrozenClock) -> None:
    duty.make(weekly(duty.ravi, duty.noor))
    made = rota.make_schedule_calendar(duty.rt, schedule_id=duty.schedule_id, actor=duty.admin, now=duty.now)

    def read() -> bytes:
        return rota.read_schedule_calendar(duty.rt, schedule_id=duty.schedule_id, token=made.token, now=duty.now)

    first = read()
    clock.advance(hours=3)
    assert read() == first
    assert b"DTSTAMP:20260302T090000Z" in first
    duty.change(name="Another")
    assert b"DTSTAMP:20260302T120000Z" in read()


def test_an_address_is_for_one_feed_and_ends_with_the_next_one(duty: Duty) -> None:
    rt, now = duty.rt, duty.now
    duty.make(weekly(duty.ravi))
    first = rota.make_schedule_calendar(rt, schedule_id=duty.schedule_id, actor=duty.admin, now=now)
    own = rota.make_personal_calendar(rt, user_id=duty.ravi.id, actor=duty.ravi, now=now)
    duty.make(weekly(duty.ravi))
    other = rota.make_schedule_calendar(rt, schedule_id=duty.schedule_id, actor=duty.admin, now=now)
    schedule_id = duty.schedule_id
    assert other.url == f"http://127.0.0.1:8000/api/v1/schedules/{schedule_id}/calendar.ics?token={other.token}"
    assert own.url == f"http://127.0.0.1:8000/api/v1/me/calendar.ics?token={own.token}"
    for token in (first.token, own.token, "", "wrong", other.token[:-1], other.token.upper() + "x", "\ud800"):
        with pytest.raises(CalendarFeedMissing):
            rota.read_schedule_calendar(rt, schedule_id=schedule_id, token=token, now=now)
    for token in (first.token, other.token, "", "wrong"):
        with pytest.raises(CalendarFeedMissing):
            rota.read_personal_calendar(rt, token=token, now=now)

    newer = rota.make_schedule_calendar(rt, schedule_id=schedule_id, actor=duty.admin, now=now)
    assert rota.read_schedule_calendar(rt, schedule_id=schedule_id, token=newer.token, now=now)
    with pytest.raises(CalendarFeedMissing):
        rota.read_schedule_calendar(rt, schedule_id=schedule_id, token=other.token, now=now)
    assert rota.read_personal_calendar(rt, token=own.token, now=now)


def test_a_revoked_address_and_that_of_a_deleted_schedule_lead_nowhere(duty: Duty) -> None:
    rt, now = duty.rt, duty.now
    duty.make(weekly(duty.ravi))
    made = [rota.make_schedule_calendar(rt, schedule_id=duty.schedule_id, actor=duty.admin, now=now)]
    rota.revoke_schedule_calendar(rt, schedule_id=duty.schedule_id, actor=duty.admin, now=now)
    with pytest.raises(CalendarFeedMissing):
        rota.revoke_schedule_calendar(rt, schedule_id=duty.schedule_id, actor=duty.admin, now=now)
    made.append(rota.make_schedule_calendar(rt, schedule_id=duty.schedule_id, actor=duty.admin, now=now))
    rota.delete_schedule(rt, schedule_id=duty.schedule_id, actor=duty.admin, now=now)
    for address in made:
        with pytest.raises(CalendarFeedMissing):
            rota.read_schedule_calendar(rt, schedule_id=duty.schedule_id, token=address.token, now=now)
    with pytest.raises(ScheduleNotFound):
        rota.make_schedule_calendar(rt, schedule_id=duty.schedule_id, actor=duty.admin, now=now)


def test_a_persons_feed_rests_while_they_are_deactivated(duty: Duty) -> None:
    rt, now = duty.rt, duty.now
    duty.make(weekly(duty.ravi))
    made = rota.make_personal_calendar(rt, user_id=duty.ravi.id, actor=duty.ravi, now=now)
    people.deactivate_user(rt, user_id=duty.ravi.id, actor=duty.admin, now=now)
    with pytest.raises(CalendarFeedMissing):
        rota.read_personal_calendar(rt, token=made.token, now=now)
    people.activate_user(rt, user_id=duty.ravi.id, actor=duty.admin, now=now)
    assert rota.read_personal_calendar(rt, token=made.token, now=now)
    rota.revoke_personal_calendar(rt, user_id=duty.ravi.id, actor=duty.admin, now=now)
    with pytest.raises(CalendarFeedMissing):
        rota.read_personal_calendar(rt, token=made.token, now=now)


def test_what_is_stored_opens_nothing_and_says_when_it_was_used(duty: Duty, clock: FrozenClock) -> None:
    rt = duty.rt
    duty.make(weekly(duty.ravi))
    made = rota.make_schedule_calendar(rt, schedule_id=duty.schedule_id, actor=duty.admin, now=duty.now)

    def stored() -> datetime | None:
        token = rt.db.read(lambda tx: queries.find_calendar_token(tx, schedule_id=duty.schedule_id))
        assert token is not None
        assert made.token not in repr(token)
        return token.last_used_at

    assert stored() is None
    for minutes, used_at in ((0, MONDAY), (59, MONDAY), (61, MONDAY + 61 * timedelta(minutes=1))):
        clock.set(MONDAY + timedelta(minutes=minutes))
        rota.read_schedule_calendar(rt, schedule_id=duty.schedule_id, token=made.token, now=duty.now)
        assert stored() == used_at


def test_making_and_ending_an_address_is_in_the_audit_without_the_secret(duty: Duty) -> None:
    rt, now = duty.rt, duty.now
    duty.make(weekly(duty.ravi))
    made = [rota.make_schedule_calendar(rt, schedule_id=duty.schedule_id, actor=duty.admin, now=now)]
    rota.revoke_schedule_calendar(rt, schedule_id=duty.schedule_id, actor=duty.admin, now=now)
    made.append(rota.make_personal_calendar(rt, user_id=duty.ravi.id, actor=duty.ravi, now=now))
    rota.revoke_personal_calendar(rt, user_id=duty.ravi.id, actor=duty.ravi, now=now)
    entries = rt.db.read(lambda tx: list_audit(tx, PageQuery())).items
    assert [(each.action, each.object_type) for each in reversed(entries[:4])] == [
        ("calendar_address_made", "schedule"),
        ("calendar_address_revoked", "schedule"),
        ("calendar_address_made", "user"),
        ("calendar_address_revoked", "user"),
    ]
    assert not any(address.token in repr(entries) for address in made)
