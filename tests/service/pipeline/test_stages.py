"""The stages before the team is told: what they find is kept once; whatever becomes of them, the team hears of it."""

from dataclasses import replace
from functools import partial

import pytest

from app.checks import queries as checks, service as check_service
from app.checks.queries import CheckRunFilter
from app.checks.types import CheckResult, CheckRun, CheckStatus, NewCheckRun, Thresholds
from app.notify.models import NotificationRow
from app.notify.types import NotificationKind, NotificationStatus
from app.pipeline import queries, service as pipeline
from app.pipeline.presets import PRESETS
from app.pipeline.results import IngestResult
from app.pipeline.types import Node, NodeType, Plan, RunStatus
from app.platform.types import JsonObject, PageQuery
from app.usecases import catalogue, run_checks, run_pipeline
from app.usecases.run_pipeline import steps
from app.usecases.run_pipeline.outputs import NothingToDo
from tests.service.pipeline.conftest import House

INGESTED = IngestResult(incident_id=None, alert_fingerprint="f1", severity="critical", deliveries=1)
OFF: JsonObject = {"enabled": False}
CHECKS = {"cpu": OFF, "disk": OFF, "network": OFF, "process": {"params": {"processes": ["no-such-process"]}}}
CHECKED = [("INGEST", "SUCCEEDED"), ("CHECK", "SUCCEEDED"), ("ANALYZE", "SKIPPED"), ("NOTIFY", "RUNNING")]


@pytest.fixture
def checked(house: House) -> House:
    """The source's incidents are checked: memory, and processes of which one does not run."""
    house.channel("ops")
    house.source = catalogue.update_source(
        house.rt, source_id=house.source.id, changes={"pipeline": "health-checked"}, config={}, actor=house.admin,
        now=house.now,
    )  # fmt: skip
    for name, changes in CHECKS.items():
        house.rt.db.write(partial(check_service.change_config, checker=name, changes=changes, now=house.now))
    return house


def made(house: House) -> list[CheckRun]:
    """Every check that was written down, oldest first."""
    found = house.rt.db.read(lambda tx: checks.list_runs(tx, CheckRunFilter(), PageQuery(1, 100)))
    return found.items[::-1]


def test_the_last_checks_of_an_incident_are_found_however_often_others_were_checked(checked: House) -> None:
    checked.fire("one", group="one")
    seldom, often = checked.runs()[0].incident_id, checked.fire("two", group="two")
    checked.work()
    assert seldom is not None
    known = made(checked)
    again = NewCheckRun(
        CheckResult(CheckStatus.OK, "well", {}, "memory"), Thresholds(80.0, 90.0, is_inverted=False), 1.0, checked.now
    )
    for number in range(50):
        checked.rt.db.write(partial(run_checks.record, found=[again], trace_id=f"trace-{number}", incident_id=often))
    found = checked.rt.db.read(partial(checks.newest_of_incidents, incident_ids=[seldom, often]))
    assert found[seldom] == [run for run in known if run.incident_id == seldom] != []
    assert [run.trace_id for run in found[often]] == ["trace-49"]


def test_checks_are_kept_for_the_incident_and_told_to_the_team(checked: House) -> None:
    incident_id = checked.fire()
    assert checked.work().advanced == 1
    (run,) = checked.runs(incident_id)
    assert checked.stages(run) == CHECKED
    assert run.checker_output_ref == f"check-runs:{run.trace_id}"
    assert {each.checker_name for each in made(checked)} == {"memory", "process"}
    assert {(each.incident_id, each.trace_id, each.alert_id) for each in made(checked)} == {
        (incident_id, run.trace_id, None)
    }
    (message,) = checked.messages(incident_id)
    assert {each["checker"]: each["status"] for each in message.facts["checks"]}["process"] == "critical"

    checked.send()
    checked.work()
    (run,) = checked.runs(incident_id)
    assert run.status is RunStatus.NOTIFIED
    kept = checked.rt.db.read(lambda tx: queries.result_of(tx, run)).check
    assert kept is not None
    wanted = {"checker_name", "status", "message", "metrics", "error"}
    assert all(each.keys() >= wanted for each in kept["checks"]), "as 001 calls them"


def test_no_stage_begins_before_the_first_page_has_left(checked: House) -> None:
    incident_id = checked.fire()
    checked.rt.db.write(
        lambda tx: tx.execute(
            NotificationRow.__table__.update()  # type: ignore[attr-defined]
            .where(NotificationRow.kind == NotificationKind.PAGE)
            .values(status=NotificationStatus.PENDING, attempts=0)
        )
    )
    outcome = checked.work()
    assert (outcome.advanced, checked.stages(checked.runs(incident_id)[0])) == (0, [])
    assert outcome.next_due_at is not None
    assert (outcome.next_due_at - checked.now).total_seconds() == 0.1, "looked at again at once"
    # A page that cannot leave holds nothing up for long.
    checked.clock.advance(seconds=6)
    assert checked.work().advanced == 1


def test_check_of_a_process_that_died_is_made_again_and_kept_once(checked: House) -> None:
    incident_id = checked.fire()
    (run,) = checked.claim("dead")
    begun = checked.rt.db.write(lambda tx: steps.begin(tx, rt=checked.rt, run=run, now=checked.now))
    assert begun.work is not None
    assert begun.work.node.type is NodeType.CONTEXT
    assert checked.work().advanced == 0, "its lease still runs"

    checked.clock.advance(seconds=10)
    assert checked.work().advanced == 1
    (run,) = checked.runs(incident_id)
    assert checked.stages(run)[:3] == [("INGEST", "SUCCEEDED"), ("CHECK", "FAILED"), ("CHECK", "SUCCEEDED")]
    assert len(made(checked)) == 2
    assert len(checked.messages(incident_id)) == 1


