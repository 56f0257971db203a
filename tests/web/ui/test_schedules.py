"""The pages of schedules: the list, the calendar, the form with its preview, one slot, hand-offs, swaps, rights."""

from datetime import date, datetime, timedelta

import pytest

from app.accounts import queries as accounts
from app.oncall import queries
from app.oncall.types import Cadence, Schedule, Slot
from app.platform.runtime import Runtime
from app.usecases import people, rota
from tests.support.clock import FrozenClock
from tests.support.rota import Rota, plan
from tests.support.screen import Element, Form, Page, Screen
from tests.web.ui.conftest import Company, Open

WEEK = date(2026, 3, 2)


def path_of(schedule: Schedule) -> str:
    """The schedule's page."""
    return f"/schedules/{schedule.id}"


def slots(rt: Runtime, schedule: Schedule, start: datetime, days: int) -> list[Slot]:
    """Who is on call, as the pager would say."""
    return rt.db.read(lambda tx: queries.slots_of(tx, schedule.id, start, start + timedelta(days=days)))


def links_of(page: Page, element_id: str) -> list[Element]:
    """The bars of a drawing, by the id of its title."""
    drawing = next(each for each in page.root.all("svg") if element_id in each.get("aria-labelledby"))
    return [each for each in drawing.all("a") if "slot" in each.get("class").split()]


def said_in(page: Page, element_id: str) -> list[str]:
    """What the bars of a drawing say."""
    return [each.get("aria-label") for each in links_of(page, element_id)]


def open_slot(screen: Screen, schedule: Schedule, instant: datetime) -> Page:
    """The page of the slot that covers an instant."""
    return screen.open(f"{path_of(schedule)}/slots/{instant:%Y%m%dT%H%M%SZ}")


def override_form(page: Page) -> Form:
    """The form that makes an override of the slot."""
    return page.form(
        next(each.get("action") for each in page.root.all("form") if each.get("action").endswith("override"))
    )


# --- the list -----------------------------------------------------------------------------------------------------


def test_on_call_page_says_until_when_and_who_is_next(clock: FrozenClock, company: Company, open_screen: Open) -> None:
    text = open_screen("Vera").open("/oncall").by_id("list").text
    assert "Ravi" in text
    assert "until Thu 09:00, then Noor" in text

    clock.advance(days=4)
    assert "Noor" in open_screen("Vera").open("/oncall").by_id("list").text


def test_on_call_page_shows_ones_own_shifts_first(shifts: Rota, open_screen: Open) -> None:
    page = open_screen("Noor").open("/oncall")

    own = page.by_id("shifts").text
    assert "Primary" not in own
    assert "Platform, nights" in own
    assert page.html.index('id="shifts"') < page.html.index('id="list"')
    assert "Your next shifts" not in open_screen("Vera").open("/oncall").text


def test_on_call_page_lists_the_hand_offs_of_all_schedules_by_day(shifts: Rota, open_screen: Open) -> None:
    handoffs = open_screen("Vera").open("/oncall").by_id("handoffs").text

    assert handoffs.index("Today") < handoffs.index("Tomorrow") < handoffs.index("Sat 7 Mar")
    assert "Platform, primary" in handoffs


def test_every_page_asks_for_itself_again_at_the_next_hand_off(company: Company, open_screen: Open) -> None:
    chip = open_screen("Vera").open("/settings").by_id("oncall-chip")

    assert chip.get("data-until") == "2026-03-05T09:00:00Z"
    assert {"schedule", "duty"} <= set(chip.get("data-live").split())


def test_both_addresses_lead_to_the_list(company: Company, open_screen: Open) -> None:
    assert open_screen("Vera").open("/schedules").heading == open_screen("Vera").open("/oncall").heading == "On call"


# --- the calendar -------------------------------------------------------------------------------------------------


