"""Channels, settings, the audit, the dashboard."""

from collections.abc import Callable

import pytest

from app.notify import circuits, inbound, queries as outbox
from app.platform.db import Tx
from app.platform.runtime import Runtime
from app.platform.settings import Settings
from app.usecases import people
from app.usecases.watch import Banner, BannerLevel
from app.web.ui.views.shell import banner_view
from tests.web.ui.conftest import Company, Open

Fire = Callable[..., int]


def test_channel_is_made_tested_and_switched_off(rt: Runtime, company: Company, open_screen: Open) -> None:
    screen = open_screen("Ada")
    form = screen.open("/channels/new?driver=webhook").form("/channels")
    endpoint = "https://hooks.example.com/ops"

    page = form.send(
        "Make the channel",
        name="ops",
        **{"config.endpoint": endpoint, "config.headers": '{"X-Token": "s3cret-s3cret"}', "config.timeout": "5"},
    )
    path = page.path
    assert "s3cret" not in page.html
    page = page.form(f"{path}/test").send("Send a test")
    assert "Test message from PagerPal" in page.by_id("messages").text or "test" in page.by_id("messages").text
    page = page.form(path).send("Save", description="The room")
    page = page.form(f"{path}/deactivate").send("Switch off")

    stored = rt.db.read(lambda tx: outbox.get_channel(tx, 1))
    assert (stored.description, stored.is_active, stored.config["endpoint"]) == ("The room", False, endpoint)
    assert rt.secrets.decrypt(str(dict(stored.config["headers"])["X-Token"])) == "s3cret-s3cret"


def test_wrong_channel_setting_stands_at_its_field(company: Company, open_screen: Open) -> None:
    form = open_screen("Ada").open("/channels/new?driver=webhook").form("/channels")

    page = form.send("Make the channel", name="ops", **{"config.timeout": "soon"})

    assert page.status == 422
    assert "config.timeout-error" in page.errors()
    assert page.form("/channels").value("config.timeout") == "soon"


def test_settings_show_checklist_workers_and_what_to_do(company: Company, open_screen: Open) -> None:
    page = open_screen("Ada").open("/settings")

    assert "to look at" in page.by_id("readiness").text
    assert "Escalation" in page.by_id("jobs").text
    assert "/integrations/twilio_sms/" in page.text
    assert "/integrations/" not in open_screen("Vera").open("/settings").text


def test_settings_show_what_each_vendor_sent_last_and_why_it_was_refused(
    rt: Runtime, company: Company, open_screen: Open
) -> None:
    screen = open_screen("Ada")
    assert "Nothing has come in yet." in screen.open("/settings").text
    now = rt.clock.now()
    why = "The signature is <wrong>."
    rt.db.write(lambda tx: inbound.note(tx, "twilio", "refused", now=now, error=why, accepted=0, refused=3))
    rt.db.write(lambda tx: inbound.note(tx, "twilio", "ack", now=now))
    page = screen.open("/settings")
    assert "Last: ack, just now (1 taken, 3 refused)" in page.text
    assert "The signature is <wrong>." in page.text


def test_audit_tells_who_changed_what_and_is_narrowed(company: Company, open_screen: Open) -> None:
    screen = open_screen("Ada")

    assert "Before and after" in screen.open("/audit").text
    narrowed = screen.open("/audit").form("/audit").send("Filter", object_type="team")
    assert f"team {company.team.id}" in narrowed.by_id("list").text
    assert "escalation policy" not in narrowed.by_id("list").text


def test_dashboard_counts_and_shows_the_worst_first(company: Company, fire: Fire, open_screen: Open) -> None:
    fire("Info", severity="info")
    fire("Bad")

    page = open_screen("Vera").open("/dashboard")

    assert "2 unacknowledged" in page.by_id("figures").text
    assert page.by_id("open-incidents").text.index("Bad") < page.by_id("open-incidents").text.index("Info")
    assert "Ravi" in page.by_id("oncall-now").text
    assert "2 pages to 1 person" in page.by_id("pages-day").text


def test_chart_has_its_figures_as_a_table(company: Company, fire: Fire, open_screen: Open) -> None:
    fire("Bad")

    chart = open_screen("Vera").open("/dashboard").by_id("pages-day")

    assert "Most in the hour from 08:00: 1." in chart.text
    assert [cell.text for cell in chart.all("td")] == ["08:00", "1"]


def test_first_steps_lead_through_setting_up_and_then_go(rt: Runtime, open_screen: Open) -> None:
    people.create_admin(rt, email="ada@example.com", name="Ada", password="a-long-and-quiet-river", now=rt.clock.now())

    page = open_screen("Ada").open("/dashboard")

    assert {"/people/new", "/policies/new", "/alert-sources"} <= page.links()
    assert "All quiet" in page.text


def test_incident_that_nobody_could_be_paged_for_is_in_a_banner(
    rt: Runtime, company: Company, open_screen: Open, fire: Fire
) -> None:
    screen = open_screen("Ada")
    for user in (company.ravi, company.noor, company.ada):
        for method in (1, 2, 3, 4):
            page = screen.open(f"/people/{user.id}")
            action = f"/people/{user.id}/contact-methods/{method}/remove"
            if action in {each.get("action") for each in page.root.all("form")}:
                page.form(action).send()

    number = fire("Disk full")

    banners = screen.open("/people").by_id("banners")
    assert "Nobody to page for 1 open incident." in banners.text
    assert f"/incidents/{number}" in {link.get("href") for link in banners.all("a")}


@pytest.mark.parametrize("path", ["/dashboard", "/profile"])
def test_safe_mode_is_said_on_every_page(path: str, company: Company, open_screen: Open) -> None:
    assert "Safe mode:" in open_screen("Vera").open(path).by_id("banners").text


def test_first_clause_of_a_banner_stands_out() -> None:
    banner = banner_view(Banner("x", BannerLevel.DANGER, "Safe mode: nothing is sent. Nobody is paged.", "/settings"))

    assert (banner.kind, banner.title, banner.text) == ("critical", "Safe mode:", "nothing is sent. Nobody is paged.")


@pytest.fixture
def settings(request: pytest.FixtureRequest, database_url: str) -> Settings:
    """As everywhere in this folder; in safe mode for the test of its banner."""
    safe_mode = "safe_mode" in request.node.name
    return Settings(
        pagerpal_env="test",
        database_url=database_url,
        smtp_host="mail.example.com",
        smtp_from="pager@example.com",
        notification_sending_enabled=not safe_mode,
    )


def test_provider_that_does_not_work_is_shown_with_its_error(rt: Runtime, company: Company, open_screen: Open) -> None:
    def fail(tx: Tx) -> None:
        for number in range(1, 6):
            circuits.note_failure(
                tx, "people:email", channel="email", channel_id=None, notification_id=number,
                error="could not connect", now=rt.clock.now(),
            )  # fmt: skip

    rt.db.write(fail)
    page = open_screen("Ada").open("/settings")
    panel = page.by_id("providers").text
    assert "Email" in panel
    assert "does not work" in panel
    assert "could not connect" in panel