def test_whoever_lost_the_run_keeps_nothing_of_what_was_measured(checked: House) -> None:
    checked.fire()
    (run,) = checked.claim("slow")
    begun = checked.rt.db.write(lambda tx: steps.begin(tx, rt=checked.rt, run=run, now=checked.now))
    assert begun.work is not None
    checked.clock.advance(seconds=10)
    checked.work()
    before = len(made(checked))
    late = NothingToDo("too late")
    turn = checked.rt.db.write(lambda tx: steps.finish(tx, work=begun.work, output=late, now=checked.now))  # type: ignore[arg-type]
    assert turn == steps.Turn()
    assert len(made(checked)) == before


def plan(*nodes: Node) -> Plan:
    """A plan of these nodes that tells the team at the end."""
    return Plan("mine", 3, (*nodes, Node("tell", NodeType.NOTIFY, {}, None, 300.0)))


def begun_with(house: House, followed: Plan, *, alert: str = "Disk full") -> int:
    """An incident whose run follows this plan; whoever began it has died."""
    incident_id = house.fire(alert)
    (run,) = house.claim("dead")
    house.rt.db.write(lambda tx: pipeline.begin(tx, run, followed, ingested=INGESTED, max_retries=2, now=house.now))
    house.clock.advance(seconds=10)
    return incident_id


def test_stage_that_cannot_be_done_is_given_up_and_the_team_is_told_all_the_same(checked: House) -> None:
    nodes = Node("look", NodeType.CONTEXT, {"checker_names": ["gone"]}, None, 30.0)
    incident_id = begun_with(checked, plan(nodes))
    checked.work()
    (run,) = checked.runs(incident_id)
    assert checked.stages(run) == [("INGEST", "SUCCEEDED"), ("CHECK", "FAILED"), ("NOTIFY", "RUNNING")]
    assert "There is no checker" in checked.warnings(incident_id)[0]

    checked.send()
    checked.work()
    (run,) = checked.runs(incident_id)
    assert run.status is RunStatus.FAILED
    assert run.last_error_type == "CheckerMissing"
    assert checked.story(incident_id) == ["Told ops"]

    run_pipeline.resume(checked.rt, run_id=run.run_id, now=checked.now)
    checked.work()
    assert checked.stages(run)[-1] == ("CHECK", "FAILED"), "tried once more, and nobody is told twice"
    assert len(checked.messages(incident_id)) == 1


def test_stage_that_takes_too_long_is_tried_again_with_growing_pauses(
    checked: House,
) -> None:
    incident_id = begun_with(checked, plan(Node("look", NodeType.CONTEXT, {"checker_names": ["memory"]}, 1, 1e-9)))
    checked.work()
    (run,) = checked.runs(incident_id)
    assert run.status is RunStatus.RETRYING
    assert run.due_at is not None
    assert (run.due_at - checked.now).total_seconds() == 2.0
    checked.clock.advance(seconds=2)
    checked.work()
    (run,) = checked.runs(incident_id)
    assert checked.stages(run)[1:] == [("CHECK", "FAILED"), ("CHECK", "FAILED"), ("NOTIFY", "RUNNING")]
    assert checked.warnings(incident_id) == ["Checks could not be made: no result within 1e-09 s"]


def test_plan_without_a_notify_node_ends_as_its_last_stage(checked: House) -> None:
    followed = replace(plan(Node("look", NodeType.CONTEXT, {"checker_names": ["memory"]}, None, 30.0)))
    incident_id = begun_with(checked, replace(followed, nodes=followed.nodes[:1]))
    checked.work()
    (run,) = checked.runs(incident_id)
    assert run.status is RunStatus.CHECKED
    assert run.completed_at == checked.now
    assert checked.messages(incident_id) == []


def test_nodes_name_the_channels_that_are_told(checked: House) -> None:
    checked.channel("dev")
    tell = Node("tell", NodeType.NOTIFY, {"channels": ["dev"]}, None, 300.0)
    incident_id = begun_with(checked, Plan("mine", 1, (tell,)))
    checked.work()
    checked.send()
    checked.work()
    assert checked.story(incident_id) == ["Told dev"]

    gone = Node("tell", NodeType.NOTIFY, {"channels": ["gone"]}, None, 300.0)
    other = begun_with(checked, Plan("mine", 1, (gone,)), alert="Another")
    checked.work()
    assert checked.runs(other)[-1].status is RunStatus.SKIPPED


def test_presets_name_their_stages_in_order() -> None:
    chains = {name: [str(node.stage) for node in each.nodes] for name, each in PRESETS.items()}
    assert chains["local-monitor"] == chains["health-checked"] == ["INGEST", "CHECK", "NOTIFY"]
    assert chains["local-smart"] == chains["full"] == ["INGEST", "CHECK", "ANALYZE", "NOTIFY"]
    assert chains["direct"] == ["INGEST", "NOTIFY"]
    assert chains["ai-analyzed"] == ["INGEST", "ANALYZE", "NOTIFY"]
    assert all(Plan.from_json(each.to_json()) == each for each in PRESETS.values())
