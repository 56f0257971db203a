"""`/api/v1/notifications`: what was said, what became of it, why, and sending it again."""

import asyncio
from collections.abc import Callable

import pytest

from app.platform.ports import MailFailed
from app.platform.runtime import Runtime
from app.platform.settings import Settings
from app.usecases import deliver
from tests.support.world import World
from tests.web.api.conftest import JSON, Caller


@pytest.fixture
def settings(database_url: str) -> Settings:
    """A mail server is configured."""
    return Settings(
        pagerpal_env="test", database_url=database_url, smtp_host="mail.example.com", smtp_from="pager@example.com"
    )


@pytest.fixture
def page(admin: Caller, rt: Runtime, world: World, send: Callable[..., JSON]) -> JSON:
    """The page of an incident that nobody but the admin hears of; its address is refused for good."""
    world.mail.next.append(MailFailed("no such mailbox", code=550, permanent=True))
    incident_id = send()["incident_ids"][0]
    asyncio.run(deliver.deliver_due(rt, rt.clock.now()))
    (found,) = admin.get("/notifications", incident_id=incident_id)["items"]
    listed: JSON = found
    return listed


def test_a_failed_page_is_shown_with_its_error_and_its_tries(viewer: Caller, page: JSON) -> None:
    assert page["status"] == "failed"
    assert page["last_error"] == "no such mailbox"
    assert (page["attempts"], page["channel"], page["user_name"]) == (1, "email", "Ada")
    assert page["sent_at"] is None
    shown = viewer.get(f"/notifications/{page['id']}")
    assert shown["subject"].startswith("[CRITICAL] #")
    assert [each["outcome"] for each in shown["tries"]] == ["refused"]


def test_no_text_that_is_shown_lets_a_viewer_answer_for_another(viewer: Caller, page: JSON) -> None:
    shown = viewer.get(f"/notifications/{page['id']}")
    assert "/a/***" in shown["body"]
    assert "ada@example.com" not in str(shown)


def test_lists_are_narrowed(viewer: Caller, page: JSON) -> None:
    assert viewer.get("/notifications", status="failed")["total"] == 1
    assert viewer.get("/notifications", status="sent")["total"] == 0
    assert viewer.get("/notifications", user_id=page["user_id"], channel="email")["total"] == 1
    assert viewer.get("/notifications", channel="webhook")["total"] == 0
    viewer.refused(422, "GET", "/notifications", status="gone")


def test_why_names_what_led_to_the_page(viewer: Caller, page: JSON) -> None:
    why = viewer.get(f"/notifications/{page['id']}/why")
    assert why["alert"]["name"] == "Disk almost full"
    assert why["user"]["name"] == "Ada"
    assert why["notification_rule"]["channel"] == "email"
    assert any("Disk almost full" in reason for reason in why["reasons"])
    assert all(each["started_at"].endswith("Z") for each in why["attempts"])
    viewer.refused(404, "GET", "/notifications/999/why")


def test_a_failed_page_is_sent_again_by_those_who_may(
    admin: Caller, responder: Caller, viewer: Caller, rt: Runtime, page: JSON
) -> None:
    path = f"/notifications/{page['id']}/retry"
    viewer.refused(403, "POST", path)
    assert responder.post(path)["status"] == "pending"
    asyncio.run(deliver.deliver_due(rt, rt.clock.now()))
    assert admin.get(f"/notifications/{page['id']}")["status"] == "sent"
    assert "only a failed or exhausted" in responder.refused(409, "POST", path)["detail"].lower()


def test_nobody_is_paged_again_for_what_is_over(admin: Caller, page: JSON) -> None:
    admin.post(f"/incidents/{page['incident_id']}/resolve", {})
    admin.refused(409, "POST", f"/notifications/{page['id']}/retry")
