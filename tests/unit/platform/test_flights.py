"""Work that many ask for is done once, and there is a most of it."""

import asyncio

import pytest

from app.platform.errors import Unavailable
from app.platform.flights import Flights


class Work:
    """Something that lasts until it is let go, and counts how often it was done."""

    def __init__(self) -> None:
        self.done = 0
        self.go = asyncio.Event()

    async def __call__(self) -> int:
        await self.go.wait()
        self.done += 1
        return self.done


async def test_who_asks_meanwhile_and_a_moment_later_gets_the_same() -> None:
    flights, work = Flights(at_most=1, kept_seconds=60), Work()
    asked = [asyncio.create_task(flights.share("it", work)) for _ in range(20)]
    await asyncio.sleep(0)
    work.go.set()
    assert set(await asyncio.gather(*asked)) == {1}
    assert await flights.share("it", work) == 1
    assert await flights.share("another", work) == 2, "what has ended takes no place"


async def test_after_the_moment_it_is_done_again() -> None:
    flights, work = Flights(at_most=1, kept_seconds=0), Work()
    work.go.set()
    assert await flights.share("it", work) == 1
    await asyncio.sleep(0.001)
    assert await flights.share("it", work) == 2


async def test_too_much_at_once_is_refused_and_one_who_leaves_spoils_nothing() -> None:
    flights, work = Flights(at_most=1, kept_seconds=60), Work()
    first, second = (asyncio.create_task(flights.share("it", work)) for _ in range(2))
    await asyncio.sleep(0)
    with pytest.raises(Unavailable):
        await flights.share("another", work)
    first.cancel()
    work.go.set()
    assert await second == 1


async def test_a_failure_is_told_to_all_and_not_kept() -> None:
    async def fails() -> int:
        raise ValueError("broken")

    flights, work = Flights(at_most=1, kept_seconds=60), Work()
    for _ in range(2):
        with pytest.raises(ValueError, match="broken"):
            await flights.share("it", fails)
    work.go.set()
    assert await flights.share("it", work) == 1
