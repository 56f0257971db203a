"""`/api/v1/alarms`, `/alarm-events`, `/engine-runs` and `/heartbeats` as callers see them, and pings."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.alarms import queries, service
from app.alarms.types import Detection, Found, Outcome, Trigger
from app.platform.db import Tx
from app.platform.runtime import Runtime
from app.platform.settings import Settings
from app.usecases import run_alarms
from tests.service.alarms.conftest import LISTED
from tests.support.callers import browser
from tests.support.clock import FrozenClock
from tests.web.api.conftest import JSON, Caller

FIELDS = {
    "entry_id", "module", "title", "content", "enabled", "recipients", "renotification_window_hours", "params", "pages",
    "escalation_policy_id", "archived", "version",
}  # fmt: skip
NEW: JSON = {"entry_id": "alarm_quiet", "module": "source_silent", "title": "Quiet sources", "params": {"hours": 2}}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """ALARM_MODULES_DIR."""
    made = tmp_path / "modules"
    made.mkdir(mode=0o755)
    return made


@pytest.fixture
def settings(database_url: str, folder: Path) -> Settings:
    """The operator has modules of their own."""
    return Settings(pagerpal_env="test", database_url=database_url, alarm_modules_dir=str(folder))


@pytest.fixture
def alarm(admin: Caller) -> JSON:
    """An alarm."""
    made: JSON = admin.post("/alarms", NEW, status=201)
    return made


def fires(rt: Runtime, name: str, *keys: str) -> None:
    """These entities are found in trouble."""
    found = Found(Outcome.FIRING, tuple(Detection(key, f"{key} fails") for key in keys))

    def write(tx: Tx) -> None:
        run_id = service.begin_run(tx, boundary=None, trigger=Trigger.MANUAL, owner="t", now=rt.clock.now())
        assert run_id is not None
        alarm = queries.get_alarm(tx, name)
        run_alarms.record(tx, rt, alarm, found, run_alarms.Pass(run_id, rt.clock.now()))

    rt.db.write(write)


def test_the_alarms_of_the_seed_are_there_with_mail_off(viewer: Caller) -> None:
    listed = viewer.get("/alarms")
    assert [(each["entry_id"], each["enabled"], each["recipients"]) for each in listed["items"]] == [
        ("alarm_panda_failure_rate_eic_all", False, ["@prodops"]),
        ("alarm_panda_failure_rate_user", False, ["@prodops"]),
    ]
    assert "prodops" in [team["name"] for team in viewer.get("/teams")["items"]]


def test_an_alarm_is_made_read_and_changed_by_either_name(admin: Caller, alarm: JSON) -> None:
    assert alarm.keys() >= FIELDS
    assert (alarm["entry_id"], alarm["version"], alarm["renotification_window_hours"]) == ("alarm_quiet", 1, 24)
    assert admin.get("/alarms/quiet") == admin.get("/alarms/alarm_quiet") == alarm
    changed = admin.patch("/alarms/quiet", {"version": 1, "enabled": True, "recipients": "@prodops, ops@example.com"})
    assert (changed["version"], changed["recipients"]) == (2, ["@prodops", "ops@example.com"])
    assert admin.patch("/alarms/quiet", {"enabled": True})["version"] == 2
    assert admin.refused(409, "POST", "/alarms", NEW)["code"] == "alarm_name_taken"
    entry = next(each for each in admin.get("/audit")["items"] if each["object_type"] == "alarm")
    assert (entry["object_id"], entry["action"]) == ("alarm_quiet", "saved")


def test_secrets_in_addresses_are_shown_to_those_who_may_change_them(
    client: TestClient, rt: Runtime, viewer: Caller, admin: Caller
) -> None:
    params = {"urls": ["https://shop.example.com/?token=s3cret-token"]}
    made = admin.post("/alarms", {"entry_id": "web", "module": "http_probe", "params": params}, status=201)
    assert made["params"]["urls"] == admin.get("/alarms/web")["params"]["urls"] == params["urls"]
    shown = [viewer.get(path) for path in ("/alarms", "/alarms/web", "/alarms/web/versions", "/alarms/web/versions/1")]
    assert viewer.user is not None
    page = client.get("/alarms", headers=browser(rt, viewer.user).headers()).text
    assert "s3cret-token" not in f"{shown}{page}"
    assert shown[1]["params"]["urls"] == ["https://shop.example.com/?token=***"]


def test_several_alarms_share_a_module(admin: Caller, alarm: JSON) -> None:
    other = admin.post("/alarms", {**NEW, "entry_id": "quieter", "params": {"hours": 48}}, status=201)
    assert (other["entry_id"], other["module"]) == ("alarm_quieter", alarm["module"])


def test_an_archived_alarm_is_listed_only_where_asked_for(admin: Caller, alarm: JSON) -> None:
    admin.patch("/alarms/quiet", {"archived": True})
    assert "alarm_quiet" not in [each["entry_id"] for each in admin.get("/alarms")["items"]]
    assert [each["entry_id"] for each in admin.get("/alarms", archived="true")["items"]] == ["alarm_quiet"]


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"params": {"hours": "two"}}, "params.hours"),
        ({"params": {"hours": 0}}, "params.hours"),
        ({"params": {"hours": 10**400}}, "params.hours"),
        ({"params": {"surprise": 1}}, "params.surprise"),
        ({"module": "http_probe", "params": {}}, "params.urls"),
        ({"module": "nothing_like_it"}, "module"),
        ({"module": "../x"}, "module"),
        ({"entry_id": "../x"}, "entry_id"),
        ({"entry_id": "run"}, "entry_id"),
        ({"recipients": ["@nobody"]}, "recipients[0]"),
        ({"recipients": ["ops@example.com", "not an address@"]}, "recipients[1]"),
        ({"recipients": ["no such channel"]}, "recipients[0]"),
        ({"renotification_window_hours": -1}, "renotification_window_hours"),
        ({"pages": True}, "escalation_policy_id"),
        ({"pages": True, "escalation_policy_id": 99}, "escalation_policy_id"),
        ({"title": " "}, "title"),
    ],
)
def test_what_is_wrong_is_named(admin: Caller, changes: JSON, path: str) -> None:
    problem = admin.refused(422, "POST", "/alarms", {**NEW, **changes})
    assert [error["path"] for error in problem["errors"]] == [path]


def test_the_second_of_two_editors_is_told_and_gets_what_is_stored(admin: Caller, alarm: JSON) -> None:
    admin.patch("/alarms/quiet", {"version": 1, "content": "The first text."})
    problem = admin.refused(409, "PATCH", "/alarms/quiet", {"version": 1, "content": "The second text."})
    assert (problem["current"]["version"], problem["current"]["content"]) == (2, "The first text.")
    saved = admin.refused(409, "POST", "/alarms/quiet/autosave", {"version": 1, "content": "The second text."})
    assert saved["current"]["content"] == "The first text."


def test_a_policy_that_an_alarm_pages_by_stays(admin: Caller, alarm: JSON) -> None:
    assert admin.user is not None
    level = {"level": 1, "delay_minutes": 5, "assignees": [{"type": "user", "id": admin.user.id}]}
    policy = admin.post("/escalation-policies", {"name": "night", "levels": [level]}, status=201)
    admin.patch("/alarms/quiet", {"pages": True, "escalation_policy_id": policy["id"]})
    assert "alarm_quiet" in admin.refused(409, "DELETE", f"/escalation-policies/{policy['id']}")["detail"]


def test_versions_are_listed_read_and_restored(admin: Caller, viewer: Caller, alarm: JSON) -> None:
    admin.patch("/alarms/quiet", {"content": "Two."})
    admin.post("/alarms/quiet/autosave", {"version": 2, "content": "Three."})
    listed = viewer.get("/alarms/quiet/versions")["items"]
    assert [(each["version"], each["how"], each["content"]) for each in listed] == [
        (3, "autosaved", "Three."), (2, "saved", "Two."), (1, "created", "")
    ]  # fmt: skip
    assert viewer.get("/alarms/quiet/versions/2") == listed[1]
    restored = admin.post("/alarms/quiet/versions/2/restore")
    assert (restored["version"], restored["content"]) == (4, "Two.")
    assert admin.refused(404, "POST", "/alarms/quiet/versions/99/restore")["code"] == "alarm_version_not_found"


def test_an_editor_saves_with_its_token_in_the_body(
    client: TestClient, rt: Runtime, admin: Caller, alarm: JSON
) -> None:
    assert admin.user is not None
    signed_in = browser(rt, admin.user)
    beacon = {"cookie": signed_in.cookie, "origin": "http://testserver"}
    path = "/api/v1/alarms/quiet/autosave"
    body: JSON = {"version": 1, "content": "Typed."}
    assert client.post(path, json=body, headers=beacon).status_code == 403
    body["csrf_token"] = signed_in.csrf
    elsewhere = {**beacon, "origin": "https://other.example.com"}
    assert client.post(path, json=body, headers=elsewhere).status_code == 403
    saved = client.post(path, json=body, headers=beacon)
    assert (saved.status_code, saved.json()["version"]) == (200, 2)


def test_modules_are_listed_with_their_params_and_hashes(viewer: Caller, folder: Path) -> None:
    (folder / "listed.py").write_text(LISTED)
    (folder / "broken.py").write_text("def detect(:\n")
    modules = {each["name"]: each for each in viewer.get("/alarms/modules")}
    assert modules.keys() >= {"http_probe", "sql_query", "listed", "broken"}
    (url, over) = modules["listed"]["params"]
    assert (url["name"], url["type"], url["required"]) == ("url", "str", True)
    assert (over["name"], over["default"]) == ("over", 0)
    assert len(modules["listed"]["sha256"]) == 64
    assert (modules["listed"]["built_in"], modules["http_probe"]["built_in"]) == (False, True)
    assert "SyntaxError" in modules["broken"]["error"]


def test_a_live_test_takes_unsaved_parameters_and_tells_nobody(admin: Caller, responder: Caller, alarm: JSON) -> None:
    tried = responder.post("/alarms/quiet/test", {"params": {"hours": 1, "never_used": True}})
    assert (tried["outcome"], tried["detections"], tried["error"]) == ("clear", [], "")
    for name in ("../x", "..", "x/y"):
        assert admin.refused(422, "POST", "/alarms/quiet/test", {"module": name})["status"] == 422
    problem = responder.refused(422, "POST", "/alarms/quiet/test", {"params": {"hours": "x"}})
    assert problem["errors"][0]["path"] == "params.hours"
    assert responder.get("/engine-runs")["total"] == 0
    admin.post("/alarms", {"entry_id": "web", "module": "http_probe", "params": {"urls": []}}, status=201)
    other = {"params": {"urls": ["http://127.0.0.1:1/"]}}
    assert "Only admins" in responder.refused(403, "POST", "/alarms/web/test", other)["detail"]


def test_a_preview_is_subject_text_and_html(admin: Caller, alarm: JSON) -> None:
    shown = admin.post("/alarms/quiet/preview", {"content": "Unsaved words."})
    assert shown["synthetic"] is True
    assert shown["subject"].startswith("Example")
    assert "Unsaved words." in shown["text"]
    assert "Unsaved words." in shown["html"]


def test_events_are_listed_read_and_acknowledged(rt: Runtime, admin: Caller, responder: Caller, alarm: JSON) -> None:
    fires(rt, "quiet", "a", "b")
    listed = responder.get("/alarm-events", alarm="quiet", state="active", since_hours=24)
    assert sorted(each["dedupe_key"] for each in listed["items"]) == ["a", "b"]
    event = listed["items"][0]
    assert (event["alarm"], event["state"], event["clear_time"]) == ("alarm_quiet", "active", None)
    acked = responder.post(f"/alarm-events/{event['id']}/ack")
    assert acked["acked_by"] == responder.user.id if responder.user else None
    assert responder.post(f"/alarm-events/{event['id']}/ack") == acked == responder.get(f"/alarm-events/{event['id']}")
    fires(rt, "quiet", event["dedupe_key"])
    gone = responder.get("/alarm-events", state="cleared")["items"][0]
    assert responder.refused(409, "POST", f"/alarm-events/{gone['id']}/ack")["code"] == "alarm_event_cleared"
    assert responder.refused(404, "GET", "/alarm-events/nothing")["code"] == "alarm_event_not_found"


def test_the_engine_runs_on_request_for_real_and_dry(admin: Caller, alarm: JSON) -> None:
    dry = admin.post("/alarms/run", {"dry_run": True})
    assert (dry["id"], admin.get("/engine-runs")["total"]) == (0, 0)
    run = admin.post("/alarms/run")
    assert (
        run["counters"].items() >= {"alarms": 3, "clear": 1, "unknown": 2, "errors": 0, "notifications_sent": 0}.items()
    )
    assert run["per_alarm"].keys() == {
        "alarm_quiet", "alarm_panda_failure_rate_user", "alarm_panda_failure_rate_eic_all"
    }  # fmt: skip
    assert admin.get(f"/engine-runs/{run['id']}") == run
    for name in ("nothing", "../x"):
        assert admin.refused(404, "POST", "/alarms/run", {"name": name})["code"] == "alarm_not_found"
    admin.patch("/alarms/quiet", {"archived": True})
    assert admin.refused(409, "POST", "/alarms/run", {"name": "quiet"})["code"] == "alarm_archived"


# --- heartbeats ---------------------------------------------------------------------------------------------------


@pytest.fixture
def beat(admin: Caller) -> JSON:
    """A heartbeat of every hour."""
    body = {"name": "backup", "period_seconds": 3600, "grace_seconds": 300}
    made: JSON = admin.post("/heartbeats", body, status=201)
    return made


def pings(client: TestClient, beat: JSON, then: str = "", method: str = "GET", **more: Any) -> int:
    """The status of a ping."""
    path = beat["ping_url"].removeprefix("http://127.0.0.1:8000")
    return client.request(method, f"{path}{then}", **more).status_code


def test_a_heartbeat_goes_from_new_to_up_late_and_down(
    clock: FrozenClock, client: TestClient, admin: Caller, beat: JSON
) -> None:
    def state() -> str:
        return str(admin.get(f"/heartbeats/{beat['id']}")["state"])

    assert (beat["state"], beat["ping_url"].startswith("http://127.0.0.1:8000/ping/")) == ("new", True)
    assert pings(client, beat) == 200
    assert state() == "up"
    clock.advance(minutes=61)
    assert state() == "late"
    clock.advance(minutes=5)
    assert state() == "down"
    assert pings(client, beat, "/start", "POST") == 200
    assert state() == "started"
    clock.advance(minutes=6)
    assert state() == "overdue"
    assert pings(client, beat, "/3", "POST", content=b"disk full") == 200
    assert state() == "failed"
    assert pings(client, beat, "/0", "HEAD") == 200
    assert state() == "up"
    assert pings(client, beat, "/log", "POST", content=b"by the way") == 200
    assert state() == "up"
    kept = admin.get(f"/heartbeats/{beat['id']}/pings")
    assert [(each["signal"], each["exit_code"], each["body"]) for each in kept[:3]] == [
        ("log", None, "by the way"), ("success", 0, ""), ("fail", 3, "disk full")
    ]  # fmt: skip


def test_a_missed_heartbeat_is_detected(
    rt: Runtime, clock: FrozenClock, client: TestClient, admin: Caller, beat: JSON
) -> None:
    admin.post("/alarms", {"entry_id": "beats", "module": "heartbeat_missed"}, status=201)
    pings(client, beat)
    clock.advance(hours=2)
    run = asyncio.run(run_alarms.run_now(rt, rt.clock.now(), name="beats"))
    assert run.per_alarm["alarm_beats"]["subjects"] == ["backup has not come"]


def test_strange_pings_are_refused(client: TestClient, beat: JSON) -> None:
    for then in ("/256", "/-1", "/stop", "/٣"):
        assert pings(client, beat, then) == 404
    assert client.get("/ping/00000000-0000-4000-8000-000000000999").status_code == 404
    assert client.get("/ping/x").status_code == 404
    assert pings(client, beat, method="PUT") == 405
    assert pings(client, beat, "", "POST", content=b"x" * (1024 * 1024 + 1)) == 413
    assert pings(client, beat, "", "POST", content=b"\xff\x00" * 20_000) == 200
    assert {pings(client, beat) for _ in range(60)} == {200, 429}


def test_an_address_that_is_none_is_refused_without_a_write(rt: Runtime, client: TestClient, beat: JSON) -> None:
    rt.db.standby = True
    assert client.get("/ping/00000000-0000-4000-8000-000000000999").status_code == 404
    assert pings(client, beat) == 503


def test_the_address_of_a_heartbeat_is_for_admins(viewer: Caller, admin: Caller, beat: JSON) -> None:
    assert viewer.get(f"/heartbeats/{beat['id']}")["ping_url"] is None
    changed = admin.patch(f"/heartbeats/{beat['id']}", {"name": "nightly backup"})
    assert changed["ping_url"] == beat["ping_url"]
    assert admin.refused(422, "PATCH", f"/heartbeats/{beat['id']}", {"period_seconds": 5})["errors"][0]["path"] == (
        "period_seconds"
    )
    taken = {"name": "nightly backup", "period_seconds": 60}
    assert admin.refused(409, "POST", "/heartbeats", taken)["code"] == "heartbeat_name_taken"
    admin.delete(f"/heartbeats/{beat['id']}")
    assert viewer.get("/heartbeats")["total"] == 0
