"""`/api/v1/alert-sources`: the key is in one answer only, secrets in none."""

from datetime import datetime

from fastapi.testclient import TestClient

from app.platform.runtime import Runtime
from tests.support.clock import FrozenClock
from tests.web.api.conftest import JSON, Caller

FIELDS = {
    "id", "name", "driver", "team_id", "escalation_policy_id", "schedule_id", "pipeline", "grouping", "group_labels",
    "is_active", "auto_resolve", "config", "masked_api_key", "keys", "last_delivery_at", "created_at", "updated_at",
}  # fmt: skip


def test_the_key_is_shown_when_it_is_made_and_never_again(admin: Caller, viewer: Caller) -> None:
    made = admin.post("/alert-sources", {"name": "prod"}, status=201)
    assert made.keys() >= FIELDS | {"api_key"}
    key = made["api_key"]
    assert made["masked_api_key"] == f"{key[:8]}…{key[-4:]}"

    shown = viewer.get(f"/alert-sources/{made['id']}")
    assert shown.keys() >= FIELDS
    assert shown["masked_api_key"] == made["masked_api_key"]
    assert key not in viewer.call("GET", "/alert-sources").text
    assert key not in viewer.call("GET", f"/alert-sources/{made['id']}").text
    assert key not in admin.call("GET", "/audit").text


def test_a_regenerated_key_leaves_the_old_one_working_until_it_is_revoked(
    client: TestClient, admin: Caller, source: JSON
) -> None:
    def post(key: str) -> int:
        return client.post("/alerts/webhook/", json={"name": "x"}, headers={"x-api-key": key}).status_code

    again = admin.post(f"/alert-sources/{source['id']}/regenerate-key")
    assert again["api_key"] != source["api_key"]
    assert [post(again["api_key"]), post(source["api_key"])] == [202, 202]

    keys = admin.get(f"/alert-sources/{source['id']}/keys")
    assert [key["masked"] for key in keys] == [again["masked_api_key"], source["masked_api_key"]]
    admin.delete(f"/alert-sources/{source['id']}/keys/{keys[1]['id']}")
    assert [post(again["api_key"]), post(source["api_key"])] == [202, 401]


def test_the_key_that_the_tool_still_uses_is_seen_while_rotating(
    client: TestClient, admin: Caller, source: JSON, clock: FrozenClock
) -> None:
    def post_with_the_old_key() -> None:
        client.post("/alerts/webhook/", json={"name": "x"}, headers={"x-api-key": source["api_key"]})

    def used() -> list[datetime | None]:
        keys = admin.get(f"/alert-sources/{source['id']}/keys")
        return [key["last_used_at"] and datetime.fromisoformat(key["last_used_at"]) for key in keys]

    admin.post(f"/alert-sources/{source['id']}/regenerate-key")
    assert used() == [None, None]
    first = clock.now()
    post_with_the_old_key()
    assert used() == [None, first]
    clock.advance(seconds=30)
    post_with_the_old_key()
    assert used() == [None, first]
    later = clock.advance(minutes=10)
    post_with_the_old_key()
    assert used() == [None, later]


def test_when_a_source_was_last_heard_is_right_to_the_second(
    client: TestClient, admin: Caller, source: JSON, clock: FrozenClock
) -> None:
    heard = []
    for seconds in (0, 0.5, 0.5, 300):
        clock.advance(seconds=seconds)
        client.post("/alerts/webhook/", json={"name": "x"}, headers={"x-api-key": source["api_key"]})
        said = datetime.fromisoformat(admin.get(f"/alert-sources/{source['id']}")["last_delivery_at"])
        heard.append((clock.now() - said).total_seconds())
    assert heard == [0, 0.5, 0, 0]


def test_a_key_can_be_replaced_at_once(client: TestClient, admin: Caller, source: JSON) -> None:
    admin.post(f"/alert-sources/{source['id']}/regenerate-key", {"keep_old_hours": 0})
    answered = client.post("/alerts/webhook/", json={"name": "x"}, headers={"x-api-key": source["api_key"]})
    assert answered.status_code == 401


def test_a_signing_secret_is_never_shown(admin: Caller, source: JSON) -> None:
    path = f"/alert-sources/{source['id']}"
    changed = admin.patch(path, {"config": {"signing_secret": "hush-hush", "rate_per_minute": 100}})
    assert changed["config"] == {"signing_secret": "***", "rate_per_minute": 100}
    assert admin.patch(path, {"config": changed["config"]})["config"] == changed["config"]
    assert "hush-hush" not in admin.call("GET", "/audit").text


def test_a_change_keeps_what_it_does_not_name(admin: Caller, source: JSON) -> None:
    changed = admin.patch(f"/alert-sources/{source['id']}", {"auto_resolve": False})
    assert (changed["auto_resolve"], changed["name"], changed["is_active"]) == (False, "prod", True)


