"""The pages of alarms without scripts: the dashboard, an event, a run's report, the editor, a new alarm."""

from dataclasses import replace
from pathlib import Path

import pytest

from app.alarms import queries
from app.alarms.types import Alarm, AlarmEvent, Detection, EventFilter, Found, Outcome, Trigger
from app.platform.runtime import Runtime
from app.platform.settings import Settings
from app.platform.types import PageQuery
from tests.support.alarms import LONG, engine_runs, firing, makes, modules_in
from tests.support.clock import FrozenClock
from tests.web.ui.conftest import Company, Open

UNKNOWN = Found(Outcome.UNKNOWN, error="FetchError: no answer within 20 s", trace="Traceback: line 7")
EDITOR = "/alarms/probe/edit"


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    """The operator has a module, and a file that is none."""
    folder = modules_in(tmp_path / "modules", broken="import nothing_of_this_name\n")
    return settings.model_copy(update={"alarm_modules_dir": str(folder)})


@pytest.fixture
def alarm(rt: Runtime, company: Company) -> Alarm:
    """An alarm that mails the team."""
    return makes(rt, "probe", title="Probe", content="Look at the log.", enabled=True, recipients=["@Platform"])


def stored(rt: Runtime, name: str = "probe") -> Alarm:
    return rt.db.read(lambda tx: queries.get_alarm(tx, name))


def events(rt: Runtime) -> list[AlarmEvent]:
    """The newest first."""
    return rt.db.read(lambda tx: queries.list_events(tx, EventFilter(), PageQuery())).items


def later(clock: FrozenClock, rt: Runtime, *keys: str, minutes: float = 5) -> int:
    """A tick later, these fire."""
    clock.advance(minutes=minutes)
    return engine_runs(rt, {"probe": firing(*keys)})


def test_dashboard_shows_every_alarm_with_what_fired_and_what_the_engine_did(
    rt: Runtime, clock: FrozenClock, alarm: Alarm, open_screen: Open
) -> None:
    makes(rt, "blind", title="Blind one", enabled=True)
    later(clock, rt, "db-1")
    later(clock, rt)
    later(clock, rt, "db-2", minutes=60)
    engine_runs(rt, {"blind": UNKNOWN}, trigger=Trigger.MANUAL)

    page = open_screen("Ada").open("/alarms")

    summary = page.by_id("summary").text
    assert "Probe alarm_probe on 2 1 just now firing just now" in summary
    assert summary.index("Probe") < summary.index("Blind one") < summary.index("PanDA")
    section = page.by_id("alarm_probe").text
    assert section.index("db-2 fails") < section.index("db-1 fails")
    assert "Look at the log." in section
    assert "@Platform" in section
    assert "again after 1 d" in section
    assert "2 in all, at most 1 in one hour" in section
    assert "no answer within 20 s. What held before still holds." in page.by_id("alarm_blind").text
    assert "alarm_blind FetchError: no answer" in page.by_id("runs").text
    assert "1 new" in page.by_id("runs").text
    assert "@PlatformRavi, Noor2 told" in page.by_id("teams").text
    assert "db-1 fails" not in open_screen("Ada").open("/alarms?since=1").by_id("alarm_probe").text


def test_alarm_that_used_to_fire_and_found_nothing_lately_is_marked_quiet(
    rt: Runtime, clock: FrozenClock, alarm: Alarm, open_screen: Open
) -> None:
    later(clock, rt, "db-1")
    for _ in range(3):
        assert "quiet" not in open_screen("Ada").open("/alarms").by_id("summary").text
        later(clock, rt)

    page = open_screen("Ada").open("/alarms")
    assert "Probe quiet" in page.by_id("summary").text
    assert "quiet" in page.by_id("alarm_probe").text


