"""Incidents on the screen: the list and its filters, every action with whom one acts as, notes, snooze, retry."""

import asyncio
import re
from collections.abc import Callable

from app.accounts.types import Identity
from app.escalation import queries as escalation
from app.incidents import queries as incidents
from app.incidents.types import Incident, IncidentStatus, TimelineEntry
from app.platform.ports import MailFailed
from app.platform.runtime import Runtime
from app.usecases import deliver, people
from tests.support.clock import FrozenClock
from tests.support.world import World
from tests.web.ui.conftest import Company, Open

Fire = Callable[..., int]


def incident_of(rt: Runtime, incident_id: int) -> Incident:
    """The incident as it is stored."""
    return rt.db.read(lambda tx: incidents.get_incident(tx, incident_id))


def last_line(rt: Runtime, incident_id: int) -> TimelineEntry:
    """The newest line of its timeline."""
    return rt.db.read(lambda tx: incidents.timeline_of(tx, incident_id))[-1]


def test_acknowledging_as_somebody_else_keeps_both_names(
    rt: Runtime, company: Company, fire: Fire, open_screen: Open
) -> None:
    number = fire()
    page = open_screen("Ada").open(f"/incidents/{number}")
    form = page.form(f"/incidents/{number}/acknowledge")
    assert form.value("acting_as_user_id") == str(company.ada.id)

    after = form.send("Acknowledge", acting_as_user_id=company.ravi.id)

    assert after.toasts == "Acknowledged. Nobody else is paged."
    assert "signed in as Ada" in after.text
    line = last_line(rt, number)
    assert (line.actor_id, line.authenticated_as_id, line.source) == (company.ravi.id, company.ada.id, "ui")
    assert incident_of(rt, number).assigned_to == company.ravi.id


def test_only_active_responders_can_be_acted_as(rt: Runtime, company: Company, fire: Fire, open_screen: Open) -> None:
    number = fire()
    people.deactivate_user(rt, user_id=company.noor.id, actor=company.ada, now=rt.clock.now())
    form = open_screen("Ada").open(f"/incidents/{number}").form(f"/incidents/{number}/acknowledge")

    assert set(form.options("acting_as_user_id").values()) == {"Ada", "Ravi"}
    refused = form.send("Acknowledge", acting_as_user_id=company.vera.id)
    assert "active responder" in refused.toasts
    assert incident_of(rt, number).status is IncidentStatus.TRIGGERED


def test_incident_goes_through_its_whole_life(rt: Runtime, company: Company, fire: Fire, open_screen: Open) -> None:
    number = fire()
    path = f"/incidents/{number}"
    page = open_screen("Ravi").open(path)

    page = page.form(f"{path}/acknowledge").send("Acknowledge")
    page = page.form(f"{path}/resolve").send("Resolve")
    assert page.toasts == "Resolved."
    page = page.form(f"{path}/reopen").send("Reopen")
    assert incident_of(rt, number).status is IncidentStatus.TRIGGERED
    page = page.form(f"{path}/acknowledge").send("Resolve")
    page = page.form(f"{path}/reopen").send("Close")

    assert page.toasts == "Closed."
    assert incident_of(rt, number).status is IncidentStatus.CLOSED


def test_what_somebody_else_did_first_is_said(rt: Runtime, company: Company, fire: Fire, open_screen: Open) -> None:
    number = fire()
    path = f"/incidents/{number}"
    late = open_screen("Noor").open(path).form(f"{path}/acknowledge")
    open_screen("Ravi").open(path).form(f"{path}/acknowledge").send("Resolve")

    after = late.send("Acknowledge")

    assert after.status == 200
    assert "resolved" in after.toasts
    assert incident_of(rt, number).status is IncidentStatus.RESOLVED


def test_escalating_now_pages_the_next_level(rt: Runtime, company: Company, fire: Fire, open_screen: Open) -> None:
    number = fire()

    page = (
        open_screen("Ravi").open(f"/incidents/{number}").form(f"/incidents/{number}/acknowledge").send("Escalate now")
    )

    assert page.toasts == "The next level is paged."
    running = rt.db.read(lambda tx: escalation.escalation_of(tx, number))
    assert running is not None
    assert running.level == 2
    assert "Level 2 of 2 paged: Noor" in page.text


def test_snooze_until_a_time_is_read_in_the_readers_zone(
    rt: Runtime, company: Company, fire: Fire, open_screen: Open
) -> None:
    number = fire()
    people.update_own_account(
        rt, identity=Identity(company.ada, "session"), changes={"timezone": "America/New_York"}, now=rt.clock.now()
    )
    form = open_screen("Ada").open(f"/incidents/{number}").form(f"/incidents/{number}/snooze")

    page = form.send("Snooze", until="2026-03-02T12:30")

    snoozed = incident_of(rt, number).snoozed_until
    assert snoozed is not None
    assert f"{snoozed:%Y-%m-%d %H:%M}" == "2026-03-02 17:30"
    assert "12:30" in page.by_id("state").text


def test_snooze_in_the_past_is_refused_beside_the_field(company: Company, fire: Fire, open_screen: Open) -> None:
    number = fire()
    form = open_screen("Ada").open(f"/incidents/{number}").form(f"/incidents/{number}/snooze")

    page = form.send("Snooze", until="2020-01-01T00:00")

    assert page.status == 422
    assert "snooze-until-error" in page.errors()
    assert page.form(f"/incidents/{number}/snooze").value("until") == "2020-01-01T00:00"
    assert not page.by_id("snooze").has("popover")


