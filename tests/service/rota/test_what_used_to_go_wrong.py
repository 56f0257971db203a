"""Schedules that are stored slot by slot run out, lose overrides and race. Here each of these cannot happen.

Names in quotes are the workflows and complaints of the document this is built from (002).
"""

from datetime import UTC, datetime, timedelta

import pytest

from app.oncall.resolver import gaps
from app.platform.errors import Forbidden
from app.usecases import rota
from tests.service.rota.conftest import DAY, MONDAY, WEEK, Duty, weekly
from tests.support.clock import FrozenClock

EIGHT_WEEKS = 8 * WEEK
TWENTY_YEARS = timedelta(days=20 * 365)


def test_creating_a_schedule_member_1_covers_week_1_member_2_covers_week_2_for_the_next_8_weeks(duty: Duty) -> None:
    schedule = duty.make(weekly(duty.ravi, duty.noor), escalation_to_user_id=duty.kim.id)
    assert schedule.escalation_delay_minutes == 15
    slots = duty.slots(MONDAY, MONDAY + EIGHT_WEEKS)
    assert [slot.user_id for slot in slots] == [duty.ravi.id, duty.noor.id] * 4
    assert [slot.start_time for slot in slots] == [MONDAY + week * WEEK for week in range(8)]


def test_rotation_ran_out_the_schedule_has_no_slot_covering_now_cannot_happen(duty: Duty, clock: FrozenClock) -> None:
    duty.make(weekly(duty.ravi, duty.noor))
    clock.set(MONDAY + TWENTY_YEARS)
    far = duty.slots(MONDAY, MONDAY + TWENTY_YEARS)
    assert gaps(far, MONDAY, MONDAY + TWENTY_YEARS) == []
    assert duty.who(MONDAY + TWENTY_YEARS) in {"Ravi", "Noor"}


def test_currently_on_call_says_nobody_is_on_call_because_is_active_is_false_until_it_is_flipped(duty: Duty) -> None:
    duty.make(weekly(duty.ravi), is_active=False)
    assert duty.who(MONDAY) is None
    duty.change(is_active=True)
    assert duty.who(MONDAY) == "Ravi"


def test_editing_a_slot_the_new_assignment_is_picked_up_immediately(duty: Duty) -> None:
    duty.make(weekly(duty.ravi, duty.noor))
    [slot] = duty.slots(MONDAY, MONDAY + WEEK)
    duty.override(duty.kim, slot.start_time, slot.end_time)
    assert duty.who(MONDAY) == "Kim"
    assert duty.slots(MONDAY, MONDAY + WEEK)[0].is_override


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_rotation_regeneration_overwrote_my_override_cannot_happen(duty: Duty, moment: str) -> None:
    duty.make(weekly(duty.ravi, duty.noor))
    start, end = MONDAY + 9 * DAY, MONDAY + 11 * DAY
    if moment == "before":
        duty.override(duty.kim, start, end)
    duty.change(rotation=weekly(duty.noor, duty.admin))
    duty.change(effective_from=MONDAY + 10 * DAY, rotation=weekly(duty.admin))
    if moment == "after":
        duty.override(duty.kim, start, end)
    assert [duty.who(at) for at in (start - DAY, start, MONDAY + 10.5 * DAY, end)] == ["Ada", "Kim", "Kim", "Ada"]


def test_handing_off_mid_rotation_the_rotation_resumes_its_scheduled_pattern_at_the_next_boundary(
    duty: Duty, clock: FrozenClock
) -> None:
    duty.make(weekly(duty.ravi, duty.noor))
    planned = duty.slots(MONDAY + WEEK, MONDAY + EIGHT_WEEKS)
    clock.set(MONDAY + 3 * DAY)
    duty.hand_off(duty.noor)
    assert duty.slots(MONDAY + WEEK, MONDAY + EIGHT_WEEKS) == planned
    ended, handed = duty.slots(MONDAY, MONDAY + WEEK)
    assert (ended.end_time, handed.start_time) == (MONDAY + 3 * DAY, MONDAY + 3 * DAY)


def test_handoff_posted_but_the_next_slot_didnt_update_cannot_happen(duty: Duty) -> None:
    duty.make(weekly(duty.ravi, duty.noor))
    at = MONDAY + 6 * DAY + timedelta(hours=23, minutes=59)
    duty.hand_off(duty.kim, at=at)
    first, handed, following = duty.slots(MONDAY, MONDAY + 8 * DAY)
    assert (first.end_time, handed.end_time, following.start_time) == (at, MONDAY + WEEK, MONDAY + WEEK)
    assert following.user_id == duty.noor.id


def test_schedule_members_can_edit_their_own_slots_and_admins_any(duty: Duty) -> None:
    duty.make(weekly(duty.ravi, duty.noor))
    duty.override(duty.kim, MONDAY, MONDAY + DAY, by=duty.ravi)
    for start in (MONDAY, MONDAY + WEEK):
        with pytest.raises(Forbidden):
            duty.override(duty.kim, start, start + DAY, by=duty.ravi)
    duty.override(duty.ravi, MONDAY + WEEK, MONDAY + 8 * DAY)
    assert duty.who(MONDAY + WEEK) == "Ravi"


def test_who_was_on_call_is_answered_for_a_deleted_schedule_too(duty: Duty, clock: FrozenClock) -> None:
    duty.make(weekly(duty.ravi))
    clock.set(datetime(2026, 3, 4, tzinfo=UTC))
    rota.delete_schedule(duty.rt, schedule_id=duty.schedule_id, actor=duty.admin, now=duty.now)
    assert [duty.who(MONDAY), duty.who(duty.now)] == ["Ravi", None]
