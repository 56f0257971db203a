"""Handing over, swapping and changing slots: by whom it may be done, and what is left to whom."""

from datetime import timedelta

import pytest

from app.oncall import queries
from app.oncall.errors import NothingToHandOff, SwapIsAnswered, SwapNoLongerFits, WindowIsPast
from app.oncall.types import SlotSource, SwapStatus
from app.platform.errors import Forbidden, Invalid
from app.usecases import people
from tests.service.rota.conftest import DAY, MONDAY, WEEK, Duty, told, weekly
from tests.support.clock import FrozenClock

HOUR = timedelta(hours=1)


def test_a_hand_off_lasts_until_the_next_hand_off_of_the_rotation(duty: Duty, clock: FrozenClock) -> None:
    duty.make(weekly(duty.ravi, duty.noor))
    clock.set(MONDAY + 2 * DAY)
    done = duty.hand_off(duty.kim, by=duty.ravi)
    assert (done.from_user_id, done.start_time, done.end_time) == (duty.ravi.id, MONDAY + 2 * DAY, MONDAY + WEEK)

    before, handed, after = duty.slots(MONDAY, MONDAY + 8 * DAY)
    assert (before.user_id, before.end_time) == (duty.ravi.id, MONDAY + 2 * DAY)
    assert (handed.user_id, handed.is_override, handed.end_time) == (duty.kim.id, True, MONDAY + WEEK)
    assert (after.user_id, after.source) == (duty.noor.id, SlotSource.ROTATION)


def test_a_hand_off_can_be_planned(duty: Duty) -> None:
    duty.make(weekly(duty.ravi, duty.noor))
    duty.hand_off(duty.kim, at=MONDAY + 8 * DAY)
    assert [duty.who(MONDAY + days * DAY) for days in (0, 7.9, 8, 13.9, 14)] == ["Ravi", "Noor", "Kim", "Kim", "Ravi"]


def test_what_is_somebody_elses_in_between_stays_theirs(duty: Duty) -> None:
    duty.make(weekly(duty.ravi, duty.noor))
    duty.override(duty.admin, MONDAY + 2 * DAY, MONDAY + 3 * DAY)
    duty.hand_off(duty.kim)
    assert [duty.who(MONDAY + days * DAY) for days in (0, 2, 3, 7)] == ["Kim", "Ada", "Kim", "Noor"]


def test_without_a_rotation_the_rest_of_the_window_is_handed_over(duty: Duty) -> None:
    duty.make()
    duty.override(duty.ravi, MONDAY, MONDAY + DAY)
    assert duty.hand_off(duty.noor, at=MONDAY + HOUR).end_time == MONDAY + DAY


def test_in_a_gap_somebody_can_take_over_until_the_next_one_comes(duty: Duty) -> None:
    duty.make()
    with pytest.raises(NothingToHandOff):
        duty.hand_off(duty.noor)
    duty.override(duty.ravi, MONDAY + DAY, MONDAY + 2 * DAY)
    done = duty.hand_off(duty.noor)
    assert (done.from_user_id, done.end_time) == (None, MONDAY + DAY)
    assert [duty.who(MONDAY), duty.who(MONDAY + DAY)] == ["Noor", "Ravi"]


def test_only_the_person_on_call_and_admins_hand_over(duty: Duty) -> None:
    duty.make(weekly(duty.ravi, duty.noor))
    for stranger in (duty.noor, duty.kim):
        with pytest.raises(Forbidden):
            duty.hand_off(duty.kim, by=stranger)
    assert duty.who(MONDAY) == "Ravi"


def test_a_hand_off_to_oneself_to_the_past_or_to_somebody_inactive_is_refused(duty: Duty) -> None:
    duty.make(weekly(duty.ravi, duty.noor))
    people.deactivate_user(duty.rt, user_id=duty.kim.id, actor=duty.admin, now=duty.now)
    for to, at in ((duty.ravi, None), (duty.noor, MONDAY - HOUR), (duty.kim, None)):
        with pytest.raises(Invalid):
            duty.hand_off(to, at=at)
    assert duty.who(MONDAY) == "Ravi"


