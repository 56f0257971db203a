"""Every recorded delivery of every tool, through the door: forced and detected, twice, on both databases."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from app.accounts.types import User
from app.alerts import queries as alerts
from app.alerts.queries import AlertFilter
from app.alerts.types import Alert
from app.incidents import queries as incidents
from app.incidents.types import IncidentFilter
from app.main import create_app
from app.platform.ports import HttpAnswer
from app.platform.runtime import Runtime
from app.platform.types import PageQuery
from app.usecases import catalogue
from tests.support.client import Client
from tests.support.people import add_admin
from tests.support.webhooks import FOLDER, Case, bodies, differences, requests
from tests.support.world import World

ALL = PageQuery(page_size=200)
# What the vendor's certificate address answers; every envelope of the fixtures is really signed with its key.
CERTIFICATE = FOLDER / "cloudwatch" / "_sns_test_cert.pem"
ALERT_DRIVERS = (
    "alertmanager", "grafana", "pagerduty", "datadog", "newrelic", "opsgenie", "zabbix", "cloudwatch", "generic",
)  # fmt: skip


@pytest.fixture
def admin(rt: Runtime) -> User:
    """Whoever makes the sources."""
    return add_admin(rt)


@pytest.fixture
def client(rt: Runtime) -> Iterator[TestClient]:
    """The application's door."""
    with Client(create_app(rt=rt, with_clock=False), raise_server_exceptions=False) as opened:
        yield opened


class Door:
    """Posts a case to a source of its own and reads back what was stored."""

    def __init__(self, rt: Runtime, world: World, client: TestClient, admin: User) -> None:
        self.rt, self.world, self.client, self.admin = rt, world, client, admin

    def source(self, case: Case, name: str) -> tuple[int, str]:
        made, key = catalogue.create_source(
            self.rt, name=name, actor=self.admin, now=self.rt.clock.now(), config=case.config
        )
        return made.id, key

    def post(self, case: Case, path: str, key: str) -> Any:
        if case.driver == "cloudwatch":
            self.world.http.next.append(HttpAnswer(200, {}, CERTIFICATE.read_bytes()))
        headers = {**case.headers, "X-API-Key": key}
        answered = self.client.post(path, content=case.body, headers=headers)
        self.world.http.next.clear()
        return answered

    def alerts(self, source_id: int) -> list[Alert]:
        found = self.rt.db.read(lambda tx: alerts.list_alerts(tx, AlertFilter(source_id=source_id), ALL))
        return sorted(found.items, key=lambda alert: alert.id)

    def quarantined(self, source_id: int) -> list[bytes | None]:
        kept = self.rt.db.read(lambda tx: alerts.quarantine_of(tx, source_id, ALL))
        return [delivery.body for delivery in kept.items]

    def incidents(self, source_id: int) -> int:
        return self.rt.db.read(lambda tx: incidents.list_incidents(tx, IncidentFilter(source_id=source_id), ALL).total)


@pytest.fixture
def door(rt: Runtime, world: World, client: TestClient, admin: User) -> Door:
    """The application's door, with somebody who may make sources."""
    return Door(rt, world, client, admin)


def found_values(alert: Alert, expected: dict[str, Any]) -> dict[str, Any]:
    # Stored, «nobody said» and «no» are the same: only where the case asks for «no» it is looked for.
    said = alert.acknowledged_upstream or (False if "acknowledged" in expected else None)
    return {
        "name": alert.name,
        "status": alert.status.value,
        "severity": alert.severity.value,
        "started_at": alert.started_at,
        "ended_at": alert.ended_at,
        "labels": alert.labels,
        "acknowledged": said,
    }


def check_stored(case: Case, door: Door, source_id: int) -> None:
    stored = door.alerts(source_id)
    wanted = case.expected.get("alerts", [])
    if case.expected["outcome"] != "alerts":
        assert stored == []
        assert door.incidents(source_id) == 0
        return
    assert len(stored) == len(wanted)
    # Several changes to one alert in one request are one stored alert: its last state is what counts.
    for alert, expected in zip(stored, wanted, strict=True):
        wrong = differences(case, expected, found_values(alert, expected))
        named = case.expected.get("name_any_of") or case.expected.get("name_match")
        assert [each for each in wrong if not (named and each.startswith("name"))] == []
    whole = json.dumps([[each.name, each.description, each.labels, each.annotations] for each in stored])
    assert not [text for text in case.expected.get("forbidden_substrings", []) if text in whole]
    firing = any(alert["status"] == "firing" for alert in wanted)
    if case.expected.get("creates_incident", firing):
        assert door.incidents(source_id) >= 1
    elif not case.expected.get("final_state_only"):
        assert door.incidents(source_id) == 0


def check_status(case: Case, status: int) -> None:
    wanted = case.expected.get("http_status")
    if wanted is None:
        wanted = {"alerts": 202, "ignored": 202, "control": 200}.get(case.expected["outcome"], [400, 422])
    assert status in (wanted if isinstance(wanted, list) else [wanted])


@pytest.mark.parametrize("driver", ALERT_DRIVERS)
def test_every_body_comes_out_as_expected_and_changes_nothing_the_second_time(door: Door, driver: str) -> None:
    for case in [each for each in bodies() if each.driver == driver]:
        paths = [f"/alerts/webhook/{driver}/"]
        if case.expected.get("detected_driver", driver) == driver:
            paths.append("/alerts/webhook/")
        for path in paths:
            door.world.clock.set(case.received_at)
            source_id, key = door.source(case, f"{case} at {path}")
            first = door.post(case, path, key)
            check_status(case, first.status_code)
            check_stored(case, door, source_id)
            before = len(door.alerts(source_id)), door.incidents(source_id)

            second = door.post(case, path, key)
            assert second.status_code == first.status_code
            assert (len(door.alerts(source_id)), door.incidents(source_id)) == before
            if first.status_code == 202:
                assert (second.json()["alerts_created"], second.json()["incidents_created"]) == (0, 0)


@pytest.mark.parametrize("driver", ALERT_DRIVERS)
def test_every_signed_request_is_taken_or_refused_as_expected(door: Door, driver: str) -> None:
    for case in [each for each in requests() if each.driver == driver]:
        door.world.clock.set(case.received_at)
        source_id, key = door.source(case, str(case))
        answered = door.post(case, "/alerts/webhook/", key)
        check_status(case, answered.status_code)
        if answered.status_code < 300:
            check_stored(case, door, source_id)
        else:
            assert door.alerts(source_id) == []
        if case.expected.get("must_not_fetch"):
            assert door.world.http.calls == []


@pytest.mark.parametrize("driver", ALERT_DRIVERS)
def test_body_that_no_driver_knows_is_kept_and_refused(door: Door, driver: str) -> None:
    for case in [
        each for each in bodies() if each.driver == driver and each.expected.get("detected_driver", "") is None
    ]:
        source_id, key = door.source(case, f"{case} unknown")
        answered = door.post(case, "/alerts/webhook/", key)
        assert answered.status_code in (400, 422)
        assert answered.headers["content-type"] == "application/problem+json"
        assert door.quarantined(source_id) == [case.body]
