"""Checks by cadence beside each other: what hangs holds up nobody, and what breaks off shows with the job."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from datetime import timedelta

import pytest

from app.accounts.types import User
from app.checks import queries
from app.jobs.schedule import JOBS
from app.platform.host import hostname
from app.platform.runtime import Runtime
from app.usecases import run_checks, watch_host
from app.usecases.watch_host.cadence import rounds_of
from tests.support.clock import FrozenClock
from tests.support.people import add_admin


@pytest.fixture
def admin(rt: Runtime) -> User:
    """Who sets checks up; by cadence only what the test names."""
    admin = add_admin(rt)
    for checker in ("cpu", "memory", "disk"):
        change(rt, admin, checker, cadence_seconds=0)
    return admin


@pytest.fixture
def deaf_port() -> Iterator[int]:
    """A port that takes no connection and refuses none."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as deaf, ExitStack() as waiting:
        for _ in range(4):
            client = waiting.enter_context(socket.socket())
            client.setblocking(False)
            with suppress(BlockingIOError):
                client.connect(deaf.getsockname())
        yield int(deaf.getsockname()[1])


def change(rt: Runtime, admin: User, checker: str, **changes: object) -> None:
    run_checks.change_config(rt, checker=checker, changes=changes, actor=admin, now=rt.clock.now())


async def test_a_check_that_hangs_holds_up_neither_the_job_nor_the_others(
    rt: Runtime, admin: User, deaf_port: int, clock: FrozenClock
) -> None:
    change(rt, admin, "network", params={"hosts": [f"127.0.0.1:{deaf_port}"]}, cadence_seconds=10, timeout=60)
    change(rt, admin, "memory", cadence_seconds=10)
    await watch_host.run_due(rt, rt.clock.now())
    rounds = rounds_of(rt)
    await rounds.tasks["memory"]
    assert rt.db.read(queries.last_runs).keys() == {"memory"}
    assert not rounds.tasks["network"].done()

    # The one under way is not begun again, nor by another process of this host.
    clock.advance(seconds=10)
    due_at = await watch_host.run_due(rt, rt.clock.now())
    assert due_at == rt.clock.now() + timedelta(seconds=10)
    await rounds.tasks["memory"]
    assert rounds.tasks.keys() == {"network"}
    await watch_host.stop(rt)
    assert rounds.tasks == {}
    assert rt.db.read(queries.last_runs).keys() == {"memory"}


async def test_each_host_is_measured_by_itself(rt: Runtime, admin: User) -> None:
    change(rt, admin, "memory", cadence_seconds=60)
    await watch_host.run_due(rt, rt.clock.now())
    await watch_host.settle(rt)
    assert rt.db.read(lambda tx: queries.watches_of(tx, hostname())).keys() == {"memory"}
    assert rt.db.read(lambda tx: queries.watches_of(tx, "elsewhere.example.com")) == {}


async def test_a_new_installation_watches_what_costs_nothing_and_asks_no_stranger(rt: Runtime) -> None:
    await watch_host.run_due(rt, rt.clock.now())
    assert rounds_of(rt).tasks.keys() == {"cpu", "memory", "disk"}
    await watch_host.stop(rt)


async def test_what_broke_off_is_told_by_the_next_turn(rt: Runtime, admin: User) -> None:
    change(rt, admin, "memory", cadence_seconds=60)
    await watch_host.run_due(rt, rt.clock.now())
    rt.db.standby = True
    await watch_host.settle(rt)
    rt.db.standby = False
    with pytest.raises(Exception, match="standby"):
        await watch_host.run_due(rt, rt.clock.now())
    assert await watch_host.run_due(rt, rt.clock.now()) is not None


def test_the_job_runs_in_every_process_and_can_be_switched_off() -> None:
    job = next(each for each in JOBS if each.name == "local_checks")
    assert (job.leader_only, job.setting) == (False, "checks_worker_enabled")