def test_a_swap_is_asked_taken_and_becomes_an_override(duty: Duty) -> None:
    duty.make(weekly(duty.ravi, duty.noor))
    swap = duty.ask(duty.ravi, MONDAY + DAY, MONDAY + 2 * DAY, to=duty.kim)
    assert (swap.status, duty.who(MONDAY + DAY)) == (SwapStatus.OPEN, "Ravi")

    taken = duty.accept(swap, duty.kim)

    assert (taken.status, taken.answered_by) == (SwapStatus.ACCEPTED, duty.kim.id)
    assert [duty.who(MONDAY + days * DAY) for days in (0.9, 1, 2)] == ["Ravi", "Kim", "Ravi"]
    for late in (duty.accept, duty.decline):
        with pytest.raises(SwapIsAnswered):
            late(swap, duty.kim)


def test_nobody_in_particular_was_asked_so_any_member_may_take_it_once(duty: Duty) -> None:
    duty.make(weekly(duty.ravi, duty.noor))
    swap = duty.ask(duty.ravi, MONDAY + DAY, MONDAY + 2 * DAY)
    waiting = duty.rt.db.read(lambda tx: queries.swaps_waiting(tx, duty.noor.id, duty.now))
    assert waiting == [swap]
    assert duty.rt.db.read(lambda tx: queries.swaps_waiting(tx, duty.kim.id, duty.now)) == []
    with pytest.raises(Forbidden):
        duty.accept(swap, duty.kim)
    duty.accept(swap, duty.noor)
    assert duty.who(MONDAY + DAY) == "Noor"


def test_only_who_was_asked_answers_and_only_who_asked_takes_it_back(duty: Duty) -> None:
    duty.make(weekly(duty.ravi, duty.noor))
    swap = duty.ask(duty.ravi, MONDAY + DAY, MONDAY + 2 * DAY, to=duty.kim)
    for answer in (duty.accept, duty.decline):
        for who in (duty.ravi, duty.noor, duty.admin):
            with pytest.raises(Forbidden):
                answer(swap, who)
    with pytest.raises(Forbidden):
        duty.cancel(swap, duty.kim)
    assert duty.cancel(swap, duty.ravi).status is SwapStatus.CANCELLED


def test_a_declined_swap_leaves_the_slot_where_it_is(duty: Duty) -> None:
    duty.make(weekly(duty.ravi, duty.noor))
    swap = duty.ask(duty.ravi, MONDAY + DAY, MONDAY + 2 * DAY, to=duty.kim)
    assert duty.decline(swap, duty.kim).status is SwapStatus.DECLINED
    assert duty.who(MONDAY + DAY) == "Ravi"


def test_only_slots_of_ones_own_that_lie_ahead_can_be_swapped(duty: Duty, clock: FrozenClock) -> None:
    duty.make(weekly(duty.ravi, duty.noor))
    with pytest.raises(Forbidden):
        duty.ask(duty.ravi, MONDAY + 6 * DAY, MONDAY + 8 * DAY)
    with pytest.raises(Invalid):
        duty.ask(duty.ravi, MONDAY + DAY, MONDAY + 2 * DAY, to=duty.ravi)
    clock.set(MONDAY + 3 * DAY)
    with pytest.raises(Invalid):
        duty.ask(duty.ravi, MONDAY, MONDAY + DAY)


def test_a_swap_whose_window_has_gone_or_changed_hands_is_not_taken(duty: Duty, clock: FrozenClock) -> None:
    duty.make(weekly(duty.ravi, duty.noor))
    gone = duty.ask(duty.ravi, MONDAY + DAY, MONDAY + 2 * DAY, to=duty.kim)
    changed = duty.ask(duty.ravi, MONDAY + 4 * DAY, MONDAY + 5 * DAY, to=duty.kim)
    duty.override(duty.noor, MONDAY + 4 * DAY, MONDAY + 5 * DAY)
    with pytest.raises(SwapNoLongerFits):
        duty.accept(changed, duty.kim)
    clock.set(MONDAY + 2 * DAY)
    with pytest.raises(SwapNoLongerFits):
        duty.accept(gone, duty.kim)
    assert duty.who(MONDAY + 4 * DAY) == "Noor"


