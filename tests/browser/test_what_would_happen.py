"""«What would happen?» in a real browser: the answer comes into the page that asks."""

from playwright.sync_api import Page, expect

from app.accounts.types import User
from app.platform.runtime import Runtime
from app.usecases import catalogue
from tests.support.people import PASSWORD, add_admin
from tests.support.site import Site


def company(rt: Runtime) -> tuple[User, int]:
    """Ada alone, and the id of a source that pages her."""
    ada = add_admin(rt)
    source, _ = catalogue.create_source(rt, name="Scripts", actor=ada, now=rt.clock.now())
    return ada, source.id


def test_panel_and_page_answer_in_place(site: Site, browser_page: Page) -> None:
    page = browser_page
    ada, source_id = site.do(company)
    page.goto(site.url)
    page.get_by_label("Email").fill(ada.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(f"{site.url}/dashboard")

    page.goto(f"{site.url}/alert-sources/{source_id}")
    page.locator("#what-if").get_by_role("button", name="Show").click()
    expect(page.locator("#what-if-answer")).to_contain_text("Ada would be paged at once.")
    expect(page).to_have_url(f"{site.url}/alert-sources/{source_id}")

    page.get_by_role("link", name="With a payload").click()
    page.get_by_text("Paste what the tool sends").click()
    page.get_by_label("Payload").fill('{"weather": "fine"}')
    page.get_by_role("button", name="Show").click()
    expect(page.locator("#payload-error")).to_contain_text("no body that we know")
    expect(page.get_by_label("Payload")).to_have_value('{"weather": "fine"}')

    page.get_by_label("Payload").fill('{"name": "Disk", "severity": "critical"}')
    page.get_by_role("button", name="Show").click()
    expect(page.locator("#outcome")).to_contain_text("It opens a new incident.")
    expect(page.locator(".minutes")).to_contain_text("at once")
