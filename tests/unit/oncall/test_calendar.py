"""Calendar feeds: what goes in comes out in two other programs, whatever people and schedules are called."""

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings, strategies as st

from app.oncall.calendar import NOBODY, FeedEvent, duty_summary, feed, one_line
from app.oncall.resolver import gaps, slots
from tests.support.duties import SCHEDULE_ID, made_up
from tests.support.feeds import Heard, understood
from tests.support.oracle import instant

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
CHANGED = datetime(2026, 2, 1, 12, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)
HOSTILE = [
    "Ada",
    "Ada, Countess; of\\Lovelace: \"quoted\" 'x'",
    "Ada\nBEGIN:VEVENT\nSUMMARY:forged\nEND:VEVENT",
    "Ada\r\nX-EVIL:1",
    "a\u2028b\u2029c\u0085d",
    "عبد الرحمن",
    "עדה",
    "\u202egnirts desrever\u202c Ada",
    "👩‍👩‍👧‍👦🏳️‍🌈" * 20,
    "ü" * 120,
    "日本語" * 40,
    "\x00\x01\x1b[31mred\x7f",
    "  many   blanks\t\ttabs  ",
    "\\n is not a line break \\, nor \\;",
    "=?utf-8?q?x?=",
]


def events(*summaries: str) -> list[FeedEvent]:
    return [FeedEvent(1, START + n * HOUR, START + (n + 1) * HOUR, summary) for n, summary in enumerate(summaries)]


def feed_of(*summaries: str, name: str = "Platform on call") -> bytes:
    return feed(name, events(*summaries), host="pager.example.com", changed_at=CHANGED)


def test_a_slot_is_an_event_that_makes_nobody_busy() -> None:
    lines = feed_of(duty_summary("Ada", "Platform")).decode().split("\r\n")
    assert lines[lines.index("BEGIN:VEVENT") : lines.index("END:VEVENT") + 1] == [
        "BEGIN:VEVENT",
        "UID:1-20260302T090000Z@pager.example.com",
        "DTSTAMP:20260201T123000Z",
        "LAST-MODIFIED:20260201T123000Z",
        "DTSTART:20260302T090000Z",
        "DTEND:20260302T100000Z",
        "SUMMARY:Ada on call: Platform",
        "TRANSP:TRANSPARENT",
        "X-MICROSOFT-CDO-BUSYSTATUS:FREE",
        "END:VEVENT",
    ]


def test_the_calendar_says_its_name_and_how_often_to_look() -> None:
    lines = feed_of(name="Größe, Höhe").decode().split("\r\n")
    assert "X-WR-CALNAME:Größe\\, Höhe" in lines
    assert "REFRESH-INTERVAL;VALUE=DURATION:PT1H" in lines
    assert lines[:2] == ["BEGIN:VCALENDAR", "VERSION:2.0"]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_stay_names(name: str) -> None:
    summary = duty_summary(name, name)
    [heard] = understood(feed_of(summary, name=name))
    assert (heard.summary, heard.start, heard.end) == (summary, START, START + HOUR)


def test_text_is_one_line_without_controls() -> None:
    assert one_line("a\r\nb\x00c\u2028d\t e\ud800f") == "a b c d e f"
    assert one_line("\u202eab\u202c \u2067עדה\u2069") == "ab עדה"
    assert one_line("👩‍👩‍👧") == "👩‍👩‍👧"


def test_the_same_values_make_the_same_bytes() -> None:
    assert feed_of("Ada", "Ravi") == feed_of("Ada", "Ravi")


def test_who_has_a_slot_changes_nothing_of_its_identity() -> None:
    before, after = (understood(feed_of(name))[0].uid for name in ("Ada", "Ravi"))
    assert before == after


def test_times_are_cut_to_seconds_and_what_has_none_left_is_not_there() -> None:
    tiny = timedelta(milliseconds=300)
    pieces = [(START + tiny, START + 2 * tiny, "lost"), (START + 2 * tiny, START + HOUR + tiny, "kept")]
    content = feed("x", [FeedEvent(1, *piece) for piece in pieces], host="x", changed_at=CHANGED)
    assert understood(content) == [Heard(START, START + HOUR, "kept", "1-20260302T090000Z@x")]


def test_a_calendar_without_events_can_be_read() -> None:
    assert understood(feed("x", [], host="x", changed_at=CHANGED)) == []


@pytest.mark.parametrize("zone", ["UTC", "Australia/Lord_Howe", "Africa/Casablanca", "America/New_York"])
def test_what_the_resolver_says_arrives_slot_by_slot(zone: str) -> None:
    for seed in range(8):
        case = made_up(zone, seed)
        start, end = instant(case.start), instant(case.end)
        covered = slots(case.duty, start, end)
        sent = [
            FeedEvent(each.schedule_id, each.start_time, each.end_time, duty_summary(str(each.user_id), zone))
            for each in covered
        ]
        sent += [FeedEvent(SCHEDULE_ID, *gap, NOBODY) for gap in gaps(covered, start, end)]
        heard = understood(feed(zone, sent, host="pager.example.com", changed_at=CHANGED))
        assert [(each.start, each.end, each.summary) for each in heard] == sorted(
            (event.start_time, event.end_time, event.summary) for event in sent
        )
        assert len({each.uid for each in heard}) == len(heard)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 40_000), st.text(max_size=120), st.text(max_size=60)), min_size=1, max_size=8),
    st.text(max_size=120),
)
def test_every_event_arrives_as_it_was(slots: list[tuple[int, str, str]], name: str) -> None:
    ends = [START + timedelta(minutes=minutes) for minutes in itertools.accumulate(slot[0] for slot in slots)]
    windows = list(itertools.pairwise([START, *ends]))
    sent = [
        FeedEvent(7, start, end, duty_summary(user, schedule))
        for (start, end), (_, user, schedule) in zip(windows, slots, strict=True)
    ]
    heard = understood(feed(name, sent, host="pager.example.com", changed_at=CHANGED))
    assert [(each.start, each.end, each.summary) for each in heard] == [
        (event.start_time, event.end_time, one_line(event.summary)) for event in sent
    ]
    assert len({each.uid for each in heard}) == len(sent)
