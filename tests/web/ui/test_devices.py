"""PagerPal on a phone: the manifest and the worker that everybody may fetch, and the devices on the profile."""

import json
import re

from starlette.testclient import TestClient

from app.accounts import push
from app.platform.runtime import Runtime
from app.usecases import people
from tests.support.push import Device
from tests.web.ui.conftest import Company, Open


def test_manifest_names_icons_that_are_there(client: TestClient) -> None:
    answer = client.get("/manifest.webmanifest")
    assert answer.headers["content-type"].startswith("application/manifest+json")
    told = json.loads(answer.content)
    assert (told["start_url"], told["scope"], told["display"]) == ("/dashboard", "/", "standalone")
    assert {each["purpose"] for each in told["icons"]} == {"any", "maskable"}
    for each in told["icons"]:
        icon = client.get(each["src"])
        assert (icon.status_code, icon.headers["content-type"]) == (200, "image/png")
        assert icon.content.startswith(b"\x89PNG")


def test_worker_rules_over_every_page_and_is_never_taken_from_a_cache(client: TestClient) -> None:
    answer = client.get("/sw.js")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/javascript")
    assert answer.headers["service-worker-allowed"] == "/"
    assert answer.headers["cache-control"] == "no-cache"


def test_pages_name_the_manifest(client: TestClient, company: Company) -> None:
    assert '<link rel="manifest" href="/manifest.webmanifest">' in client.get("/login").text


def test_profile_offers_the_key_that_browsers_subscribe_with(rt: Runtime, company: Company, open_screen: Open) -> None:
    page = open_screen("Ravi").open("/profile")
    key = people.push_public_key(rt, now=rt.clock.now())
    assert re.search(rf'data-push="{re.escape(key)}"', page.html)


def test_device_is_listed_and_can_be_removed(rt: Runtime, company: Company, open_screen: Open) -> None:
    device = Device("https://push.example.com/1")
    people.add_device(rt, user=company.ravi, subscription=device.subscription, name="Pixel", now=rt.clock.now())
    screen = open_screen("Ravi")
    page = screen.open("/profile")
    assert "Pixel" in page.by_id("devices").text
    (known,) = rt.db.read(lambda tx: push.devices_of(tx, company.ravi.id))

    page.form(f"/profile/devices/{known.id}/remove").send()
    assert rt.db.read(lambda tx: push.devices_of(tx, company.ravi.id)) == []


def test_nobody_removes_somebody_elses_device(rt: Runtime, company: Company, open_screen: Open) -> None:
    device = Device("https://push.example.com/1")
    made, _ = people.add_device(
        rt, user=company.ravi, subscription=device.subscription, name="Pixel", now=rt.clock.now()
    )
    screen = open_screen("Noor")
    other, _ = people.add_device(
        rt, user=company.noor, subscription=Device("https://push.example.com/2").subscription, name="Pixel",
        now=rt.clock.now(),
    )  # fmt: skip
    form = screen.open("/profile").form(f"/profile/devices/{other.id}/remove")
    form.action = f"/profile/devices/{made.id}/remove"
    assert form.send().status == 404
    assert len(rt.db.read(lambda tx: push.devices_of(tx, company.ravi.id))) == 1