def test_banner_says_how_the_engine_does(rt: Runtime, clock: FrozenClock, alarm: Alarm, open_screen: Open) -> None:
    screen = open_screen("Vera")

    def said() -> str:
        return screen.open("/alarms").by_id("engine").text

    assert "Engine unknown. The engine has not run yet." in said()
    later(clock, rt, "db-1")
    assert "Engine ok." in said()
    assert "next tick in" in said()
    clock.advance(minutes=8)
    assert "Engine warn. The last tick ended 8 minutes ago." in said()
    clock.advance(minutes=7)
    assert "Engine bad. The last tick ended 15 minutes ago." in said()
    engine_runs(rt, {"probe": UNKNOWN})
    assert "Engine bad. No alarm could be evaluated" in said()


def test_event_has_everything_and_is_acknowledged_once_for_all(
    rt: Runtime, clock: FrozenClock, alarm: Alarm, open_screen: Open
) -> None:
    later(clock, rt, "db-1")
    later(clock, rt)
    later(clock, rt, "db-1")
    here = f"/alarms/events/{events(rt)[0].id}"

    page = open_screen("Ravi").open(here)
    assert page.heading == "db-1 fails"
    assert "Look at the log. db-1 fails Look at db-1." in page.by_id("content-title").parent.parent.text  # type: ignore[union-attr]
    assert "ravi@example.com pending" in page.by_id("mails").text
    assert "2 firings" in page.by_id("history").text
    assert "host db-1" in page.by_id("extra").text
    assert "/ack" not in open_screen("Vera").open(here).html

    page = page.form(f"{here}/ack").send("Acknowledge")
    assert "You have it." in page.toasts
    assert "acknowledged by Ravi just now" in page.by_id("state").text
    assert "/ack" not in page.html
    later(clock, rt)
    assert "cleared" in open_screen("Noor").open(here).by_id("state").text


def test_description_is_markdown_on_every_page_and_nothing_in_it_or_found_can_do_harm(
    rt: Runtime, clock: FrozenClock, company: Company, open_screen: Open
) -> None:
    hostile = "<img src=x onerror=alert(1)> [here](javascript:alert(1))"
    makes(rt, "probe", content=f"# First\n- Look at the **log**\n- [wiki](https://wiki.example.com/)\n\n{hostile}")
    found = Detection("db-1", f"db-1 {hostile}", f"**not bold** {hostile}")
    clock.advance(minutes=5)
    engine_runs(rt, {"probe": Found(Outcome.FIRING, (found,))})

    screen = open_screen("Ravi")
    for page in (screen.open(f"/alarms/events/{events(rt)[0].id}"), screen.open("/alarms")):
        assert '<ul><li>Look at the <strong>log</strong></li><li><a href="https://wiki.example.com/"' in page.html
        assert "<strong>First</strong>" in page.html
        assert "<img" not in page.html
        assert 'href="javascript' not in page.html
    page = screen.open(f"/alarms/events/{events(rt)[0].id}")
    assert "**not bold** <img src=x" in page.by_id("content").text


def test_event_of_an_archived_alarm_has_ended_and_not_cleared(
    rt: Runtime, clock: FrozenClock, alarm: Alarm, open_screen: Open
) -> None:
    later(clock, rt, "db-1")
    screen = open_screen("Ada")
    screen.open(EDITOR).form(EDITOR).send("Save", archived="yes")
    page = screen.open(f"/alarms/events/{events(rt)[0].id}")
    assert "because its alarm was archived" in page.by_id("state").text
    assert "cleared" not in page.by_id("state").text
    assert "/ack" not in page.html
    screen.open(EDITOR).form(EDITOR).send("Save", archived=None)
    assert "ended" in screen.open("/alarms").by_id("alarm_probe").text


def test_dashboard_names_what_alone_could_not_be_reached(
    rt: Runtime, clock: FrozenClock, alarm: Alarm, open_screen: Open
) -> None:
    clock.advance(minutes=5)
    engine_runs(rt, {"probe": replace(firing("db-1"), not_known=frozenset({"db-2"}), warnings=("db-2 is away",))})
    screen = open_screen("Ada")
    assert "Asked in part: nothing is known of db-2." in screen.open("/alarms").by_id("alarm_probe").text
    assert "db-2 is away" in screen.open("/engine-runs/1").text


