"""The watch over who is on call: it looks when it must, once, under the lease, and one bad schedule hides no other."""

import asyncio
from datetime import time, timedelta
from functools import partial

import pytest
from sqlalchemy import text, update

from app.notify import queries as outbox
from app.notify.types import Notification, NotificationFilter, NotificationKind
from app.oncall import watching
from app.oncall.models import DutyWatchRow
from app.oncall.types import Cadence, DutyWatch, RotationPlan, Schedule
from app.platform import failpoints, lease
from app.platform.failpoints import FailpointRaised
from app.platform.lease import Held
from app.platform.types import PageQuery
from app.usecases import watch
from app.usecases.watch.duty import SECOND_LOOK, look
from tests.support.duty import Duty
from tests.support.statements import Statements


def test_new_schedule_is_watched_by_itself_and_its_first_look_tells_nobody(duty: Duty) -> None:
    schedule = duty.schedule()
    duty.covers(schedule, "ravi", hours=200)
    assert _look(duty).looked == 1
    seen = _watch(duty, schedule)
    assert (seen.user_id, seen.looked_at) == (duty.person("ravi").id, duty.now)
    assert _notices(duty) == []


def test_next_look_is_at_the_next_change_of_person(duty: Duty) -> None:
    schedule = duty.schedule()
    duty.covers(schedule, "ravi", hours=7)
    assert _look(duty).next_due_at == duty.now + timedelta(hours=7)


def test_next_look_is_at_the_next_reminder_or_within_a_day(duty: Duty) -> None:
    schedule = duty.schedule()
    duty.covers(schedule, "ravi", hours=20)
    duty.covers(schedule, "noor", after=20, hours=400)
    assert _look(duty).next_due_at == duty.now + timedelta(hours=8)
    other = duty.schedule("Other")
    duty.covers(other, "ravi", hours=400)
    _look(duty)
    assert _watch(duty, other).due_at == duty.now + timedelta(hours=24)


def test_schedule_is_not_looked_at_before_its_time(duty: Duty) -> None:
    schedule = duty.schedule()
    duty.covers(schedule, "ravi", hours=7)
    _look(duty)
    duty.world.clock.advance(hours=6)
    assert _look(duty).looked == 0


def test_process_that_lost_the_lease_looks_at_nothing(duty: Duty) -> None:
    schedule = duty.schedule()
    duty.covers(schedule, "ravi", hours=7)
    assert _look(duty, Held(lease.LEADER, duty.rt.owner, 1)).looked == 0
    held = duty.rt.db.write(lambda tx: lease.take(tx, lease.LEADER, owner=duty.rt.owner, now=duty.now))
    assert _look(duty, held).looked == 1


def test_second_look_at_the_same_change_pages_and_tells_nobody_again(duty: Duty) -> None:
    schedule = duty.schedule()
    duty.covers(schedule, "ravi", hours=1)
    duty.covers(schedule, "noor", after=1, hours=400)
    _look(duty)
    incident_id = duty.opens(policy=duty.policy((600, [schedule])))
    duty.world.clock.advance(hours=1)
    _look(duty)
    assert duty.paged(incident_id) == ["ravi", "noor"]
    told = len(_notices(duty))

    # As after a crash before the row of the watch was written: everything that followed is there already.
    duty.rt.db.write(
        lambda tx: tx.execute(update(DutyWatchRow).values(user_id=duty.people["ravi"].id, due_at=duty.now))
    )
    _look(duty)
    assert duty.paged(incident_id) == ["ravi", "noor"]
    assert len(_notices(duty)) == told


@pytest.mark.parametrize("place", ["duty.before_commit", "duty.after_commit"])
def test_crash_while_looking_loses_and_repeats_nothing(duty: Duty, place: str) -> None:
    schedule = duty.schedule()
    duty.covers(schedule, "ravi", hours=1)
    duty.covers(schedule, "noor", after=1, hours=400)
    _look(duty)
    incident_id = duty.opens(policy=duty.policy((600, [schedule])))
    duty.world.clock.advance(hours=1)
    failpoints.arm(duty.rt.settings.model_copy(update={"pagerpal_failpoints": f"{place}=raise"}))
    try:
        with pytest.raises(FailpointRaised):
            _look(duty)
    finally:
        failpoints.disarm()
    _look(duty)
    assert duty.paged(incident_id) == ["ravi", "noor"]
    assert sorted(each.facts["title"] for each in _notices(duty)) == [
        "You are off call for Platform", "You are on call for Platform"
    ]  # fmt: skip


