"""Where an escalation goes next (B24)."""

from app.escalation.rules import StepReason, first_step, next_step, plan_to_json
from app.escalation.types import FALLBACK_LEVEL, Assignee, AssigneeType, Level, Plan, plan_of

TWO = Plan("two", (Level(1, 15, (Assignee(AssigneeType.USER, 1),)), Level(5, 10, ())), repeat=1)


def test_levels_are_climbed_in_order_of_their_numbers_then_repeated_then_the_fallback() -> None:
    second = next_step(TWO, 1, 0)
    assert (second.reason, second.level) == (StepReason.NEXT_LEVEL, TWO.levels[1])
    again = next_step(TWO, 5, 0)
    assert (again.reason, again.level, again.round) == (StepReason.REPEAT, TWO.levels[0], 1)
    assert next_step(TWO, 5, 1).reason is StepReason.FALLBACK


def test_plan_without_levels_begins_at_the_fallback() -> None:
    assert first_step(Plan("none", ())).level is None


def test_after_the_fallback_comes_the_fallback() -> None:
    assert next_step(TWO, FALLBACK_LEVEL, 0).reason is StepReason.FALLBACK


def test_stored_plan_is_the_same_plan() -> None:
    assert plan_of(plan_to_json(TWO)) == TWO
