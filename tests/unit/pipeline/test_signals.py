"""Signals: one line or a few metrics each, with the nine tags, and never an error."""

import io
import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from typing import Any

import pytest
import structlog

from app.pipeline.signals import Signal, SignalTags, emit
from app.pipeline.types import Stage
from app.platform import logs
from app.platform.bus import Bus
from app.platform.db import Db
from app.platform.runtime import Runtime
from app.platform.settings import Settings
from tests.support.world import World

TAGS = SignalTags(
    trace_id="t" * 32,
    run_id="r" * 32,
    stage=Stage.CHECK,
    incident_id=7,
    source="grafana main",
    alert_fingerprint="f1",
    environment="production",
    attempt=2,
    extra={"retryable": True},
)
WHOLE_RUN = replace(TAGS, stage=None, extra={"status": "NOTIFIED"})


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    root = logging.getLogger()
    before = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = before
    structlog.reset_defaults()


@pytest.fixture
def told() -> Callable[[], list[dict[str, Any]]]:
    """Everything logged so far, read as JSON."""
    stream = io.StringIO()
    logs.configure(Settings(pagerpal_env="test"), stream)
    return lambda: [json.loads(line) for line in stream.getvalue().splitlines()]


def runtime(world: World, **settings: Any) -> Runtime:
    return world.runtime(Settings(pagerpal_env="test", **settings), Db("sqlite:///unused.db", bus=Bus(), inline=True))


def statsd(world: World, **settings: Any) -> Runtime:
    return runtime(world, orchestration_metrics_backend="statsd", statsd_host="127.0.0.1", **settings)


def test_the_six_signals_are_those_of_the_document() -> None:
    assert {signal.value for signal in Signal} == {
        "pipeline.started", "pipeline.completed", "pipeline.stage.started", "pipeline.stage.succeeded",
        "pipeline.stage.failed", "pipeline.stage.retrying",
    }  # fmt: skip


def test_a_signal_is_one_line_with_all_nine_tags(told: Callable[[], list[dict[str, Any]]], world: World) -> None:
    emit(runtime(world), Signal.STAGE_FAILED, TAGS, duration_ms=12.5)
    emit(runtime(world), Signal.STARTED, replace(TAGS, stage=None, incident_id=None, extra={}))
    first, second = told()
    assert first["event"] == "pipeline.stage.failed"
    assert {each.name: first[each.name] for each in fields(TAGS)} == {
        "trace_id": "t" * 32, "run_id": "r" * 32, "stage": "CHECK", "incident_id": 7, "source": "grafana main",
        "alert_fingerprint": "f1", "environment": "production", "attempt": 2, "extra": {"retryable": True},
    }  # fmt: skip
    assert first["duration_ms"] == 12.5
    assert {each.name for each in fields(TAGS)} <= set(second)
    assert (second["stage"], second["incident_id"], second["extra"]) == (None, None, {})


def test_no_secret_is_told(told: Callable[[], list[dict[str, Any]]], world: World) -> None:
    error = "GET https://user:hunter2@example.com/ said no"
    emit(runtime(world), Signal.STAGE_FAILED, replace(TAGS, extra={"api_token": "hunter2", "error": error}))
    assert "hunter2" not in json.dumps(told())


def test_statsd_gets_a_counter_and_how_long_it_took(world: World) -> None:
    rt = statsd(world)
    emit(rt, Signal.STAGE_SUCCEEDED, TAGS, duration_ms=12.5)
    emit(rt, Signal.COMPLETED, WHOLE_RUN, duration_ms=float("nan"))
    emit(rt, Signal.STARTED, replace(WHOLE_RUN, extra={}))
    assert world.statsd.lines == [
        "pagerpal.pipeline.stage.succeeded.check:1|c",
        "pagerpal.pipeline.stage.succeeded.check.duration:12.500|ms",
        "pagerpal.pipeline.completed.notified:1|c",
        "pagerpal.pipeline.started:1|c",
    ]


def test_tags_are_sent_where_they_are_understood_and_no_id_is_one(world: World) -> None:
    emit(statsd(world, statsd_dogstatsd_tags=True), Signal.STAGE_STARTED, TAGS)
    emit(statsd(world, statsd_dogstatsd_tags=True), Signal.STARTED, replace(WHOLE_RUN, extra={}))
    assert world.statsd.lines == [
        "pagerpal.pipeline.stage.started.check:1|c|#stage:CHECK,source:grafana_main,environment:production,attempt:2",
        "pagerpal.pipeline.started:1|c|#source:grafana_main,environment:production,attempt:2",
    ]


class _Broken:
    """A StatsD client with a fault that nobody thought of."""

    def send(self, *lines: str) -> None:
        raise ZeroDivisionError

    def close(self) -> None:
        """Nothing is open."""


def test_nothing_that_a_signal_meets_stops_its_caller(
    told: Callable[[], list[dict[str, Any]]], world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    emit(replace(statsd(world), statsd=_Broken()), Signal.STARTED, TAGS)
    around: dict[str, Any] = {}
    around["again"] = around
    emit(runtime(world), Signal.STARTED, replace(TAGS, extra=around))
    emit(runtime(world), Signal.STARTED, replace(TAGS, extra={"what": object(), "large": float("inf")}))
    assert [line["event"] for line in told()] == ["pipeline.started"]