def test_page_that_was_decided_before_a_hand_off_and_committed_after_it_is_inherited_too(duty: Duty) -> None:
    schedule = duty.schedule()
    duty.covers(schedule, "ravi", hours=1)
    duty.covers(schedule, "noor", after=1, hours=400)
    policy = duty.policy((600, [schedule]))
    _look(duty)
    duty.world.clock.advance(minutes=59, seconds=59)
    before = duty.now
    duty.world.clock.advance(seconds=1)
    assert _look(duty).next_due_at == duty.now + SECOND_LOOK

    duty.world.clock.set(before)
    incident_id = duty.opens(policy=policy)
    assert duty.paged(incident_id) == ["ravi"]
    duty.world.clock.advance(seconds=61)
    _look(duty)
    assert duty.paged(incident_id) == ["ravi", "noor"]
    assert duty.incident(incident_id).assigned_to == duty.person("noor").id


def test_hand_off_before_the_first_look_is_made_up_for(duty: Duty) -> None:
    schedule = duty.schedule()
    duty.covers(schedule, "ravi", hours=1)
    duty.covers(schedule, "noor", after=1, hours=400)
    incident_id = duty.opens(policy=duty.policy((600, [schedule])))
    duty.world.clock.advance(hours=2)
    _look(duty)
    assert duty.paged(incident_id) == ["ravi", "noor"]


def test_change_that_is_made_while_the_watch_looks_is_looked_at_again(duty: Duty) -> None:
    schedule = duty.schedule()
    duty.covers(schedule, "ravi", hours=7)
    _look(duty)
    looked = _watch(duty, schedule)
    duty.world.clock.advance(hours=1)
    duty.covers(schedule, "noor", after=10, hours=400)
    duty.rt.db.write(
        lambda tx: watching.saw(tx, looked, user_id=None, slot_id="", due_at=duty.now + timedelta(days=1), now=duty.now)
    )
    assert _watch(duty, schedule).due_at == duty.now


def test_whoever_comes_on_and_cannot_be_paged_is_named_once_and_the_incident_goes_on(duty: Duty) -> None:
    schedule = duty.schedule()
    duty.covers(schedule, "ravi", hours=1)
    duty.covers(schedule, "noor", after=1, hours=400)
    _look(duty)
    incident_id = duty.opens(policy=duty.policy((90, [schedule]), (10, ["omar"])))
    duty.loses_contact_methods("noor")
    for _ in range(3):
        duty.world.clock.advance(hours=0.5)
        _look(duty)
    lines = [entry.text for entry in duty.timeline(incident_id)]
    assert lines.count("No usable contact method: Noor") == 1
    assert duty.incident(incident_id).assigned_to == duty.person("ravi").id
    duty.steps()
    assert duty.paged(incident_id) == ["ravi", "omar"]


def test_schedule_that_cannot_be_looked_at_is_put_off_and_hides_no_other(duty: Duty) -> None:
    broken, sound = duty.schedule("Broken", rotation=RotationPlan(
        "UTC", Cadence.DAILY, time(9), duty.now.date(), (duty.person("ravi").id,)
    )), duty.schedule("Sound")  # fmt: skip
    duty.covers(sound, "ravi", hours=7)
    duty.rt.db.write(lambda tx: tx.execute(text("UPDATE rotations SET timezone = 'Nowhere/At_All'")))
    _look(duty)
    assert _watch(duty, sound).looked_at == duty.now
    assert _watch(duty, broken).looked_at is None
    assert _watch(duty, broken).due_at == duty.now + timedelta(minutes=5)


def test_two_hundred_open_incidents_are_handed_over_with_the_queries_of_two(duty: Duty, statements: Statements) -> None:
    counts = []
    for number in (2, 200):
        schedule = duty.schedule(f"Schedule {number}")
        duty.covers(schedule, "ravi", hours=1)
        duty.covers(schedule, "noor", after=1, hours=400)
        policy = duty.policy((6000, [schedule]), name=f"Policy {number}")
        _look(duty)
        opened = [duty.opens(f"Incident {each}", policy=policy) for each in range(number)]
        duty.world.clock.advance(hours=1)
        with statements.counted() as count:
            duty.rt.db.write(partial(look, schedule_id=schedule.id, now=duty.now, lease=None))
        counts.append(count())
        assert [duty.paged(each) for each in (opened[0], opened[-1])] == [["ravi", "noor"]] * 2
    assert counts[0] == counts[1]


def _look(duty: Duty, held: Held | None = None) -> watch.DutyOutcome:
    return asyncio.run(watch.watch_duty(duty.rt, duty.now, held))


def _watch(duty: Duty, schedule: Schedule) -> DutyWatch:
    found = duty.rt.db.read(lambda tx: watching.find_watch(tx, schedule.id))
    assert found is not None
    return found


def _notices(duty: Duty) -> list[Notification]:
    page = duty.rt.db.read(lambda tx: outbox.list_notifications(tx, NotificationFilter(), PageQuery(page_size=200)))
    return [each for each in page.items if each.kind is NotificationKind.HANDOFF]
