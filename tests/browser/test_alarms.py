"""The editor of an alarm in a real browser: CodeMirror under our policy, saving by itself, and losing nothing."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from app.alarms import queries
from app.alarms.types import Alarm, EventFilter
from app.notify import queries as outbox
from app.notify.types import NotificationFilter
from app.platform.runtime import Runtime
from app.platform.settings import Settings
from app.platform.types import PageQuery
from app.usecases import run_alarms
from tests.support.alarms import LONG, modules_in
from tests.support.browser import Complaints
from tests.support.people import PASSWORD, add_admin, email_of
from tests.support.site import Site, free_port, running_site

AUTOSAVE_MS = 10_000
EDITOR = "/alarms/queues/edit"
WORDS = "Restart the workers."


@pytest.fixture
def site(sqlite_url: str, tmp_path: Path) -> Iterator[Site]:
    """The application with an alarm on a module of the operator's; the engine runs only when asked."""
    port = free_port()
    settings = Settings(
        pagerpal_env="test",
        database_url=sqlite_url,
        pagerpal_base_url=f"http://127.0.0.1:{port}",
        alarm_modules_dir=str(modules_in(tmp_path / "modules")),
        alarm_worker_enabled=False,
    )
    with running_site(settings, port) as running:
        running.do(furnished)
        yield running


def furnished(rt: Runtime) -> Alarm:
    """Ada, and an alarm about queues."""
    ada = add_admin(rt)
    settings = {"module": "queue_length", "title": "Queues", "content": WORDS, "params": {"queues": LONG}}
    return asyncio.run(run_alarms.create_alarm(rt, entry_id="queues", settings=settings, actor=ada, now=rt.clock.now()))


def stored(site: Site) -> Alarm:
    return site.do(lambda rt: rt.db.read(lambda tx: queries.get_alarm(tx, "queues")))


def enter(page: Page, site: Site) -> None:
    """Sign in and open the editor."""
    page.goto(f"{site.url}/login?next={EDITOR}")
    page.get_by_label("Email").fill(email_of("Ada"))
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(f"{site.url}{EDITOR}")


def write(page: Page, text: str, *, name: str = "Description") -> None:
    """Replace what a CodeMirror holds, by the keyboard."""
    expect(page.locator(".CodeMirror")).to_have_count(2)
    page.get_by_role("textbox", name=name).focus()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.insert_text(text)


def test_typing_saves_itself_and_older_versions_come_back(site: Site, browser_page: Page) -> None:
    page = browser_page
    enter(page, site)
    expect(page.locator(".CodeMirror")).to_have_count(2)

    write(page, "Look at the broker.")
    expect(page.locator("#saved")).to_contain_text("Saved as version 2", timeout=AUTOSAVE_MS)
    assert (stored(site).content, stored(site).version) == ("Look at the broker.", 2)

    page.get_by_label("Title").fill("Queues too long")
    page.keyboard.press("Control+s")
    expect(page.locator("#saved")).to_contain_text("Saved as version 3")
    assert stored(site).title == "Queues too long"

    write(page, '{"queues": {"mail": 1}, "limit": ', name="Parameters")
    page.keyboard.press("Meta+s")
    expect(page.locator("#saved")).to_contain_text("all but the parameters")
    write(page, '{"queues": {"mail": 500, "news": 9}, "limit": 5}', name="Parameters")
    page.get_by_role("button", name="Test live, no mail").click()
    expect(page.locator("#answer")).to_contain_text("Queue news holds 9 jobs")
    expect(page.locator("#answer")).to_contain_text("2 detections")
    page.get_by_role("button", name="Preview mail").click()
    expect(page.locator("#preview-subject")).to_contain_text("2 detections")
    expect(page.locator("#preview-text")).to_contain_text("Look at the broker.")
    assert site.do(_events_and_messages) == (0, 0)

    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("#saved")).to_contain_text("Saved as version")
    expect(page.locator("#versions")).to_contain_text("3 saved: title")
    page.locator("#versions").get_by_role("link", name="Load").last.click()
    expect(page.get_by_text("Version 1 is loaded below.")).to_be_visible()
    expect(page.locator(".CodeMirror").first).to_contain_text(WORDS)
    page.goto(f"{site.url}{EDITOR}")
    page.locator("#versions").get_by_role("button", name="Restore").last.click()
    expect(page.locator(".toast")).to_contain_text("Version 1 is back")
    assert (stored(site).content, stored(site).params) == (WORDS, {"queues": LONG})

    write(page, "For my eyes only.")
    page.goto(f"{site.url}/more")
    assert "For my eyes only." in page.evaluate("JSON.stringify(localStorage)")
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(f"{site.url}/login")
    assert page.evaluate("JSON.stringify(localStorage)") == "{}"


