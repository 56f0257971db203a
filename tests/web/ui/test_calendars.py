"""Calendars on the profile and on a person's page: the feed's address, shown once, and where absences come from."""

import asyncio

import pytest
from starlette.testclient import TestClient

from app.oncall import queries
from app.platform.ports import HttpAnswer, HttpFailed
from app.platform.runtime import Runtime
from app.usecases import rota
from tests.support.calendars import calendar, days_off, event
from tests.support.clock import FrozenClock
from tests.support.feeds import understood
from tests.support.screen import Page
from tests.support.world import World
from tests.web.ui.conftest import Company, Open


def address(page: Page) -> str:
    """The address that the page shows this once."""
    return page.by_id("the-address").text


def test_the_feeds_address_is_made_shown_once_replaced_and_revoked(
    company: Company, open_screen: Open, client: TestClient
) -> None:
    screen = open_screen("Ravi")
    page = screen.open("/profile").form("/profile/calendar-token").send("Make an address")
    first = address(page)
    assert {each.summary for each in understood(client.get(first).content)} == {"Ravi on call: Primary"}
    page = screen.open("/profile")
    assert first not in page.html
    assert "last used" in page.by_id("calendar").text

    second = address(page.form("/profile/calendar-token").send("New address"))
    assert (client.get(first).status_code, client.get(second).status_code) == (404, 200)
    page = screen.open("/profile").form("/profile/calendar-token/revoke").send("Revoke")
    assert "Revoked" in page.toasts
    assert client.get(second).status_code == 404
    assert "Make an address" in page.by_id("calendar").text


def test_absences_are_pasted_listed_and_removed(company: Company, open_screen: Open, rt: Runtime) -> None:
    screen = open_screen("Ravi")
    body = calendar(
        event("DTSTART;VALUE=DATE:20260310", "DTEND;VALUE=DATE:20260313", "SUMMARY:Skiing <b>off</b>"),
        event("DTSTART:20260320T120000Z", "DURATION:PT2H", "RRULE:FREQ=WEEKLY;COUNT=9", uid="2"),
        event("DTSTART:soon", "SUMMARY:Offsite", uid="3"),
        name="Ravi's leave",
    )
    page = screen.open("/profile").form("/profile/unavailability").send("Add", ics=body.decode())
    assert "Added: Ravi's leave." in page.toasts
    listed = page.by_id("absences").text
    for words in (
        "pasted just now", "Tue 10 Mar – Thu 12 Mar Skiing <b>off</b>", "Fri 20 Mar 12:00 – 14:00 Away",
        "and 6 more within a year", "«Offsite» has a time that is not valid.",
    ):  # fmt: skip
        assert words in listed
    [found] = rt.db.read(lambda tx: queries.absence_calendars_of(tx, company.ravi.id))
    page = page.form(f"/profile/unavailability/{found.id}/remove").send("Remove Ravi's leave")
    assert "Removed" in page.toasts
    assert "No calendar" in page.by_id("absences").text


def test_a_linked_calendar_says_when_it_was_read_and_what_is_wrong(
    company: Company, open_screen: Open, world: World, clock: FrozenClock, rt: Runtime
) -> None:
    screen = open_screen("Ravi")
    world.http.next.append(HttpAnswer(200, {}, days_off("20260310")))
    link = "webcal://calendar.example.com/s3cret/away.ics"
    page = screen.open("/profile").form("/profile/unavailability").send("Add", url=link)
    assert "calendar.example.com read just now, again in 1 h Tue 10 Mar Holiday" in page.by_id("absences").text
    assert "s3cret" not in page.html

    world.http.next.append(HttpAnswer(503, {}, b""))
    asyncio.run(rota.read_due_calendars(rt, clock.advance(hours=1), None))
    shown = screen.open("/profile").by_id("absences").text
    assert "read 1 h ago, again in 5 m look at this The calendar cannot be fetched: its server answers 503." in shown
    assert "Tue 10 Mar Holiday" in shown


@pytest.mark.parametrize(
    ("typed", "field", "words"),
    [
        ({}, "url", "Give an address or a content."),
        ({"url": "https://example.com/a.ics", "ics": "BEGIN:VCALENDAR"}, "url", "Give an address or a content."),
        ({"url": "ftp://example.com/a.ics"}, "url", "This must be an address such as"),
        ({"url": "https://example.com/a.ics"}, "url", "The calendar cannot be fetched: no answer within 10 s."),
        ({"ics": "<html>"}, "ics", "This is a web page, not a calendar."),
        ({"ics": calendar(event("DTSTART:soon")).decode()}, "ics", "No event of the calendar can be read."),
    ],
)
def test_what_is_wrong_stands_beside_its_field_and_what_was_typed_stays(
    company: Company, open_screen: Open, world: World, typed: dict[str, str], field: str, words: str
) -> None:
    world.http.next.append(HttpFailed("no answer within 10 s"))
    page = open_screen("Ravi").open("/profile").form("/profile/unavailability").send("Add", **typed)
    assert page.status == 422
    assert words in page.errors()[f"absences-{field}-error"]
    form = page.form("/profile/unavailability")
    for name, value in typed.items():
        assert form.value(name).split() == value.split()


def test_an_admin_does_the_same_for_somebody_and_nobody_else_does(
    company: Company, open_screen: Open, client: TestClient, rt: Runtime
) -> None:
    place = f"/people/{company.noor.id}"
    page = open_screen("Ada").open(place).form(f"{place}/calendar-token").send("Make an address")
    assert page.path.startswith(place)
    assert {each.summary for each in understood(client.get(address(page)).content)} == {"Noor on call: Primary"}
    page = page.form(f"{place}/unavailability").send("Add", ics=days_off("20260310").decode())
    assert "Tue 10 Mar Holiday" in page.by_id("absences").text
    [found] = rt.db.read(lambda tx: queries.absence_calendars_of(tx, company.noor.id))

    screen = open_screen("Ravi")
    page = screen.open(place)
    assert "Absences" not in page.text
    assert "Holiday" not in page.text
    mine = screen.open("/profile")
    for action in ("calendar-token", "calendar-token/revoke", "unavailability", f"unavailability/{found.id}/remove"):
        form = mine.form("/profile/unavailability")
        form.action = f"{place}/{action}"
        assert form.send(ics=days_off("20260311").decode()).status == 403
    assert "Tue 10 Mar Holiday" in open_screen("Noor").open("/profile").by_id(f"absences-{found.id}").text
