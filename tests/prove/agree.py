"""The same instants asked of every door, on companies made up from one seed, several at a time."""

import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from app.platform.bus import Bus
from app.platform.db import Db
from app.platform.runtime import Runtime
from app.platform.settings import Settings
from tests.support.agreement import Company
from tests.support.clock import FrozenClock
from tests.support.databases import upgrade
from tests.support.world import World

PROCESSES = 2
# A company of few schedules: what is open there stays few enough to be shown fast.
SCHEDULES_EACH = 5


def agree(instants: int, schedules: int, seed: int) -> tuple[int, list[str]]:
    """How many instants were asked, and where the doors did not agree."""
    companies = -(-schedules // SCHEDULES_EACH)
    asked = 0
    findings: list[str] = []
    with ProcessPoolExecutor(PROCESSES) as pool:
        jobs = [
            pool.submit(ask, len(range(number, instants, companies)), seed * companies + number)
            for number in range(companies)
        ]
        for job in jobs:
            count, found = job.result()
            asked += count
            findings += found
    return asked, findings


def ask(instants: int, seed: int) -> tuple[int, list[str]]:
    """Ask one company."""
    with tempfile.TemporaryDirectory() as folder, made_up(f"sqlite:///{Path(folder) / 'agree.db'}") as (rt, world):
        company = Company(rt, world, schedules=SCHEDULES_EACH, seed=seed)
        asked = list(company.ask(instants))
    return len(asked), [
        f"seed {seed}, schedule {each.schedule_id} at {each.at.isoformat()}: {each.said}"
        for each in asked
        if not each.agree
    ]


@contextmanager
def made_up(url: str, **settings: object) -> Iterator[tuple[Runtime, World]]:
    """A world of its own on an empty database, which is migrated first."""
    upgrade(url)
    db = Db(url, bus=Bus(), inline=True)
    world = World(clock=FrozenClock())
    given = {"pagerpal_env": "test", "database_url": url, **settings}
    yield world.runtime(Settings.model_validate(given), db), world
    db.dispose()