def test_run_has_a_report_with_each_alarm_and_its_trace(
    rt: Runtime, clock: FrozenClock, alarm: Alarm, open_screen: Open
) -> None:
    makes(rt, "blind", title="Blind one", enabled=True)
    run_id = engine_runs(rt, {"probe": firing("db-1", "db-2"), "blind": UNKNOWN})

    page = open_screen("Vera").open(f"/engine-runs/{run_id}")
    assert "1 error" in page.by_id("state").text
    assert "Traceback: line 7" in page.by_id("alarm_blind").text
    assert "2 detections: 2 new, 0 still firing; 0 cleared, 2 active now" in page.by_id("alarm_probe").text
    assert "not sent yet: message" in page.by_id("alarm_probe").text
    assert "Events new 2" in page.by_id("figures").text
    assert f"/engine-runs/{run_id}" in open_screen("Vera").open("/engine-runs").links()


def test_form_saves_without_scripts_and_says_what_is_wrong(rt: Runtime, alarm: Alarm, open_screen: Open) -> None:
    form = open_screen("Ada").open(EDITOR).form(EDITOR)
    assert (form.value("recipients"), form.value("renotification_window_hours")) == ("@Platform", "24")

    page = form.send(
        "Save", title="", params='{"hours": "x"', recipients="@nobody", renotification_window_hours="soon", pages="yes"
    )
    assert page.status == 422
    assert "not valid JSON" in page.errors()["alarm-params-error"]
    assert "Write a number of hours" in page.errors()["alarm-renotification_window_hours-error"]
    assert page.form(EDITOR).value("recipients") == "@nobody"
    again = page.form(EDITOR).send(
        "Save", title="P", params='{"hous": 1}', renotification_window_hours="-1", pages=None
    )
    assert "is not read by this module" in again.errors()["alarm-params-error"]
    assert "names no team" in again.errors()["alarm-recipients-error"]

    again = again.form(EDITOR).send("Save", params="{}", recipients="a@example.com, @Platform", enabled=None)
    assert "must be 0 to 8760" in again.errors()["alarm-renotification_window_hours-error"]

    page = again.form(EDITOR).send("Save", renotification_window_hours="2")
    assert "Saved as version 2." in page.toasts
    saved = stored(rt)
    assert (saved.title, saved.recipients, saved.renotification_window_hours, saved.enabled) == (
        "P", ["a@example.com", "@Platform"], 2.0, False,
    )  # fmt: skip


def test_second_editor_is_told_and_both_texts_are_kept(rt: Runtime, alarm: Alarm, open_screen: Open) -> None:
    mine, theirs = (open_screen("Ada").open(EDITOR).form(EDITOR) for _ in range(2))
    theirs.send("Save", content="Theirs.")

    page = mine.send("Save", content="Mine.")
    assert page.status == 409
    assert "Somebody saved this alarm meanwhile." in page.by_id("overtaken").text
    assert page.form(EDITOR).value("content").strip() == "Mine."
    assert stored(rt).content == "Theirs."

    page.form(EDITOR).send("Save")
    assert stored(rt).content == "Mine."
    older = open_screen("Ada").open(f"{EDITOR}?version=2")
    assert older.form(EDITOR).value("content").strip() == "Theirs."
    assert "Version 2 is loaded below." in older.text
    back = older.form(EDITOR).send(number="2", button="Restore")
    assert "is back, as version 4" in back.toasts


