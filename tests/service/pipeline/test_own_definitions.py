"""Runs by a definition of one's own: node by node as it was when the run began."""

from typing import Any

from app.notify.types import Outcome
from app.pipeline import queries
from app.pipeline.types import RunStatus
from app.usecases import catalogue, run_pipeline
from tests.service.pipeline.conftest import House

CONFIG: dict[str, Any] = {
    "nodes": [
        {"id": "in", "type": "ingest", "next": "pick"},
        {
            "id": "pick", "type": "transform", "next": "tell",
            "config": {"source_node": "in", "mapping": {"how_bad": "severity", "nothing": "no.such[0].thing"}},
        },
        {"id": "tell", "type": "notify", "config": {"channels": ["ops"]}},
    ]
}  # fmt: skip


def test_a_run_follows_the_nodes_of_the_definition_that_it_began_with(house: House) -> None:
    house.channel("ops")
    house.channel("others")
    catalogue.create_definition(house.rt, name="mine", config=CONFIG, actor=house.admin, now=house.now)
    house.source = catalogue.update_source(
        house.rt, source_id=house.source.id, changes={"pipeline": "mine"}, actor=house.admin, now=house.now
    )
    incident_id = house.fire()
    house.work()
    shorter = {"config": {"nodes": [{"id": "other", "type": "notify"}]}}
    catalogue.update_definition(house.rt, name="mine", changes=shorter, actor=house.admin, now=house.now)
    assert house.send() == 1
    house.work()

    (run,) = house.runs(incident_id)
    assert (run.status, run.pipeline, run.plan and run.plan["version"]) == (RunStatus.NOTIFIED, "mine", 1)
    stages = house.rt.db.read(lambda tx: queries.stages_of(tx, run))
    assert [each.node_id for each in stages] == ["in", "pick", "tell"]
    picked = {"how_bad": "critical", "nothing": None}
    assert stages[1].output_snapshot == {"transformed": picked, "source_node": "in"}


def test_the_team_s_message_may_fail_as_often_as_the_definition_says(house: House) -> None:
    house.channel("ops")
    config: dict[str, Any] = {"defaults": {"max_retries": 1}, "nodes": [{"id": "tell", "type": "notify"}]}
    catalogue.create_definition(house.rt, name="strict", config=config, actor=house.admin, now=house.now)
    house.source = catalogue.update_source(
        house.rt, source_id=house.source.id, changes={"pipeline": "strict"}, actor=house.admin, now=house.now
    )
    incident_id = house.fire()
    house.work()
    house.send(Outcome.FAILED, error="503")
    house.work()
    (run,) = house.runs(incident_id)
    assert (run.status, run.last_error_message) == (RunStatus.FAILED, "ops: 503")
    run_pipeline.resume(house.rt, run_id=run.run_id, now=house.now)
    house.work()
    assert house.runs(incident_id)[0].completed_at is None, "resumed, it may fail once more"
    house.clock.advance(seconds=20)
    house.send()
    house.work()
    assert house.runs(incident_id)[0].status is RunStatus.NOTIFIED
