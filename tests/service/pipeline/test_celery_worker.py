"""A run on a real Celery worker over a real Redis ends as one in the server does."""

import asyncio
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from app.checks import service as check_service
from app.jobs import celery_tasks, pipeline_sweep
from app.jobs.desk import Desk
from app.pipeline import queries
from app.pipeline.types import PipelineRun, RunStatus
from app.platform.lease import Held
from app.platform.types import JsonObject
from app.usecases import catalogue, run_pipeline
from tests.kill.appliance import ROOT, environment_for
from tests.service.pipeline.conftest import House

WORKER = [
    sys.executable, "-m", "celery", "-A", "app.jobs.celery_tasks", "worker", "--concurrency", "1", "--without-mingle",
    "--without-gossip",
]  # fmt: skip
CONFIG: JsonObject = {
    "version": "1.0",
    "nodes": [
        {"id": "look", "type": "context", "config": {"checker_names": ["process"]}, "next": "pick"},
        {
            "id": "pick", "type": "transform", "next": "tell",
            "config": {"source_node": "look", "extract": "checks", "mapping": {"what": "checker", "how": "status"}},
        },
        {"id": "tell", "type": "notify", "config": {}},
    ]
}  # fmt: skip
# Ids under names that do not say so.
IDS = ("id", "messages")
WAIT_SECONDS = 40
POLL_SECONDS = 0.05
# Times, ids and durations; of everything else not even a digit may differ.
OF_THE_RUN = re.compile(r"[0-9a-f]{32}|\d{4}-\d\d-\d\d[T ][0-9:.+Z]+|^\d+(\.\d+)?$")


@contextmanager
def worker(log: Path, environment: dict[str, str]) -> Iterator["subprocess.Popen[bytes]"]:
    """A worker as the operator's guide starts it."""
    with log.open("ab") as output:
        process = subprocess.Popen(WORKER, cwd=ROOT, env=environment, stdout=output, stderr=output)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def told(value: Any) -> Any:
    """What is said, without what differs between any two runs."""
    if isinstance(value, dict):
        return {
            key: told(inner)
            for key, inner in value.items()
            if key not in IDS and not key.endswith(("_id", "_ids", "_at", "_ms", "_ref"))
        }
    if isinstance(value, list | tuple):
        return [told(inner) for inner in value]
    return OF_THE_RUN.sub("…", value) if isinstance(value, str) else value


def ended(house: House, run_id: str) -> tuple[Any, Any]:
    """A run and its stages."""
    run = house.rt.db.read(lambda tx: queries.get_run(tx, run_id))
    stages = house.rt.db.read(lambda tx: queries.stages_of(tx, run))
    return told({"status": run.status, "error": run.last_error_message}), told([asdict(each) for each in stages])


def start(house: House) -> PipelineRun:
    """A run by hand, due at once."""
    return run_pipeline.start(house.rt, pipeline_name="looked-at", payload=run_pipeline.SAMPLE, now=house.now)


@pytest.mark.waits
@pytest.mark.timeout(120)
@pytest.mark.parametrize("database_url", [pytest.param("postgresql", marks=pytest.mark.postgresql)], indirect=True)
def test_a_run_on_a_worker_ends_as_it_does_in_the_server(
    house: House, redis_url: str, database_url: str, tmp_path: Path
) -> None:
    house.clock.set(datetime.now(UTC))
    house.channel("ops")
    change = {"params": {"processes": ["no-such-process"]}}
    house.rt.db.write(partial(check_service.change_config, checker="process", changes=change, now=house.now))
    catalogue.create_definition(house.rt, name="looked-at", config=CONFIG, actor=house.admin, now=house.now)
    here = start(house)
    house.work()
    house.send()
    house.work()

    log = tmp_path / "worker.log"
    celery = {"enable_celery_orchestration": True, "celery_broker_url": redis_url}
    environment = environment_for(
        database_url, port=1, smtp_port=1, ENABLE_CELERY_ORCHESTRATION="1", CELERY_BROKER_URL=redis_url
    )
    desk = Desk(replace(house.rt, settings=house.rt.settings.model_copy(update=celery)), Held("leader", "f" * 32, 1))
    with worker(log, environment) as process:

        def until(what: Callable[[PipelineRun], bool]) -> None:
            deadline = time.monotonic() + WAIT_SECONDS
            while not what(house.rt.db.read(lambda tx: queries.get_run(tx, there.run_id))):
                assert time.monotonic() < deadline, log.read_text()
                assert process.poll() is None, log.read_text()
                time.sleep(POLL_SECONDS)

        there = start(house)
        celery_tasks.send(desk.rt.settings, [there.run_id])
        until(lambda run: ("NOTIFY", "RUNNING") in house.stages(run))
        house.clock.set(datetime.now(UTC))
        assert house.send() == 1
        asyncio.run(pipeline_sweep.tick(desk, house.now))
        until(lambda run: run.status is RunStatus.NOTIFIED)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0

    assert ended(house, there.run_id) == ended(house, here.run_id)
    assert '"level": "error"' not in log.read_text()
    assert '"event": "pipeline.completed"' in log.read_text()
