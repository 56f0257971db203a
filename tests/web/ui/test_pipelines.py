"""Pipelines on screen: definitions drawn and edited, every fault at its place, runs as they went."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from app.checks.models import CheckRunRow
from app.checks.types import CheckStatus
from app.intelligence.models import AnalysisRow
from app.intelligence.types import AnalysisStatus
from app.pipeline import definition_queries as definitions, queries
from app.pipeline.models import RunRow, StageRow
from app.pipeline.types import RunStatus, Stage, StageStatus
from app.platform.db import Tx
from app.platform.runtime import Runtime
from app.usecases import catalogue
from tests.web.ui.conftest import Company, Open

Fire = Callable[..., int]
CONFIG: dict[str, Any] = {
    "nodes": [
        {"id": "look", "type": "context", "config": {"checker_names": ["cpu"]}, "next": "pick"},
        {"id": "pick", "type": "transform", "config": {"source_node": "look", "extract": "checks"}, "next": "tell"},
        {"id": "tell", "type": "notify"},
    ]
}
RUN_ID = "a" * 32
NASTY = "<script>alert(1)</script>"


@pytest.fixture
def calm(rt: Runtime, company: Company) -> str:
    """A definition of one's own that the company's source names."""
    catalogue.create_definition(rt, name="calm", config=CONFIG, actor=company.ada, now=rt.clock.now())
    changes = {"pipeline": "calm"}
    catalogue.update_source(rt, source_id=company.source.id, changes=changes, actor=company.ada, now=rt.clock.now())
    return "calm"


def ran(rt: Runtime, incident_id: int | None) -> None:
    """A run that failed at its second attempt to tell the team."""
    now = rt.clock.now()
    plan = rt.db.read(lambda tx: definitions.get_plan(tx, "full")).to_json()

    def write(tx: Tx) -> None:
        run = tx.insert(
            RunRow, trace_id="b" * 32, run_id=RUN_ID, pipeline="full", status=RunStatus.FAILED, plan=plan,
            incident_id=incident_id, source="grafana", created_at=now, updated_at=now, started_at=now,
            completed_at=now + timedelta(seconds=9), total_duration_ms=9000.0, last_error_message="nobody listens",
        )  # fmt: skip
        for attempt in (1, 2):
            begun = now + timedelta(seconds=attempt * 3)
            ended = begun + timedelta(seconds=3)
            tx.insert(
                StageRow, pipeline_run_id=run, node_id="notify", stage=Stage.NOTIFY, status=StageStatus.FAILED,
                attempt=attempt, idempotency_key=f"k{attempt}", error_type="Broken", error_message=NASTY,
                error_stack="Traceback", started_at=begun, completed_at=ended, duration_ms=3000.0,
            )  # fmt: skip
        tx.insert(
            StageRow, pipeline_run_id=run, node_id="check", stage=Stage.CHECK, status=StageStatus.SKIPPED,
            idempotency_key="c", output_snapshot={"reason": "no checker is switched on"}, started_at=now,
            completed_at=now, duration_ms=0.0,
        )  # fmt: skip

    rt.db.write(write)


def test_built_in_ones_stand_first_with_what_they_do_and_who_uses_them(
    rt: Runtime, calm: str, open_screen: Open
) -> None:
    page = open_screen("Vera").open("/pipelines")
    assert "ingest → check → analyze → notify" in page.by_id("built-in").text
    assert "calmlook → pick → tell1 source" in page.by_id("own").text
    assert "/pipelines/new" not in page.links()


def test_a_definition_is_drawn_with_its_nodes_its_sources_and_its_runs(
    rt: Runtime, calm: str, open_screen: Open
) -> None:
    page = open_screen("Ada").open("/pipelines/calm")
    assert "Checks (look), then Transform (pick), then Team message (tell)" in page.by_id("graph").text
    assert page.html.count('class="bend"') == 1
    assert "cpu" in page.by_id("nodes").text
    assert "Prometheus" in page.by_id("used").text
    assert "/pipelines/calm/edit" in page.links()
    built_in = open_screen("Ada").open("/pipelines/direct")
    assert built_in.html.count("left out</text>") == 2
    assert "/pipelines/new?from=direct" in built_in.links()


def test_a_definition_is_looked_at_before_it_is_made(rt: Runtime, company: Company, open_screen: Open) -> None:
    screen = open_screen("Ada")
    form = screen.open("/pipelines/new?from=direct").form("/pipelines")
    looked = form.send(name="mine", config=json.dumps(CONFIG), do="validate")
    assert "Checks (look)" in looked.by_id("verdict").text
    assert screen.open("/pipelines/mine").status == 404
    made = looked.form("/pipelines").send(do="save")
    assert made.path == "/pipelines/mine"


def test_every_fault_stands_at_its_place_and_nothing_typed_is_lost(
    rt: Runtime, company: Company, open_screen: Open
) -> None:
    bad = json.dumps({"nodes": [{"id": "a", "type": NASTY, "next": "b"}]})
    page = open_screen("Ada").open("/pipelines/new").form("/pipelines").send(name="a b", config=bad, do="save")
    assert page.status == 422
    told = page.by_id("faults").text
    assert "config.nodes[0].type" in told
    assert "config.nodes[0].next leads to «b», and there is no such node" in told
    assert "letters, digits" in page.by_id("name-error").text
    assert NASTY not in page.html
    broken = page.form("/pipelines").send(name="mine", config='{"nodes": [\n}', do="validate")
    assert broken.status == 422
    assert "line 2, column 1" in broken.by_id("faults").text


def test_somebody_elses_change_is_said_and_the_next_save_replaces_it(
    rt: Runtime, company: Company, calm: str, open_screen: Open
) -> None:
    form = open_screen("Ada").open("/pipelines/calm/edit").form("/pipelines/calm")
    changes = {"description": "theirs"}
    catalogue.update_definition(rt, name="calm", changes=changes, actor=company.ada, now=rt.clock.now())
    again = form.send(description="ours", do="save")
    assert again.status == 409
    assert "its version is now 2" in again.text
    assert again.form("/pipelines/calm").send(do="save").path == "/pipelines/calm"
    assert rt.db.read(lambda tx: definitions.get_definition(tx, "calm")).description == "ours"


def test_what_a_source_names_can_neither_be_switched_off_nor_deleted(
    rt: Runtime, company: Company, calm: str, open_screen: Open
) -> None:
    screen = open_screen("Ada")
    page = screen.open("/pipelines/calm")
    for action in ("deactivate", "delete"):
        assert "is used by «Prometheus»" in page.form(f"/pipelines/calm/{action}").send().text
    screen.open(f"/alert-sources/{company.source.id}/edit").form("/alert-sources/1").send(pipeline="direct")
    assert "It is off" in page.form("/pipelines/calm/deactivate").send().text
    offered = screen.open("/alert-sources/new").html
    assert 'value="direct"' in offered
    assert 'value="calm"' not in offered
    assert page.form("/pipelines/calm/delete").send().path == "/pipelines"


def test_a_run_is_shown_attempt_by_attempt_and_resumed_by_those_who_may(
    rt: Runtime, company: Company, fire: Fire, open_screen: Open
) -> None:
    ran(rt, fire())
    path = f"/pipeline-runs/{RUN_ID}"
    screen = open_screen("Vera")
    assert path in screen.open("/pipeline-runs?status=FAILED&pipeline=full").links()
    assert path in screen.open("/incidents/1").links()
    page = screen.open(path)
    stages = page.by_id("stages")
    assert "attempt 2" in stages.text
    assert "3.0 s" in stages.text
    assert "no checker is switched on" in stages.text
    assert "analyzenot reached" in stages.text
    assert NASTY in stages.text
    assert NASTY not in page.html
    bars = [each.get("x") for each in stages.all("rect") if each.get("class") == "bar"]
    assert bars == ["33.33%", "66.67%", "0.0%"]
    assert f"{path}/resume" not in page.html
    resumed = open_screen("Ravi").open(path).form(f"{path}/resume").send()
    assert "It goes on after its last good stage." in resumed.text
    assert f"{path}/resume" not in resumed.html


def test_a_run_says_what_it_is_about_and_what_it_made_in_words(
    rt: Runtime, company: Company, fire: Fire, open_screen: Open
) -> None:
    number = fire()
    ran(rt, number)
    now = rt.clock.now()

    def write(tx: Tx) -> None:
        run = queries.get_run(tx, RUN_ID)
        said = tx.insert(
            AnalysisRow, trace_id="b" * 32, incident_id=number, provider="openai", model_name="small",
            status=AnalysisStatus.SUCCEEDED, summary="A disk.", confidence=0.8, created_at=now, completed_at=now,
            duration_ms=40.0,
        )  # fmt: skip
        tx.insert(
            CheckRunRow, checker_name="disk_linux", hostname="db-1", status=CheckStatus.OK, message="Fine",
            incident_id=number, trace_id="b" * 32, duration_ms=1.0, executed_at=now,
        )  # fmt: skip
        made = (
            ("pick", None, f"run:{RUN_ID}"),
            ("look", Stage.CHECK, f"check-runs:{'b' * 32}"),
            ("ask", Stage.ANALYZE, f"analysis-run:{said}"),
        )
        for node_id, stage, ref in made:
            tx.insert(
                StageRow, pipeline_run_id=run.id, node_id=node_id, stage=stage, status=StageStatus.SUCCEEDED,
                idempotency_key=node_id, output_ref=ref, started_at=now, completed_at=now, duration_ms=1.0,
            )  # fmt: skip

    rt.db.write(write)
    screen = open_screen("Vera")
    assert f"#{number}Disk fullfull · nobody listens" in screen.open("/pipeline-runs").by_id("list").text
    page = screen.open(f"/pipeline-runs/{RUN_ID}")
    assert "Disk clutter on Linux" in page.by_id("checks").text
    assert "/checks/disk_linux" in page.links()
    assert "OpenAI" in page.by_id("analysis").text
    assert "high confidence, 80 %" in page.by_id("analysis").text
    assert "its checks" in page.by_id("stages").text
    assert "its messages" not in page.by_id("stages").text


def test_a_run_that_goes_on_is_not_read_as_over(rt: Runtime, company: Company, fire: Fire, open_screen: Open) -> None:
    ran(rt, fire())
    changed = update(RunRow).where(RunRow.run_id == RUN_ID).values(status=RunStatus.CHECKED, completed_at=None)
    rt.db.write(lambda tx: tx.execute(changed))
    page = open_screen("Vera").open(f"/pipeline-runs/{RUN_ID}")
    assert "checked so far" in page.by_id("state").text
    assert "None yet" in page.by_id("messages").text


def test_a_run_without_an_incident_has_a_page(rt: Runtime, company: Company, open_screen: Open) -> None:
    ran(rt, None)
    page = open_screen("Vera").open(f"/pipeline-runs/{RUN_ID}")
    assert (page.status, "None yet" in page.text) == (200, False)
    assert "Incident none" in page.by_id("facts").text