def test_wrong_fields_are_named(admin: Caller) -> None:
    problem = admin.refused(422, "POST", "/alert-sources", {"name": "prod", "driver": "pigeon"})
    assert problem["errors"] == [{"path": "driver", "message": "names no driver"}]
    assert admin.refused(422, "POST", "/alert-sources", {})["errors"][0]["path"] == "name"
    problem = admin.refused(422, "POST", "/alert-sources", {"name": "prod", "colour": "red"})
    assert problem["errors"][0]["path"] == "colour"


def test_names_are_unique_and_missing_sources_are_missing(admin: Caller, source: JSON) -> None:
    admin.refused(409, "POST", "/alert-sources", {"name": "prod"})
    for method, path in (("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/regenerate-key"), ("GET", "/keys")):
        admin.refused(404, method, f"/alert-sources/99{path}", {} if method == "PATCH" else None)


def test_a_source_with_open_incidents_cannot_be_deleted(admin: Caller, source: JSON) -> None:
    path = f"/alert-sources/{source['id']}"
    sent = admin.post(f"{path}/test-alert", status=202)
    admin.refused(409, "DELETE", path)
    admin.post(f"/incidents/{sent['incident_ids'][0]}/resolve")
    admin.delete(path)
    admin.refused(404, "GET", path)


def test_a_test_alert_opens_an_incident_and_its_recovery_resolves_it(responder: Caller, source: JSON) -> None:
    path = f"/alert-sources/{source['id']}/test-alert"
    sent = responder.post(path, {"severity": "info"}, status=202)
    assert (sent["status"], sent["incidents_created"]) == ("accepted", 1)
    assert sent["run_id"] in sent["run_ids"]
    incident = f"/incidents/{sent['incident_ids'][0]}"
    assert responder.get(incident)["severity"] == "info"

    assert responder.post(path, {"status": "resolved"}, status=202)["alerts_resolved"] == 1
    assert responder.get(incident)["status"] == "resolved"
    responder.refused(409, "POST", path, {"status": "resolved"})
    responder.refused(422, "POST", path, {"severity": "awful"})


def test_a_source_that_is_switched_off_answers_403_to_its_tool_and_to_a_test(
    client: TestClient, admin: Caller, source: JSON
) -> None:
    admin.patch(f"/alert-sources/{source['id']}", {"is_active": False})
    answered = client.post("/alerts/webhook/", json={"name": "x"}, headers={"x-api-key": source["api_key"]})
    assert answered.status_code == 403
    admin.refused(403, "POST", f"/alert-sources/{source['id']}/test-alert")


def test_what_nobody_can_read_is_in_quarantine_and_can_be_parsed_again(
    client: TestClient, rt: Runtime, admin: Caller, source: JSON
) -> None:
    answered = client.post(
        "/alerts/webhook/grafana/", json={"headline": "Disk"}, headers={"x-api-key": source["api_key"]}
    )
    assert answered.status_code == 422
    path = f"/alert-sources/{source['id']}/quarantine"
    page = admin.get(path)
    assert page["total"] == 1
    [kept] = page["items"]
    assert kept.keys() >= {"id", "trace_id", "driver", "error", "headers", "body", "received_at"}
    assert "headline" in kept["body"]

    admin.refused(422, "POST", f"{path}/{kept['id']}/reparse")
    admin.refused(422, "POST", f"{path}/{kept['id']}/reparse", {"driver": "pigeon"})
    admin.refused(404, "POST", f"{path}/99/reparse")
    assert admin.get(path)["total"] == 1


def test_a_delivery_read_by_the_right_driver_leaves_quarantine(client: TestClient, admin: Caller, source: JSON) -> None:
    refused = client.post(
        "/alerts/webhook/zabbix/", json={"name": "Disk", "state": "x"}, headers={"x-api-key": source["api_key"]}
    )
    assert refused.status_code == 422
    path = f"/alert-sources/{source['id']}/quarantine"
    kept = admin.get(path)["items"][0]
    done = admin.post(f"{path}/{kept['id']}/reparse", {"driver": "generic"})
    assert done["incidents_created"] == 1
    assert admin.get(path)["total"] == 0


def test_who_may_do_what(stranger: Caller, viewer: Caller, responder: Caller, source: JSON) -> None:
    path = f"/alert-sources/{source['id']}"
    stranger.refused(401, "GET", "/alert-sources")
    viewer.refused(403, "POST", f"{path}/test-alert")
    for caller in (viewer, responder):
        caller.get(path)
        caller.refused(403, "POST", "/alert-sources", {"name": "x"})
        caller.refused(403, "PATCH", path, {"name": "x"})
        caller.refused(403, "DELETE", path)
        caller.refused(403, "POST", f"{path}/regenerate-key")
