"""The first day with PagerPal in a real browser: set-up code to resolved incident, the screen live all the while."""

import re

import httpx2
import pytest
from playwright.sync_api import Browser, Page, expect

from app.usecases import people
from app.web.live import end_streams
from tests.support.browser import Complaints
from tests.support.people import PASSWORD
from tests.support.site import Site
from tests.support.smtp import SmtpServer


def post_alert(site: Site, key: str, **alert: object) -> int:
    """What a monitoring tool does; the number of the incident."""
    body = {"status": "firing", "severity": "critical", **alert}
    answer = httpx2.post(f"{site.url}/alerts/webhook/", json=body, headers={"X-API-Key": key})
    return int(answer.json()["incident_ids"][0])


def make_first_admin(site: Site, page: Page) -> None:
    """Fill the first-run screen in with the code that the process prints."""
    code = site.do(lambda rt: people.prepare_setup_code(rt, now=rt.clock.now()))
    assert code is not None
    page.goto(site.url)
    expect(page.get_by_role("heading", name="Make the first admin")).to_be_visible()
    page.get_by_label("Set-up code").fill(code)
    page.get_by_label("Your name").fill("Ada Byron")
    page.get_by_label("Email").fill("ada@example.com")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Make the admin and sign in").click()
    expect(page).to_have_url(f"{site.url}/dashboard")


def make_source(site: Site, page: Page) -> str:
    """Make an alert source by hand and read its key off the screen."""
    page.get_by_role("link", name="Alert sources").first.click()
    page.get_by_role("link", name="New source").click()
    page.get_by_role("textbox", name="Name").fill("Scripts")
    page.get_by_role("button", name="Make it and show its key").click()
    key = page.locator("#the-key").inner_text()
    page.reload()
    expect(page.locator("#the-key")).to_have_count(0)
    return key


def test_from_set_up_code_to_resolved_incident(site: Site, browser_page: Page, smtp_server: SmtpServer) -> None:
    page = browser_page
    make_first_admin(site, page)
    key = make_source(site, page)
    page.goto(f"{site.url}/dashboard")
    expect(page.locator("#connection .is-live")).to_be_visible()
    expect(page.get_by_text("All quiet")).to_be_visible()

    number = post_alert(site, key, name="Checkout is down")

    row = page.locator("#open-incidents [data-row]")
    expect(row).to_contain_text("Checkout is down")
    expect(page.locator("#figures .stat").first).to_contain_text("1")
    assert "Checkout is down" in str(smtp_server.wait_for(1)[0].message["Subject"])

    row.click()
    expect(page).to_have_url(f"{site.url}/incidents/{number}")
    expect(page.get_by_label("Acting as").first).to_have_value("1")
    page.get_by_role("button", name="Acknowledge").click()
    expect(page.locator("#state")).to_contain_text("acknowledged")
    expect(page.locator("#timeline")).to_contain_text("Ada Byron acknowledged")
    expect(page.get_by_role("status").filter(has_text="Nobody else is paged")).to_be_visible()

    page.get_by_role("button", name="Resolve").click()
    expect(page.locator("#state")).to_contain_text("resolved")
    expect(page.locator("#rail-work .count")).to_have_count(0)


def test_incident_page_follows_what_others_do_and_keeps_what_is_being_typed(
    site: Site, browser: Browser, browser_page: Page, complaints: Complaints
) -> None:
    page = browser_page
    make_first_admin(site, page)
    number = post_alert(site, make_source(site, page), name="Checkout is down")
    page.goto(f"{site.url}/incidents/{number}")
    expect(page.locator("#connection .is-live")).to_be_visible()
    page.get_by_label("Note").fill("I am looking at")

    other = page.context.new_page()
    complaints.watch(other)
    other.goto(f"{site.url}/incidents/{number}")
    other.get_by_role("button", name="Acknowledge").click()

    expect(page.locator("#state")).to_contain_text("acknowledged")
    expect(page.locator("#timeline .flash")).to_contain_text("acknowledged")
    expect(page.get_by_role("button", name="Acknowledge")).to_have_count(0)
    expect(page.get_by_label("Note")).to_have_value("I am looking at")
    expect(page.get_by_label("Note")).to_be_focused()


def test_keyboard_alone_is_enough(site: Site, browser_page: Page) -> None:
    page = browser_page
    make_first_admin(site, page)
    key = make_source(site, page)
    for name in ("First", "Second", "Third"):
        post_alert(site, key, name=name)
    page.keyboard.press("g")
    page.keyboard.press("i")
    expect(page).to_have_url(f"{site.url}/incidents")

    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    focused = page.locator("[data-row]:focus")
    expect(focused).to_have_count(1)
    chosen = focused.get_attribute("href")
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{site.url}{chosen}")

    page.get_by_role("button", name="Acknowledge").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#state")).to_contain_text("acknowledged")

    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard")).to_be_visible()
    page.keyboard.press("Escape")
    page.goto(f"{site.url}/incidents")
    page.keyboard.press("/")
    expect(page.get_by_placeholder("Search titles and numbers")).to_be_focused()


