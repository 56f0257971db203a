"""A page in a real Chromium; a test that leaves an error in the console or violates the security policy fails."""

import os
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from app.platform.settings import Settings
from tests.support.browser import Complaints, find_chromium, running_browser
from tests.support.site import Site, free_port, running_site
from tests.support.smtp import SmtpServer

PATIENCE_MS = 10_000

# As long as a page's actions may take (below); its own 5 s are too short where other tests run beside.
expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium; skips where there is none, or fails where PAGERPAL_REQUIRE_BROWSER=1.

    One per module: while it lives its driver occupies this thread's event loop, and async tests may come after.
    """
    executable = find_chromium()
    if executable is None:
        reason = "no Chromium on PATH; PAGERPAL_CHROMIUM may name one"
        if os.environ.get("PAGERPAL_REQUIRE_BROWSER") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    with running_browser(executable) as chromium:
        yield chromium


@pytest.fixture
def complaints() -> Iterator[Complaints]:
    """What the pages of this test complain about; must be empty at its end. A second page has to be watched, too."""
    collected = Complaints()
    yield collected
    assert collected.found == []


@pytest.fixture
def browser_page(browser: Browser, complaints: Complaints) -> Iterator[Page]:
    """A page of its own (cookies, storage) per test, watched."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    complaints.watch(page)
    yield page
    context.close()


@pytest.fixture
def site(sqlite_url: str, smtp_server: SmtpServer) -> Iterator[Site]:
    """The whole application with its jobs, and a mail server that keeps what it is sent."""
    port = free_port()
    settings = Settings(
        pagerpal_env="test",
        database_url=sqlite_url,
        pagerpal_base_url=f"http://127.0.0.1:{port}",
        smtp_host=smtp_server.address.host,
        smtp_port=smtp_server.address.port,
        smtp_starttls=False,
        smtp_from="pager@example.com",
    )
    with running_site(settings, port) as running:
        yield running
