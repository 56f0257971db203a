"""`/metrics` after a night: what happened is in it, by labels that take few values, and Prometheus can read it."""

import asyncio
import re
import socket
from typing import Any

import pytest
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import event

from app.checks.types import CheckResult, CheckStatus, NewCheckRun, Thresholds
from app.intelligence import service as intelligence
from app.intelligence.types import Analysis, Asked, NewAnalysis, Usage
from app.platform import lease, pulse
from app.platform.db import Tx
from app.usecases import run_checks, watch
from tests.contracts.source import ROOT
from tests.smoke.story import Story
from tests.support.people import PASSWORD, email_of

# What takes few values: no label may be an id, a title or an address.
LABELS = {
    "version", "status", "outcome", "driver", "channel", "name", "checker", "host", "metric", "pipeline", "stage",
    "provider", "le",
}  # fmt: skip
LARGE = (
    "notifications", "notification_attempts", "deliveries", "alerts", "incidents", "check_runs", "pipeline_runs",
    "stage_executions", "analysis_runs",
)  # fmt: skip
NAME = re.compile(r"pagerpal_[a-z_]+")


def scrape(story: Story) -> dict[str, Metric]:
    """What Prometheus reads; parsing it is half of the test."""
    answered = story.client.get("/metrics", auth=(email_of("Ada"), PASSWORD))
    assert answered.status_code == 200, answered.text
    return {family.name: family for family in text_string_to_metric_families(answered.text)}


def values(families: dict[str, Metric], name: str) -> dict[tuple[str, ...], float]:
    """The samples of a metric by the values of their labels."""
    family = families[name.removesuffix("_total").removesuffix("_bucket").removesuffix("_count")]
    return {tuple(sample.labels.values()): sample.value for sample in family.samples if sample.name == name}


def test_what_happened_in_a_night_is_counted(story: Story) -> None:
    story.policy(levels=[(15, "ravi")])
    story.post("grafana")
    story.expect_page("ravi")
    for key, status in (("none", 401), (story.keys["grafana"], 422)):
        answered = story.client.post("/alerts/webhook/", content=b'{"hello": 1}', headers={"X-API-Key": key})
        assert answered.status_code == status
    story.rt.db.write(lambda tx: _check(tx, story))
    story.rt.db.write(lambda tx: _analysis(tx, story))

    read = scrape(story)
    assert values(read, "pagerpal_deliveries_total") == {("grafana", "accepted"): 1.0, ("none", "quarantined"): 1.0}
    assert values(read, "pagerpal_alerts_received_total") == {("grafana",): 1.0}
    assert values(read, "pagerpal_deliveries_refused_total") == {("401",): 1.0, ("422",): 1.0}
    assert values(read, "pagerpal_send_attempts_total") == {("email", "sent"): 1.0}
    assert values(read, "pagerpal_page_latency_seconds_bucket")[("0.05",)] == 1.0
    assert values(read, "pagerpal_page_latency_seconds_count") == {(): 1.0}
    assert values(read, "pagerpal_check_runs_total") == {("cpu", "critical"): 1.0}
    assert values(read, "pagerpal_check_status") == {("cpu", socket.gethostname()): 2.0}
    assert values(read, "pagerpal_check_value") == {("cpu", socket.gethostname(), "cpu_percent"): 99.0}
    assert values(read, "pagerpal_analyses_total") == {("succeeded", "openai"): 1.0}
    assert values(read, "pagerpal_ai_prompt_tokens_total") == {("openai",): 120.0}
    assert values(read, "pagerpal_incidents")[("triggered",)] == 1.0
    assert values(read, "pagerpal_pipeline_stages_total")[("NOTIFY", "SKIPPED")] == 1.0


