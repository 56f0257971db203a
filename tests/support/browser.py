"""Chromium for the browser tests, driven by Playwright, with the machine's own executable.

A page collects what must never happen: errors in the console, uncaught exceptions, and violations of the content
security policy. The fixture `browser_page` fails the test that left any.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
]
# Runs in every document before its own scripts; the console then carries each violation to us.
REPORT_VIOLATIONS = """
addEventListener('securitypolicyviolation', violation => {
  console.error(`CSP violation: ${violation.violatedDirective} ${violation.blockedURI}`);
});
"""


def find_chromium() -> str | None:
    """The browser to use: PAGERPAL_CHROMIUM, else the first known name on PATH."""
    given = os.environ.get("PAGERPAL_CHROMIUM")
    return given or next((found for name in NAMES if (found := shutil.which(name))), None)


@contextmanager
def running_browser(executable: str) -> Iterator[Browser]:
    """Chromium without a window for the time of the context."""
    flags = [*FLAGS, *(["--no-sandbox"] if os.getuid() == 0 else [])]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=flags)
        try:
            yield browser
        finally:
            browser.close()


class Complaints:
    """What the watched pages complained about, as sentences."""

    def __init__(self) -> None:
        self.found: list[str] = []

    def watch(self, page: Page) -> None:
        """Listen to one more page, before it goes anywhere."""
        page.on("console", self._note_console)
        page.on("pageerror", lambda error: self.found.append(f"uncaught: {error}"))
        page.add_init_script(REPORT_VIOLATIONS)

    def forgive(self, part: str) -> None:
        """Drop complaints that contain `part`, for a test that provokes them on purpose."""
        self.found = [complaint for complaint in self.found if part not in complaint]

    def _note_console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.found.append(f"{message.text} ({message.location.get('url', '')})")
