"""Runs are handed to Celery once each, and go on in the server when nobody takes them."""

import asyncio
import threading
from collections.abc import Sequence
from dataclasses import replace

import pytest

from app.jobs import celery_tasks, pipeline_sweep
from app.jobs.desk import Desk
from app.jobs.handover import AGAIN_AFTER, GRACE, Handover
from app.pipeline import service as pipeline
from app.pipeline.types import RunStatus
from app.platform.lease import Held
from app.platform.runtime import Runtime
from app.platform.settings import Settings
from app.usecases import watch
from tests.service.pipeline.conftest import House


class Broker:
    """Takes what it is handed, unless it is down."""

    def __init__(self) -> None:
        self.taken: list[str] = []
        self.asked = 0
        self.is_down = False

    def send(self, _settings: Settings, run_ids: Sequence[str]) -> None:
        """Write the runs down."""
        self.asked += 1
        if self.is_down:
            raise OSError("connection refused")
        self.taken += run_ids


@pytest.fixture
def broker() -> Broker:
    """A broker that is up."""
    return Broker()


@pytest.fixture
def desk(rt: Runtime, broker: Broker) -> Desk:
    """A leader with Celery switched on."""
    changes = {"enable_celery_orchestration": True, "celery_broker_url": "redis://127.0.0.1:6379/0"}
    with_celery = replace(rt, settings=rt.settings.model_copy(update=changes))
    return Desk(with_celery, held=Held("leader", rt.owner, 1), handover=Handover(send=broker.send))


def sweep(desk: Desk, house: House) -> None:
    """One pass of the job."""
    asyncio.run(pipeline_sweep.tick(desk, house.now))


def banners(desk: Desk, house: House) -> list[str]:
    """What every page says."""
    found = desk.rt.db.read(lambda tx: watch.banners(tx, desk.rt.settings, house.now))
    return [banner.code for banner in found]


def test_a_run_is_handed_over_once_each_time_that_it_may_go_on(house: House, desk: Desk, broker: Broker) -> None:
    house.channel("ops")
    incident_id = house.fire()
    for _ in range(3):
        sweep(desk, house)
        house.clock.advance(seconds=1)
    (run,) = house.runs(incident_id)
    assert broker.taken == [run.run_id]
    assert run.status is RunStatus.PENDING, "it is the worker's to run"

    house.work()
    sweep(desk, house)
    assert broker.taken == [run.run_id], "it waits for its message"
    house.send()
    for _ in range(2):
        sweep(desk, house)
    assert broker.taken == [run.run_id] * 2
    house.work()
    assert house.runs(incident_id)[0].status is RunStatus.NOTIFIED
    assert "celery" not in banners(desk, house)


def test_the_run_of_a_worker_that_died_is_handed_over_anew(house: House, desk: Desk, broker: Broker) -> None:
    house.channel("ops")
    house.fire()
    sweep(desk, house)
    (claimed,) = house.claim("a worker")
    for _ in range(2):
        sweep(desk, house)
    assert broker.taken == [claimed.run_id]
    house.clock.advance(seconds=11)
    sweep(desk, house)
    assert broker.taken == [claimed.run_id] * 2


def test_only_the_leader_hands_over(house: House, desk: Desk, broker: Broker) -> None:
    house.fire()
    desk.held = None
    sweep(desk, house)
    assert broker.asked == 0


def test_what_no_worker_takes_runs_in_the_server_and_a_banner_says_so(house: House, desk: Desk, broker: Broker) -> None:
    house.channel("ops")
    incident_id = house.fire()
    sweep(desk, house)
    house.clock.advance(seconds=GRACE.total_seconds() - 1)
    sweep(desk, house)
    assert house.messages(incident_id) == []
    house.clock.advance(seconds=1)
    sweep(desk, house)
    assert len(house.messages(incident_id)) == 1
    assert len(broker.taken) == 1
    assert "celery" in banners(desk, house)


def test_a_broker_that_is_down_is_asked_now_and_then_and_no_run_waits_for_it_for_long(
    house: House, desk: Desk, broker: Broker
) -> None:
    house.channel("ops")
    broker.is_down = True
    first = house.fire("one", group="one")
    for _ in range(5):
        sweep(desk, house)
        house.clock.advance(seconds=1)
    assert broker.asked == 1
    house.clock.advance(seconds=GRACE.total_seconds())
    sweep(desk, house)
    assert len(house.messages(first)) == 1

    second = house.fire("two", group="two")
    sweep(desk, house)
    assert len(house.messages(second)) == 1, "that it is down is known by now"

    broker.is_down = False
    house.clock.advance(seconds=AGAIN_AFTER.total_seconds())
    third = house.fire("three", group="three")
    sweep(desk, house)
    assert house.messages(third) == []
    assert broker.taken == [house.runs(third)[0].run_id]


def test_a_broker_that_hangs_keeps_no_thread_that_pages_need(house: House, desk: Desk) -> None:
    house.channel("ops")
    house.fire()
    seen: list[str] = []
    desk.handover.send = lambda *_: seen.append(threading.current_thread().name)
    sweep(desk, house)
    assert seen == ["measure"]


def test_a_message_that_comes_twice_does_not_cut_a_pause_short(house: House, desk: Desk) -> None:
    incident_id = house.fire()
    (claimed,) = house.claim("another process")
    due_at = house.now.replace(hour=23)
    house.rt.db.write(
        lambda tx: pipeline.try_later(tx, claimed, due_at=due_at, now=house.now, error_type="E", error_message="no")
    )
    assert not asyncio.run(celery_tasks._go_on(desk.rt, claimed.run_id))
    assert house.runs(incident_id)[0].due_at == due_at
    house.clock.set(due_at)
    assert asyncio.run(celery_tasks._go_on(desk.rt, claimed.run_id))


def test_a_broker_that_nobody_listens_for_is_an_error_and_no_wait() -> None:
    settings = Settings(
        pagerpal_env="test", enable_celery_orchestration=True, celery_broker_url="redis://user:hunter2@127.0.0.1:1/0"
    )
    with pytest.raises(OSError, match="the broker did not take it") as refused:
        celery_tasks.send(settings, ["1" * 32])
    assert "hunter2" not in str(refused.value)