def test_list_is_searched_while_typing_and_the_address_says_so(site: Site, browser_page: Page) -> None:
    page = browser_page
    make_first_admin(site, page)
    key = make_source(site, page)
    post_alert(site, key, name="Disk full")
    post_alert(site, key, name="Checkout down")
    page.goto(f"{site.url}/incidents")

    search = page.get_by_placeholder("Search titles and numbers")
    search.fill("disk")
    if not page.evaluate("Boolean(window.htmx)"):
        search.press("Enter")

    expect(page.locator("#list [data-row]")).to_have_count(1)
    expect(page).to_have_url(re.compile("q=disk"))


def test_snooze_opens_over_the_page_and_is_shown(site: Site, browser_page: Page) -> None:
    page = browser_page
    make_first_admin(site, page)
    number = post_alert(site, make_source(site, page), name="Disk full")
    page.goto(f"{site.url}/incidents/{number}")

    page.get_by_role("button", name="Snooze").click()
    dialog = page.get_by_role("dialog", name=f"Snooze #{number}")
    dialog.get_by_label("4 hours").check()
    dialog.get_by_role("button", name="Snooze").click()

    expect(page.locator("#state")).to_contain_text("snoozed")


def test_lost_connection_is_said_and_the_page_goes_on_by_itself(
    site: Site, browser_page: Page, complaints: Complaints
) -> None:
    page = browser_page
    make_first_admin(site, page)
    expect(page.locator("#connection .is-live")).to_be_visible()

    end = page.context.new_cdp_session(page)
    offline = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    end.send("Network.enable")
    end.send("Network.emulateNetworkConditions", {"offline": True, **offline})
    site.do(lambda rt: end_streams(rt.bus))
    expect(page.locator("#connection .is-lost")).to_be_visible(timeout=20_000)

    end.send("Network.emulateNetworkConditions", {"offline": False, **offline})
    expect(page.locator("#connection .is-live")).to_be_visible(timeout=20_000)
    complaints.forgive("ERR_")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_phone_keeps_the_actions_under_the_thumb(
    scheme: str, site: Site, browser: Browser, browser_page: Page, complaints: Complaints
) -> None:
    make_first_admin(site, browser_page)
    number = post_alert(site, make_source(site, browser_page), name="A" * 120, labels={"path": "/var/" + "x" * 200})
    context = browser.new_context(
        viewport={"width": 390, "height": 844},
        color_scheme="dark" if scheme == "dark" else "light",
        storage_state=browser_page.context.storage_state(),
    )
    page = context.new_page()
    complaints.watch(page)

    for path in ("/dashboard", "/incidents", f"/incidents/{number}", "/alert-sources/1", "/settings", "/more"):
        page.goto(site.url + path)
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide == 0, path

    page.goto(f"{site.url}/incidents/{number}")
    page.mouse.wheel(0, 2000)
    button = page.get_by_role("button", name="Acknowledge").bounding_box()
    bar = page.get_by_role("navigation", name="Main").filter(visible=True).bounding_box()
    assert button is not None
    assert bar is not None
    assert button["height"] >= 44
    assert 844 - 200 < button["y"] < bar["y"] - button["height"] + 1
    page.get_by_role("link", name="More").click()
    expect(page.get_by_role("link", name="Alert sources").filter(visible=True)).to_be_visible()
    context.close()


def test_badges_and_titles_have_room(site: Site, browser_page: Page) -> None:
    page = browser_page
    make_first_admin(site, page)
    number = post_alert(site, make_source(site, page), name="Node exporter down on host-27")
    page.goto(f"{site.url}/incidents/{number}")
    page.get_by_role("button", name="Acknowledge").click()
    expect(page.locator("#state")).to_contain_text("acknowledged")

    for path in ("/dashboard", "/incidents", "/alert-sources/1"):
        page.goto(site.url + path)
        cut = "each => each.filter(box => box.scrollWidth > box.clientWidth).map(box => box.textContent)"
        assert page.locator(".badge, .row .title").evaluate_all(cut) == [], path


def test_everything_works_without_scripts(site: Site, browser: Browser, browser_page: Page) -> None:
    make_first_admin(site, browser_page)
    number = post_alert(site, make_source(site, browser_page), name="Disk full")
    context = browser.new_context(java_script_enabled=False, storage_state=browser_page.context.storage_state())
    page = context.new_page()

    page.goto(f"{site.url}/incidents/{number}")
    page.get_by_role("button", name="Snooze").click()
    page.get_by_role("dialog").get_by_label("1 hour").check()
    page.get_by_role("dialog").get_by_role("button", name="Snooze").click()
    expect(page.locator("#state")).to_contain_text("snoozed")
    page.get_by_role("button", name="Acknowledge").click()
    expect(page.locator("#state")).to_contain_text("acknowledged")
    page.goto(f"{site.url}/policies/new")
    page.get_by_role("button", name="Add a level").click()
    expect(page.locator(".level")).to_have_count(2)
    assert 'http-equiv="refresh"' in page.goto(f"{site.url}/dashboard").text()  # type: ignore[union-attr]
    context.close()


def test_theme_switch_changes_the_page_at_once_and_stays(site: Site, browser_page: Page) -> None:
    page = browser_page
    make_first_admin(site, page)
    before = page.evaluate("getComputedStyle(document.body).backgroundColor")

    page.locator(".rail").get_by_role("button", name="Dark").click()

    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != before
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != before
