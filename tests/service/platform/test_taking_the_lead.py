"""A process that becomes the leader does at once what only the leader does."""

import asyncio
from datetime import datetime

import pytest

from app.jobs._guard import Job
from app.jobs.clockwork import Clockwork
from app.jobs.desk import Desk
from app.platform import lease
from app.platform.runtime import Runtime


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """Nothing here depends on the kind of database."""
    return sqlite_url


def test_who_takes_the_lead_looks_at_once_at_what_the_former_leader_has_left(rt: Runtime) -> None:
    worked = asyncio.Event()
    is_free = False

    async def lead(desk: Desk, now: datetime) -> None:
        if is_free and desk.held is None:
            desk.held = lease.Held(lease.LEADER, rt.owner, 1)

    async def work(desk: Desk, now: datetime) -> None:
        worked.set()

    async def whole() -> bool:
        nonlocal is_free
        jobs = [Job("lead", lead, 3600.0, wakes=frozenset({"free"}), leader_only=False), Job("work", work, 3600.0)]
        clockwork = Clockwork(Desk(rt), jobs)
        await clockwork.start()
        for _ in range(5):
            await asyncio.sleep(0)
        was_early, is_free = worked.is_set(), True
        rt.bus.dispatch({"free"}, [])
        async with asyncio.timeout(5):
            await worked.wait()
        await clockwork.stop()
        return was_early

    assert asyncio.run(whole()) is False
