"""Each kind of row goes when its time has come, the metrics have counted it, and somebody wants it gone."""

import asyncio
from dataclasses import replace
from datetime import timedelta

from app.accounts.models import AuditEntryRow, LoginAttemptRow, SessionRow
from app.alarms.models import EngineRunRow
from app.alarms.types import RunStatus as EngineStatus, Trigger
from app.alerts.models import AlertRow, DeliveryRow
from app.alerts.types import DeliveryOutcome
from app.checks.models import CheckRunRow
from app.checks.types import CheckStatus
from app.intelligence.models import AnalysisRow
from app.intelligence.types import AnalysisStatus
from app.jobs import health
from app.jobs._guard import JobState
from app.jobs.schedule import JOBS
from app.notify.models import AttemptRow, InboundMessageRow, NotificationRow
from app.notify.types import NotificationKind, NotificationStatus
from app.pipeline.models import RunRow, StageRow
from app.pipeline.types import RunStatus, Stage, StageStatus
from app.platform import lease
from app.platform.runtime import Runtime
from app.usecases import retain, watch
from app.usecases.retain.sweep import PAUSE, ROWS_AT_ONCE, UNCOUNTED_PAUSE
from app.usecases.watch import CheckStatus as Light
from tests.service.retain.conftest import Appliance
from tests.support.clock import FrozenClock

DAY = timedelta(days=1)


def bodies(appliance: Appliance) -> dict[int, bool]:
    """Whether each delivery that is left has its body."""
    return {row["id"]: row["body"] is not None for row in appliance.rows(DeliveryRow)}


def test_raw_bodies_go_after_30_days_and_the_rows_at_the_limit(appliance: Appliance) -> None:
    ordinary = appliance.delivery()
    waiting, dealt_with = appliance.delivery(DeliveryOutcome.QUARANTINED), appliance.delivery(DeliveryOutcome.REPARSED)
    over, still_open = appliance.incident("Disk full"), appliance.incident("Queue full")
    appliance.resolve(over)
    of_over, of_open = [row["id"] for row in appliance.rows(DeliveryRow)][-2:]
    appliance.clock.advance(days=29)
    newest = appliance.delivery()
    appliance.sweep()
    assert all(bodies(appliance).values())

    appliance.clock.advance(days=2)
    appliance.sweep()
    with_body = {waiting: True, of_open: True, newest: True}
    assert bodies(appliance) == {ordinary: False, dealt_with: False, of_over: False} | with_body
    assert appliance.rows(DeliveryRow, id=ordinary)[0]["outcome"] is DeliveryOutcome.ACCEPTED

    appliance.clock.advance(days=370)
    newer = appliance.delivery()
    appliance.sweep()
    assert bodies(appliance) == {of_open: True, newest: False, newer: True}
    appliance.resolve(still_open)
    appliance.sweep()
    assert of_open not in bodies(appliance)


def test_what_leaves_quarantine_late_loses_its_body_all_the_same(appliance: Appliance) -> None:
    waiting = appliance.delivery(DeliveryOutcome.QUARANTINED)
    appliance.clock.advance(days=31)
    appliance.delivery()
    appliance.sweep()
    assert bodies(appliance)[waiting]
    appliance.change(DeliveryRow, waiting, outcome=DeliveryOutcome.REPARSED)
    appliance.sweep()
    assert not bodies(appliance)[waiting]


def test_large_bodies_go_a_few_at_a_time(appliance: Appliance) -> None:
    for _ in range(5):
        appliance.clock.advance(seconds=1)
        appliance.delivery(body=b"x" * 1_000_000)
    appliance.clock.advance(days=31)
    with appliance.counted_per_transaction() as sizes:
        appliance.sweep()
    assert [size for size in sizes if size] == [1] * 5


