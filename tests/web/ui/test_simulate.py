"""«What would happen?»: the page, and the panels that lead to it; everything works without scripts."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest

from app.alerts import sources
from app.platform.runtime import Runtime
from app.usecases import catalogue
from tests.support.screen import Page
from tests.web.ui.conftest import Company, Open

ALERTMANAGER = (
    '{"version": "4", "groupKey": "g", "alerts": [{"status": "firing", "labels": {"alertname": "Latency"},'
    ' "fingerprint": "1"}]}'
)


def minutes(page: Page) -> list[str]:
    """What happens in each minute, as one reads it."""
    [found] = [each for each in page.root.all("ol") if each.get("class") == "minutes"]
    return [item.text for item in found.children if not isinstance(item, str) and item.tag == "li"]


def answer(page: Page) -> str:
    """What stands below the form."""
    return page.by_id("outcome").text


def test_anybody_sees_who_is_paged_minute_by_minute(company: Company, open_screen: Open) -> None:
    form = open_screen("Vera").open("/simulate").form("/simulate")
    page = form.send("Show", source_id=company.source.id)

    assert page.path.startswith("/simulate?source_id=")
    assert "Ravi would be paged at once. If nobody answers, the admins are paged after 25 min." in answer(page)
    assert "It opens a new incident." in answer(page)
    assert "Prometheus Alertmanager, a typical critical alert; policy Escalate, version 1" in answer(page)
    at_once, level_two, fallback = minutes(page)
    assert at_once.startswith("at once 09:00")
    assert "Raviemail level 1" in at_once
    assert "on call for Primary until Thu 09:00, by entry" in at_once
    assert "after 15 min 09:15" in level_two
    assert "Nooremail level 2 named directly" in level_two
    assert "after 25 min" in fallback
    assert "Adaemail fallback nobody else is left to be paged" in fallback


def test_sources_of_pagerpal_itself_are_offered_last(rt: Runtime, company: Company, open_screen: Open) -> None:
    rt.db.write(lambda tx: sources.internal_source(tx, name="checks", pipeline="local-monitor", now=rt.clock.now()))
    offered = [each.text for each in open_screen("Vera").open("/simulate").root.all("option")]
    assert offered == ["choose a source", "Prometheus", "checks (PagerPal's own)"]


def test_another_time_is_typed_in_the_viewers_zone_and_kept_in_the_address(
    company: Company, open_screen: Open, rt: Runtime
) -> None:
    later = rt.clock.now() + timedelta(days=4)
    form = open_screen("Vera").open("/simulate").form("/simulate")
    page = form.send(source_id=company.source.id, at=f"{later:%Y-%m-%dT%H:%M}")

    assert answer(page).startswith("Noor would be paged at once.")
    assert page.form("/simulate").value("at") == f"{later:%Y-%m-%dT%H:%M}"
    in_utc = page.screen.open(f"/simulate?{urlencode({'source_id': company.source.id, 'at': later.isoformat()})}")
    assert in_utc.form("/simulate").value("at") == f"{later:%Y-%m-%dT%H:%M}"
    assert minutes(in_utc) == minutes(page)


def test_a_pasted_payload_is_read_as_the_tool_would_have_posted_it(company: Company, open_screen: Open) -> None:
    form = open_screen("Vera").open("/simulate").form("/simulate")
    page = form.send(source_id=company.source.id, payload=ALERTMANAGER)

    assert (page.status, page.path) == (200, "/simulate")
    assert "Latency" in answer(page)
    assert "typical" not in answer(page)
    assert page.form("/simulate").value("payload") == ALERTMANAGER


@pytest.mark.parametrize(
    ("typed", "field", "words"),
    [
        ({"source_id": ""}, "source_id", "Choose one from the list."),
        ({"at": "tomorrow"}, "at", "Write a date and a time"),
        ({"at": "0001-01-01T00:00"}, "at", "between the years 1990 and 2200"),
        ({"payload": "{"}, "payload", "This is not valid JSON"),
        ({"payload": '{"alerts": 7}'}, "payload", "alerts"),
    ],
)
def test_what_was_typed_wrong_is_said_at_its_field(
    company: Company, open_screen: Open, typed: dict[str, str], field: str, words: str
) -> None:
    form = open_screen("Vera").open("/simulate").form("/simulate")
    page = form.send("", **{"source_id": str(company.source.id), **typed})

    assert page.status == 422
    assert words in page.errors()[f"{field}-error"]
    assert page.form("/simulate").value(field) == typed[field]


def test_a_source_that_is_gone_is_said(company: Company, open_screen: Open) -> None:
    page = open_screen("Vera").open("/simulate?source_id=999")
    assert page.status == 404
    assert "There is no alert source 999." in page.errors()["source_id-error"]


def test_htmx_is_answered_with_what_it_swaps_in(company: Company, open_screen: Open) -> None:
    page = open_screen("Vera").open("/simulate?source_id=", **{"hx-request": "true"})
    assert page.status == 200
    assert page.errors()


def test_what_is_open_already_is_told_from_what_the_alert_leads_to(
    company: Company, open_screen: Open, fire: Callable[..., int]
) -> None:
    number = fire("Disk full", fingerprint="d")
    page = open_screen("Vera").open("/simulate").form("/simulate")
    body = ALERTMANAGER.replace('"fingerprint": "1"', '"fingerprint": "2"')
    shown = page.send(source_id=company.source.id, payload=body)
    assert f"/incidents/{number}" not in shown.links()

    again = open_screen("Ada")
    again.open(f"/alert-sources/{company.source.id}/edit").form(f"/alert-sources/{company.source.id}").send(
        driver="generic"
    )
    body = '{"name": "Disk full", "fingerprint": "d", "severity": "critical"}'
    shown = again.open("/simulate").form("/simulate").send(source_id=company.source.id, payload=body)
    assert "Nobody would be paged." in answer(shown)
    assert f"/incidents/{number}" in shown.links()
    assert "goes on anyway" in minutes(shown)[0]


def test_a_level_that_is_skipped_is_said_in_its_minute(rt: Runtime, company: Company, open_screen: Open) -> None:
    catalogue.update_source(
        rt, source_id=company.source.id, changes={"escalation_policy_id": None, "schedule_id": company.schedule.id},
        actor=company.ada, now=rt.clock.now(),
    )  # fmt: skip
    in_a_gap = rt.clock.now() + timedelta(days=10)
    page = open_screen("Vera").open(f"/simulate?source_id=1&at={in_a_gap:%Y-%m-%dT%H:%M}")
    [at_once] = minutes(page)
    assert "Level 1 skipped: it reaches nobody now" in at_once
    assert "Adaemail fallback" in at_once


def test_a_source_a_policy_and_a_schedule_offer_the_question(company: Company, open_screen: Open) -> None:
    screen = open_screen("Vera")
    for path in (
        f"/alert-sources/{company.source.id}",
        f"/policies/{company.policy.id}",
        f"/schedules/{company.schedule.id}",
    ):
        page = screen.open(path)
        asked = page.form("/simulate").send("Show")
        assert f"source_id={company.source.id}" in asked.path
        assert "Ravi would be paged at once." in answer(asked)


def test_a_policy_that_no_source_uses_says_so(rt: Runtime, company: Company, open_screen: Open) -> None:
    unused = catalogue.create_policy(
        rt, name="Unused", levels=company.policy.levels, actor=company.ada, now=rt.clock.now()
    )
    page = open_screen("Vera").open(f"/policies/{unused.id}")
    assert "No alert source pages by this policy yet." in page.by_id("what-if").text


def test_a_schedule_offers_every_source_that_may_page_by_it(rt: Runtime, company: Company, open_screen: Open) -> None:
    now = rt.clock.now()
    ways: dict[str, dict[str, Any]] = {
        "By itself": {"schedule_id": company.schedule.id},
        "By its team": {"team_id": company.team.id},
        "No way": {},
    }
    for name, target in ways.items():
        catalogue.create_source(rt, name=name, actor=company.ada, now=now, **target)
    form = open_screen("Vera").open(f"/schedules/{company.schedule.id}").form("/simulate")
    assert sorted(form.options("source_id").values()) == ["By its team", "By itself", "Prometheus"]
