"""Watching this host: what a check finds becomes an alert like any other, once, and is over when it is."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest

from app.alerts import queries as alerts, sources
from app.alerts.types import Alert, AlertStatus
from app.checks import queries as checks
from app.checks.queries import CheckRunFilter
from app.checks.types import CheckOrder, CheckRun, CheckStatus
from app.platform.types import PageQuery
from app.usecases import answer, catalogue, run_checks, watch_host
from tests.smoke.story import Story

ALWAYS = {"warning_threshold": 0.0, "critical_threshold": 0.0}
WARNS = {"warning_threshold": 0.0, "critical_threshold": 100.0}
WELL = {"warning_threshold": 100.0, "critical_threshold": 100.0}


class Host:
    """This host as its checks see it: what they find is decided by how they are set up."""

    def __init__(self, story: Story) -> None:
        self.story = story
        self.rt = story.rt

    def pages(self, *levels: tuple[int, str]) -> None:
        """Whom the checks page."""
        self.story.policy(levels=list(levels))
        policy_id = self.sources()["grafana prod"]
        self.change_source(escalation_policy_id=policy_id)

    def sources(self) -> dict[str, int | None]:
        found = self.rt.db.read(lambda tx: alerts.list_sources(tx, PageQuery())).items
        return {each.name: each.escalation_policy_id for each in found}

    def change_source(self, **changes: object) -> None:
        made = self.rt.db.write(
            lambda tx: sources.internal_source(
                tx, name=sources.CHECKS_SOURCE, pipeline=watch_host.PIPELINE, now=self.story.now
            )
        )
        catalogue.update_source(self.rt, source_id=made.id, changes=changes, actor=self.story.admin, now=self.story.now)

    def set_up(self, checker: str, **changes: object) -> None:
        run_checks.change_config(self.rt, checker=checker, changes=changes, actor=self.story.admin, now=self.story.now)

    def check(self, checker: str, **minutes: float) -> CheckRun:
        """`pagerpal check run`, after a while."""
        self.story.advance(**minutes or {"minutes": 1})
        run = self.story._run(watch_host.check_now(self.rt, [CheckOrder(checker)], now=self.story.now))
        self.story.settle()
        return run[0]

    def turn(self, **time: float) -> None:
        """The job's turn, after a while."""
        self.story.advance(**time or {"minutes": 1})

        async def turn() -> None:
            await watch_host.run_due(self.rt, self.story.now)
            await watch_host.settle(self.rt)

        self.story._run(turn())
        self.story.settle()

    @property
    def alerts(self) -> list[Alert]:
        found = self.rt.db.read(lambda tx: alerts.list_alerts(tx)).items
        return sorted((each for each in found if each.labels.get("checker")), key=lambda each: each.labels["target"])

    def runs(self, checker: str) -> list[CheckRun]:
        filters = CheckRunFilter(checker_name=checker)
        return self.rt.db.read(lambda tx: checks.list_runs(tx, filters, PageQuery(page_size=200))).items


@pytest.fixture
def host(story: Story) -> Host:
    """This host; by cadence only what the story sets up."""
    here = Host(story)
    for checker in ("cpu", "memory", "disk", "process"):
        here.set_up(checker, cadence_seconds=0)
    # What a pipeline measures for the incident is another story.
    here.change_source(pipeline="direct")
    return here


def test_what_turns_bad_pages_once_rises_with_it_and_is_over_when_it_is(host: Host, story: Story) -> None:
    host.pages((60, "ravi"))
    host.set_up("memory", **WARNS)
    run = host.check("memory")
    story.expect_page("ravi", says="Memory on ")
    (alert,) = host.alerts
    assert (alert.severity, run.alert_id, run.created_alert) == ("warning", alert.id, True)
    assert alert.labels == {
        "hostname": run.hostname, "checker": "memory", "target": "memory", "value": f"{run.value:g}",
        "warning": "0", "critical": "100",
    }  # fmt: skip
    assert alert.description == run.message
    assert story.incident.alert_count == 1

    for _ in range(3):
        assert host.check("memory").alert_id == alert.id
    story.expect_nothing()

    host.set_up("memory", **ALWAYS)
    host.check("memory")
    story.expect_page("ravi", says="critical")
    assert story.tells("Severity warning → critical")
    assert [each.severity for each in host.alerts] == ["critical"]

    host.set_up("memory", **WELL)
    assert host.check("memory").alert_id is None
    assert story.incident.status == "resolved"
    assert [each.status for each in host.alerts] == [AlertStatus.RESOLVED]


def test_each_target_is_an_alert_of_its_own(host: Host, story: Story) -> None:
    host.pages((60, "ravi"))
    host.set_up("process", params={"processes": ["no-such-program", "nor-this-one"]})
    host.check("process")
    assert [each.labels["target"] for each in host.alerts] == ["no-such-program", "nor-this-one"]
    assert host.alerts[0].description == "no-such-program does not run"
    story.expect_page("ravi")
    story.advance(minutes=1)
    story.expect_page("ravi", within_seconds=60)

    host.set_up("process", params={"processes": ["no-such-program"]})
    host.check("process")
    assert [each.status for each in host.alerts] == [AlertStatus.FIRING, AlertStatus.RESOLVED]
    host.set_up("process", enabled=False)
    host.turn()
    assert {each.status for each in host.alerts} == {AlertStatus.RESOLVED}


