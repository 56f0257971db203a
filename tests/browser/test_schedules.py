"""Schedules in a real browser: made, changed, handed over, swapped; by keyboard, on a phone, without scripts."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from app.accounts.types import Identity, User
from app.oncall import queries
from app.platform.runtime import Runtime
from app.usecases import rota
from tests.support.browser import Complaints
from tests.support.callers import browser as signed_in
from tests.support.people import add_admin
from tests.support.rota import Rota, at, furnish, monday
from tests.support.site import Site

SIDEWAYS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture
def shifts(site: Site) -> Rota:
    """Ada is admin; Ravi, Noor, Lin, Tomas and Femi share three schedules."""
    return site.do(lambda rt: furnish(rt, add_admin(rt, "Ada")))


def sign_in(site: Site, context: BrowserContext, user: User) -> None:
    """Give the browser a session of this person."""
    name, _, value = site.do(lambda rt: signed_in(rt, user)).cookie.partition("=")
    context.clear_cookies()
    context.add_cookies([{"name": name, "value": value, "url": site.url}])


def holder(site: Site, shifts: Rota, days_ahead: float = 0) -> str:
    """Who is on call for the primary duty, as the pager would say."""

    def look(rt: Runtime) -> str:
        instant = rt.clock.now() + timedelta(days=days_ahead)
        slot = rt.db.read(lambda tx: queries.who_is_on_call(tx, [shifts.primary.id], instant))[shifts.primary.id]
        return next((user.name for user in (shifts.admin, *shifts.members) if slot and user.id == slot.user_id), "")

    return site.do(look)


def somebody_else(shifts: Rota, *names: str) -> User:
    """A member of none of these names."""
    return next(user for user in shifts.members if user.name not in names)


def next_week(site: Site) -> str:
    """The address of the calendar that begins next week."""
    day = site.do(monday) + timedelta(weeks=1)
    return f"?view=2weeks&from={day}"


@contextmanager
def another_window(browser: Browser, complaints: Complaints, **options: object) -> Iterator[Page]:
    """One more browser, watched."""
    context = browser.new_context(**options)  # type: ignore[arg-type]
    page = context.new_page()
    page.set_default_timeout(10_000)
    complaints.watch(page)
    yield page
    context.close()


def test_creating_a_schedule_shows_the_next_weeks_while_it_is_typed_and_saves_nothing_before(
    site: Site, shifts: Rota, browser_page: Page
) -> None:
    page = browser_page
    sign_in(site, page.context, shifts.admin)
    page.goto(f"{site.url}/oncall")
    page.get_by_role("link", name="New schedule").click()
    page.get_by_label("Name").fill("Payments")
    page.get_by_label("Time zone").select_option("Asia/Kolkata")
    expect(page.locator("#preview")).to_contain_text("Add members")

    page.get_by_label("One more member").select_option(label="Noor")
    expect(page.locator("#preview .slot[aria-label^='Noor,']").last).to_be_visible()
    page.get_by_role("button", name="Add").click()
    page.get_by_label("One more member").select_option(label="Ravi")
    expect(page.locator("#preview .slot[aria-label^='Ravi,']").last).to_be_visible()
    page.get_by_label("Each has it for").select_option("daily")
    expect(page.get_by_label("Hand-off on")).to_be_hidden()
    expect(page.locator("#preview .slot[aria-label^='Noor,']").nth(3)).to_be_visible()
    assert len(site.do(lambda rt: rt.db.read(lambda tx: queries.schedules_by_id(tx, range(1, 9))))) == 3

    page.get_by_role("button", name="Make the schedule").click()
    expect(page.get_by_role("heading", name="Payments")).to_be_visible()
    expect(page.locator("#now")).to_contain_text("Currently on call")
    expect(page.locator("#calendar .slot[aria-label^='Ravi,']").last).to_be_visible()


def test_editing_a_slot_needs_only_the_keyboard_and_the_chip_follows_at_once(
    site: Site, shifts: Rota, browser: Browser, browser_page: Page, complaints: Complaints
) -> None:
    page = browser_page
    sign_in(site, page.context, shifts.admin)
    now = holder(site, shifts)
    other = somebody_else(shifts, now)
    page.goto(f"{site.url}/schedules/{shifts.primary.id}")
    with another_window(browser, complaints, storage_state=page.context.storage_state()) as watching:
        watching.goto(f"{site.url}/oncall")
        expect(watching.locator("#connection .is-live")).to_be_visible()
        row = watching.locator(f"#list [href='/schedules/{shifts.primary.id}']")
        expect(row).to_contain_text(now)

        page.locator("#now a").first.focus()
        label = ""
        for _ in range(40):
            page.keyboard.press("Tab")
            label = page.evaluate("document.activeElement.getAttribute('aria-label') || ''")
            if label.startswith(f"{now},"):
                break
        assert label.startswith(f"{now},"), "no bar of who is on call now can be reached by Tab"
        width = page.evaluate("getComputedStyle(document.activeElement.querySelector('.edge')).strokeWidth")
        assert float(width.removesuffix("px")) >= 3, "the focus cannot be seen"
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name=f"{now},")).to_be_visible()
        who = page.get_by_label("Who", exact=True)
        who.focus()
        page.keyboard.type(other.name)
        expect(page.locator("#outcome")).to_contain_text("After saving")
        expect(page.locator("#outcome tbody tr").first).to_contain_text(other.name)
        page.get_by_role("button", name="Save as an override").focus()
        page.keyboard.press("Enter")

        expect(page.locator("#now")).to_contain_text(other.name)
        expect(row).to_contain_text(other.name)
        assert holder(site, shifts) == other.name


def test_handing_off_mid_rotation_says_until_when_and_both_are_shown(
    site: Site, shifts: Rota, browser_page: Page
) -> None:
    page = browser_page
    now = holder(site, shifts)
    other = somebody_else(shifts, now)
    sign_in(site, page.context, shifts.of(now))
    page.goto(f"{site.url}/schedules/{shifts.primary.id}")

    page.get_by_role("link", name="Hand off").click()
    page.get_by_label("To whom").select_option(label=other.name)
    expect(page.locator("#outcome")).to_contain_text(f"{other.name} takes over from {now} now, until Mon")
    page.get_by_role("button", name="Hand off").click()

    expect(page.locator("#now")).to_contain_text(other.name)
    expect(page.get_by_role("link", name="Hand off")).to_have_count(0)
    assert holder(site, shifts) == other.name
    assert holder(site, shifts, 8) != ""


def test_swap_is_asked_by_one_and_accepted_by_another(
    site: Site, shifts: Rota, browser: Browser, browser_page: Page, complaints: Complaints
) -> None:
    page = browser_page
    week = site.do(monday) + timedelta(weeks=1)
    ahead = (at(week) - site.do(lambda rt: rt.clock.now())) / timedelta(days=1) + 0.5
    asker = shifts.of(holder(site, shifts, ahead))
    taker = somebody_else(shifts, asker.name)
    with another_window(browser, complaints) as theirs:
        sign_in(site, theirs.context, taker)
        theirs.goto(f"{site.url}/dashboard")
        expect(theirs.locator("#connection .is-live")).to_be_visible()

        sign_in(site, page.context, asker)
        page.goto(f"{site.url}/schedules/{shifts.primary.id}{next_week(site)}")
        page.locator(f"#calendar .slot[aria-label^='{asker.name},']").first.click()
        page.get_by_label("Whom").select_option(label=taker.name)
        page.get_by_role("textbox", name="Note").fill("school play")
        page.get_by_role("button", name="Ask").click()
        expect(page.locator("#swaps")).to_contain_text(f"You ask {taker.name} to take Platform, primary")

        expect(theirs.locator("#asked")).to_contain_text(f"{asker.name} asks you to take Platform, primary")
        expect(theirs.locator("#asked")).to_contain_text("school play")
        theirs.locator("#asked").get_by_role("button", name="Accept").click()
        expect(theirs.get_by_role("status").filter(has_text="It is yours")).to_be_visible()

    expect(page.locator("#swaps")).not_to_contain_text("You ask")
    assert holder(site, shifts, ahead) == taker.name


def test_chip_changes_by_itself_when_the_hand_off_comes(site: Site, shifts: Rota, browser_page: Page) -> None:
    page = browser_page
    other = somebody_else(shifts, holder(site, shifts))
    sign_in(site, page.context, shifts.admin)

    def soon(rt: Runtime) -> None:
        start = rt.clock.now() + timedelta(seconds=6)
        rota.add_override(
            rt, schedule_id=shifts.primary.id, user_id=other.id, start_time=start, end_time=start + timedelta(days=1),
            identity=Identity(user=shifts.admin, via="session"), now=rt.clock.now(),
        )  # fmt: skip

    site.do(soon)
    page.goto(f"{site.url}/schedules/{shifts.primary.id}")
    expect(page.locator("#now .name")).not_to_have_text(other.name)

    expect(page.locator("#now .name")).to_have_text(other.name, timeout=20_000)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_phone_shows_schedules_without_scrolling_sideways(
    scheme: str, site: Site, shifts: Rota, browser: Browser, complaints: Complaints
) -> None:
    path = f"/schedules/{shifts.primary.id}"
    stamp = f"{at(site.do(monday) + timedelta(weeks=1)):%Y%m%dT%H%M%SZ}"
    places = [
        "/oncall", path, f"{path}?view=month", f"{path}?view=week", f"{path}/edit", f"{path}/handoff", "/schedules/new",
        f"{path}/slots/{stamp}", "/profile", "/dashboard",
    ]  # fmt: skip
    options = {"viewport": {"width": 390, "height": 844}, "color_scheme": scheme}
    with another_window(browser, complaints, **options) as page:
        sign_in(site, page.context, shifts.admin)
        for place in places:
            page.goto(site.url + place)
            assert page.evaluate(SIDEWAYS) == 0, place
        page.goto(f"{site.url}{path}?view=2weeks")
        names = page.locator("#calendar text.name.phone")
        assert names.first.is_visible()
        assert page.locator("#calendar text.name.desk").first.is_hidden()
        for bar in page.locator("#calendar .segments a").all():
            box = bar.bounding_box()
            assert box is not None
            assert box["height"] >= 44


def test_schedules_work_without_scripts(site: Site, shifts: Rota, browser: Browser, complaints: Complaints) -> None:
    week = site.do(monday) + timedelta(weeks=1)
    ahead = (at(week) - site.do(lambda rt: rt.clock.now())) / timedelta(days=1) + 0.5
    before = holder(site, shifts, ahead)
    other = somebody_else(shifts, before)
    with another_window(browser, complaints, java_script_enabled=False) as page:
        sign_in(site, page.context, shifts.admin)
        page.goto(f"{site.url}/schedules/{shifts.primary.id}{next_week(site)}")
        page.locator(f"#calendar .slot[aria-label^='{before},']").first.click()
        page.get_by_label("Who", exact=True).select_option(label=other.name)
        page.get_by_role("button", name="Preview").click()
        expect(page.locator("#outcome tbody tr").first).to_contain_text(other.name)
        assert holder(site, shifts, ahead) == before
        page.get_by_role("button", name="Save as an override").click()
        assert holder(site, shifts, ahead) == other.name

        page.goto(f"{site.url}/schedules/{shifts.primary.id}/edit")
        page.get_by_role("button", name="Move member 2 up").click()
        page.get_by_role("button", name="Preview").click()
        expect(page.locator("#preview")).to_contain_text("After saving")
        page.get_by_role("button", name="Save", exact=True).last.click()
        expect(page.locator("#rotation")).to_contain_text("planned")
