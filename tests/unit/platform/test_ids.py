"""Where identities come from."""

from itertools import pairwise

from app.platform.runtime import RandomIds
from tests.support.clock import FrozenClock


def test_ids_are_unique_and_later_ones_are_greater() -> None:
    clock = FrozenClock()
    ids = RandomIds(clock)
    made: list[list[str]] = []
    for _ in range(5):
        made.append([ids.hex32() for _ in range(1000)])
        clock.advance(seconds=0.001)
    assert len({each for batch in made for each in batch}) == 5000
    assert all(len(each) == 32 and int(each, 16) for batch in made for each in batch)
    assert all(max(before) < min(after) for before, after in pairwise(made))