def test_live_test_and_preview_use_what_is_typed_and_leave_no_trace(
    rt: Runtime, company: Company, open_screen: Open
) -> None:
    makes(rt, "queues", module="queue_length", title="Queues", params={"queues": LONG}, recipients=["a@example.com"])
    form = open_screen("Ada").open("/alarms/queues/edit").form("/alarms/queues/edit")

    page = form.send("Test live, no mail", params='{"queues": {"news": 9}, "limit": 5}')
    assert "Queue news holds 9 jobs" in page.by_id("answer").text
    page = page.form("/alarms/queues/edit").send("Preview mail", content="Unsaved words.")
    assert page.by_id("preview-subject").text.endswith("Queue news holds 9 jobs")
    assert "Unsaved words." in page.by_id("preview-text").text
    both = '{"queues": {"news": 9, "mail": 8}, "limit": 5}'
    page = page.form("/alarms/queues/edit").send("Preview mail", title="Unsaved title", params=both)
    assert page.by_id("preview-subject").text.endswith("Unsaved title: 2 detections")
    page = page.form("/alarms/queues/edit").send("Test live, no mail", params='{"limit": 0}')
    assert "params.queues is required" in page.by_id("answer").text
    assert (stored(rt, "queues").version, events(rt)) == (1, [])

    tried = open_screen("Ravi").open("/alarms").form("/alarms/queues/test").send("Test live")
    assert "Queue mail holds 240 jobs" in tried.text
    assert open_screen("Ravi").open("/alarms/queues/edit").status == 403


def test_mail_as_html_may_do_nothing_but_look_like_one(rt: Runtime, company: Company, open_screen: Open) -> None:
    makes(
        rt, "queues", module="queue_length", title="Queues", params={"queues": {}}, content="<script>alert(1)</script>"
    )
    screen = open_screen("Ada")
    form = screen.open("/alarms/queues/edit").form("/alarms/queues/edit")

    answer = screen.client.post("/alarms/queues/preview", data={**dict(form.values), "as": "html"})
    assert answer.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    assert "<script>" not in answer.text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in answer.text
    assert "is made up" in answer.text


def test_alarm_is_made_on_a_module_of_the_list(rt: Runtime, company: Company, open_screen: Open) -> None:
    listed = open_screen("Ada").open("/alarms/modules")
    assert "cannot be" in listed.by_id("module-broken").text
    assert "/alarms/new?module=broken" not in listed.html
    assert "/alarms/new?module=queue_length" in listed.links()
    assert "New alarm" not in open_screen("Vera").open("/alarms/modules").text

    form = open_screen("Ada").open("/alarms/new?module=queue_length").form("/alarms")
    assert '"limit": 100' in form.value("params")
    strange = open_screen("Ada").open("/alarms/new?module=../x")
    assert "is no name for an alarm module" in strange.text
    page = form.send("Make the alarm", entry_id="../x", params='{"queues": 5}')
    assert page.status == 422
    assert "must be an object" in page.errors()["alarm-params-error"]
    page = page.form("/alarms").send("Make the alarm", entry_id="alarm_news", params='{"queues": {"news": 5}}')
    assert page.path == "/alarms/news/edit"
    made = stored(rt, "news")
    assert (made.module, made.enabled, made.params) == ("queue_length", False, {"queues": {"news": 5}})


def test_archived_alarm_leaves_the_dashboard_and_can_come_back(rt: Runtime, alarm: Alarm, open_screen: Open) -> None:
    screen = open_screen("Ada")
    screen.open(EDITOR).form(EDITOR).send("Save", archived="yes")

    page = screen.open("/alarms")
    assert not [each for each in page.root.all("section") if each.get("id") == "alarm_probe"]
    assert "Archived, not asked any more: Probe" in page.by_id("summary").text
    screen.open(EDITOR).form(EDITOR).send("Save", archived=None)
    assert "Probe" in screen.open("/alarms").by_id("alarm_probe").text


def test_every_alarm_is_asked_by_hand(rt: Runtime, alarm: Alarm, open_screen: Open) -> None:
    page = open_screen("Ada").open("/alarms").form("/alarms/run").send("Run now")

    assert page.path.startswith("/engine-runs/")
    assert "asked for by hand" in page.text
    assert stored(rt).last_ran_at is not None
