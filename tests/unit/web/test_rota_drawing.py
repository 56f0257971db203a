"""The drawings of schedules as values: days with their real length, bars where their slots are, people told apart."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings as hypothesis_settings, strategies as st

from app.accounts.types import Role, User
from app.oncall.types import Slot, SlotSource
from app.web.ui.forms import Form
from app.web.ui.views.duty import Stretch
from app.web.ui.views.rota_calendar import View, range_of, yours_of
from app.web.ui.views.rota_days import days_from, place
from app.web.ui.views.rota_drawing import Pencil, Row
from app.web.ui.views.rota_marks import PATTERNS, marks_of

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
MONDAY = date(2026, 3, 2)


def user(user_id: int, name: str) -> User:
    """Somebody of this name."""
    return User(
        id=user_id,
        email=f"u{user_id}@example.com",
        name=name,
        role=Role.RESPONDER,
        is_active=True,
        login_enabled=False,
        phone=None,
        timezone="UTC",
        slack_user_id=None,
        credential_version=1,
        created_at=NOW,
        updated_at=NOW,
    )


def pencil(zone: str = "Europe/Berlin", people: int = 3) -> Pencil:
    """A pencil that knows people 1, 2, …"""
    known = {number: user(number, f"Person {number}") for number in range(1, people + 1)}
    return Pencil(marks_of(known, known), ZoneInfo(zone), NOW, lambda stretch: f"/{stretch.start:%Y%m%dT%H%M%SZ}")


def slot(user_id: int, start: datetime, end: datetime, source: SlotSource = SlotSource.ROTATION) -> Stretch:
    """A stretch with somebody."""
    return Stretch(start, end, Slot(f"{source}-{start:%Y%m%dT%H%M%SZ}", 1, user_id, start, end, source))


def hourly(start: datetime, end: datetime, hours: int) -> Iterator[Stretch]:
    """Shifts of so many hours, three people in turn."""
    at = start
    while at < end:
        yield slot(at.toordinal() % 3 + 1, at, at + timedelta(hours=hours))
        at += timedelta(hours=hours)


# --- days ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("zone", "day", "change"),
    [
        ("Europe/Berlin", date(2026, 3, 29), "23 h"),
        ("Europe/Berlin", date(2026, 10, 25), "25 h"),
        ("Australia/Lord_Howe", date(2026, 4, 5), "24.5 h"),
        ("Australia/Lord_Howe", date(2026, 10, 4), "23.5 h"),
        ("America/Havana", date(2026, 3, 8), "23 h"),
        ("Pacific/Apia", date(2011, 12, 30), "0 h"),
        ("Europe/Berlin", date(2026, 6, 1), ""),
    ],
)
def test_day_tells_its_real_length(zone: str, day: date, change: str) -> None:
    assert days_from(day, 1, ZoneInfo(zone), NOW)[0].change == change


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/Havana", "Australia/Lord_Howe", "Africa/Casablanca", "UTC"])
def test_days_follow_each_other_without_gap_through_every_change_of_the_clocks(zone: str) -> None:
    days = days_from(date(2026, 1, 1), 365, ZoneInfo(zone), NOW)

    assert all(one.end == other.start for one, other in pairwise(days))
    assert all(day.start.astimezone(ZoneInfo(zone)).date() == day.date for day in days)


@given(st.integers(0, 14 * 24 * 60), st.integers(0, 14 * 24 * 60))
@hypothesis_settings(max_examples=200)
def test_place_never_goes_back_while_time_goes_on(one: int, other: int) -> None:
    days = days_from(date(2026, 3, 23), 14, BERLIN, NOW)
    earlier, later = sorted((one, other))

    places = [place(days, days[0].start + timedelta(minutes=each)) for each in (earlier, later)]

    assert 0 <= places[0] <= places[1] <= 1


# --- bars ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("first", [date(2026, 3, 23), date(2026, 10, 19), MONDAY])
@pytest.mark.parametrize("hours", [1, 7, 24, 168])
def test_bars_of_a_week_fill_it_without_gap_or_overlap(first: date, hours: int) -> None:
    days = days_from(first, 14, BERLIN, NOW)
    stretches = list(hourly(days[0].start, days[-1].end, hours))

    for row in pencil().week_rows(stretches, days):
        assert_full(row)
    for column in pencil().columns(stretches, days):
        assert_full(Row([column.day], column.bars))


def assert_full(row: Row) -> None:
    """The bars begin where the row does, follow each other and end where it does."""
    edges = [(bar.start, bar.start + bar.size) for bar in row.bars]
    assert edges[0][0] == 0
    assert edges[-1][1] == pytest.approx(1)
    assert all(one[1] == pytest.approx(other[0]) for one, other in pairwise(edges))


def test_skipped_day_is_drawn_as_nothing() -> None:
    apia = pencil("Pacific/Apia")
    days = days_from(date(2011, 12, 26), 7, ZoneInfo("Pacific/Apia"), NOW)

    (row,) = apia.week_rows([slot(1, days[0].start, days[-1].end)], days)
    columns = apia.columns([slot(1, days[0].start, days[-1].end)], days)

    assert [(bar.start, bar.size) for bar in row.bars] == [(0, 1)]
    assert [len(column.bars) for column in columns] == [1, 1, 1, 1, 0, 1, 1]


def test_bar_says_who_from_when_until_when_and_what_is_special() -> None:
    days = days_from(MONDAY, 14, BERLIN, NOW)
    start, end = datetime(2026, 3, 3, 8, tzinfo=UTC), datetime(2026, 3, 4, 8, tzinfo=UTC)
    ahead = [slot(1, start, end, SlotSource.OVERRIDE), slot(2, end, days[-1].end), Stretch(days[0].start, start, None)]

    bars = [bar for row in pencil().week_rows(sorted(ahead, key=lambda each: each.start), days) for bar in row.bars]

    assert [bar.said for bar in bars] == [
        "Nobody is on call, Mon 2 Mar 00:00 to Tue 3 Mar 09:00",
        "Person 1, Tue 3 Mar 09:00 to Wed 4 Mar 09:00, override",
        "Person 2, Wed 4 Mar 09:00 to Mon 16 Mar 00:00",
        "Person 2, Wed 4 Mar 09:00 to Mon 16 Mar 00:00",
    ]


def test_name_in_a_bar_is_as_long_as_there_is_room() -> None:
    days = days_from(MONDAY, 7, BERLIN, NOW)
    at = days[0].start
    lengths = [timedelta(hours=each) for each in (2, 8, 20, 48)]
    ahead = []
    for length in lengths:
        ahead.append(slot(1, at, at + length))
        at += length

    (row,) = pencil().week_rows(ahead, days)

    assert [bar.name.desk for bar in row.bars] == ["", "P1", "Person 1", "Person 1 · from 06:00"]
    assert [bar.name.phone for bar in row.bars] == ["", "", "P1", "Person 1"]


def test_lanes_hold_each_person_once_and_the_gaps_last() -> None:
    days = days_from(MONDAY, 7, BERLIN, NOW)
    middle = days[3].start
    ahead = [slot(1, days[0].start, middle), Stretch(middle, days[-1].end, None)]

    lanes = pencil().lanes(ahead, days, [2])

    assert [(lane.mark.user.id if lane.mark else None, lane.total) for lane in lanes] == [
        (1, "3 d"),
        (2, "nothing here"),
        (None, "4 d"),
    ]


def test_gap_that_lasts_now_is_divided_into_history_and_what_can_be_helped() -> None:
    days = days_from(MONDAY, 7, BERLIN, NOW)

    found = pencil().divided([Stretch(days[0].start, days[-1].end, None)])

    assert [(each.start, each.end) for each in found] == [(days[0].start, NOW), (NOW, days[-1].end)]


# --- marks --------------------------------------------------------------------------------------------------------


def test_every_person_has_a_pattern_of_their_own() -> None:
    known = {number: user(number, f"Person {number}") for number in range(1, 37)}

    marks = marks_of(known, known)

    assert len({mark.pattern for mark in list(marks.values())[:PATTERNS]}) == PATTERNS
    assert len({(mark.pattern, mark.edge) for mark in marks.values()}) == 36


def test_letters_and_short_names_are_never_shared() -> None:
    names = [
        "Ada Byron",
        "Ada Brown",
        "Alan Bell",
        "Ada Byron",
        "Ada",
        "Ad Bee",
        "李 雷",
        "x@example.com",
        "Ada-Lin Berg",
    ]
    known = {number: user(number, name) for number, name in enumerate(names, 1)}

    marks = marks_of(known, known)

    assert len({mark.initials for mark in marks.values()}) == len(names)
    assert len({mark.short for mark in marks.values()}) == len(names)


def test_mark_of_a_person_stays_when_others_join_after_them() -> None:
    known = {number: user(number, f"Person {number}") for number in range(1, 6)}

    before, after = marks_of([3, 1], {3: known[3], 1: known[1]}), marks_of([3, 1, 5, 2], known)

    assert all(after[number] == before[number] for number in (3, 1))


# --- what is asked ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "view", "first", "count"),
    [
        ({"view": "month", "from": "2026-02-28"}, View.MONTH, date(2026, 1, 26), 35),
        ({"view": "month", "from": "2027-02-01"}, View.MONTH, date(2027, 2, 1), 28),
        ({"view": "week", "from": "2026-03-08"}, View.WEEK, MONDAY, 7),
        ({}, View.TWO_WEEKS, MONDAY, 14),
        ({"view": "year", "from": "0001-01-01"}, View.TWO_WEEKS, MONDAY, 14),
        ({"from": "2026-3-8"}, View.TWO_WEEKS, MONDAY, 14),
    ],
)
def test_range_is_what_the_address_asks_for(query: dict[str, str], view: View, first: date, count: int) -> None:
    asked = range_of(Form.of(**query), MONDAY)

    assert (asked.view, asked.first, asked.count) == (view, first, count)


@pytest.mark.parametrize("day", [date(2000, 1, 1), date(2100, 12, 31)])
@pytest.mark.parametrize("view", list(View))
def test_calendar_ends_where_its_years_do(day: date, view: View) -> None:
    asked = range_of(Form.of(view=view, **{"from": day.isoformat()}), MONDAY)

    assert None in (asked.earlier, asked.later)


def test_readers_time_is_told_only_where_it_differs() -> None:
    at = datetime(2026, 3, 9, 1, tzinfo=UTC)

    assert yours_of(at, BERLIN, ZoneInfo("Europe/Paris")) == ""
    assert yours_of(at, BERLIN, ZoneInfo("UTC")) == "01:00"
    assert yours_of(at, BERLIN, ZoneInfo("America/New_York")) == "Sun 21:00"
