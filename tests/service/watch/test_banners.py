"""Banners: whatever means that somebody may not be paged is on top of every page."""

from typing import Any

from app.platform.runtime import Runtime
from app.usecases import watch
from tests.service.watch.conftest import Opener
from tests.support.clock import FrozenClock

MAIL = {"smtp_host": "mail.example.com", "smtp_from": "pager@example.com"}


def codes(rt: Runtime, **changes: Any) -> list[str]:
    """The banners shown just now under these settings."""
    settings = rt.settings.model_copy(update={**MAIL, **changes})
    return [banner.code for banner in rt.db.read(lambda tx: watch.banners(tx, settings, rt.clock.now()))]


def test_a_sound_installation_shows_none(rt: Runtime, admin: int) -> None:
    assert codes(rt) == []


def test_without_an_admin_nobody_is_the_fallback(rt: Runtime) -> None:
    assert codes(rt) == ["no_admin"]


def test_safe_mode_and_switched_off_workers_are_told(rt: Runtime, admin: int) -> None:
    assert codes(rt, notification_sending_enabled=False) == ["safe_mode"]
    assert codes(rt, escalation_worker_enabled=False) == ["escalation_off"]
    assert codes(rt, notification_retry_worker_enabled=False) == ["retry_off"]


def test_no_way_to_send_is_told_unless_nothing_is_sent_anyway(rt: Runtime, admin: int) -> None:
    assert codes(rt, smtp_host="") == ["no_provider"]
    assert codes(rt, smtp_host="", notification_sending_enabled=False) == ["safe_mode"]


async def test_an_incident_that_reached_nobody_is_told(rt: Runtime, clock: FrozenClock, opener: Opener) -> None:
    incident_id = opener()
    await watch.audit_unpaged(rt, clock.advance(minutes=1))
    settings = rt.settings.model_copy(update=MAIL)
    found = {banner.code: banner for banner in rt.db.read(lambda tx: watch.banners(tx, settings, clock.now()))}
    assert found["unreached"].text == "Nobody to page for 1 open incident."
    assert found["unreached"].link == f"/incidents/{incident_id}"


async def test_a_silent_clock_is_told_and_a_blackout_afterwards(rt: Runtime, clock: FrozenClock, admin: int) -> None:
    await watch.beat(rt, clock.now())
    clock.advance(seconds=25)
    assert codes(rt) == []
    clock.advance(minutes=5)
    assert codes(rt) == ["clock"]
    await watch.beat(rt, clock.now())
    assert codes(rt) == ["blackout"]
    clock.advance(seconds=1)
    await watch.beat(rt, clock.now())
    assert codes(rt) == ["blackout"]