def test_whoever_types_before_the_editor_is_there_types_on_in_it(site: Site, browser_page: Page) -> None:
    page = browser_page
    held: list[Route] = []
    page.route("**/alarm-editor*.js*", lambda route: held.append(route))
    enter(page, site)
    page.get_by_role("textbox", name="Description").click()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("Typed early")
    page.keyboard.press("ArrowLeft")
    expect(page.locator(".CodeMirror")).to_have_count(0)
    (script,) = held
    script.continue_()
    expect(page.locator(".CodeMirror-focused")).to_have_count(1)
    page.keyboard.type("-and-late-")
    expect(page.locator("#saved")).to_contain_text("Saved as version 2", timeout=AUTOSAVE_MS)
    assert stored(site).content == "Typed earl-and-late-y"


def test_what_was_typed_survives_a_closed_tab_another_editor_and_a_dead_server(
    site: Site, browser: Browser, browser_page: Page, complaints: Complaints
) -> None:
    page = browser_page
    enter(page, site)
    state = page.context.storage_state()
    write(page, "Closed at once.")
    expect(page.locator("#saved")).to_contain_text("Not saved yet")
    page.close()
    other = _again(browser, complaints, state, site)
    expect(other.locator("#versions")).to_contain_text("2 autosaved: description")
    assert (stored(site).content, stored(site).version) == ("Closed at once.", 2)
    page = _again(browser, complaints, state, site)
    expect(page.locator(".CodeMirror").first).to_contain_text("Closed at once.")

    other.reload()
    write(other, "Theirs.")
    other.keyboard.press("Control+s")
    expect(other.locator("#saved")).to_contain_text("Saved as version 3")
    expect(page.locator("#saved")).to_contain_text("Somebody saved version 3")
    write(page, "Mine.")
    page.keyboard.press("Control+s")
    expect(page.locator("#overtaken")).to_contain_text("Somebody saved this alarm meanwhile.")
    expect(page.locator(".CodeMirror").first).to_contain_text("Mine.")
    expect(page.locator("#local-copies")).to_contain_text("Restore")
    page.keyboard.press("Control+s")
    expect(page.get_by_role("button", name="Save mine")).to_be_focused()
    assert stored(site).content == "Theirs."
    page.get_by_role("button", name="Save mine").click()
    expect(page.locator("#saved")).to_contain_text("Saved as version 4")
    assert stored(site).content == "Mine."
    expect(page.locator("#versions")).to_contain_text("3 saved")

    site.stop()
    write(page, "Nobody hears me.")
    page.keyboard.press("Control+s")
    expect(page.locator("#saved")).to_contain_text("The server cannot be reached.")
    expect(page.locator("#local-copies").get_by_text("local")).to_be_visible()
    page.close()
    with running_site(site.rt.settings, int(site.url.rpartition(":")[2])) as back:
        page = page.context.new_page()
        complaints.watch(page)
        page.goto(f"{back.url}{EDITOR}")
        expect(page.locator(".CodeMirror").first).to_contain_text("Mine.")
        page.locator("#local-copies").get_by_role("button", name="Restore").click()
        expect(page.locator(".CodeMirror").first).to_contain_text("Nobody hears me.")
        expect(page.locator("#saved")).to_contain_text("Saved as version 5", timeout=AUTOSAVE_MS)
        assert stored(back).content == "Nobody hears me."
        expect(page.locator("#local-copies")).to_be_hidden()
        page.context.close()
    other.context.close()
    # What a browser says of a conflict and of a server that is gone; a violation or an exception is not forgiven.
    complaints.forgive("Failed to load resource")


def _again(browser: Browser, complaints: Complaints, state: object, site: Site) -> Page:
    page = browser.new_context(storage_state=state, viewport={"width": 1280, "height": 800}).new_page()  # type: ignore[arg-type]
    page.set_default_timeout(10_000)
    complaints.watch(page)
    page.goto(f"{site.url}{EDITOR}")
    return page


def _events_and_messages(rt: Runtime) -> tuple[int, int]:
    one = PageQuery(page_size=1)
    return rt.db.read(
        lambda tx: (
            queries.list_events(tx, EventFilter(), one).total,
            outbox.list_notifications(tx, NotificationFilter(), one).total,
        )
    )
