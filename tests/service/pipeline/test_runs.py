"""What happens to an incident after intake: its run tells the team once, survives a crash, and says how it went."""

from dataclasses import replace
from functools import partial

import pytest

from app.incidents.types import Actor, Incident
from app.notify.types import NotificationStatus, Outcome
from app.pipeline import queries
from app.pipeline.errors import NotResumable, RunNotFound
from app.pipeline.types import RunStatus
from app.usecases import answer, run_pipeline
from app.usecases.deliver import receipts
from app.usecases.run_pipeline import steps, telling
from app.usecases.run_pipeline.steps import Turn
from tests.service.pipeline.conftest import House, statuses

TOLD = [("INGEST", "SUCCEEDED"), ("CHECK", "SKIPPED"), ("ANALYZE", "SKIPPED"), ("NOTIFY", "SUCCEEDED")]


def test_run_tells_the_channel_and_ends_when_the_message_is_out(house: House) -> None:
    house.channel("ops")
    incident_id = house.fire()

    outcome = house.work()
    (run,) = house.runs(incident_id)
    assert (outcome.advanced, outcome.failed) == (1, 0)
    assert run.status is RunStatus.ANALYZED
    assert run.completed_at is None
    (message,) = house.messages(incident_id)
    assert message.facts["event"] == "triggered"
    assert message.facts["alert_name"] == "Disk full"
    assert message.run_id == run.run_id

    assert house.work().advanced == 0, "nothing to do until the message is out"
    house.clock.advance(seconds=2)
    assert house.send() == 1
    assert house.work().advanced == 1
    (run,) = house.runs(incident_id)
    assert run.status is RunStatus.NOTIFIED
    assert run.completed_at == house.now
    assert run.total_duration_ms == 2000.0
    assert house.stages(run) == TOLD
    assert house.story(incident_id) == ["Told ops"]
    assert house.work().next_due_at is None


def test_the_first_active_channel_is_the_default(house: House) -> None:
    house.channel("retired", is_active=False)
    house.channel("ops")
    house.channel("dev")
    incident_id = house.fire()
    house.work()
    house.send()
    house.work()
    assert house.story(incident_id) == ["Told ops"]


def test_every_channel_that_the_source_names_is_told(house: House) -> None:
    for name in ("ops", "dev", "management"):
        house.channel(name)
    house.listens("dev", "management", "gone")
    incident_id = house.fire()
    house.work()
    house.send()
    house.work()
    assert house.story(incident_id) == ["Told dev, management"]


def test_the_story_calls_a_message_by_the_name_of_its_channel(house: House) -> None:
    channel_id = house.channel("ops")
    incident_id = house.fire()
    house.work()
    (message,) = house.messages(incident_id)
    assert house.rt.db.read(lambda tx: receipts.named(tx, message)) == "Message to ops"
    without = replace(message, channel_id=channel_id + 1)
    assert house.rt.db.read(lambda tx: receipts.named(tx, without)) == "Message to webhook", "it is gone"


def test_without_a_channel_the_stage_and_the_run_are_skipped(house: House) -> None:
    incident_id = house.fire()
    house.work()
    (run,) = house.runs(incident_id)
    assert run.status is RunStatus.SKIPPED
    assert run.completed_at is not None
    assert house.stages(run)[-1] == ("NOTIFY", "SKIPPED")
    assert house.notify_stage(run).output_snapshot == {"reason": "the source has no active channel"}
    assert house.messages(incident_id) == []


def test_safe_mode_counts_as_told(house: House) -> None:
    house.channel("ops")
    incident_id = house.fire()
    house.work()
    house.send(Outcome.SUPPRESSED)
    house.work()
    assert house.runs(incident_id)[0].status is RunStatus.NOTIFIED
    assert house.story(incident_id) == []


def test_refused_message_fails_the_run_and_the_timeline_says_so(house: House) -> None:
    ops = house.channel("ops")
    house.channel("dev")
    house.listens("ops", "dev")
    incident_id = house.fire()
    house.work()
    house.send(Outcome.REFUSED, error="404 no_service", channel_id=ops)
    house.work()
    (run,) = house.runs(incident_id)
    assert run.status is RunStatus.FAILED
    assert run.last_error_type == "a_channel_could_not_be_told"
    assert run.last_error_message == "ops: 404 no_service"
    assert house.stages(run)[-1] == ("NOTIFY", "FAILED")
    assert house.story(incident_id) == ["Told dev; Could not tell ops: 404 no_service"]


