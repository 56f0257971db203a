"""Two people change one schedule in the same moment: never a hole, never two at once.

`scripts/prove races` does it a thousand times on each database.
"""

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import pairwise
from threading import Barrier

import pytest

from app.oncall.resolver import gaps
from app.oncall.types import Slot
from app.platform.errors import Conflict, Forbidden, Invalid
from tests.service.rota.conftest import MONDAY, WEEK, Duty, weekly
from tests.support.clock import FrozenClock

PAIRS = 150
# A new schedule now and then keeps what must be checked small.
PAIRS_A_SCHEDULE = 20

Move = Callable[[], object]


def moves(duty: Duty, chance: random.Random) -> list[Move]:
    """What somebody may do to the schedule just now: change it, hand over, swap, override, edit."""
    people = [duty.ravi, duty.noor, duty.kim]
    who, other = chance.sample(people, 2)
    start = duty.now + chance.randint(0, 20) * timedelta(hours=7)
    end = start + chance.randint(1, 60) * timedelta(hours=1)

    def swap() -> None:
        slot = next(each for each in duty.slots(duty.now, duty.now + WEEK) if each.end_time > duty.now)
        owner = next(person for person in people if person.id == slot.user_id)
        taker = chance.choice([person for person in people if person != owner])
        duty.accept(duty.ask(owner, max(slot.start_time, duty.now), slot.end_time, to=taker), taker)

    def edit() -> None:
        duty.change_override(duty.override(who, start, end), other, start, start + (end - start) / 2)

    return [
        lambda: duty.hand_off(who),
        lambda: duty.hand_off(who, at=start),
        lambda: duty.override(who, start, end),
        lambda: duty.change(rotation=weekly(*chance.sample(people, 3))),
        lambda: duty.change(effective_from=start, rotation=weekly(who, other)),
        swap,
        edit,
    ]


def outcome(move: Move, together: Barrier) -> None:
    """Do it in the same moment as the other one; being told «no» is a good answer."""
    together.wait(timeout=30)
    try:
        move()
    except (Conflict, Invalid, Forbidden):
        return


def race(duty: Duty, clock: FrozenClock, chance: random.Random, pairs: int) -> None:
    """Let so many pairs of moves meet, and look after each whether everything is covered once."""
    known: list[Slot] = []
    with ThreadPoolExecutor(2) as pool:
        for pair in range(pairs):
            if pair % PAIRS_A_SCHEDULE == 0:
                known = []
                duty.make(weekly(duty.ravi, duty.noor, duty.kim))
            clock.advance(minutes=chance.randint(1, 300))
            together = Barrier(2)
            list(pool.map(outcome, chance.sample(moves(duty, chance), 2), [together, together]))

            begin, end = max(MONDAY, duty.now - WEEK), duty.now + 3 * WEEK
            covered = duty.slots(begin, end)
            assert gaps(covered, begin, end) == []
            assert all(one.end_time == following.start_time for one, following in pairwise(covered))
            # What has ended stays as it was.
            assert [slot for slot in known if begin < slot.end_time <= duty.now and slot not in covered] == []
            known = covered


@pytest.mark.slow
def test_handoff_raced_with_another_edit_leaves_no_hole_and_no_double(duty: Duty, clock: FrozenClock) -> None:
    race(duty, clock, random.Random(2002), PAIRS)