def test_a_value_that_goes_to_and_fro_is_one_incident_and_does_not_page_again_and_again(
    host: Host, story: Story
) -> None:
    host.pages((600, "ravi"))
    for _ in range(4):
        host.set_up("memory", **ALWAYS)
        host.check("memory", minutes=4)
        host.set_up("memory", **WELL)
        host.check("memory", minutes=3)
    story.expect_page("ravi", within_seconds=3600)
    story.expect_page("ravi", within_seconds=3600)
    story.expect_nothing()
    assert (len(host.alerts), story.incident.status) == (1, "triggered")

    host.check("memory", minutes=7)
    assert story.incident.status == "resolved"


def test_a_person_who_resolves_what_is_still_bad_hears_of_it_again(host: Host, story: Story) -> None:
    host.pages((600, "ravi"))
    host.set_up("memory", **ALWAYS)
    host.check("memory")
    story.expect_page("ravi")
    story.does("ravi", answer.resolve)
    host.check("memory", minutes=5)
    story.expect_nothing()
    host.check("memory", minutes=11)
    story.expect_page("ravi")
    assert story.tells("still firing")


def test_what_somebody_has_set_up_pages_the_admins_until_it_is_said_whom(host: Host, story: Story) -> None:
    host.set_up("memory", **ALWAYS, cadence_seconds=60)
    host.turn()
    story.expect_page("ada")
    assert len(host.alerts) == 1


def test_by_cadence_a_busy_processor_must_last(host: Host, story: Story) -> None:
    host.pages((600, "ravi"))
    quick = {"samples": 1, "sample_interval": 0.05}
    host.set_up("cpu", params=quick, cadence_seconds=60, **ALWAYS)
    host.turn()
    host.turn()
    assert host.alerts == []
    host.turn()
    story.expect_page("ravi", says="CPU on")
    assert len(host.runs("cpu")) == 3


def test_a_checker_that_cannot_measure_any_more_is_a_problem_of_its_own(
    host: Host, story: Story, tmp_path: Path
) -> None:
    host.pages((600, "ravi"))
    place = tmp_path / "volume"
    place.mkdir()
    host.set_up("disk", params={"paths": [str(place)]}, cadence_seconds=60, **WELL)
    host.turn()
    place.rmdir()
    host.turn()
    host.turn()
    story.expect_nothing()
    host.turn()
    story.expect_page("ravi", says="Disk space cannot be measured")
    assert host.alerts[0].severity == "warning"
    host.turn()
    story.expect_nothing()
    place.mkdir()
    host.turn()
    assert story.incident.status == "resolved"


def test_the_cadence_goes_by_the_last_run_of_this_host(host: Host, story: Story) -> None:
    host.set_up("memory", cadence_seconds=60, **WELL)
    host.turn()
    host.turn(seconds=30)
    assert len(host.runs("memory")) == 1
    due_at = story._run(watch_host.run_due(host.rt, story.now))
    assert due_at is not None
    assert (due_at - story.now).total_seconds() == 30
    # Another process on the same host.
    other = replace(host.rt, owner="e" * 32)
    story.advance(seconds=30)

    async def both() -> None:
        await asyncio.gather(watch_host.run_due(host.rt, story.now), watch_host.run_due(other, story.now))
        await watch_host.settle(host.rt)

    story._run(both())
    assert len(host.runs("memory")) == 2


def test_a_check_that_is_a_stage_of_a_pipeline_makes_no_alert(host: Host, story: Story) -> None:
    host.pages((600, "ravi"))
    host.set_up("memory", **ALWAYS)
    host.check("memory")
    story.expect_page("ravi")
    (alert,) = host.alerts
    order = CheckOrder("process", {"processes": ["no-such-program"]})
    (run,) = story._run(run_checks.run(host.rt, [order], now=story.now, incident_id=story.incident.id))
    assert (run.status, run.alert_id) == (CheckStatus.CRITICAL, None)
    assert host.alerts == [alert]


def test_the_delivery_is_kept_as_it_was_said(host: Host) -> None:
    host.set_up("memory", **ALWAYS)
    host.pages((60, "ravi"))
    run = host.check("memory")
    host.story.expect_page("ravi")
    (alert,) = host.alerts
    kept = host.rt.db.read(lambda tx: alerts.deliveries_of(tx, alert.source_id, PageQuery())).items
    assert [each.trace_id for each in kept] == [run.trace_id]
    said = json.loads(kept[0].body or b"")["alerts"][0]
    assert (said["status"], said["severity"]) == ("firing", "critical")
    source = host.rt.db.read(lambda tx: alerts.get_source(tx, alert.source_id))
    assert (source.name, source.is_internal) == ("checks", True)


def test_switched_off_the_source_says_nothing(host: Host, story: Story) -> None:
    host.change_source(is_active=False)
    host.set_up("memory", **ALWAYS)
    assert host.check("memory").alert_id is None
    assert host.alerts == []