def test_message_that_keeps_failing_fails_the_run_while_the_outbox_goes_on(house: House) -> None:
    house.channel("ops")
    incident_id = house.fire()
    house.work()
    for _ in range(3):
        assert house.runs(incident_id)[0].status is RunStatus.ANALYZED
        house.send(Outcome.FAILED, error="503")
        house.work()
        house.clock.advance(seconds=20)
    (run,) = house.runs(incident_id)
    assert run.status is RunStatus.FAILED
    assert statuses(house.messages(incident_id)) == [NotificationStatus.RETRYING]


def test_stage_that_waits_too_long_fails(house: House) -> None:
    house.channel("ops")
    incident_id = house.fire()
    house.work()
    house.clock.advance(seconds=299)
    assert house.work().advanced == 0
    house.clock.advance(seconds=1)
    house.work()
    (run,) = house.runs(incident_id)
    assert run.status is RunStatus.FAILED
    assert run.last_error_type == "time_is_over"
    assert house.notify_stage(run).duration_ms == 300_000.0


def test_resumed_run_counts_what_was_sent_meanwhile_and_sends_nothing_twice(house: House) -> None:
    house.channel("ops")
    incident_id = house.fire()
    house.work()
    house.clock.advance(minutes=5)
    house.work()
    house.send()
    (run,) = house.runs(incident_id)

    run_pipeline.resume(house.rt, run_id=run.run_id, now=house.now)
    house.work()
    house.work()
    (run,) = house.runs(incident_id)
    assert run.status is RunStatus.NOTIFIED
    assert run.total_attempts == 2
    assert house.stages(run)[-2:] == [("NOTIFY", "FAILED"), ("NOTIFY", "SUCCEEDED")]
    assert statuses(house.messages(incident_id)) == [NotificationStatus.SENT]
    assert house.send() == 0


def test_resuming_sends_a_refused_message_again(house: House) -> None:
    house.channel("ops")
    incident_id = house.fire()
    house.work()
    house.send(Outcome.REFUSED, error="wrong address")
    house.work()
    (run,) = house.runs(incident_id)
    run_pipeline.resume(house.rt, run_id=run.run_id, now=house.now)
    house.work()
    assert house.send() == 1
    house.work()
    assert house.runs(incident_id)[0].status is RunStatus.NOTIFIED
    assert len(house.messages(incident_id)) == 1


def test_only_a_failed_run_can_be_resumed(house: House) -> None:
    incident_id = house.fire()
    (run,) = house.runs(incident_id)
    with pytest.raises(NotResumable):
        run_pipeline.resume(house.rt, run_id=run.run_id, now=house.now)
    with pytest.raises(RunNotFound):
        run_pipeline.resume(house.rt, run_id="0" * 32, now=house.now)


def test_one_run_is_under_way_and_one_waits_however_much_comes_in(house: House) -> None:
    house.channel("ops")
    incident_id = house.fire("db1", group="disks")
    house.work()
    for number in range(2, 7):
        house.fire(f"db{number}", group="disks")
    first, second = house.runs(incident_id)
    assert (first.status, second.status) == (RunStatus.ANALYZED, RunStatus.PENDING)
    assert second.merged == 4

    house.clock.advance(minutes=1)
    assert house.work().advanced == 0, "the second waits for the first"
    assert house.work().next_due_at == first.due_at
    house.send()
    assert house.work().advanced == 1
    assert house.work().advanced == 1
    assert [message.facts["event"] for message in house.messages(incident_id)] == ["triggered", "updated"]
    assert house.messages(incident_id)[1].facts["text"] == "6 alerts from prod"


def test_two_runs_of_an_incident_that_are_claimed_at_the_same_moment_follow_each_other(house: House) -> None:
    house.channel("ops")
    incident_id = house.fire(group="g")
    house.work()
    house.send(Outcome.REFUSED, error="404")
    house.work()
    run_pipeline.resume(house.rt, run_id=house.runs(incident_id)[0].run_id, now=house.now)
    house.fire("Disk still full", group="g")
    resumed, new = house.runs(incident_id)
    assert (resumed.status, new.status) == (RunStatus.RETRYING, RunStatus.PENDING)

    house.clock.advance(minutes=1)
    (first,), (second,) = house.claim("one process"), house.claim("another")
    assert {first.run_id, second.run_id} == {resumed.run_id, new.run_id}
    for each in (first, second):
        house.rt.db.write(partial(steps.begin, rt=house.rt, run=each, now=house.now))
    assert [each.status for each in house.runs(incident_id)] == [RunStatus.ANALYZED, RunStatus.PENDING]
    assert house.work().advanced == 0, "it waits for its turn"
    house.send()
    house.work()
    house.work()
    house.send()
    house.work()
    assert [each.status for each in house.runs(incident_id)] == [RunStatus.NOTIFIED, RunStatus.NOTIFIED]


