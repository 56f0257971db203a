"""`/api/v1/checks` and `/api/v1/check-runs` as callers see them."""

import asyncio
from typing import Any

import pytest

from app.checks.types import CheckOrder
from app.platform.runtime import Runtime
from app.usecases import run_checks
from tests.web.api.conftest import JSON, Caller

FIELDS = {
    "name", "label", "params", "timeout", "warning_threshold", "critical_threshold", "enabled", "cadence_seconds",
    "last_run",
}  # fmt: skip
RUN_FIELDS = {
    "checker_name", "hostname", "status", "message", "metrics", "error", "warning_threshold", "critical_threshold",
    "alert_id", "duration_ms", "executed_at", "trace_id",
}  # fmt: skip
QUICK = {"samples": 1, "sample_interval": 0.05}


def check(caller: Caller, name: str) -> JSON:
    """One of the list."""
    (found,) = (each for each in caller.get("/checks") if each["name"] == name)
    result: JSON = found
    return result


def test_every_checker_is_listed_with_its_configuration(viewer: Caller) -> None:
    checks = viewer.get("/checks")
    assert [each["name"] for each in checks] == [
        "cpu", "disk", "disk_common", "disk_linux", "disk_macos", "memory", "network", "process"
    ]  # fmt: skip
    assert all(each.keys() >= FIELDS for each in checks)
    assert check(viewer, "network")["params"] == {"hosts": ["8.8.8.8", "1.1.1.1"], "ping_count": 1}
    assert check(viewer, "network")["last_run"] is None


def test_a_check_that_is_run_answers_with_its_run_and_is_listed(responder: Caller) -> None:
    made = responder.post("/checks/cpu/run", {"params": QUICK, "warning_threshold": 0})
    assert made.keys() >= RUN_FIELDS
    assert (made["checker_name"], made["metrics"]["samples"], made["warning_threshold"]) == ("cpu", 1, 0)
    assert made["status"] in ("warning", "critical")
    listed = responder.get("/check-runs", checker="cpu")
    assert (listed["items"], listed["total"]) == ([made], 1)
    assert check(responder, "cpu")["last_run"] == made
    assert responder.get("/check-runs", status="unknown")["total"] == 0


def test_a_check_can_be_run_without_a_body(responder: Caller) -> None:
    assert responder.post("/checks/memory/run")["checker_name"] == "memory"


def test_an_admin_sets_a_check_up_and_it_is_audited(admin: Caller) -> None:
    changed = admin.patch("/checks/process", {"params": {"processes": ["nginx"]}, "cadence_seconds": 60})
    assert (changed["params"], changed["cadence_seconds"]) == ({"processes": ["nginx"]}, 60)
    assert check(admin, "process") == changed
    entry = next(each for each in admin.get("/audit")["items"] if each["object_type"] == "check")
    assert entry["object_id"] == "process"
    assert entry["before"]["params"] == {"processes": []}
    assert entry["after"]["params"] == {"processes": ["nginx"]}


def test_only_admins_say_where_a_check_looks(responder: Caller, viewer: Caller, admin: Caller) -> None:
    body = {"params": {"paths": ["/"]}}
    assert "paths" in responder.refused(403, "POST", "/checks/disk/run", body)["detail"]
    responder.refused(403, "PATCH", "/checks/disk", body)
    viewer.refused(403, "POST", "/checks/disk/run")
    assert admin.post("/checks/disk/run", body)["metrics"]["worst_path"] == "/"


def test_a_checker_that_does_not_exist_is_404(admin: Caller) -> None:
    admin.refused(404, "POST", "/checks/nosuch/run")
    admin.refused(404, "PATCH", "/checks/nosuch", {"enabled": False})


@pytest.mark.parametrize(
    "body",
    [
        {"params": {"hosts": ["-oX"]}}, {"params": {"hosts": [";reboot"]}}, {"params": {"hosts": "8.8.8.8"}},
        {"params": {"hosts": [None]}}, {"params": {"hosts": ["a"] * 51}}, {"params": {"ping_count": 10**9}},
        {"params": {"ping_count": None}}, {"params": []}, {"warning_threshold": -1}, {"warning_threshold": "high"},
        {"warning_threshold": 1e308}, {"critical_threshold": 71}, {"surprise": 1},
    ],
)  # fmt: skip
def test_nonsense_is_refused_before_anything_is_measured(admin: Caller, body: Any) -> None:
    problem = admin.refused(422, "POST", "/checks/network/run", body)
    assert problem["errors"]
    assert admin.get("/check-runs")["total"] == 0


@pytest.mark.parametrize(
    "body",
    [
        {"timeout": 0}, {"timeout": 1e9}, {"timeout": None, "params": {"samples": 60}}, {"cadence_seconds": 5},
        {"cadence_seconds": 2**40}, {"cadence_seconds": 1.5}, {"enabled": "maybe"}, {"name": "memory"},
        {"params": {"samples": "many"}}, {"params": {"samples": {"x": 1}}},
    ],
)  # fmt: skip
def test_a_set_up_that_cannot_be_is_refused(admin: Caller, body: Any) -> None:
    before = check(admin, "cpu")
    assert admin.refused(422, "PATCH", "/checks/cpu", body)["errors"]
    assert check(admin, "cpu") == before


def test_an_incident_shows_the_checks_that_were_made_for_it(rt: Runtime, admin: Caller) -> None:
    incident = admin.post("/incidents", {"title": "Slow", "severity": "warning"}, status=201)
    orders = [CheckOrder("memory"), CheckOrder("process")]
    asyncio.run(run_checks.run(rt, orders, now=rt.clock.now(), incident_id=incident["id"]))
    shown = admin.get(f"/incidents/{incident['id']}")["checks"]
    assert [each["checker_name"] for each in shown] == ["process", "memory"]
    assert shown == admin.get("/check-runs", incident_id=incident["id"])["items"]
