"""Every page, wide and on a phone: nothing is wider than the screen, and nothing lies over what can be tapped."""

import httpx2
from playwright.sync_api import Page

from app.accounts.types import User
from app.pipeline import queries as pipeline
from app.pipeline.queries import RunFilter
from app.platform.runtime import Runtime
from app.platform.types import PageQuery
from app.usecases import catalogue
from app.web.routes import ROUTES
from app.web.routing import Door
from tests.support.browser import Complaints
from tests.support.callers import browser as signed_in
from tests.support.people import add_admin
from tests.support.rota import furnish
from tests.support.site import Site

# Downloads, streams and what only leads elsewhere.
NO_PAGES = {"/", "/favicon.ico", "/manifest.webmanifest", "/sw.js", "/events", "/docs", "/audit", "/login"}
NAMES = {"/pipelines/{name}": "full", "/checks/{checker}": "cpu", "/setup/{preset}": "full"}
FAULTS = """() => {
  const faults = [];
  if (document.documentElement.scrollWidth > document.documentElement.clientWidth) faults.push("wider than the screen");
  const tapped = "a[href], button, input:not([type=hidden]), select, textarea, summary";
  for (const each of document.querySelectorAll(tapped)) {
    if (!each.checkVisibility({ visibilityProperty: true, opacityProperty: true })) continue;
    // Shown only to whoever walks there by keyboard.
    if (each.matches(".visually-hidden, .skip, .past-drawings")) continue;
    each.scrollIntoView({ block: "center", behavior: "instant" });
    const box = each.getClientRects()[0];
    if (!box || box.width < 2 || box.height < 2) continue;
    const hit = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
    const isLabel = hit?.closest("label")?.control === each;
    if (hit && hit !== each && !each.contains(hit) && !isLabel)
      faults.push(`${hit.outerHTML.slice(0, 80)} lies over ${each.outerHTML.slice(0, 120)}`);
  }
  return faults;
}"""


def test_nothing_is_too_wide_and_nothing_lies_over_what_is_tapped(
    site: Site, browser_page: Page, complaints: Complaints
) -> None:
    page = browser_page
    admin = site.do(lambda rt: furnish(rt, add_admin(rt, "Ada"))).admin
    run_id = site.do(lambda rt: something_fires(rt, site.url, admin))
    name, _, value = site.do(lambda rt: signed_in(rt, admin)).cookie.partition("=")
    page.context.add_cookies([{"name": name, "value": value, "url": site.url}])
    faults: dict[str, list[str]] = {}
    looked_at = 0
    for path in paths(run_id):
        page.set_viewport_size({"width": 1280, "height": 800})
        answer = page.goto(site.url + path)
        assert answer is not None
        if answer.status == 404:
            continue
        looked_at += 1
        found = page.evaluate(FAULTS)
        page.set_viewport_size({"width": 390, "height": 844})
        found += [f"phone: {fault}" for fault in page.evaluate(FAULTS)]
        if found:
            faults[path] = found
    assert faults == {}
    assert looked_at > 45
    # What there is not one of, and the built-in pipeline that cannot be edited.
    complaints.forgive("the server responded with a status of 404")
    complaints.forgive("the server responded with a status of 409")


def something_fires(rt: Runtime, url: str, admin: User) -> str:
    """An incident by a source's delivery; gives its run's id."""
    _, key = catalogue.create_source(rt, name="Scripts", actor=admin, now=rt.clock.now())
    body = {"name": "Disk full on db1.example.com", "severity": "critical", "labels": {"host": "db1.example.com"}}
    httpx2.post(f"{url}/alerts/webhook/", json=body, headers={"X-API-Key": key}).raise_for_status()
    [run] = rt.db.read(lambda tx: pipeline.list_runs(tx, RunFilter(), PageQuery())).items
    return run.run_id


def paths(run_id: str) -> list[str]:
    """Every page, and of those about one thing the first."""
    found = []
    for route in ROUTES:
        if route.door is not Door.UI or "GET" not in route.methods or route.path in NO_PAGES:
            continue
        path = route.path.replace("{run_id}", run_id) if route.path.startswith("/pipeline-runs") else route.path
        for beginning, said in NAMES.items():
            if path.startswith(beginning):
                path = path.replace(beginning, beginning.partition("{")[0] + said)
        found.append("/".join("1" if part.startswith("{") else part for part in path.split("/")))
    return found