def test_run_of_a_process_that_died_is_taken_over_without_a_second_message(house: House) -> None:
    house.channel("ops")
    incident_id = house.fire()
    house.claim("dead")
    assert house.work().advanced == 0, "its lease still runs"
    house.clock.advance(seconds=10)
    assert house.work().advanced == 1
    assert house.work(replace(house.rt, owner="another")).advanced == 0
    house.send()
    house.work(replace(house.rt, owner="another"))
    (run,) = house.runs(incident_id)
    assert run.status is RunStatus.NOTIFIED
    assert house.stages(run) == TOLD
    assert len(house.messages(incident_id)) == 1


def test_process_that_lost_its_lease_writes_nothing(house: House) -> None:
    house.channel("ops")
    incident_id = house.fire()
    (stale,) = house.claim("slow")
    house.clock.advance(seconds=10)
    house.claim("quick")
    assert house.rt.db.write(lambda tx: steps.begin(tx, rt=house.rt, run=stale, now=house.now)) == Turn()
    assert house.messages(incident_id) == []
    assert house.stages(stale) == []


def test_run_that_stumbles_is_tried_again_and_does_not_stop_the_others(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.channel("ops")
    bad, good = house.fire("bad"), house.fire("good")
    facts = telling._facts

    def stumbles(tx: object, run: object, incident: Incident, source: object) -> object:
        if incident.id == bad:
            raise ValueError("https://user:hunter2@example.com is no address")
        return facts(tx, run, incident, source)  # type: ignore[arg-type]

    monkeypatch.setattr(telling, "_facts", stumbles)
    outcome = house.work()
    assert (outcome.advanced, outcome.failed) == (1, 1)
    assert len(house.messages(good)) == 1
    (run,) = house.runs(bad)
    assert run.status is RunStatus.RETRYING
    assert run.last_error_type == "ValueError"
    assert "hunter2" not in run.last_error_message + house.notify_stage(run).error_stack
    for seconds in (2, 4, 8):
        assert house.work().failed == 0
        house.clock.advance(seconds=seconds)
        assert house.work().failed == 1
    (run,) = house.runs(bad)
    assert run.status is RunStatus.FAILED
    assert house.stages(run).count(("NOTIFY", "FAILED")) == 4
    assert house.story(bad)[0].startswith("Could not tell the team:")


def test_incident_that_was_resolved_meanwhile_is_told_as_such(house: House) -> None:
    house.channel("ops")
    incident_id = house.fire()
    actor = Actor(house.admin.id, house.admin.name, house.admin.id, "api")
    answer.resolve(house.rt, incident_id=incident_id, actor=actor, now=house.now)
    house.work()
    assert house.messages(incident_id)[-1].facts["text"] == "Triggered by prod: Disk full (resolved meanwhile)"


def test_next_due_at_names_when_the_next_run_may_go_on(house: House) -> None:
    house.channel("ops")
    house.fire()
    before = house.now
    outcome = house.work()
    assert outcome.next_due_at is not None
    assert (outcome.next_due_at - before).total_seconds() == 300


def test_the_first_stage_says_what_the_deliveries_made(house: House) -> None:
    house.channel("ops")
    incident_id = house.fire("Disk full", group="db")
    house.fire("Disk slow", group="db")
    house.work()
    house.send()
    house.work()
    house.clock.advance(minutes=5)
    house.fire("Disk slow", group="db")
    house.fire("Disk gone", group="db")
    house.clock.advance(minutes=1)
    house.work()

    names = ("alerts_created", "alerts_updated", "alerts_resolved", "incidents_created", "incidents_updated")
    first, second = house.runs(incident_id)
    told = [house.rt.db.read(partial(queries.stages_of, run=run))[0].output_snapshot for run in (first, second)]
    assert [[each[name] for name in names] for each in told] == [[2, 0, 0, 1, 0], [1, 1, 0, 0, 1]]
