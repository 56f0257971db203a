"""Rotations: computed without end, changed in versions, with a past that stays as it was."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import pytest

from app.accounts.queries import list_audit
from app.oncall import queries
from app.oncall.resolver import slots
from app.oncall.types import Cadence
from app.platform.errors import Invalid
from app.platform.types import PageQuery
from app.usecases import people
from tests.service.rota.conftest import DAY, MONDAY, WEEK, Duty, weekly
from tests.support.clock import FrozenClock


def test_members_take_turns_in_their_order_from_the_start_date_on(duty: Duty) -> None:
    duty.make(weekly(duty.ravi, duty.noor, duty.kim))
    assert [duty.who(MONDAY + week * WEEK) for week in range(4)] == ["Ravi", "Noor", "Kim", "Ravi"]
    assert duty.who(MONDAY - timedelta(microseconds=1)) is None
    assert duty.who(MONDAY + WEEK - timedelta(microseconds=1)) == "Ravi"


def test_a_change_rules_from_its_moment_on_and_the_past_stays(duty: Duty, clock: FrozenClock) -> None:
    duty.make(weekly(duty.ravi, duty.noor))
    clock.set(MONDAY + 10 * DAY)
    duty.change(effective_from=MONDAY + 2 * WEEK, rotation=weekly(duty.kim))

    assert [duty.who(MONDAY + week * WEEK) for week in range(4)] == ["Ravi", "Noor", "Kim", "Kim"]
    assert duty.who(MONDAY + 2 * WEEK, as_of=MONDAY + DAY) == "Ravi"
    versions = duty.rt.db.read(lambda tx: queries.rotations_of(tx, duty.schedule_id))
    assert [each.version for each in versions] == [1, 2]


def test_a_change_within_a_shift_ends_that_slot_and_begins_another(duty: Duty, clock: FrozenClock) -> None:
    duty.make(weekly(duty.ravi, duty.noor))
    clock.set(MONDAY + 3 * DAY)
    duty.change(rotation=weekly(duty.kim, duty.noor))

    first, second = duty.slots(MONDAY, MONDAY + WEEK)
    assert (first.user_id, first.start_time, first.end_time) == (duty.ravi.id, MONDAY, MONDAY + 3 * DAY)
    assert (second.user_id, second.start_time, second.end_time) == (duty.kim.id, MONDAY + 3 * DAY, MONDAY + WEEK)


def test_the_last_word_counts_where_a_change_was_planned_already(duty: Duty) -> None:
    duty.make(weekly(duty.ravi))
    duty.change(effective_from=MONDAY + 2 * WEEK, rotation=weekly(duty.noor))
    duty.change(effective_from=MONDAY + WEEK, rotation=weekly(duty.kim))
    assert [duty.who(MONDAY + week * WEEK) for week in range(4)] == ["Ravi", "Kim", "Kim", "Kim"]


def test_saving_the_same_rotation_again_changes_nothing(duty: Duty) -> None:
    duty.make(weekly(duty.ravi, duty.noor))
    duty.change(rotation=weekly(duty.ravi, duty.noor), name="Another name")
    assert len(duty.rt.db.read(lambda tx: queries.rotations_of(tx, duty.schedule_id))) == 1


def test_a_rotation_can_be_taken_away_and_its_past_stays(duty: Duty, clock: FrozenClock) -> None:
    duty.make(weekly(duty.ravi))
    clock.set(MONDAY + DAY)
    duty.change(rotation=None)
    assert duty.who(MONDAY + DAY) is None
    assert duty.who(MONDAY) == "Ravi"


def test_another_time_zone_moves_hand_offs_from_now_on_only(duty: Duty, clock: FrozenClock) -> None:
    duty.make(weekly(duty.ravi, duty.noor))
    clock.set(MONDAY + DAY)
    duty.change(timezone="America/New_York")
    eastern = datetime(2026, 3, 9, 13, tzinfo=UTC)  # 09:00 there, the day after the clocks went forward
    assert duty.who(eastern - timedelta(seconds=1)) == "Ravi"
    assert duty.who(eastern) == "Noor"
    assert duty.who(MONDAY) == "Ravi"


def test_another_time_zone_leaves_a_planned_change_planned(duty: Duty, clock: FrozenClock) -> None:
    duty.make(weekly(duty.ravi))
    duty.change(rotation=weekly(duty.noor), effective_from=MONDAY + 2 * WEEK)
    clock.set(MONDAY + DAY)
    duty.change(timezone="America/New_York")
    assert [duty.who(MONDAY + week * WEEK + DAY) for week in (0, 1, 2)] == ["Ravi", "Ravi", "Noor"]
    assert duty.who(MONDAY + 2 * WEEK - timedelta(seconds=1)) == "Ravi"
    ruling = duty.rt.db.read(lambda tx: queries.rotation_at(tx, duty.schedule_id, MONDAY + 3 * WEEK))
    assert ruling is not None
    assert ruling.plan.timezone == "America/New_York"


def test_another_time_zone_is_no_matter_for_members_who_left(duty: Duty, clock: FrozenClock) -> None:
    duty.make(weekly(duty.ravi, duty.noor))
    duty.change(rotation=weekly(duty.noor, duty.kim), effective_from=MONDAY + 2 * WEEK)
    people.deactivate_user(duty.rt, user_id=duty.ravi.id, actor=duty.admin, now=clock.now())
    duty.change(timezone="Europe/Vienna")
    assert [duty.who(MONDAY + week * WEEK + DAY) for week in (0, 1, 2)] == ["Noor", "Noor", "Noor"]


def test_switched_off_nobody_is_on_call_and_what_was_stays(duty: Duty, clock: FrozenClock) -> None:
    duty.make(weekly(duty.ravi))
    clock.set(MONDAY + DAY)
    duty.change(is_active=False)
    clock.set(MONDAY + 2 * DAY)
    duty.change(is_active=True)
    assert [duty.who(MONDAY + hours * timedelta(hours=1)) for hours in (23, 24, 47, 48)] == ["Ravi", None, None, "Ravi"]
    assert duty.who(MONDAY + 1.5 * DAY, as_of=MONDAY) == "Ravi"


def test_a_deactivated_member_is_passed_over_for_the_next_one(duty: Duty, clock: FrozenClock) -> None:
    duty.make(weekly(duty.ravi, duty.noor, duty.kim))
    clock.set(MONDAY + DAY)
    people.deactivate_user(duty.rt, user_id=duty.ravi.id, actor=duty.admin, now=clock.now())
    assert duty.who(MONDAY) == "Ravi"
    assert duty.who(MONDAY + DAY) == "Noor"
    assert [duty.who(MONDAY + week * WEEK) for week in (1, 2, 3, 4)] == ["Noor", "Kim", "Noor", "Noor"]


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"member_ids": (999,)}, "rotation.member_ids[0]"),
        ({"cadence": Cadence.CUSTOM, "shift_length_hours": 0}, "rotation.shift_length_hours"),
        ({"cadence": Cadence.CUSTOM}, "rotation.shift_length_hours"),
        ({"handoff_weekday": 7}, "rotation.handoff_weekday"),
        ({"handoff_time": time(9, 0, 30)}, "rotation.handoff_time"),
        ({"start_date": date(1, 1, 1)}, "rotation.start_date"),
        ({"member_ids": tuple(range(1, 102))}, "rotation.member_ids"),
    ],
)
def test_a_rotation_that_makes_no_sense_is_refused_at_its_field(
    duty: Duty, changes: dict[str, object], path: str
) -> None:
    with pytest.raises(Invalid) as refused:
        duty.make(replace(weekly(duty.ravi), **changes))  # type: ignore[arg-type]
    assert path in {error.path for error in refused.value.errors}
    assert duty.rt.db.read(lambda tx: queries.schedules_by_id(tx, [1])) == {}


def test_the_past_cannot_be_given_another_rotation(duty: Duty) -> None:
    duty.make(weekly(duty.ravi))
    with pytest.raises(Invalid, match="rotation is not valid"):
        duty.change(effective_from=MONDAY - DAY, rotation=weekly(duty.noor))


def test_somebody_inactive_is_refused_as_new_member_and_stays_where_they_are(duty: Duty) -> None:
    duty.make(weekly(duty.ravi, duty.noor))
    people.deactivate_user(duty.rt, user_id=duty.ravi.id, actor=duty.admin, now=duty.now)
    duty.change(rotation=weekly(duty.ravi, duty.noor, duty.kim))
    duty.change(rotation=weekly(duty.noor))
    with pytest.raises(Invalid):
        duty.change(rotation=weekly(duty.noor, duty.ravi))


def test_what_would_be_saved_is_what_is_saved(duty: Duty) -> None:
    duty.make(weekly(duty.ravi, duty.noor))
    plan, begins, end = weekly(duty.kim, duty.noor), MONDAY + 9 * DAY, MONDAY + 6 * WEEK

    shown = duty.rt.db.read(
        lambda tx: queries.duty_if(tx, duty.schedule_id, MONDAY, end, rotation=plan, effective_from=begins)
    )
    duty.change(effective_from=begins, rotation=plan)

    assert slots(shown, MONDAY, end) == duty.slots(MONDAY, end)


def test_every_change_stands_in_the_audit_with_what_was_before(duty: Duty) -> None:
    duty.make(weekly(duty.ravi))
    duty.change(rotation=weekly(duty.noor))
    duty.hand_off(duty.kim)
    audit = duty.rt.db.read(lambda tx: list_audit(tx, PageQuery(), object_type="schedule").items)
    assert [entry.action for entry in audit] == ["handed_off", "changed", "created"]
    changed = audit[1]
    assert changed.before is not None
    assert changed.after is not None
    assert changed.before["rotation"]["member_ids"] == [duty.ravi.id]
    assert changed.after["rotation"]["member_ids"] == [duty.noor.id]
