"""`/api/v1/pipeline-runs`: lists, one run with its stages, and resuming a failed one."""

from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from app.accounts.types import Role
from app.incidents.types import Actor, Severity
from app.main import create_app
from app.notify import queries as outbox
from app.notify.types import NotificationFilter
from app.pipeline import queries, service as pipeline
from app.pipeline.presets import PRESETS
from app.pipeline.results import IngestResult
from app.pipeline.types import NewRun, RunStatus
from app.platform.db import Tx
from app.platform.runtime import Runtime
from app.platform.types import PageQuery
from app.usecases import answer
from tests.support.callers import bearer
from tests.support.client import Client
from tests.support.people import add_admin, add_user

RUN_ID = "a" * 32
INGESTED = IngestResult(incident_id=None, alert_fingerprint="f1", severity="critical", deliveries=1)


@pytest.fixture
def client(rt: Runtime) -> Iterator[TestClient]:
    """The application, with one run that was claimed."""
    admin = add_admin(rt)
    viewer = add_user(rt, "Vera", actor=admin, role=Role.VIEWER, signs_in=True)
    actor = Actor(admin.id, admin.name, admin.id, "api")
    incident = answer.open_incident(rt, title="Disk full", severity=Severity.CRITICAL, actor=actor, now=rt.clock.now())
    run = NewRun("b" * 32, RUN_ID, "full", incident.id, "grafana", None, "f1", "production")
    rt.db.write(lambda tx: pipeline.request_many(tx, [(run, rt.clock.now())], now=rt.clock.now()))
    with Client(create_app(rt=rt, with_clock=False), raise_server_exceptions=False) as opened:
        opened.headers.update(bearer(rt, admin))
        opened.viewer = bearer(rt, viewer)  # type: ignore[attr-defined]
        yield opened


def claim(rt: Runtime) -> None:
    """A process begins the run."""

    def begin(tx: Tx) -> None:
        (run,) = pipeline.claim(tx, owner="o", now=rt.clock.now(), limit=1)
        pipeline.begin(tx, run, PRESETS["full"], ingested=INGESTED, max_retries=3, now=rt.clock.now())

    rt.db.write(begin)


def get(client: TestClient, path: str) -> Any:
    """The JSON at a path."""
    response = client.get(f"/api/v1/pipeline-runs{path}")
    assert response.status_code == 200, response.text
    return response.json()


def test_runs_are_listed_and_narrowed(client: TestClient) -> None:
    (run,) = get(client, "/")["items"]
    assert run["run_id"] == RUN_ID
    assert run["status"] == "PENDING"
    assert run["source"] == "grafana"
    assert get(client, f"?incident_id={run['incident_id']}&status=PENDING&pipeline=full")["total"] == 1
    assert get(client, "?status=FAILED")["total"] == 0
    assert client.get("/api/v1/pipeline-runs?status=open").status_code == 422


def test_run_is_shown_with_its_stages(client: TestClient, rt: Runtime) -> None:
    claim(rt)
    run = get(client, f"/{RUN_ID}")
    assert run["status"] == "INGESTED"
    (stage,) = run["stages"]
    assert (stage["stage"], stage["status"], stage["attempt"]) == ("INGEST", "SUCCEEDED", 1)
    assert stage["pipeline_run_id"] == run["id"]
    assert client.get(f"/api/v1/pipeline-runs/{'0' * 32}").status_code == 404


def test_failed_run_is_resumed_by_those_who_may(client: TestClient, rt: Runtime) -> None:
    path = f"/api/v1/pipeline-runs/{RUN_ID}/resume"
    assert client.post(path).status_code == 409
    assert client.post(path, headers=client.viewer).status_code == 403  # type: ignore[attr-defined]
    claim(rt)
    rt.db.write(fail)
    resumed = client.post(path)
    assert resumed.status_code == 200
    assert resumed.json()["status"] == "RETRYING"


def fail(tx: Tx) -> None:
    """The run fails."""
    run = queries.get_run(tx, RUN_ID)
    pipeline.end_run(tx, run, RunStatus.FAILED, now=run.created_at, error_type="x", error_message="y")


def test_dry_run_shows_the_chain_and_a_run_by_hand_pages_nobody(client: TestClient, rt: Runtime) -> None:
    path = "/api/v1/pipelines/direct/run"
    sample = {"payload": {"name": "Disk full", "severity": "critical"}}
    dry = client.post(path, json={**sample, "dry_run": True})
    assert (dry.status_code, dry.json()["chain"], dry.json()["run_id"]) == (200, "ingest → notify", None)
    assert [alert["name"] for alert in dry.json()["alerts"]] == ["Disk full"]
    assert get(client, "")["total"] == 1, "a dry run leaves nothing"

    before = rt.db.read(lambda tx: outbox.list_notifications(tx, NotificationFilter(), PageQuery())).total
    assert client.post(path).status_code == 202, "without a body it is about this host"
    started = client.post(path, json=sample)
    assert started.status_code == 202
    run = get(client, f"/{started.json()['run_id']}")
    assert (run["status"], run["incident_id"], run["result"]["status"]) == ("PENDING", None, "RUNNING")
    after = rt.db.read(lambda tx: outbox.list_notifications(tx, NotificationFilter(), PageQuery())).total
    assert after == before


def test_run_by_hand_refuses_what_it_cannot_read(client: TestClient) -> None:
    assert client.post("/api/v1/pipelines/direct/run", json={"payload": {"x": 1}}).status_code == 422
    assert client.post("/api/v1/pipelines/gone/run", json={}).status_code == 404
    viewer = client.viewer  # type: ignore[attr-defined]
    assert client.post("/api/v1/pipelines/direct/run", json={}, headers=viewer).status_code == 403