def test_calendar_says_of_every_bar_who_from_when_until_when_and_by_what(shifts: Rota, open_screen: Open) -> None:
    page = open_screen("Vera").open(f"{path_of(shifts.primary)}?view=2weeks&from=2026-03-02")

    said = said_in(page, "calendar-drawing-title")
    assert "Femi, Sat 7 Mar 18:00 to Sun 8 Mar 18:00, override" in said
    assert any(each.startswith("Nobody is on call, Mon 2 Mar 00:00") for each in said)
    assert not [each for each in said if "None" in each]


@pytest.mark.parametrize("view", ["month", "2weeks", "week"])
def test_every_drawing_has_title_description_and_table(view: str, shifts: Rota, open_screen: Open) -> None:
    page = open_screen("Vera").open(f"{path_of(shifts.primary)}?view={view}")

    drawings = [each for each in page.root.all("svg") if "rota" in each.get("class").split()]
    assert len(drawings) == 2
    for drawing in drawings:
        title, said = (page.by_id(each) for each in drawing.get("aria-labelledby").split())
        assert (title.tag, said.tag) == ("title", "desc")
        assert said.raw
    tables = [each for each in page.by_id("calendar").all("table")]
    assert len(tables) == 2
    bars = {each.get("href") for each in links_of(page, "calendar-drawing-title")}
    assert bars == {each.get("href") for each in tables[0].all("a")}


@pytest.mark.parametrize(
    ("query", "title", "earlier", "later"),
    [
        ("view=month&from=2026-03-20", "March 2026", "2026-02-01", "2026-04-01"),
        ("view=2weeks&from=2026-03-05", "2 – 15 Mar 2026", "2026-02-16", "2026-03-16"),
        ("view=week&from=2026-12-31", "28 Dec 2026 – 3 Jan 2027", "2026-12-21", "2027-01-04"),
        ("view=nonsense&from=yesterday", "2 – 15 Mar 2026", "2026-02-16", "2026-03-16"),
        ("view=week&from=9999-12-31", "2 – 8 Mar 2026", "2026-02-23", "2026-03-09"),
    ],
)
def test_calendar_turns_its_pages(
    query: str, title: str, earlier: str, later: str, shifts: Rota, open_screen: Open
) -> None:
    page = open_screen("Vera").open(f"{path_of(shifts.primary)}?{query}")

    assert page.by_id("calendar-title").text == title
    arrows = {each.get("rel"): each.get("href") for each in page.by_id("calendar").all("a") if each.has("rel")}
    assert f"from={earlier}" in arrows["prev"]
    assert f"from={later}" in arrows["next"]


def test_day_on_which_the_clocks_change_is_marked_and_nobody_is_missing(shifts: Rota, open_screen: Open) -> None:
    page = open_screen("Vera").open(f"{path_of(shifts.night)}?view=week&from=2026-03-23")

    assert "Sun 29 Mar: The clocks go forward on this day: it has 23 h." in page.by_id("calendar").text
    said = said_in(page, "calendar-drawing-title")
    assert not [each for each in said if "Nobody" in each]
    assert any("Sat 28 Mar 20:00 to Sun 29 Mar 20:00" in each for each in said)
    autumn = open_screen("Vera").open(f"{path_of(shifts.night)}?view=month&from=2026-10-01")
    assert "Sun 25 Oct: The clocks go back on this day: it has 25 h." in autumn.by_id("calendar").text


def test_times_are_the_schedules_with_the_readers_beside_them(shifts: Rota, open_screen: Open) -> None:
    page = open_screen("Vera").open(path_of(shifts.data))

    assert "America/New_York, now Mon 2 Mar 04:00 (09:00 your time)" in page.by_id("now").text
    assert "Wed 4 Mar 09:00 (14:00 your time)" in page.by_id("handoffs").text


