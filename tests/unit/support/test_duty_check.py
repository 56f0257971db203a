"""The check of the resolver finds what it looks for."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

from app.oncall.types import Slot, SlotSource
from tests.support.duties import made_up
from tests.support.duty_check import Fault, differences
from tests.support.handoffs import daily_slots, handoff_faults, length_faults
from tests.support.oracle import Oracle, instant

DAY = datetime(2027, 5, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)


def slot(start: int, end: int, user_id: int = 1) -> Slot:
    return Slot(f"entry-{start}", 7, user_id, DAY + start * HOUR, DAY + end * HOUR, SlotSource.ENTRY)


def test_hole_is_a_gap() -> None:
    assert Fault.GAP in [each.fault for each in differences([slot(0, 4), slot(4, 8)], [slot(0, 4)])]


def test_two_at_once_are_an_overlap() -> None:
    assert Fault.OVERLAP in [each.fault for each in differences([slot(0, 4), slot(4, 8)], [slot(0, 5), slot(4, 8)])]


def test_another_person_and_another_identity_are_mismatches() -> None:
    for other in (slot(0, 4, user_id=2), replace(slot(0, 4), id="entry-9")):
        assert [each.fault for each in differences([slot(0, 4)], [other])] == [Fault.MISMATCH]


def test_what_is_as_expected_is_no_finding() -> None:
    assert list(differences([slot(0, 4)], [slot(0, 4)])) == []


def test_handoff_at_another_time_is_found() -> None:
    first, zone = date(2027, 3, 1), "America/New_York"
    assert list(handoff_faults(zone, time(9), first, daily_slots(zone, time(9), first, 30))) == []
    # 24 real hours each: from 14 March on an hour late.
    drifted = daily_slots("UTC", time(14), first, 30)
    assert [each.fault for each in handoff_faults(zone, time(9), first, drifted)] == [Fault.MISMATCH] * 17
    stretched = [replace(each, end_time=each.end_time + 24 * HOUR) for each in daily_slots(zone, time(9), first, 5)]
    assert len(list(length_faults(zone, time(9), stretched))) == 5


def test_made_up_schedules_are_the_same_for_ever_and_have_all_that_there_is() -> None:
    cases = [made_up("Europe/London", seed) for seed in range(300)]
    assert cases == [made_up("Europe/London", seed) for seed in range(300)]
    expected = [each for case in cases for each in Oracle(case.duty).slots(case.start, case.end)]
    assert {each.source for each in expected} == set(SlotSource)
    assert any(case.duty.absences and case.duty.rotations[-1].plan.skips_absent for case in cases)
    assert all(instant(case.start) < instant(case.end) for case in cases)
