"""Every page for every role: it renders, its links lead somewhere, its forms can be sent and are labelled."""

from collections import Counter
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from starlette.testclient import TestClient

from app.platform.runtime import Runtime
from app.platform.types import JsonObject
from app.usecases import catalogue, people
from app.web.routes import ROUTES, Door
from tests.support.screen import Element, Page, Screen
from tests.web.ui.conftest import Company, Open

NOT_IN_THE_FRAME = {
    "/", "/login", "/favicon.ico", "/manifest.webmanifest", "/sw.js", "/events", "/docs", "/openapi.json",
}  # fmt: skip
PAGES = sorted(
    route.path
    for route in ROUTES
    if route.door is Door.UI
    and "GET" in route.methods
    and route.path not in NOT_IN_THE_FRAME
    and not route.path.endswith(("/{delivery_id}", "/{alert_id}", "/{event_id}", "/{run_id}"))
)


@pytest.fixture
def furnished(rt: Runtime, company: Company, fire: Callable[..., int], client: TestClient) -> Company:
    """The company with something on every page: an incident, a quarantined body, a channel."""
    incident_id = fire(
        "Disk full", description="97 %", labels={"host": "db-1"}, annotations={"runbook_url": "https://x.example.com"}
    )
    assert incident_id == 1
    client.post("/alerts/webhook/alertmanager", json={"what": "is this"}, headers={"x-api-key": company.key})
    catalogue.create_channel(
        rt,
        name="ops",
        driver="webhook",
        config={"endpoint": "https://hooks.example.com/ops"},
        actor=company.ada,
        now=rt.clock.now(),
    )
    calm: JsonObject = {"nodes": [{"id": "tell", "type": "notify"}]}
    catalogue.create_definition(rt, name="calm", config=calm, actor=company.ada, now=rt.clock.now())
    catalogue.create_provider(
        rt,
        name="main",
        provider="openai",
        config={"api_key": "pl4inly-f4ke-key"},
        actor=company.ada,
        now=rt.clock.now(),
    )
    people.add_contact_method(
        rt,
        user_id=company.ravi.id,
        channel="email",
        address="ravi@home.example.com",
        actor=company.ada,
        now=rt.clock.now(),
    )
    return company


def at(path: str) -> str:
    """The page's address with the first of everything."""
    for name in (
        "incident_id",
        "source_id",
        "policy_id",
        "schedule_id",
        "team_id",
        "channel_id",
        "provider_id",
        "user_id",
        "notification_id",
    ):
        path = path.replace(f"{{{name}}}", "1")
    path = path.replace("/alarms/{name}", "/alarms/panda_failure_rate_user")
    path = path.replace("{preset}", "direct").replace("{start}", "20260302T090000Z")
    return path.replace("{name}", "calm").replace("{checker}", "disk")


@pytest.mark.parametrize("name", ["Ada", "Ravi", "Vera"])
def test_every_page_renders_for_everybody_who_may_see_it(name: str, furnished: Company, open_screen: Open) -> None:
    screen = open_screen(name)

    for path in PAGES:
        page = screen.open(at(path))
        if page.status == 403:
            assert name != "Ada", path
            assert "may not do that" in page.text
            continue
        assert page.status == 200, f"{path}: {page.text}"
        assert page.heading
        assert "None" not in page.text, path
        assert_ids_are_unique(page)
        assert_controls_are_labelled(page)


def test_alert_and_quarantined_body_have_pages(furnished: Company, open_screen: Open) -> None:
    screen = open_screen("Ada")

    alert = screen.open("/alerts/1")
    assert alert.heading == "Disk full"
    assert "host=db-1" in alert.text

    source = screen.open(f"/alert-sources/{furnished.source.id}")
    look = next(link for link in source.links() if "/quarantine/" in link)
    assert '"what": "is this"' in screen.open(look).text


def test_every_link_of_every_page_leads_somewhere(furnished: Company, open_screen: Open) -> None:
    screen = open_screen("Ada")
    seen: set[str] = set()
    waiting = ["/dashboard"]
    while waiting:
        path = waiting.pop()
        seen.add(path)
        page = screen.open(path)
        assert page.status == 200, f"{path} answers {page.status}"
        assert_forms_lead_to_routes(page)
        waiting += sorted(link for link in page.links() if link not in seen and link not in waiting and "?" not in link)

    assert {"/incidents/1", "/alerts/1", "/people/1", "/policies/1", "/settings", "/audit", "/more"} <= seen


