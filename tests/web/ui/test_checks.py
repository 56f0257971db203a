"""The pages of checks: what was measured, setting a checker up, measuring now, and what stages found on an incident."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from app.alerts import sources
from app.checks import kinds, queries
from app.checks.service import record_many
from app.checks.types import CheckResult, CheckStatus, NewCheckRun, Thresholds
from app.platform.host import hostname
from app.platform.runtime import Runtime
from tests.web.ui.conftest import Company, Open


def measured(
    rt: Runtime, value: float, *, minutes_ago: int = 0, host: str = "", incident_id: int | None = None
) -> None:
    """A run of the memory checker as it would have been kept."""
    status = CheckStatus.CRITICAL if value >= 90 else CheckStatus.OK
    result = CheckResult(status, f"Memory is {value:g} % full", {"memory_percent": value}, "memory", None, value)
    run = NewCheckRun(result, Thresholds(70, 90), 1.0, rt.clock.now() - timedelta(minutes=minutes_ago))
    rt.db.write(
        lambda tx: record_many(tx, [run], hostname=host or hostname(), trace_id=rt.ids.hex32(), incident_id=incident_id)
    )


def test_the_list_shows_each_checker_with_its_value_and_its_day(
    rt: Runtime, company: Company, open_screen: Open
) -> None:
    for minutes_ago, value in ((300, 20), (290, 30), (5, 95)):
        measured(rt, value, minutes_ago=minutes_ago)
    page = open_screen("Vera").open("/checks")
    for name, checker in kinds.checkers().items():
        assert f'href="/checks/{name}"' in page.html
        assert checker.label in page.text
    assert "95 %" in page.text
    assert "Memory in the last 24 hours: lowest 20, highest 95, last 95 %" in page.html
    assert "warning from 70, critical from 90 %" in page.text
    # Two strokes: for hours nothing was measured.
    drawn = page.html.split('class="value" d="')[1].split('"')[0]
    assert (drawn.count("M"), drawn.count("L")) == (2, 1)


def test_a_page_says_that_nobody_is_paged_yet(rt: Runtime, company: Company, open_screen: Open) -> None:
    rt.db.write(lambda tx: sources.internal_source(tx, name="checks", pipeline="local-monitor", now=rt.clock.now()))
    assert "Nobody has chosen whom these page" in open_screen("Ada").open("/checks").text


@pytest.mark.parametrize("name", list(kinds.checkers()))
def test_every_checker_can_be_set_up_by_its_form_and_comes_back_as_it_was(
    rt: Runtime, company: Company, open_screen: Open, name: str
) -> None:
    screen = open_screen("Ada")
    page = screen.open(f"/checks/{name}")
    saved = page.form(f"/checks/{name}").send("Save", timeout="20")
    assert saved.path == f"/checks/{name}", saved.text
    before, after = kinds.defaults_of(name), rt.db.read(lambda tx: queries.get_config(tx, name))
    assert after.params == before.params
    assert (after.timeout, after.enabled) == (20.0, True)
    assert (after.warning_threshold, after.critical_threshold) == (before.warning_threshold, before.critical_threshold)


def test_what_is_wrong_stands_beside_its_field_and_what_was_typed_stays(company: Company, open_screen: Open) -> None:
    form = open_screen("Ada").open("/checks/disk").form("/checks/disk")
    typed = {"params.paths": "/\nrelative", "warning_threshold": "97"}
    refused = form.send("Save", **typed)
    assert refused.status == 422
    assert "must begin with / or ~/" in refused.text
    assert refused.form("/checks/disk").value("params.paths").split() == ["/", "relative"]
    for field, value in (("warning_threshold", "-1"), ("timeout", "soon"), ("cadence_seconds", "1.5")):
        assert form.send("Save", **{field: value}).status == 422


def test_measuring_now_says_what_was_found(rt: Runtime, company: Company, open_screen: Open) -> None:
    page = open_screen("Ravi").open("/checks/process")
    done = page.form("/checks/process/run").send("Run now")
    assert "ok: No process is named that should run" in done.text
    assert rt.db.read(queries.last_runs).keys() == {"process"}


def test_viewers_look_and_responders_measure(company: Company, open_screen: Open) -> None:
    viewer = open_screen("Vera").open("/checks/memory")
    assert "Run now" not in viewer.text
    assert "Save" not in viewer.text
    responder = open_screen("Ravi").open("/checks/memory")
    assert "Run now" in responder.text
    assert "Save" not in responder.text


def test_the_history_is_narrowed_by_status_and_host(rt: Runtime, company: Company, open_screen: Open) -> None:
    measured(rt, 11)
    measured(rt, 99, host="db-2.example.com")
    screen = open_screen("Ada")
    assert "Memory is 99 % full" in screen.open("/checks/memory").text
    narrowed = screen.open("/checks/memory?status=critical&host=db-2.example.com")
    rows = narrowed.html.split('id="history"')[1]
    assert "Memory is 99 % full" in rows
    assert "Memory is 11 % full" not in rows
    assert screen.open("/checks/memory?status=surprise&page=2").status == 200


def test_an_unknown_checker_is_not_found(company: Company, open_screen: Open) -> None:
    assert open_screen("Ada").open("/checks/nosuch").status == 404


def test_an_incident_shows_what_its_stages_found(
    rt: Runtime, company: Company, open_screen: Open, fire: Callable[..., int]
) -> None:
    incident_id = fire()
    screen = open_screen("Ravi")
    assert f'data-live="incident:{incident_id} notifications:{incident_id} checks:{incident_id}"' in (
        screen.open(f"/incidents/{incident_id}").html
    )
    measured(rt, 97, incident_id=incident_id)
    page = screen.open(f"/incidents/{incident_id}")
    assert "Memory is 97 % full" in page.text
    assert 'href="/checks/memory"' in page.html
