"""`/notify/*`: messages on request, their uniform result, and who may say where they go."""

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import replace
from queue import Queue
from typing import Any

import pytest

from app.main import create_app
from app.notify import queries as outbox
from app.notify.kinds import channel_kinds
from app.notify.types import NotificationFilter
from app.platform.addresses import AddressFilter
from app.platform.ports import HttpAnswer, HttpFailed
from app.platform.runtime import Runtime
from app.platform.types import PageQuery
from app.usecases import deliver
from tests.support.client import Client
from tests.support.http_server import HttpServer
from tests.support.loopback import LoopbackHttp
from tests.support.world import World
from tests.web.api.conftest import JSON, Caller

HOOK = {"endpoint": "https://hooks.example.com/in", "message_id_path": "id"}
TAKEN = HttpAnswer(200, {}, b'{"id": "m-1"}')
BODY = {"title": "Disk full", "message": "97 % used", "severity": "crit", "tags": {"host": "db-1"}}


class Outside(Caller):
    """The same callers, at the paths of document 001."""

    def call(self, method: str, path: str, body: Any = None, /, **query: Any) -> Any:
        headers = {"authorization": f"Bearer {self.token}"} if self.token else {}
        return self.client.request(method, f"/notify{path}", json=body, headers=headers)


@pytest.fixture
def asks(admin: Caller) -> Outside:
    """An admin."""
    return Outside(admin.client, admin.user, admin.token)


@pytest.fixture
def responder_asks(responder: Caller) -> Outside:
    """A responder."""
    return Outside(responder.client, responder.user, responder.token)


@pytest.fixture
def team(admin: Caller) -> JSON:
    """The only channel."""
    made: JSON = admin.post("/channels", {"name": "ops", "driver": "webhook", "config": HOOK}, status=201)
    return made


@pytest.fixture
def working(rt: Runtime) -> Iterator[None]:
    """Whatever a commit wakes the delivery for is delivered, in a thread as in a real process."""
    wanted: Queue[bool] = Queue()
    rt.bus.on_wake(lambda names: wanted.put(True) if "deliver" in names else None)

    def work() -> None:
        while wanted.get():
            asyncio.run(deliver.deliver_due(rt, rt.clock.now()))

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    yield
    wanted.put(False)
    thread.join(10)


def test_a_message_is_sent_by_the_first_active_channel(
    responder_asks: Outside, team: JSON, world: World, working: None
) -> None:
    world.http.next.append(TAKEN)
    result = responder_asks.post("/send/", BODY)
    assert (result["success"], result["message_id"], result["error"]) == (True, "m-1", "")
    assert result["metadata"]["status"] == "sent"
    assert result["metadata"]["channel_id"] == team["id"]
    (call,) = world.http.calls
    assert b'"severity": "critical"' in call.content
    assert b'"tags": {"host": "db-1"}' in call.content


@pytest.mark.parametrize("provider", ["ops", "webhook", "generic", None])
def test_a_channel_is_found_by_name_by_kind_or_as_the_first(
    asks: Outside, team: JSON, world: World, working: None, provider: str | None
) -> None:
    world.http.next.append(TAKEN)
    assert asks.post("/send", {**BODY, **({"provider": provider} if provider else {})})["success"]
    world.http.next.append(TAKEN)
    assert asks.post(f"/send/{provider or 'webhook'}/", BODY)["success"]


def test_a_refusal_is_told_in_the_same_form(asks: Outside, team: JSON, world: World, working: None) -> None:
    world.http.next.append(HttpAnswer(404, {}, b"gone"))
    result = asks.post("/send", BODY)
    assert (result["success"], result["message_id"]) == (False, None)
    assert result["error"] == "the receiver answered 404: gone"
    assert result["metadata"]["status"] == "failed"


def test_what_is_not_known_in_time_is_202_and_names_the_notification(asks: Outside, team: JSON, admin: Caller) -> None:
    result = asks.post("/send", {**BODY, "timeout": 0}, status=202)
    assert (result["success"], result["metadata"]["status"]) == (False, "pending")
    shown = admin.get(f"/notifications/{result['metadata']['notification_id']}")
    assert shown["status"] == "pending"


def test_one_that_is_tried_again_is_not_known_either(asks: Outside, team: JSON, world: World, working: None) -> None:
    world.http.next.append(HttpFailed("could not connect"))
    result = asks.post("/send", {**BODY, "timeout": 0.5}, status=202)
    assert result["metadata"]["status"] in ("retrying", "in_flight", "pending")