def test_check_runs_are_thinned_to_the_worst_of_a_quarter_of_an_hour(appliance: Appliance) -> None:
    appliance.clock.set(appliance.now.replace(minute=0, second=0))
    worst, last = [], []
    for minute in range(30):
        for host in ("web1", "web2"):
            bad = host == "web1" and minute in (3, 4)
            run_id = appliance.check(CheckStatus.WARNING if bad else CheckStatus.OK, hostname=host)
            worst += [run_id] if bad else []
            last += [run_id] if minute in (14, 29) else []
        appliance.clock.advance(minutes=1)
    still_open = appliance.incident()
    for_it = appliance.check(incident_id=still_open), appliance.check(alert_id=appliance.rows(AlertRow)[0]["id"])
    appliance.clock.advance(days=9)
    newest = appliance.check()
    with appliance.counted_per_transaction() as sizes:
        appliance.sweep()
    assert sum(sizes) == 56
    left = [row["id"] for row in appliance.rows(CheckRunRow)]
    assert left == sorted([worst[1], last[1], last[2], last[3], *for_it, newest])
    appliance.sweep()
    assert [row["id"] for row in appliance.rows(CheckRunRow)] == left

    appliance.clock.advance(days=400)
    appliance.sweep()
    assert [row["id"] for row in appliance.rows(CheckRunRow)] == [*for_it, newest]


def test_many_check_runs_are_thinned_in_bounded_transactions(appliance: Appliance) -> None:
    begin = appliance.now.replace(minute=0, second=0)
    row = {"checker_name": "cpu", "hostname": "h", "status": "ok", "duration_ms": 1.0, "trace_id": "t"}
    appliance.add_many(
        CheckRunRow, [{**row, "executed_at": begin + timedelta(seconds=5 * number)} for number in range(2000)]
    )
    appliance.clock.set(begin + 9 * DAY)
    with appliance.counted_per_transaction() as sizes:
        appliance.sweep()
    assert appliance.count(CheckRunRow) == 12
    assert max(sizes) <= ROWS_AT_ONCE


def test_the_totals_of_the_metrics_do_not_fall(appliance: Appliance) -> None:
    over = appliance.incident()
    appliance.hang_everything_on(over)
    appliance.incident("Another")
    appliance.resolve(over)
    appliance.clock.advance(days=401)
    appliance.settle()
    before = appliance.totals()
    appliance.sweep()
    assert appliance.count(AttemptRow) == appliance.count(CheckRunRow) - 1 == 0
    assert appliance.totals() == before


def test_nothing_goes_before_it_was_counted(appliance: Appliance) -> None:
    appliance.delivery()
    appliance.check()
    appliance.clock.advance(days=401)
    appliance.delivery()
    appliance.check()
    asyncio.run(retain.sweep(appliance.rt, appliance.now, None))
    assert (appliance.count(DeliveryRow), appliance.count(CheckRunRow)) == (2, 2)
    appliance.sweep()
    assert (appliance.count(DeliveryRow), appliance.count(CheckRunRow)) == (1, 1)


async def test_it_waits_until_counting_has_begun(rt: Runtime) -> None:
    now = rt.clock.now()
    assert await retain.sweep(rt, now, None) == now + UNCOUNTED_PAUSE


def test_what_belongs_to_no_incident_goes_by_its_own_age(appliance: Appliance) -> None:
    appliance.deliver("Nobody knew it", status="resolved")
    for _ in range(2):
        _loose_rows(appliance)
        appliance.clock.advance(days=401)
    unsent = appliance.message(status=NotificationStatus.RETRYING, created_at=appliance.now - 500 * DAY)
    newest = appliance.message()
    appliance.deliver("Another", status="resolved")
    audited = appliance.rows(AuditEntryRow)
    # Both rounds are past but the newest rows, which keep their numbers.
    appliance.sweep()
    assert [row["id"] for row in appliance.rows(NotificationRow)] == [unsent, newest]
    assert [row["name"] for row in appliance.rows(AlertRow)] == ["Another"]
    for model in (AttemptRow, RunRow, StageRow, InboundMessageRow, SessionRow, LoginAttemptRow):
        assert appliance.count(model) == 0
    assert (appliance.count(AnalysisRow), appliance.count(EngineRunRow)) == (1, 1)
    assert appliance.rows(AuditEntryRow) == audited


def test_a_vendors_message_is_known_again_for_30_days_however_short_history_is(appliance: Appliance) -> None:
    appliance.rt = replace(appliance.rt, settings=appliance.rt.settings.model_copy(update={"retention_days": 1}))
    appliance.add(InboundMessageRow, vendor="slack", vendor_id="Ev1", kind="event", received_at=appliance.now)
    appliance.clock.advance(days=29)
    appliance.sweep()
    assert appliance.count(InboundMessageRow) == 1
    appliance.clock.advance(days=2)
    appliance.sweep()
    assert appliance.count(InboundMessageRow) == 0


