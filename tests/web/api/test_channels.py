"""`/api/v1/channels`: secrets go in and never come out, and `***` keeps them."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import text

from app.notify import configs, queries
from app.notify.kinds import channel_kinds
from app.platform.runtime import Runtime
from app.usecases import deliver
from tests.support.world import World
from tests.web.api.conftest import JSON, Caller

CONFIG = {
    "endpoint": "https://hooks.example.com/in",
    "headers": {"Authorization": "Bearer s3cret-token", "X-Team": "a"},
}


@pytest.fixture
def channel(admin: Caller) -> JSON:
    """A webhook with a secret header."""
    made: JSON = admin.post("/channels", {"name": "ops", "driver": "webhook", "config": CONFIG}, status=201)
    return made


def stored(rt: Runtime, channel_id: int) -> dict[str, Any]:
    """The configuration that a send is made with."""
    row = rt.db.read(lambda tx: queries.get_channel(tx, channel_id))
    return configs.unseal(channel_kinds()[row.driver], row.config, rt.secrets).model_dump(exclude_unset=True)


def test_secrets_never_come_back_and_are_ciphertext_at_rest(
    admin: Caller, viewer: Caller, channel: JSON, rt: Runtime
) -> None:
    shown = {"endpoint": CONFIG["endpoint"], "headers": {"Authorization": "***", "X-Team": "***"}}
    assert channel["config"] == shown
    assert viewer.get(f"/channels/{channel['id']}")["config"] == shown
    assert viewer.get("/channels")["items"] == [channel]
    assert stored(rt, channel["id"]) == CONFIG
    raw = rt.db.read(lambda tx: tx.scalar(text("SELECT config FROM notification_channels")))
    assert "s3cret-token" not in str(raw)
    audit = admin.get("/audit")
    assert "s3cret-token" not in str(audit)
    assert [entry["action"] for entry in audit["items"] if entry["object_type"] == "channel"] == ["created"]


def test_three_stars_keep_what_is_stored_and_anything_else_replaces_it(
    admin: Caller, channel: JSON, rt: Runtime
) -> None:
    path = f"/channels/{channel['id']}"
    changed = {"endpoint": "https://other.example.com/", "headers": {"Authorization": "***", "X-Team": "b"}}
    admin.patch(path, {"config": changed})
    assert stored(rt, channel["id"]) == {
        "endpoint": "https://other.example.com/",
        "headers": {"Authorization": "Bearer s3cret-token", "X-Team": "b"},
    }
    admin.patch(path, {"config": {**changed, "headers": {"Authorization": "Bearer another"}}})
    assert stored(rt, channel["id"])["headers"] == {"Authorization": "Bearer another"}


def test_three_stars_where_nothing_is_stored_are_refused(admin: Caller, channel: JSON) -> None:
    changed = {"endpoint": "https://other.example.com/", "headers": {"X-New": "***"}}
    problem = admin.refused(422, "PATCH", f"/channels/{channel['id']}", {"config": changed})
    assert problem["errors"][0]["path"] == "config.headers"


def test_other_fields_change_without_touching_the_configuration(admin: Caller, channel: JSON, rt: Runtime) -> None:
    path = f"/channels/{channel['id']}"
    changed = admin.patch(path, {"name": "ops 2", "is_active": False, "description": "the night shift"})
    assert (changed["name"], changed["is_active"], changed["description"]) == ("ops 2", False, "the night shift")
    assert stored(rt, channel["id"]) == CONFIG


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"driver": "pigeon"}, "driver"),
        ({"driver": "webpush", "config": {}}, "driver"),
        ({"config": {"endpoint": "ftp://x"}}, "config"),
        ({"config": {"endpoint": CONFIG["endpoint"], "surprise": 1}}, "config.surprise"),
        ({"config": {"endpoint": CONFIG["endpoint"], "method": "DELETE"}}, "config.method"),
        ({"driver": "email", "config": {"from_address": "a@example.com"}}, "config.smtp_host"),
        ({"name": ""}, "name"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_what_is_wrong_is_said_by_its_place(admin: Caller, body: JSON, path: str) -> None:
    problem = admin.refused(422, "POST", "/channels", {"name": "x", "driver": "webhook", "config": CONFIG, **body})
    assert [error["path"] for error in problem["errors"]] == [path]
    assert "s3cret" not in str(problem)


def test_the_names_of_document_001_are_understood(admin: Caller) -> None:
    smtp = {"smtp_host": "mail.example.com", "from_address": "a@example.com", "password": 12345678}
    mail = admin.post("/channels", {"name": "mail", "driver": "email", "config": smtp}, status=201)
    assert (mail["driver"], mail["config"]["password"]) == ("email_smtp", "***")
    assert (
        admin.post("/channels", {"name": "g", "driver": "generic", "config": CONFIG}, status=201)["driver"] == "webhook"
    )


def test_a_name_is_taken_once(admin: Caller, channel: JSON) -> None:
    admin.refused(409, "POST", "/channels", {"name": "ops", "driver": "webhook", "config": CONFIG})
    admin.patch(f"/channels/{channel['id']}", {"name": "ops"})


def test_a_test_message_goes_over_the_channel(admin: Caller, channel: JSON, rt: Runtime, world: World) -> None:
    sent = admin.post(f"/channels/{channel['id']}/test", status=202)
    asyncio.run(deliver.deliver_due(rt, rt.clock.now()))
    (call,) = world.http.calls
    assert call.url == CONFIG["endpoint"]
    assert call.headers["Authorization"] == "Bearer s3cret-token"
    assert b"Test message from PagerPal" in call.content
    assert admin.get(f"/notifications/{sent['notification_id']}")["status"] == "sent"


def test_a_channel_that_said_something_is_kept(admin: Caller, channel: JSON) -> None:
    unused = admin.post("/channels", {"name": "unused", "driver": "webhook", "config": CONFIG}, status=201)
    admin.delete(f"/channels/{unused['id']}")
    admin.refused(404, "GET", f"/channels/{unused['id']}")
    admin.post(f"/channels/{channel['id']}/test", status=202)
    admin.refused(409, "DELETE", f"/channels/{channel['id']}")


def test_a_channel_that_is_switched_off_says_nothing(admin: Caller, channel: JSON, rt: Runtime, world: World) -> None:
    admin.patch(f"/channels/{channel['id']}", {"is_active": False})
    sent = admin.post(f"/channels/{channel['id']}/test", status=202)
    asyncio.run(deliver.deliver_due(rt, rt.clock.now()))
    assert world.http.calls == []
    told = admin.get(f"/notifications/{sent['notification_id']}")
    assert (told["status"], told["last_error"]) == ("failed", "the channel is switched off")