def test_an_admin_may_bring_a_configuration_and_its_secret_is_ciphertext(
    asks: Outside, world: World, rt: Runtime, working: None
) -> None:
    config = {"endpoint": "https://other.example.com/", "headers": {"X-Key": "s3cret-value"}}
    assert asks.post("/send/generic", {**BODY, "config": config})["success"]
    (call,) = world.http.calls
    assert (call.url, call.headers["X-Key"]) == ("https://other.example.com/", "s3cret-value")
    (row,) = rt.db.read(lambda tx: outbox.list_notifications(tx, NotificationFilter(), PageQuery())).items
    assert "s3cret-value" not in str(row)
    assert b"config" not in call.content


def test_nobody_else_may(responder_asks: Outside, team: JSON) -> None:
    config = {"endpoint": "https://other.example.com/"}
    for path, body in (("/send", {**BODY, "provider": "webhook"}), ("/send/webhook", BODY)):
        assert "admins" in responder_asks.refused(403, "POST", path, {**body, "config": config})["detail"]
    batch = {"notifications": [BODY, {**BODY, "config": config}]}
    responder_asks.refused(403, "POST", "/batch", batch)


def test_a_configuration_in_the_body_reaches_no_private_address(rt: Runtime, admin: Caller) -> None:
    canary = HttpServer()
    canary.start()
    try:
        outside = replace(rt.outside, http=LoopbackHttp(AddressFilter(())))
        guarded = replace(rt, outside=outside)
        with Client(create_app(rt=guarded, with_clock=False)) as client:
            asks = Outside(client, admin.user, admin.token)
            body = {**BODY, "timeout": 0, "config": {"endpoint": canary.url}}
            sent = asks.post("/send/webhook", body, status=202)
        asyncio.run(deliver.deliver_due(guarded, rt.clock.now()))
        shown = admin.get(f"/notifications/{sent['metadata']['notification_id']}")
        assert (shown["status"], canary.requests) == ("failed", [])
        assert "not a public address" in shown["last_error"]
    finally:
        canary.stop()


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"provider": "nowhere"}, "provider"),
        ({"provider": "slack"}, "provider"),
        ({"provider": "slack", "config": {"webhook_url": "https://evil.example.com/x"}}, "config.webhook_url"),
        ({"provider": "pagerduty", "config": {}}, "config.integration_key"),
        ({"provider": "webhook", "config": {"endpoint": "ftp://x"}}, "config"),
        ({"provider": "webhook", "config": {"surprise": 1}}, "config.surprise"),
        ({"provider": "webhook", "config": {"template": "file:../../etc/x.j2"}}, "config.template"),
        ({"title": ""}, "title"),
        ({"timeout": 61}, "timeout"),
    ],
)
def test_what_cannot_be_sent_is_422_and_says_why(asks: Outside, team: JSON, change: JSON, path: str) -> None:
    problem = asks.refused(422, "POST", "/send", {**BODY, **change})
    assert [each["path"] for each in problem["errors"]] == [path]


def test_a_batch_goes_on_after_one_that_cannot_be_sent(asks: Outside, team: JSON, world: World, working: None) -> None:
    world.http.next.extend([TAKEN, TAKEN])
    result = asks.post("/batch/", {"notifications": [BODY, {**BODY, "provider": "nowhere"}, BODY]})
    assert (result["success"], result["total"], result["succeeded"], result["failed"]) == (False, 3, 2, 1)
    assert [each["success"] for each in result["results"]] == [True, False, True]
    assert "neither an active channel nor" in result["results"][1]["error"]


def test_safe_mode_counts_as_sent_and_says_so(rt: Runtime, admin: Caller, team: JSON) -> None:
    safe = replace(rt, settings=rt.settings.model_copy(update={"notification_sending_enabled": False}))
    with Client(create_app(rt=safe, with_clock=False)) as client:
        asks = Outside(client, admin.user, admin.token)
        sent = asks.post("/send", {**BODY, "timeout": 0}, status=202)
    asyncio.run(deliver.deliver_due(safe, rt.clock.now()))
    assert admin.get(f"/notifications/{sent['metadata']['notification_id']}")["status"] == "suppressed"


def test_every_kind_says_what_it_needs(asks: Outside) -> None:
    listed = {each["driver"]: each for each in asks.get("/drivers/")["drivers"]}
    assert list(listed) == list(channel_kinds())
    shown = asks.get("/drivers/pagerduty/")
    assert (shown["driver"], shown["label"]) == ("pagerduty", "PagerDuty")
    fields = {each["name"]: each for each in shown["fields"]}
    assert fields["integration_key"]["required"]
    assert fields["integration_key"]["secret"]
    assert fields["event_action"]["default"] == "trigger"
    assert asks.get("/drivers/email")["driver"] == "email_smtp"
    assert asks.get("/drivers/generic")["driver"] == "webhook"
    asks.refused(404, "GET", "/drivers/nothing")
