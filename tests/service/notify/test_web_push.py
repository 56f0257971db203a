"""Pages to phones by web push: subscribed, encrypted for one device, and forgotten when the device is gone."""

import asyncio
from dataclasses import replace
from ipaddress import ip_network
from urllib.parse import urlsplit

import pytest
from sqlalchemy import select

from app.accounts import push, queries as accounts
from app.accounts.models import PushSubscriptionRow
from app.accounts.types import Urgency, User
from app.notify.types import NotificationStatus
from app.platform.addresses import AddressFilter
from app.platform.errors import Invalid
from app.platform.http import OutboundHttp
from app.platform.models import KeptSecretRow
from app.platform.ports import HttpAnswer
from app.usecases import deliver, people
from tests.service.notify.conftest import Ward
from tests.support.http_server import Answer, HttpServer
from tests.support.people import email_of
from tests.support.push import Device

FAILED, SENT = NotificationStatus.FAILED, NotificationStatus.SENT
ENDPOINT = "https://push.example.com/send/ravi"


def ravi(ward: Ward) -> User:
    found = ward.reads(lambda tx: accounts.find_user_by_email(tx, email_of("Ravi")))
    assert found is not None
    return found


def subscribes(
    ward: Ward, endpoint: str = ENDPOINT, name: str = "Chrome on Android", user: User | None = None
) -> Device:
    device = Device(endpoint)
    people.add_device(ward.rt, user=user or ravi(ward), subscription=device.subscription, name=name, now=ward.now)
    people.push_public_key(ward.rt, now=ward.now)
    return device


def only_by_push(ward: Ward) -> None:
    """Ravi has no rule but the one of his device."""
    user = ravi(ward)
    devices = {each.contact_method_id for each in ward.reads(lambda tx: push.devices_of(tx, user.id))}
    for rule in ward.reads(lambda tx: accounts.rules_of(tx, user.id)):
        if rule.contact_method_id not in devices:
            people.remove_rule(ward.rt, user_id=user.id, rule_id=rule.id, actor=ward.admin, now=ward.now)


def test_page_reaches_the_device_and_nobody_else_can_read_it(ward: Ward) -> None:
    device = subscribes(ward)
    incident_id = ward.opens()
    ward.delivers()
    (call,) = ward.world.http.calls
    assert call.url == ENDPOINT
    assert (call.headers["TTL"], call.headers["Urgency"], call.headers["Topic"]) == (
        "14400", "high", f"incident-{incident_id}",
    )  # fmt: skip
    assert call.headers["Authorization"].startswith("vapid t=")
    assert b"Disk" not in call.content
    page = device.reads_json(call.content)
    assert page["title"] == f"[CRITICAL] #{incident_id} Disk full"
    assert urlsplit(page["acknowledge"]).path.startswith("/a/")
    assert page["url"].endswith(f"/incidents/{incident_id}")
    assert ward.statuses(incident_id) == [SENT, SENT]


def test_device_is_a_verified_contact_method_with_a_rule_and_its_secrets_are_nowhere_in_the_clear(ward: Ward) -> None:
    device = subscribes(ward)
    user = ravi(ward)
    method = ward.reads(lambda tx: accounts.contact_methods_of(tx, user.id))[-1]
    assert (method.channel, method.address, method.verified_at) == ("webpush", "Chrome on Android", ward.now)
    ways = ward.reads(lambda tx: accounts.reach_of(tx, [user.id], urgency=Urgency.HIGH))[user.id]
    assert [way.channel for way in ways] == ["email", "webpush"]
    rows = ward.reads(lambda tx: tx.execute(select(PushSubscriptionRow.__table__)).all())
    assert not any(secret in repr(rows) for secret in (device.auth, device.p256dh, ENDPOINT))
    kept = ward.reads(lambda tx: tx.execute(select(KeptSecretRow.sealed)).scalars().all())
    assert len(kept) == 1


def test_server_key_is_made_once_and_stays(ward: Ward) -> None:
    keys = {people.push_public_key(ward.rt, now=ward.now) for _ in range(3)}
    assert len(keys) == 1
    own = ward.with_settings(vapid_private_key="yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw")
    assert {people.push_public_key(own.rt, now=ward.now)} != keys


@pytest.mark.parametrize("status", [404, 410])
def test_device_that_has_unsubscribed_is_forgotten_with_a_note_and_the_page_goes_on(ward: Ward, status: int) -> None:
    subscribes(ward)
    only_by_push(ward)
    ward.world.http.next.append(HttpAnswer(status, {}, b""))
    incident_id = ward.opens()
    ward.delivers()
    assert ward.statuses(incident_id) == [FAILED, SENT]
    assert ward.escalation(incident_id).level == 2
    user = ravi(ward)
    method = ward.reads(lambda tx: accounts.contact_methods_of(tx, user.id))[-1]
    assert method.verified_at is None
    assert str(status) in method.note
    assert ward.reads(lambda tx: push.devices_of(tx, user.id)) == []


