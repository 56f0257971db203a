"""`/api/v1/me/push-subscriptions`: what a browser says of itself becomes a device."""

import pytest

from tests.support.push import Device
from tests.web.api.conftest import JSON, Caller

PATH = "/me/push-subscriptions"


def test_device_is_added_listed_and_removed(responder: Caller) -> None:
    device = Device("https://push.example.com/1")
    made = responder.post(PATH, {**device.as_json, "name": "Pixel"}, status=201)
    assert made["name"] == "Pixel"
    listed = responder.get(PATH)
    assert [each["id"] for each in listed["devices"]] == [made["id"]]
    assert len(listed["public_key"]) == 87
    methods = responder.get("/me/contact-methods")
    assert {"channel": "webpush", "address": "Pixel", "verified": True}.items() <= methods[-1].items()
    told = str(listed) + str(methods)
    assert not any(secret in told for secret in (device.auth, device.p256dh, device.endpoint))
    responder.delete(f"{PATH}/{made['id']}")
    assert responder.get(PATH)["devices"] == []


def test_same_device_again_is_no_second_one(responder: Caller) -> None:
    body = Device("https://push.example.com/1").as_json
    made = responder.post(PATH, body, status=201)
    assert responder.post(PATH, body)["id"] == made["id"]


@pytest.mark.parametrize(
    "change",
    [
        {"endpoint": ""},
        {"endpoint": "ftp://push.example.com"},
        {"endpoint": "https://x/" + "a" * 2100},
        {"endpoint": None},
        {"keys": {}},
        {"keys": {"p256dh": "AAAA", "auth": "AAAA"}},
        {"keys": {"p256dh": 7, "auth": []}},
        {"surprise": True},
    ],
)
def test_what_no_browser_says_is_refused(responder: Caller, change: JSON) -> None:
    responder.refused(422, "POST", PATH, {**Device("https://push.example.com/1").as_json, **change})


def test_strangers_and_other_peoples_devices(admin: Caller, responder: Caller, stranger: Caller) -> None:
    made = responder.post(PATH, Device("https://push.example.com/1").as_json, status=201)
    stranger.refused(401, "GET", PATH)
    admin.refused(404, "DELETE", f"{PATH}/{made['id']}")
    admin.refused(422, "POST", "/me/contact-methods", {"channel": "webpush", "address": "anything"})
