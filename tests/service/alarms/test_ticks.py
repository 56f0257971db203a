"""When the engine runs: on its boundaries, once each, whoever leads, and once for all that were missed."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from app.alarms import queries, rules, service
from app.alarms.errors import AlarmArchived
from app.alarms.types import Detection, EngineRun, EngineState, Found, Outcome, RunStatus, Trigger
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


ROOT = Path(__file__).resolve().parents[3]
# A process of its own, which is killed when the first alarm has been recorded.
KILLED = """
import asyncio, sys
from datetime import datetime
from app.platform import failpoints
from app.platform.runtime import build_runtime
from app.platform.settings import Settings
from app.usecases import run_alarms

settings = Settings(pagerpal_env="test", database_url=sys.argv[1], pagerpal_failpoints="alarms.after_record=kill")
failpoints.arm(settings)
asyncio.run(run_alarms.tick(build_runtime(settings), datetime.fromisoformat(sys.argv[2]), None))
"""


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


@pytest.fixture
def beats(watch: Watch) -> Watch:
    """Two alarms and no others, which fire: a job says that it failed."""
    for alarm in watch.rt.db.read(queries.live_alarms):
        watch.alarm = alarm
        watch.sets(archived=True)
    beat = catalogue.create_heartbeat(watch.rt, values=BEAT, actor=watch.admin, now=watch.now)
    down = NewPing(Signal.FAIL, None, "GET", "192.0.2.7", "")
    watch.run(catalogue.take_ping(watch.rt, beat.uuid, down, now=watch.now))
    watch.makes("first", module="heartbeat_missed", recipients=["first@example.com"])
    watch.makes("second", module="heartbeat_missed", recipients=["second@example.com"])
    return watch


def _was_asked(watch: Watch, name: str) -> bool:
    return watch.rt.db.read(lambda tx: queries.get_alarm(tx, name)).last_ran_at is not None


def cut_short(watch: Watch, place: str) -> None:
    """A tick whose process ends at this place."""
    failpoints.arm(watch.rt.settings.model_copy(update={"pagerpal_failpoints": f"{place}=raise"}))
    with pytest.raises(FailpointRaised):
        ticks(watch)
    failpoints.disarm()


def told(watch: Watch) -> list[str]:
    """Who was mailed, once for each mail."""
    watch.delivers()
    return sorted(mail.to for mail in watch.world.mail.sent)


@pytest.mark.parametrize("place", ["alarms.after_begin", "alarms.before_end"])
def test_a_tick_whose_process_died_is_taken_up_at_once_and_mails_nobody_twice(beats: Watch, place: str) -> None:
    cut_short(beats, place)
    (left,) = runs(beats)
    assert left.status is RunStatus.RUNNING
    if place == "alarms.before_end":
        assert told(beats) == ["first@example.com", "second@example.com"]
    beats.world.clock.advance(seconds=20)
    other = replace(beats.rt, owner="another process")
    run = beats.run(run_alarms.tick(other, beats.now, None)).run
    assert run is not None
    assert (run.id, run.boundary, run.status, run.owner) == (left.id, left.boundary, RunStatus.DONE, "another process")
    assert told(beats) == ["first@example.com", "second@example.com"]
    lines = [run.per_alarm[name] for name in ("alarm_first", "alarm_second")]
    assert [(line["outcome"], line["new"], line["active"], len(line["mail_ids"])) for line in lines] == [
        ("firing", 1, 1, 1)
    ] * 2
    assert (run.counters["firing"], run.counters["mails"], run.counters[rules.TAKEN_UP]) == (2, 2, 1)
    assert ticks(beats) is None
    beats.world.clock.advance(minutes=5)
    assert ticks(beats) is not None
    assert len(told(beats)) == 2


def test_a_tick_that_was_killed_between_two_alarms_is_taken_up_and_mails_nobody_twice(beats: Watch) -> None:
    order = [sys.executable, "-c", KILLED, beats.rt.settings.database_url, beats.now.isoformat()]
    killed = subprocess.run(order, cwd=ROOT, capture_output=True, timeout=50, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    recorded = [name for name in ("first", "second") if _was_asked(beats, name)]
    assert recorded
    beats.world.clock.advance(seconds=20)
    run = ticks(beats)
    assert run is not None
    assert run.status is RunStatus.DONE
    assert (run.counters["firing"], run.counters["mails"], run.counters[rules.TAKEN_UP]) == (2, 2, 1)
    assert told(beats) == ["first@example.com", "second@example.com"]
    assert len(beats.rows()) == 2


def test_what_the_dead_process_had_recorded_is_not_asked_again(beats: Watch) -> None:
    run_id = beats.rt.db.write(
        lambda tx: service.begin_run(tx, boundary=beats.now, trigger=Trigger.TICK, owner="dead", now=beats.now)
    )
    assert run_id is not None
    about = run_alarms.Pass(run_id, beats.now)
    found = Found(Outcome.FIRING, (Detection("x", "x fails"), Detection("y", "y fails")))
    first = beats.rt.db.read(lambda tx: queries.get_alarm(tx, "first"))
    beats.rt.db.write(lambda tx: run_alarms.record(tx, beats.rt, first, found, about))
    beats.world.clock.advance(minutes=1)
    run = ticks(beats)
    assert run is not None
    line = run.per_alarm["alarm_first"]
    assert (line["detections"], line["new"], line["cleared"], line["subjects"]) == (2, 2, 0, ["x fails", "y fails"])
    assert "before its process ended" in line["warnings"][0]
    assert run.per_alarm["alarm_second"]["subjects"] == ["backup says that it failed"]
    assert told(beats) == ["first@example.com", "second@example.com"]


def test_a_process_that_lost_the_lead_does_not_end_the_run_of_the_next(beats: Watch) -> None:
    def lead(owner: str) -> lease.Held:
        held = beats.rt.db.write(lambda tx: lease.take(tx, lease.LEADER, owner=owner, now=beats.now, force=True))
        assert held is not None
        return held

    old = lead("old")
    cut_short(beats, "alarms.after_begin")
    new = lead("new")
    late = run_alarms.Pass(runs(beats)[0].id, beats.now, old)
    first = beats.rt.db.read(lambda tx: queries.get_alarm(tx, "first"))
    line = beats.rt.db.write(lambda tx: run_alarms.record(tx, beats.rt, first, Found(Outcome.CLEAR), late))
    assert line["dropped"] == "another process leads"
    assert beats.run(run_alarms.tick(beats.rt, beats.now, old)).run is None
    run = beats.run(run_alarms.tick(beats.rt, beats.now, new)).run
    assert run is not None
    assert run.status is RunStatus.DONE


def test_a_tick_that_ends_every_process_is_left_to_the_next_boundary(beats: Watch) -> None:
    for _ in range(1 + rules.TAKEN_UP_AT_MOST):
        cut_short(beats, "alarms.after_begin")
    assert ticks(beats) is None
    beats.world.clock.advance(minutes=5)
    assert ticks(beats) is not None
    assert len(told(beats)) == 2


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