def test_people_are_told_apart_by_patterns_and_letters_alone(shifts: Rota, open_screen: Open) -> None:
    page = open_screen("Vera").open(f"{path_of(shifts.primary)}?view=month")

    patterns = {each.get("id"): [(shape.tag, shape.get("d"), shape.get("r")) for shape in each.all()]
                for each in page.root.all("pattern")}  # fmt: skip
    assert len({str(shapes) for shapes in patterns.values()}) == len(patterns) >= 6
    fills: dict[str, set[str]] = {}
    for bar in links_of(page, "people-drawing-title"):
        who = bar.get("aria-label").split(",")[0]
        fills.setdefault(who, set()).update(each.get("fill") for each in bar.all("rect") if each.has("fill"))
    assert all(len(each) == 1 for each in fills.values())
    assert len({str(each) for each in fills.values()}) == len(fills)
    letters = [each.text for each in page.by_id("calendar").all("text") if each.get("class") == "letters"]
    assert {"RA", "NO", "LI", "TO", "FE"} <= set(letters)


def test_hourly_rotation_is_drawn_for_a_month_in_a_page_of_bearable_size(
    rt: Runtime, shifts: Rota, open_screen: Open
) -> None:
    ids = [user.id for user in shifts.members]
    hourly = rota.create_schedule(
        rt,
        name="Hourly",
        rotation=plan(ids, WEEK, cadence=Cadence.CUSTOM, shift_length_hours=1),
        actor=shifts.admin,
        now=rt.clock.now(),
    )

    page = open_screen("Vera").open(f"{path_of(hourly)}?view=month&from=2026-04-01")

    assert page.status == 200
    assert len(links_of(page, "calendar-drawing-title")) == 35 * 24
    assert len(page.html) < 3_000_000


# --- what is wrong ------------------------------------------------------------------------------------------------


def test_gap_ahead_is_told_with_a_way_to_fill_it(company: Company, open_screen: Open) -> None:
    screen = open_screen("Ada")
    page = screen.open("/schedules/1")

    warnings = page.by_id("warnings")
    link = next(each.get("href") for each in warnings.all("a"))
    assert link == "/schedules/1/slots/20260308T090000Z"
    assert screen.open(link).heading == "Nobody, Sun 8 Mar 09:00"
    assert "gap Sun 09:00" in screen.open("/oncall").by_id("list").text
    assert "gap" in screen.open("/dashboard").by_id("oncall-now").text


def test_person_whom_no_page_reaches_is_told_on_the_schedule_and_in_the_list(
    rt: Runtime, shifts: Rota, open_screen: Open
) -> None:
    noor = shifts.of("Noor")
    for method in rt.db.read(lambda tx: accounts.contact_methods_of(tx, noor.id)):
        people.remove_contact_method(
            rt, user_id=noor.id, contact_method_id=method.id, actor=shifts.admin, now=rt.clock.now()
        )
    screen = open_screen("Ada")

    assert "Noor is on call for Platform, primary and has no usable contact method" in (
        screen.open(path_of(shifts.primary)).by_id("warnings").text
    )
    assert "unreachable" in screen.open("/oncall").by_id("list").text
    attention = [screen.open("/dashboard").by_id("attention").text, screen.open("/settings").by_id("readiness").text]
    assert any("Noor" in text for text in attention)


async def test_leave_that_meets_a_shift_is_told(rt: Runtime, shifts: Rota, open_screen: Open) -> None:
    body = (
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:test\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTAMP:20260101T000000Z\r\n"
        "DTSTART:20260305T120000Z\r\nDTEND:20260306T120000Z\r\nSUMMARY:Holiday\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )
    noor = shifts.of("Noor")
    await rota.paste_absence_calendar(rt, user_id=noor.id, body=body.encode(), actor=shifts.admin, now=rt.clock.now())

    page = open_screen("Vera").open(path_of(shifts.primary))

    said = "Noor is away (Holiday) Thu 5 Mar 13:00 to Fri 6 Mar 13:00, and on call from Mon 2 Mar 10:00."
    assert said in page.by_id("warnings").text