def test_assigning_names_the_person(rt: Runtime, company: Company, fire: Fire, open_screen: Open) -> None:
    number = fire()
    form = open_screen("Ada").open(f"/incidents/{number}").form(f"/incidents/{number}/assign")

    page = form.send("Assign", user_id=company.noor.id)

    assert incident_of(rt, number).assigned_to == company.noor.id
    assert "Noor" in page.by_id("state").text


def test_note_lands_in_the_timeline_and_an_empty_one_is_refused(
    rt: Runtime, company: Company, fire: Fire, open_screen: Open
) -> None:
    number = fire()
    path = f"/incidents/{number}"
    form = open_screen("Ada").open(path).form(f"{path}/notes")

    refused = form.send("Add note", note="  ")
    assert refused.status == 422
    assert "note-note-error" in refused.errors()

    page = form.send("Add note", note="Rolled back <the deploy>.", acting_as_user_id=company.ravi.id)
    assert "Rolled back <the deploy>." in page.by_id("timeline").text
    assert last_line(rt, number).actor_id == company.ravi.id


def test_opening_by_hand_pages_like_an_alert(rt: Runtime, company: Company, open_screen: Open) -> None:
    form = open_screen("Ravi").open("/incidents/new").form("/incidents")

    refused = form.send("Open the incident and page", title="", description="Since the deploy.")
    assert refused.errors() == {"title-error": "Say in one line what is wrong."}
    again = refused.form("/incidents")
    assert again.value("description") == "Since the deploy."

    page = again.send(title="Checkout is down", severity="critical", target=f"policy:{company.policy.id}")
    assert page.heading.endswith("Checkout is down")
    assert "Level 1 of 2 paged: Ravi" in page.text


def test_lost_message_can_be_sent_again(
    rt: Runtime, world: World, company: Company, fire: Fire, open_screen: Open
) -> None:
    number = fire()
    path = f"/incidents/{number}"
    lose_the_page_of(rt, world)

    page = open_screen("Ravi").open(path)
    assert "550 no such user" in page.by_id("told").text
    after = page.form(f"{path}/notifications/1/retry").send("Retry")

    assert after.toasts == "It is being sent again."
    assert "had the message to Ravi sent again" in after.text


def test_page_says_why_each_person_was_told(company: Company, fire: Fire, open_screen: Open) -> None:
    number = fire("Disk full")

    told = open_screen("Vera").open(f"/incidents/{number}").by_id("told").text

    assert "level 1" in told
    assert "Disk full" in told
    assert re.search(r"on call for Primary until \d{4}-\d\d-\d\d \d\d:\d\d UTC \(entry-1\)", told)


def test_next_escalation_counts_down(clock: FrozenClock, company: Company, fire: Fire, open_screen: Open) -> None:
    number = fire()
    clock.advance(minutes=5)

    page = open_screen("Ada").open(f"/incidents/{number}")

    assert "Level 2 (Noor) is paged in 10 m" in page.by_id("state").text
    due = next(time for time in page.by_id("state").all("time") if time.has("data-due"))
    assert due.get("datetime") == "2026-03-02T09:15:00Z"


def test_list_shows_what_waits_first_and_filters_by_address(
    rt: Runtime, company: Company, fire: Fire, open_screen: Open
) -> None:
    info, critical, warning = fire("A", severity="info"), fire("B"), fire("C", severity="warning")
    screen = open_screen("Vera")

    page = screen.open("/incidents")
    assert page.text.index("#2") < page.text.index("#3") < page.text.index("#1"), (info, critical, warning)

    assert "#3" not in screen.open("/incidents?severity=critical").by_id("list").text
    assert "#2" in screen.open("/incidents?q=B").by_id("list").text
    assert "Nothing matches" in screen.open("/incidents?q=nothing-like-it").text
    assert "No incidents here" in screen.open("/incidents?status=resolved").text


def test_filter_form_keeps_the_tab_and_what_was_chosen(company: Company, fire: Fire, open_screen: Open) -> None:
    fire("B")

    page = (
        open_screen("Vera")
        .open("/incidents?status=triggered")
        .form("/incidents")
        .send("Filter", q="B", severity="critical")
    )

    form = page.form("/incidents")
    assert (form.value("status"), form.value("q"), form.value("severity")) == ("triggered", "B", "critical")
    assert "page=2" not in page.html


def test_long_list_has_pages_and_keeps_its_filters(company: Company, fire: Fire, open_screen: Open) -> None:
    for number in range(3):
        fire(f"Disk {number}")

    page = open_screen("Vera").open("/incidents?q=Disk&page_size=2")

    older = next(link for link in page.root.all("a") if link.get("rel") == "next").get("href")
    assert "q=Disk" in older
    assert page.screen.open(older).by_id("list").text.count("#") == 1


def test_whole_row_is_one_link_with_severity_in_words(company: Company, fire: Fire, open_screen: Open) -> None:
    number = fire("Disk full")

    row = next(link for link in open_screen("Vera").open("/incidents").root.all("a") if link.has("data-row"))

    assert row.get("href") == f"/incidents/{number}"
    assert "critical" in row.text
    assert "triggered" in row.text


def lose_the_page_of(rt: Runtime, world: World) -> None:
    """The mail server refuses the page for good."""
    world.mail.next.append(MailFailed("550 no such user", code=550, permanent=True))
    asyncio.run(deliver.deliver_due(rt, rt.clock.now()))
    asyncio.run(deliver.drain(rt))
