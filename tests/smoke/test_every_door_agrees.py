"""Pager, page, API, calendar feed and simulation give one answer to who is on call; `scripts/prove agree` asks more."""

from app.platform.runtime import Runtime
from tests.support.agreement import Company
from tests.support.world import World


def test_every_door_names_the_same_person_at_every_instant(rt: Runtime, world: World) -> None:
    company = Company(rt, world, schedules=10, seed=7)
    asked = list(company.ask(30))
    assert [each for each in asked if not each.agree] == []
    assert len({each.said["API"] for each in asked}) > 3
