"""A page on a phone: the service worker in a real Chromium shows what is pushed and acknowledges from there."""

import json
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, Worker

from app.incidents import queries as incidents
from app.incidents.types import Actor, IncidentStatus, Severity
from app.notify import queries as outbox
from app.notify.action_links import LinkAction, token_for
from app.platform.runtime import Runtime
from app.usecases import answer
from tests.support.browser import Complaints
from tests.support.people import PASSWORD, add_admin, email_of
from tests.support.site import Site

LOOK = """async () => (await self.registration.getNotifications()).map((each) => ({
  title: each.title, body: each.body, tag: each.tag, actions: each.actions.map((one) => one.title),
}))"""
PRESS = """async (action) => {
  const [notification] = await self.registration.getNotifications();
  const waits = [];
  const event = new NotificationEvent("notificationclick", { notification, action });
  event.waitUntil = (promise) => waits.push(promise);
  self.dispatchEvent(event);
  await Promise.all(waits);
}"""


class Phone:
    """A browser in which Ada is signed in, with the worker of PagerPal at work."""

    def __init__(self, browser: Browser, site: Site, complaints: Complaints) -> None:
        self.site = site
        self.context: BrowserContext = browser.new_context(viewport={"width": 390, "height": 844})
        self.context.grant_permissions(["notifications"], origin=site.url)
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(10_000)
        complaints.watch(self.page)
        self.page.goto(f"{site.url}/login")
        self.page.get_by_label("Email").fill(email_of("Ada"))
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.get_by_role("button", name="Sign in").click()
        self.page.goto(f"{site.url}/profile")
        with self.context.expect_event("serviceworker") as appeared:
            self.page.evaluate("navigator.serviceWorker.register('/sw.js')")
        self.worker: Worker = appeared.value
        self.page.evaluate("async () => { await navigator.serviceWorker.ready; }")

    def gets(self, pushed: dict[str, Any] | str) -> None:
        """The push service delivers."""
        session = self.context.new_cdp_session(self.page)
        found: list[dict[str, Any]] = []
        session.on("ServiceWorker.workerRegistrationUpdated", lambda event: found.extend(event["registrations"]))
        session.send("ServiceWorker.enable")
        while not found:
            self.page.wait_for_timeout(20)
        text = pushed if isinstance(pushed, str) else json.dumps(pushed)
        session.send(
            "ServiceWorker.deliverPushMessage",
            {"origin": self.site.url, "registrationId": found[0]["registrationId"], "data": text},
        )
        while not self.shows():
            self.page.wait_for_timeout(20)

    def shows(self) -> list[dict[str, Any]]:
        """The notifications on the lock screen."""
        shown: list[dict[str, Any]] = self.worker.evaluate(LOOK)
        return shown

    def presses(self, action: str) -> None:
        """Somebody taps the notification, or a button of it."""
        self.worker.evaluate(PRESS, action)


def opened(site: Site) -> tuple[int, str]:
    """An incident that pages Ada; its number and the address that acknowledges it for her."""
    return site.do(_open)


def _open(rt: Runtime) -> tuple[int, str]:
    actor, now = Actor(1, "Ada", 1, "api"), rt.clock.now()
    incident = answer.open_incident(rt, title="Disk full", severity=Severity.CRITICAL, actor=actor, now=now)
    page = rt.db.read(lambda tx: outbox.notifications_of(tx, incident.id))[0]
    token = token_for(rt.secrets, page.id, LinkAction.ACKNOWLEDGE, created_at=page.created_at)
    return incident.id, f"{rt.settings.pagerpal_base_url}/a/{token}"


def pushed(incident_id: int, acknowledge: str) -> dict[str, Any]:
    return {
        "id": 1, "title": f"[CRITICAL] #{incident_id} Disk full", "body": "97 % used", "severity": "critical",
        "tag": f"incident-{incident_id}", "url": f"https://elsewhere.example.com/incidents/{incident_id}",
        "acknowledge": acknowledge,
    }  # fmt: skip


def test_page_is_shown_and_acknowledged_from_the_lock_screen(
    browser: Browser, site: Site, complaints: Complaints
) -> None:
    site.do(lambda rt: add_admin(rt, "Ada"))
    phone = Phone(browser, site, complaints)
    incident_id, acknowledge = opened(site)

    phone.gets(pushed(incident_id, acknowledge))
    (shown,) = phone.shows()
    assert shown["title"] == f"[CRITICAL] #{incident_id} Disk full"
    assert (shown["body"], shown["actions"]) == ("97 % used", ["Acknowledge", "Open"])

    phone.presses("acknowledge")
    incident = site.do(lambda rt: rt.db.read(lambda tx: incidents.get_incident(tx, incident_id)))
    assert incident.status is IncidentStatus.ACKNOWLEDGED
    (shown,) = phone.shows()
    assert shown["title"].startswith("Acknowledged: ")
    phone.context.close()


def test_page_that_cannot_be_acknowledged_stays_and_says_why(
    browser: Browser, site: Site, complaints: Complaints
) -> None:
    site.do(lambda rt: add_admin(rt, "Ada"))
    phone = Phone(browser, site, complaints)
    incident_id, acknowledge = opened(site)
    phone.gets(pushed(incident_id, f"{acknowledge[:-8]}AAAAAAAA"))

    phone.presses("acknowledge")
    (shown,) = phone.shows()
    assert shown["title"] == f"[CRITICAL] #{incident_id} Disk full"
    assert shown["body"].startswith("Not acknowledged. PagerPal answered 404.")
    assert shown["actions"] == ["Acknowledge", "Open"]
    complaints.forgive("404")
    phone.context.close()


def test_push_that_is_no_json_is_shown_all_the_same(browser: Browser, site: Site, complaints: Complaints) -> None:
    site.do(lambda rt: add_admin(rt, "Ada"))
    phone = Phone(browser, site, complaints)
    phone.gets("the fire brigade is here")
    assert [(each["title"], each["body"]) for each in phone.shows()] == [("PagerPal", "the fire brigade is here")]
    phone.context.close()


def test_profile_offers_to_switch_this_browser_on(browser: Browser, site: Site, complaints: Complaints) -> None:
    site.do(lambda rt: add_admin(rt, "Ada"))
    phone = Phone(browser, site, complaints)
    phone.page.goto(f"{site.url}/profile")
    assert phone.page.get_by_role("button", name="Switch on for this browser").is_visible()
    phone.context.close()