def test_a_swap_that_is_taken_late_counts_from_then_on(duty: Duty, clock: FrozenClock) -> None:
    duty.make(weekly(duty.ravi, duty.noor))
    swap = duty.ask(duty.ravi, MONDAY + DAY, MONDAY + 2 * DAY, to=duty.kim)
    clock.set(MONDAY + 1.5 * DAY)
    duty.accept(swap, duty.kim)
    assert [duty.who(MONDAY + days * DAY) for days in (1, 1.49, 1.5)] == ["Ravi", "Ravi", "Kim"]


def test_a_shortened_override_gives_the_rest_to_whom_the_rotation_says(duty: Duty) -> None:
    duty.make(weekly(duty.ravi, duty.noor))
    override = duty.override(duty.kim, MONDAY + DAY, MONDAY + 4 * DAY)
    duty.change_override(override, duty.kim, MONDAY + DAY, MONDAY + 2 * DAY)
    assert [duty.who(MONDAY + days * DAY) for days in (0, 1, 2, 3)] == ["Ravi", "Kim", "Ravi", "Ravi"]


def test_what_a_changed_override_has_covered_stays_as_it_was(duty: Duty, clock: FrozenClock) -> None:
    duty.make(weekly(duty.ravi, duty.noor))
    override = duty.override(duty.kim, MONDAY, MONDAY + 4 * DAY)
    clock.set(MONDAY + DAY)
    duty.change_override(override, duty.noor, MONDAY, MONDAY + 2 * DAY)
    assert [duty.who(MONDAY + days * DAY) for days in (0, 0.9, 1, 2)] == ["Kim", "Kim", "Noor", "Ravi"]
    clock.set(MONDAY + 5 * DAY)
    with pytest.raises(WindowIsPast):
        duty.change_override(duty.override(duty.kim, MONDAY, MONDAY + DAY), duty.noor, MONDAY, MONDAY + DAY)


def test_a_member_gives_away_no_more_than_their_own(duty: Duty) -> None:
    duty.make(weekly(duty.ravi, duty.noor))
    own = duty.override(duty.kim, MONDAY + DAY, MONDAY + 4 * DAY)
    with pytest.raises(Forbidden):
        duty.change_override(own, duty.kim, MONDAY + DAY, MONDAY + 5 * DAY, by=duty.kim)
    with pytest.raises(Forbidden):
        duty.change_override(own, duty.ravi, MONDAY + DAY, MONDAY + 4 * DAY, by=duty.ravi)
    duty.change_override(own, duty.ravi, MONDAY + DAY, MONDAY + 2 * DAY, by=duty.kim)
    assert duty.who(MONDAY + DAY) == "Ravi"


def test_the_previous_and_the_next_owner_are_both_told_of_a_hand_off(duty: Duty) -> None:
    duty.make(weekly(duty.ravi, duty.noor))
    duty.hand_off(duty.kim, at=MONDAY + DAY)
    ravi, kim = sorted(told(duty), reverse=True)
    assert (kim[0], kim[1]) == ("Kim", "You are on call for Duty 1 from Tue 3 Mar, 09:00 UTC")
    assert "until Mon 9 Mar, 09:00 UTC" in kim[2]
    assert (ravi[0], ravi[1]) == ("Ravi", "You are off call for Duty 1 from Tue 3 Mar, 09:00 UTC")
    assert "Kim is on call" in ravi[2]


def test_whoever_is_asked_for_a_swap_is_told_and_so_is_the_asker_of_the_answer(duty: Duty) -> None:
    duty.make(weekly(duty.ravi, duty.noor, duty.kim))
    first = duty.ask(duty.ravi, MONDAY + DAY, MONDAY + 2 * DAY)
    assert {name for name, _, _ in told(duty)} == {"Noor", "Kim"}
    assert told(duty)[0][1:] == (
        "Ravi asks you to take a slot: Duty 1",
        "Duty 1, the slot of Ravi: Tue 3 Mar, 09:00 UTC to Wed 4 Mar, 09:00 UTC.",
    )
    duty.accept(first, duty.kim)
    assert told(duty)[-1][:2] == ("Ravi", "Kim takes your slot: Duty 1")
    second = duty.ask(duty.kim, MONDAY + DAY, MONDAY + 2 * DAY, to=duty.noor)
    duty.decline(second, duty.noor)
    assert told(duty)[-1][:2] == ("Kim", "Noor cannot take your slot: Duty 1")
