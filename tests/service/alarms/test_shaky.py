"""A module that fails at random: 0 false clears, 0 false repeats. `scripts/prove alarms` is the long form."""

from app.platform.runtime import Runtime
from tests.prove.alarms import simulate
from tests.support.world import World


def test_a_third_of_all_ticks_may_fail_without_a_false_word(rt: Runtime, world: World) -> None:
    report = simulate(rt, world, ticks=120, seed=3)
    assert report.findings() == []
    assert report.unknown > 20
    assert report.events > 5
