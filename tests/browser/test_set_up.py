"""The guided set-up in a real browser: from «what do you want to do?» to a test that went all the way, live."""

from playwright.sync_api import Page, expect

from tests.browser.test_first_day import make_first_admin
from tests.support.site import Site
from tests.support.smtp import SmtpServer


def fits_a_phone(page: Page) -> bool:
    """Whether nothing of the page stands out of a narrow screen; leaves it as wide as before."""
    before = page.viewport_size
    page.set_viewport_size({"width": 390, "height": 844})
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    if before is not None:
        page.set_viewport_size(before)
    return bool(wide == 0)


def test_webhook_goal_ends_with_a_test_that_went_through(
    site: Site, browser_page: Page, smtp_server: SmtpServer
) -> None:
    page = browser_page
    make_first_admin(site, page)
    page.get_by_role("link", name="Guided set-up").click()
    page.get_by_role("link", name="Choose: Forward alerts to notifications").click()

    page.get_by_label("Name of the source").fill("grafana-prod")
    page.get_by_label("Tool").select_option("grafana")
    page.get_by_role("button", name="Make the source and show its key").click()
    expect(page.locator("#the-key")).to_be_visible()
    expect(page.locator("#setup")).to_contain_text("Contact points")
    assert fits_a_phone(page)
    page.get_by_role("link", name="Go on").click()

    page.get_by_role("link", name="Email", exact=True).click()
    page.get_by_label("Name", exact=True).fill("ops list")
    for label, value in (
        ("SMTP host", smtp_server.address.host),
        ("SMTP port", str(smtp_server.address.port)),
        ("From address", "pager@example.com"),
        ("To addresses", "ops@example.com"),
    ):
        page.get_by_label(label).fill(value)
    page.get_by_label("Use TLS").select_option("false")
    page.get_by_role("button", name="Make the channel").click()
    expect(page.get_by_text("just as it is")).to_be_visible()
    page.get_by_role("button", name="Use it").click()

    page.get_by_role("button", name="Send the test alert").click()
    expect(page.locator("#verdict")).to_contain_text("It went all the way.", timeout=20_000)
    expect(page.locator("#progress")).to_contain_text("Message to the team, by ops list")
    assert {str(each.message["To"]) for each in smtp_server.wait_for(2)} == {
        "ada@example.com", "ops@example.com",
    }  # fmt: skip

    page.get_by_role("button", name="End the test and finish").click()
    expect(page.get_by_role("heading", name="grafana-prod is set up")).to_be_visible()
    expect(page.locator("#rail-work .count")).to_have_count(0)
    for path in ("/setup", "/setup/full", "/setup/local-smart", page.url.removeprefix(site.url)):
        page.goto(site.url + path)
        assert fits_a_phone(page), path