@pytest.mark.parametrize(("status", "outcome"), [(201, SENT), (413, FAILED), (429, NotificationStatus.RETRYING)])
def test_other_answers_are_what_they_are_for_every_channel(
    ward: Ward, status: int, outcome: NotificationStatus
) -> None:
    subscribes(ward)
    ward.world.http.next.append(HttpAnswer(status, {}, b""))
    incident_id = ward.opens()
    ward.delivers()
    assert ward.messages(incident_id)[1].status is outcome
    assert len(ward.reads(lambda tx: push.devices_of(tx, ravi(ward).id))) == 1


def test_device_that_comes_back_is_the_same_one(ward: Ward) -> None:
    subscribes(ward)
    ward.world.http.next.append(HttpAnswer(410, {}, b""))
    ward.opens()
    ward.delivers()
    subscribes(ward)
    user = ravi(ward)
    methods = ward.reads(lambda tx: accounts.contact_methods_of(tx, user.id))
    assert [(each.channel, each.verified_at is not None) for each in methods] == [("email", True), ("webpush", True)]
    before = ward.reads(lambda tx: push.devices_of(tx, user.id))
    again = Device(ENDPOINT)
    _, is_new = people.add_device(
        ward.rt, user=user, subscription=again.subscription, name="Chrome on Android", now=ward.now
    )
    assert not is_new
    assert ward.reads(lambda tx: push.devices_of(tx, user.id))[0].id == before[0].id


def test_second_device_of_the_same_kind_has_a_number_and_a_lent_one_changes_hands(ward: Ward) -> None:
    subscribes(ward)
    subscribes(ward, f"{ENDPOINT}/2")
    user = ravi(ward)
    assert [each.name for each in ward.reads(lambda tx: push.devices_of(tx, user.id))] == [
        "Chrome on Android", "Chrome on Android (2)",
    ]  # fmt: skip
    subscribes(ward, ENDPOINT, user=ward.admin)
    assert [each.name for each in ward.reads(lambda tx: push.devices_of(tx, user.id))] == ["Chrome on Android (2)"]


def test_removed_device_gets_nothing_more(ward: Ward) -> None:
    subscribes(ward)
    user = ravi(ward)
    (device,) = ward.reads(lambda tx: push.devices_of(tx, user.id))
    people.remove_device(ward.rt, user_id=user.id, device_id=device.id, actor=user, now=ward.now)
    ward.opens()
    ward.delivers()
    assert ward.world.http.calls == []


def test_contact_method_that_is_removed_takes_its_device_along(ward: Ward) -> None:
    subscribes(ward)
    user = ravi(ward)
    method = ward.reads(lambda tx: accounts.contact_methods_of(tx, user.id))[-1]
    people.remove_contact_method(ward.rt, user_id=user.id, contact_method_id=method.id, actor=user, now=ward.now)
    assert ward.reads(lambda tx: push.devices_of(tx, user.id)) == []


@pytest.mark.parametrize("endpoint", ["", "ftp://push.example.com/", "javascript:alert(1)", "https://x/" + "a" * 3000])
def test_addresses_that_no_browser_gives_are_refused(ward: Ward, endpoint: str) -> None:
    with pytest.raises(Invalid):
        subscribes(ward, endpoint)


def test_push_service_on_loopback_gets_what_only_the_device_can_read(ward: Ward, http_server: HttpServer) -> None:
    device = subscribes(ward, f"{http_server.url}/push/ravi")
    http_server.answer(Answer(201, headers={"location": "/m/1"}))
    incident_id = ward.opens("Höchste Not 💥")

    async def send() -> None:
        http = OutboundHttp(AddressFilter([ip_network("127.0.0.0/8")]))
        rt = replace(ward.rt, outside=replace(ward.rt.outside, http=http))
        await deliver.deliver_due(rt, ward.now)
        await deliver.drain(rt)
        await http.close()

    asyncio.run(send())
    (request,) = http_server.wait_for(1)
    assert (request.method, request.path) == ("POST", "/push/ravi")
    assert request.headers["content-encoding"] == "aes128gcm"
    assert device.reads_json(request.body)["title"] == f"[CRITICAL] #{incident_id} Höchste Not 💥"
    assert ward.messages(incident_id)[1].provider_message_id == "/m/1"
