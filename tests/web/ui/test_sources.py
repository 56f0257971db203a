"""Alert sources: the key is shown once, two keys while rotating, test alerts, quarantine."""

import json
from collections.abc import Callable

from starlette.testclient import TestClient

from app.alerts import queries
from app.alerts.types import Grouping
from app.platform.runtime import Runtime
from tests.support.screen import Page
from tests.web.ui.conftest import Company, Open

BODY = {"name": "Disk full", "status": "firing", "severity": "critical"}


def shown_key(page: Page) -> str:
    """The key that the page shows."""
    return page.by_id("the-key").text


def post(client: TestClient, key: str, body: object = BODY, path: str = "/alerts/webhook/generic/") -> int:
    """What a monitoring tool is answered."""
    return client.post(path, json=body, headers={"x-api-key": key}).status_code


def test_new_source_shows_its_key_once_and_the_key_works(
    rt: Runtime, company: Company, client: TestClient, open_screen: Open
) -> None:
    screen = open_screen("Ada")
    form = screen.open("/alert-sources/new").form("/alert-sources")

    page = form.send(
        name="Grafana", driver="grafana", target=f"policy:{company.policy.id}", grouping="labels", group_labels="a, b"
    )

    key = shown_key(page)
    assert "shown this once" in page.text
    assert f"X-API-Key: {key}" in page.by_id("curl-line").text
    assert "/alerts/webhook/grafana/" in page.by_id("webhook-url").text
    assert post(client, key) == 202
    assert key not in screen.open(page.path).html
    stored = rt.db.read(lambda tx: queries.get_source(tx, 2))
    assert (stored.grouping, stored.group_labels) == (Grouping.LABELS, ["a", "b"])


def test_curl_line_is_a_body_that_the_driver_reads(company: Company, client: TestClient, open_screen: Open) -> None:
    page = open_screen("Ada").open("/alert-sources/new").form("/alert-sources").send(name="Zabbix", driver="zabbix")

    line = page.by_id("curl-line").raw
    body = json.loads(line.split("-d '", 1)[1].rstrip().removesuffix("'").replace("'\\''", "'"))
    assert post(client, shown_key(page), body, "/alerts/webhook/zabbix/") == 202


def test_refused_source_keeps_what_was_typed(company: Company, open_screen: Open) -> None:
    form = open_screen("Ada").open("/alert-sources/new").form("/alert-sources")

    page = form.send(name="Prometheus", grouping="labels", group_labels="", target=f"schedule:{company.schedule.id}")

    assert page.status in (409, 422)
    again = page.form("/alert-sources")
    assert again.value("name") == "Prometheus"
    assert again.value("target") == f"schedule:{company.schedule.id}"
    assert again.value("grouping") == "labels"


def test_both_keys_work_while_rotating_and_one_can_be_revoked(
    company: Company, client: TestClient, open_screen: Open
) -> None:
    path = f"/alert-sources/{company.source.id}"
    page = open_screen("Ada").open(path)

    page = page.form(f"{path}/regenerate-key").send("Make it, the old one works 24 h more")
    new_key = shown_key(page)
    assert new_key != company.key
    assert post(client, company.key) == post(client, new_key) == 202

    page = page.screen.open(path)
    old = next(each for each in page.root.all("form") if each.get("action").endswith("/keys/1/revoke"))
    page.form(old.get("action")).send("Revoke")
    assert (post(client, company.key), post(client, new_key)) == (401, 202)


def test_leaked_key_ends_at_once(company: Company, client: TestClient, open_screen: Open) -> None:
    path = f"/alert-sources/{company.source.id}"

    page = open_screen("Ada").open(path).form(f"{path}/regenerate-key").send("It leaked: end the old one now")

    assert post(client, company.key) == 401
    assert post(client, shown_key(page)) == 202


def test_source_that_is_off_refuses(company: Company, client: TestClient, open_screen: Open) -> None:
    path = f"/alert-sources/{company.source.id}"
    page = open_screen("Ada").open(path).form(f"{path}/deactivate").send("Switch off")

    assert post(client, company.key) == 403
    assert not [each for each in page.root.all("form") if each.get("action").endswith("/test-alert")]
    page.form(f"{path}/activate").send("Switch on")
    assert post(client, company.key) == 202


def test_test_alert_opens_an_incident_that_pages(company: Company, open_screen: Open) -> None:
    path = f"/alert-sources/{company.source.id}"

    page = open_screen("Ravi").open(path).form(f"{path}/test-alert").send("Send a test alert")

    assert page.path == "/incidents/1"
    assert "Level 1 of 2 paged: Ravi" in page.text


def test_body_in_quarantine_is_shown_and_can_be_parsed_again(
    rt: Runtime, company: Company, client: TestClient, open_screen: Open
) -> None:
    assert post(client, company.key, {"alerts": "none of ours"}, "/alerts/webhook/") == 422
    screen = open_screen("Ada")
    source = screen.open(f"/alert-sources/{company.source.id}")
    look = next(link for link in source.links() if "/quarantine/" in link)

    page = screen.open(look)
    assert '"alerts": "none of ours"' in page.by_id("raw-body").text
    still = page.form(f"{look}/reparse").send("Parse again")

    assert still.path == look
    assert still.toasts


def test_source_without_target_says_who_is_paged_instead(company: Company, open_screen: Open) -> None:
    page = open_screen("Ada").open("/alert-sources/new").form("/alert-sources").send(name="Loose")

    assert "Only all active admins are paged" in page.text
    assert f"{page.path}/edit" in page.links()


def test_stored_signing_secret_is_never_shown_and_survives_a_save(
    rt: Runtime, company: Company, open_screen: Open
) -> None:
    path = f"/alert-sources/{company.source.id}"
    screen = open_screen("Ada")
    screen.open(f"{path}/edit").form(path).send("Save", signing_secret="hunter2-hunter2")
    before = rt.db.read(lambda tx: queries.get_source(tx, company.source.id)).config

    page = screen.open(f"{path}/edit")
    assert "hunter2" not in page.html
    assert page.form(path).value("signing_secret") == "***"
    page.form(path).send("Save", name="Renamed")

    after = rt.db.read(lambda tx: queries.get_source(tx, company.source.id))
    assert (after.name, after.config["signing_secret"]) == ("Renamed", before["signing_secret"])


def test_alert_page_tells_its_history(company: Company, fire: Callable[..., int], open_screen: Open) -> None:
    fire("Disk full", labels={"host": "db-1"})
    fire("Disk full", labels={"host": "db-1"}, status="resolved")

    page = open_screen("Vera").open("/alerts/1")

    assert "resolved" in page.by_id("state").text
    assert page.by_id("history").text.count("2026-03-02") == 2