def test_a_pass_ends_when_its_time_is_over_and_goes_on_in_a_moment(appliance: Appliance) -> None:
    row = {"source_id": appliance.source.id, "outcome": "accepted", "received_at": appliance.now, "headers": {}}
    appliance.add_many(DeliveryRow, [{**row, "trace_id": f"t{number}"} for number in range(3 * ROWS_AT_ONCE)])
    appliance.clock.advance(days=401)
    appliance.settle()
    rt = replace(appliance.rt, clock=HurriedClock(appliance.now))
    assert asyncio.run(retain.sweep(rt, appliance.now, None)) == appliance.now + PAUSE
    assert appliance.count(DeliveryRow) > 2 * ROWS_AT_ONCE
    passes = 1
    while asyncio.run(retain.sweep(rt, appliance.now, None)) is not None:
        passes += 1
    assert appliance.count(DeliveryRow) == 1
    assert 2 < passes < 6


def test_a_process_that_does_not_lead_any_more_removes_nothing(appliance: Appliance) -> None:
    appliance.delivery()
    appliance.clock.advance(days=401)
    appliance.delivery()
    appliance.settle()
    former = lease.Held(lease.LEADER, "another", 1)
    assert asyncio.run(retain.sweep(appliance.rt, appliance.now, former)) is None
    assert appliance.count(DeliveryRow) == 2


def test_the_job_is_the_leaders_and_can_be_switched_off(rt: Runtime) -> None:
    job = next(each for each in JOBS if each.name == "retention")
    assert (job.leader_only, job.every_seconds) == (True, 3600)
    off = rt.settings.model_copy(update={"retention_worker_enabled": False})
    assert (health.is_enabled(job, rt.settings), health.is_enabled(job, off)) == (True, False)
    found = {item.check: item for item in watch.readiness(replace(rt, settings=off), rt.clock.now())}
    assert found["retention"].status is Light.WARN
    assert "RETENTION_WORKER_ENABLED" in found["retention"].detail


def test_an_hourly_job_counts_as_healthy_between_two_runs(rt: Runtime, clock: FrozenClock) -> None:
    state = JobState("retention", last_run_at=clock.now(), runs=1)
    for _ in range(2):
        rt.db.write(lambda tx: health.save(tx, "o", [state], now=clock.now()))
        found = rt.db.read(lambda tx: health.jobs_health(tx, rt.settings, now=clock.now()))
        assert [each.healthy for each in found if each.name == "retention"] == [True]
        clock.advance(minutes=61)


class HurriedClock(FrozenClock):
    """A clock on which every look takes a second."""

    def monotonic(self) -> float:
        """One second later than the last time."""
        self._monotonic += 1.0
        return self._monotonic


def _loose_rows(appliance: Appliance) -> None:
    """One row of each kind that belongs to no incident."""
    now, key = appliance.now, appliance.rt.ids.hex32()
    message = appliance.message(kind=NotificationKind.HANDOFF)
    appliance.add(AttemptRow, notification_id=message, attempt=1, owner="o", fence=1, started_at=now, ended_at=now)
    run = appliance.add(
        RunRow, trace_id=key, run_id=key, status=RunStatus.NOTIFIED, created_at=now, updated_at=now, completed_at=now
    )
    appliance.add(
        StageRow, pipeline_run_id=run, node_id="n", stage=Stage.NOTIFY, status=StageStatus.SUCCEEDED,
        idempotency_key=key, completed_at=now,
    )  # fmt: skip
    appliance.add(AnalysisRow, provider="local", status=AnalysisStatus.SUCCEEDED, created_at=now, completed_at=now)
    appliance.add(
        EngineRunRow, trigger=Trigger.TICK, status=EngineStatus.DONE, owner="o", started_at=now, finished_at=now
    )
    appliance.add(InboundMessageRow, vendor="slack", vendor_id=key, kind="event", received_at=now)
    appliance.add(LoginAttemptRow, account="a", address="b", succeeded=False, at=now)
    appliance.add(
        SessionRow, token_hash=key, user_id=appliance.admin.id, created_at=now, last_seen_at=now, expires_at=now + DAY
    )