def test_the_guide_lists_every_metric_with_its_labels(story: Story) -> None:
    rows = re.findall(r"^\| (`pagerpal_[^|]*) \|([^|]*)\|", (ROOT / "docs" / "metrics.md").read_text(), re.MULTILINE)
    named = {
        name: set(re.findall(r"`(\w+)`", labels)) for names, labels in rows for name in re.findall(r"`(\w+)`", names)
    }
    story.policy(levels=[(15, "ravi")])
    story.post("grafana")
    story.expect_page("ravi")
    story.rt.db.write(lambda tx: _check(tx, story))
    story.rt.db.write(lambda tx: lease.take(tx, lease.LEADER, owner=story.rt.owner, now=story.now))
    story.rt.db.write(lambda tx: pulse.beat(tx, owner=story.rt.owner, now=story.now))
    told = {
        f"{name}_total" if family.type == "counter" else name: {
            label for sample in family.samples for label in sample.labels if label != "le"
        }
        for name, family in scrape(story).items()
    }
    assert set(named) == set(told)
    assert {name: labels for name, labels in told.items() if labels and labels != named[name]} == {}


def test_runs_are_counted_once_they_have_settled_and_everything_else_stays_counted(story: Story) -> None:
    story.policy(levels=[(15, "ravi")])
    story.post("grafana")
    story.expect_page("ravi")
    for _ in range(3):
        asyncio.run(watch.settle_tallies(story.rt, story.now))
        story.world.clock.advance(seconds=watch.TALLY_SECONDS + 30)
    read = scrape(story)
    assert values(read, "pagerpal_deliveries_total") == {("grafana", "accepted"): 1.0}
    assert sum(values(read, "pagerpal_pipeline_runs_total").values()) == 1.0
    assert sum(values(read, "pagerpal_pipeline_run_duration_seconds_count").values()) == 1.0


def test_every_metric_says_what_it_is_and_no_label_is_an_id(story: Story) -> None:
    story.policy(levels=[(15, "ravi")])
    story.post("grafana")
    story.expect_page("ravi")
    story.rt.db.write(lambda tx: _check(tx, story))
    read = scrape(story)
    assert len(read) > 30
    for name, family in read.items():
        assert NAME.fullmatch(name), name
        assert family.documentation.endswith("."), f"{name}: {family.documentation}"
        assert not name.endswith(("_ms", "_count", "_total")), name
        assert {label for sample in family.samples for label in sample.labels} <= LABELS, name
        if family.type == "counter":
            assert all(sample.name.endswith("_total") for sample in family.samples), name


# PostgreSQL reads tables as small as these from end to end, whatever indexes they have.
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_scrape_reads_no_large_table_from_end_to_end(story: Story) -> None:
    story.policy(levels=[(15, "ravi")])
    asyncio.run(watch.settle_tallies(story.rt, story.now))
    asked: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_more: Any) -> None:
        asked.append((statement, parameters))

    event.listen(story.rt.db.engine, "before_cursor_execute", note)
    scrape(story)
    event.remove(story.rt.db.engine, "before_cursor_execute", note)
    with story.rt.db.engine.connect() as connection:
        plans = [
            step[3]
            for statement, parameters in asked
            for step in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        ]
    assert len(plans) > 20
    assert [step for step in plans if re.match(f"SCAN ({'|'.join(LARGE)})", step) and "INDEX" not in step] == []


def _check(tx: Tx, story: Story) -> None:
    result = CheckResult(CheckStatus.CRITICAL, "CPU 99 %", {"cpu_percent": 99.0, "per_cpu": [99.0]}, "cpu")
    run_checks.record(tx, [NewCheckRun(result, Thresholds(70, 90), 3.0, story.now)], trace_id="t")


def _analysis(tx: Tx, story: Story) -> None:
    run_id = intelligence.add_run(tx, NewAnalysis("openai", {}, "a-model", ""), now=story.now)
    intelligence.mark_started(tx, run_id, now=story.now)
    asked = Asked(Analysis("s", "c", 0.5, ()), "a-model", Usage(120, 30, 150), 1)
    intelligence.mark_succeeded(tx, run_id, asked, duration_ms=5.0, now=story.now)
