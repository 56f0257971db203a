"""When the engine runs: on its boundaries, once each, whoever leads, and once for all that were missed."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace

import pytest

from app.alarms import queries, rules, service
from app.alarms.errors import AlarmArchived
from app.alarms.types import EngineRun, EngineState, RunStatus, Trigger
from app.checks.types import NewPing, Signal
from app.jobs import alarm_tick
from app.jobs.desk import Desk
from app.platform import failpoints, lease
from app.platform.bus import Bus
from app.platform.db import Db
from app.platform.failpoints import FailpointRaised
from app.usecases import catalogue, run_alarms
from tests.service.alarms.conftest import ALL, Watch

BEAT = {"name": "backup", "period_seconds": 3600, "grace_seconds": 300}


def runs(watch: Watch) -> list[EngineRun]:
    """Every run, the newest first."""
    return watch.rt.db.read(lambda tx: queries.list_runs(tx, ALL)).items


def ticks(watch: Watch) -> EngineRun | None:
    """The job's turn."""
    return watch.run(run_alarms.tick(watch.rt, watch.now, None)).run


def test_a_boundary_is_run_once_and_the_next_is_five_minutes_on(watch: Watch) -> None:
    watch.world.clock.advance(minutes=2)
    outcome = watch.run(run_alarms.tick(watch.rt, watch.now, None))
    assert outcome.run is not None
    assert outcome.run.boundary == watch.now.replace(minute=0)
    assert outcome.next_due_at == watch.now.replace(minute=5)
    assert ticks(watch) is None
    watch.world.clock.advance(minutes=3)
    assert ticks(watch) is not None


def test_what_was_missed_is_run_once(watch: Watch) -> None:
    ticks(watch)
    watch.world.clock.advance(hours=7)
    late = ticks(watch)
    assert late is not None
    assert late.boundary == watch.now
    assert ticks(watch) is None
    assert len(runs(watch)) == 2


def test_of_two_processes_one_runs_the_boundary(watch: Watch) -> None:
    def begin(owner: str) -> Callable[[], int | None]:
        def work() -> int | None:
            db = Db(watch.rt.settings.database_url, bus=Bus())
            try:
                return db.write(
                    lambda tx: service.begin_run(
                        tx, boundary=watch.now, trigger=Trigger.TICK, owner=owner, now=watch.now
                    )
                )
            finally:
                db.dispose()

        return work

    with ThreadPoolExecutor(2) as pool:
        begun = [each.result() for each in [pool.submit(begin("a")), pool.submit(begin("b"))]]
    assert sorted(each is None for each in begun) == [False, True]


def test_a_process_that_lost_the_lead_writes_nothing_more(watch: Watch) -> None:
    held = watch.rt.db.write(lambda tx: lease.take(tx, lease.LEADER, owner="old", now=watch.now))
    assert held is not None
    watch.rt.db.write(lambda tx: lease.take(tx, lease.LEADER, owner="new", now=watch.now, force=True))
    assert watch.run(run_alarms.tick(watch.rt, watch.now, held)).run is None
    assert runs(watch) == []


def test_the_job_says_when_it_is_due_again(watch: Watch) -> None:
    due_at = watch.run(alarm_tick.tick(Desk(watch.rt), watch.now))
    assert due_at == watch.now + rules.TICK


def test_a_run_whose_process_died_is_called_interrupted(watch: Watch) -> None:
    watch.rt.db.write(
        lambda tx: service.begin_run(tx, boundary=watch.now, trigger=Trigger.TICK, owner="dead", now=watch.now)
    )
    watch.world.clock.advance(minutes=15)
    ticks(watch)
    assert [run.status for run in runs(watch)] == [RunStatus.DONE, RunStatus.INTERRUPTED]


def test_every_alarm_is_asked_but_the_archived(watch: Watch) -> None:
    watch.makes("silent", enabled=False)
    watch.makes("shelved")
    watch.sets(archived=True)
    run = ticks(watch)
    assert run is not None
    assert {"alarm_probe", "alarm_silent"} <= run.per_alarm.keys()
    assert "alarm_shelved" not in run.per_alarm
    with pytest.raises(AlarmArchived):
        watch.run(run_alarms.run_now(watch.rt, watch.now, name="shelved"))


@pytest.mark.parametrize("place", ["alarms.after_begin", "alarms.after_ask"])
def test_a_tick_that_is_cut_short_leaves_the_rest_to_the_next(watch: Watch, place: str) -> None:
    beat = catalogue.create_heartbeat(watch.rt, values=BEAT, actor=watch.admin, now=watch.now)
    down = NewPing(Signal.FAIL, None, "GET", "192.0.2.7", "")
    watch.run(catalogue.take_ping(watch.rt, beat.uuid, down, now=watch.now))
    watch.makes("beats", module="heartbeat_missed")
    failpoints.arm(watch.rt.settings.model_copy(update={"pagerpal_failpoints": f"{place}=raise"}))
    with suppress(FailpointRaised):
        ticks(watch)
    failpoints.disarm()
    watch.delivers()
    assert (watch.events(), watch.mails(), ticks(watch)) == ([], [], None)
    for _ in range(2):
        watch.world.clock.advance(minutes=5)
        assert ticks(watch) is not None
        watch.delivers()
    assert (len(watch.active()), len(watch.mails())) == (1, 1)


def test_the_banner_is_ok_warn_bad_and_unknown(watch: Watch) -> None:
    def health() -> EngineState:
        return watch.rt.db.read(lambda tx: queries.engine_health(tx, now=watch.now)).state

    assert health() is EngineState.UNKNOWN
    ticks(watch)
    assert health() is EngineState.OK
    watch.world.clock.advance(minutes=8)
    assert health() is EngineState.WARN
    watch.world.clock.advance(minutes=8)
    assert health() is EngineState.BAD
    run = runs(watch)[0]
    fresh = replace(run, finished_at=watch.now, errors=1)
    assert rules.health_of(fresh, now=watch.now).state is EngineState.WARN
    broken = replace(fresh, counters={**run.counters, "alarms": 1})
    assert rules.health_of(broken, now=watch.now).state is EngineState.BAD


def test_a_dry_run_says_what_would_happen_and_stores_nothing(watch: Watch) -> None:
    watch.ticks("a")
    before = watch.events()
    made = watch.run(run_alarms.dry_run(watch.rt, watch.now, name="probe"))
    line = made.per_alarm["alarm_probe"]
    assert (made.id, line["outcome"], line["cleared"], line["bundles"]) == (0, "clear", 1, 0)
    assert watch.events() == before


def test_two_results_at_the_same_moment_are_one_event_and_one_mail(watch: Watch) -> None:
    watch.world.clock.advance(minutes=5)
    watch.records("a")
    watch.records("a")
    asyncio.run(asyncio.sleep(0))
    watch.delivers()
    assert (len(watch.events()), watch.mails()) == (1, ["a fails"])