def test_what_later_releases_bring_is_not_linked(furnished: Company, open_screen: Open) -> None:
    links = open_screen("Ada").open("/dashboard").links() | open_screen("Ada").open("/more").links()

    assert not {link for link in links if link.startswith("/reports")}


def test_viewer_is_offered_nothing_that_they_may_not_do(furnished: Company, open_screen: Open) -> None:
    screen = open_screen("Vera")

    for path in (
        "/incidents/1",
        "/alert-sources/1",
        "/policies/1",
        "/schedules/1",
        "/teams/1",
        "/people/1",
        "/channels/1",
        "/pipelines/calm",
        "/alarms",
        "/alarms/modules",
    ):
        page = screen.open(path)
        posted = {form.get("action") for form in page.root.all("form") if form.get("method") == "post"}
        assert posted <= {"/theme"}, path


def test_data_from_outside_is_never_markup(company: Company, fire: Callable[..., int], open_screen: Open) -> None:
    nasty = '"><script>alert(1)</script><b x="'
    incident_id = fire(
        nasty, description=nasty, labels={nasty: nasty}, annotations={"runbook_url": "javascript:alert(1)"}
    )
    screen = open_screen("Ada")

    for path in (
        "/dashboard",
        "/incidents",
        f"/incidents/{incident_id}",
        "/alerts/1",
        f"/alert-sources/{company.source.id}",
    ):
        page = screen.open(path)
        assert "<script>alert" not in page.html
        assert 'href="javascript' not in page.html
        assert all(script.get("src").startswith("/static/") for script in page.root.all("script"))


def test_missing_thing_is_said_in_words_that_help(company: Company, open_screen: Open) -> None:
    page = open_screen("Ada").open("/incidents/999")

    assert page.status == 404
    assert "removed what was here" in page.text
    assert "/dashboard" in page.links()


def test_answer_without_a_session_leads_to_the_sign_in_and_back(company: Company, screen: Screen) -> None:
    page = screen.open("/policies/1")

    assert page.path == "/login?next=/policies/1"
    assert page.form("/login").send(email="ada@example.com", password="a-long-and-quiet-river").path == "/policies/1"


def assert_ids_are_unique(page: Page) -> None:
    """Two elements of one id would break labels and live updates."""
    counts = Counter(element.get("id") for element in page.root.all() if element.get("id"))
    assert not [element_id for element_id, count in counts.items() if count > 1]


def assert_controls_are_labelled(page: Page) -> None:
    """Every control has a name that a screen reader can say."""
    targets = {label.get("for") for label in page.root.all("label")}
    for control in page.root.all("input", "select", "textarea"):
        if control.get("type") in ("hidden", "submit"):
            continue
        labelled = control.get("id") in targets or control.has("aria-label") or inside_label(control)
        assert labelled, f"{page.path}: {control.attributes}"
    for button in page.root.all("button"):
        assert button.text, f"{page.path}: {button.attributes}"


def inside_label(element: Element) -> bool:
    """Whether a label is around it."""
    outer = element.parent
    while outer is not None and outer.tag != "label":
        outer = outer.parent
    return outer is not None


def assert_forms_lead_to_routes(page: Page) -> None:
    """Every form is sent to a route that there is, by its method."""
    for element in page.root.all("form", "button"):
        action = element.get("action") if element.tag == "form" else element.get("formaction")
        if action:
            method = element.get("method", "post").upper()
            assert has_route(method, urlsplit(action).path), f"{page.path}: {method} {action}"


def has_route(method: str, path: str) -> bool:
    """Whether the table has a row for this."""
    parts = path.strip("/").split("/")
    return any(method in route.methods.split() and matches(route.path.strip("/").split("/"), parts) for route in ROUTES)


def matches(pattern: list[str], parts: list[str]) -> bool:
    """Whether a path has the form of a route's."""
    return len(pattern) == len(parts) and all(
        want == got or want.startswith("{") for want, got in zip(pattern, parts, strict=True)
    )
