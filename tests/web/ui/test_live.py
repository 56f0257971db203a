"""Live updates: what the stream says, who may listen, and that asking again in the background takes nothing away."""

import asyncio
import json
from collections.abc import Callable

from app.platform.bus import Bus, Event
from app.platform.clock import SystemClock
from app.web import live
from app.web.ui import assets
from tests.web.ui.conftest import Company, Open


async def test_stream_tells_a_burst_of_changes_together() -> None:
    bus = Bus()
    stream = live.changes(bus, SystemClock())
    assert await anext(stream) == f"retry: {live.RETRY_MS}\n\n"
    waiting = asyncio.ensure_future(anext(stream))
    await asyncio.sleep(0)

    bus.dispatch((), [Event("incident", {"id": 7}), Event("notifications", {"id": 1, "incident_id": 7})])

    head, _, data = (await waiting).partition("data: ")
    assert head == "id: 1\nevent: change\n"
    assert json.loads(data) == [
        {"topic": "incident", "id": 7},
        {"topic": "notifications", "id": 1, "incident_id": 7},
    ]
    await stream.aclose()
    assert not bus._screens


async def test_stream_ends_so_that_the_session_is_looked_at_again() -> None:
    pieces = [piece async for piece in live.changes(Bus(), SystemClock(), stream_seconds=0)]

    assert pieces == [f"retry: {live.RETRY_MS}\n\n"]


def test_only_somebody_signed_in_may_listen(company: Company, open_screen: Open) -> None:
    assert open_screen().open("/events").heading == "Sign in"


def test_asking_again_in_the_background_does_not_eat_what_was_said(
    company: Company, fire: Callable[..., int], open_screen: Open
) -> None:
    number = fire()
    screen = open_screen("Ada")
    path = f"/incidents/{number}"
    form = screen.open(path).form(f"{path}/acknowledge")
    screen.client.follow_redirects = False
    form.send("Acknowledge")
    screen.client.follow_redirects = True

    assert "Acknowledged" not in screen.open(path, **{"X-PagerPal-Live": "1"}).toasts
    assert "Acknowledged" in screen.open(path).toasts
    assert "Acknowledged" not in screen.open(path).toasts


def test_every_live_region_has_an_id(company: Company, fire: Callable[..., int], open_screen: Open) -> None:
    fire()
    for path in ("/dashboard", "/incidents", "/incidents/1", "/alert-sources/1", "/settings"):
        for element in open_screen("Ada").open(path).root.all():
            assert element.get("id") or not element.has("data-live"), path


def test_static_files_carry_their_version_and_may_be_kept(company: Company, open_screen: Open) -> None:
    screen = open_screen("Vera")
    sheet = next(
        each.get("href") for each in screen.open("/dashboard").root.all("link") if "tokens" in each.get("href")
    )

    answer = screen.client.get(sheet)

    assert "?v=" in sheet
    assert answer.headers["cache-control"] == assets.FOREVER
    assert screen.client.get("/static/css/tokens.css").headers["cache-control"] == assets.BRIEFLY
    assert screen.client.get("/favicon.ico").headers["content-type"] == "image/svg+xml"
    assert screen.client.get("/static/../app/main.py").status_code == 404
