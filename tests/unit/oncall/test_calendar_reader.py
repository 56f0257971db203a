"""Absences out of calendars: what people's programs write, and what must never cost more than an error."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings, strategies as st

from app.oncall.calendar_reader import AHEAD, MAX_BYTES, read_calendar
from app.oncall.errors import CalendarUnreadable
from app.oncall.types import CalendarReading
from tests.support.calendars import OUTLOOK_ZONE, calendar, days_off, event, zone

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
TEN_TO_ELEVEN = ("DTSTART:20260310T100000Z", "DTEND:20260310T110000Z")


def read(body: bytes, *, zone: ZoneInfo = BERLIN, now: datetime = NOW) -> CalendarReading:
    return read_calendar(body, zone=zone, now=now)


def windows(body: bytes, *, zone: ZoneInfo = BERLIN) -> list[str]:
    """The absences, each as `2026-03-10 10:00 – 2026-03-10 11:00` in UTC."""
    return [
        f"{each.start_time:%Y-%m-%d %H:%M} – {each.end_time:%Y-%m-%d %H:%M}" for each in read(body, zone=zone).absences
    ]


NEVER = "RRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30"
TEN = "2026-03-10 10:00 – 2026-03-10 11:00"
NINE = "2026-03-10 09:00 – 2026-03-10 10:00"

GOOD: dict[str, tuple[bytes, list[str]]] = {
    "times in UTC": (calendar(event(*TEN_TO_ELEVEN)), [TEN]),
    "times without a zone are the person's own": (
        calendar(event("DTSTART:20260310T100000", "DTEND:20260310T110000")), [NINE],
    ),
    "times in a zone": (
        calendar(event("DTSTART;TZID=America/New_York:20260310T060000", "DTEND;TZID=America/New_York:20260310T070000")),
        [TEN],
    ),
    "an end in another zone than the start": (
        calendar(event("DTSTART;TZID=America/New_York:20260310T060000", "DTEND;TZID=Asia/Tokyo:20260310T200000")),
        [TEN],
    ),
    "a zone by its Windows name": (
        calendar(event("DTSTART;TZID=W. Europe Standard Time:20260310T110000", "DURATION:PT1H")), [TEN],
    ),
    "a zone in quotes": (calendar(event('DTSTART;TZID="Europe/Berlin":20260310T110000', "DURATION:PT1H")), [TEN]),
    "a zone with a program's prefix": (
        calendar(event("DTSTART;TZID=/example.org/20070129_1/Europe/Berlin:20260310T110000", "DURATION:PT1H")), [TEN],
    ),
    "a zone that the calendar writes out": (
        calendar(OUTLOOK_ZONE, event("DTSTART;TZID=Customized Time Zone:20260310T110000", "DURATION:PT1H")), [TEN],
    ),
    "a zone that is written out after its use": (
        calendar(event("DTSTART;TZID=Customized Time Zone:20260310T110000", "DURATION:PT1H"), OUTLOOK_ZONE), [TEN],
    ),
    "a written zone's summer time": (
        calendar(OUTLOOK_ZONE, event("DTSTART;TZID=Customized Time Zone:20260710T110000", "DURATION:PT1H")),
        ["2026-07-10 09:00 – 2026-07-10 10:00"],
    ),
    "a zone of one offset": (
        calendar(
            zone("Mine", "DTSTART:19700101T000000", "TZOFFSETFROM:+0530", "TZOFFSETTO:+0530"),
            event("DTSTART;TZID=Mine:20260310T153000", "DURATION:PT1H"),
        ),
        [TEN],
    ),
    "a whole day in the person's zone": (days_off("20260310"), ["2026-03-09 23:00 – 2026-03-10 23:00"]),
    "a week over a change of the clocks": (
        days_off("20260327-20260330"), ["2026-03-26 23:00 – 2026-03-29 22:00"],
    ),
    "a day that ends on itself": (days_off("20260310-20260310"), ["2026-03-09 23:00 – 2026-03-10 23:00"]),
    "a day without VALUE=DATE": (calendar(event("DTSTART:20260310")), ["2026-03-09 23:00 – 2026-03-10 23:00"]),
    "days as a duration": (
        calendar(event("DTSTART;VALUE=DATE:20260310", "DURATION:P2D")), ["2026-03-09 23:00 – 2026-03-11 23:00"],
    ),
    "a duration in weeks": (
        calendar(event("DTSTART:20260320T100000Z", "DURATION:P1W")), ["2026-03-20 10:00 – 2026-03-27 10:00"],
    ),
    "a day by the clock on the wall": (
        calendar(event("DTSTART;TZID=Europe/Berlin:20260328T120000", "DURATION:P1D")),
        ["2026-03-28 11:00 – 2026-03-29 10:00"],
    ),
    "24 hours by the stop-watch": (
        calendar(event("DTSTART;TZID=Europe/Berlin:20260328T120000", "DURATION:PT23H")),
        ["2026-03-28 11:00 – 2026-03-29 10:00"],
    ),
    "an end and a duration": (calendar(event(*TEN_TO_ELEVEN, "DURATION:PT9H")), [TEN]),
    "an event that is under way": (
        calendar(event("DTSTART:20260301T000000Z", "DTEND:20260305T000000Z")), ["2026-03-01 00:00 – 2026-03-05 00:00"],
    ),
    "an event that has ended": (calendar(event("DTSTART:20260301T000000Z", "DTEND:20260302T090000Z")), []),
    "an event beyond two years": (calendar(event("DTSTART:20290301T000000Z", "DURATION:PT1H")), []),
    "an event without length": (calendar(event("DTSTART:20260310T100000Z")), []),
    "an event shown as free": (calendar(event(*TEN_TO_ELEVEN, "TRANSP:TRANSPARENT")), []),
    "a cancelled event": (calendar(event(*TEN_TO_ELEVEN, "STATUS:CANCELLED")), []),
    "a tentative event": (calendar(event(*TEN_TO_ELEVEN, "STATUS:TENTATIVE", "TRANSP:OPAQUE")), [TEN]),
    "a day of every week": (
        calendar(event(*TEN_TO_ELEVEN, "RRULE:FREQ=WEEKLY;COUNT=3")),
        [TEN, "2026-03-17 10:00 – 2026-03-17 11:00", "2026-03-24 10:00 – 2026-03-24 11:00"],
    ),
    "a rule by the clock on the wall": (
        calendar(event("DTSTART;TZID=Europe/Berlin:20260327T090000", "DURATION:PT1H", "RRULE:FREQ=WEEKLY;COUNT=2")),
        ["2026-03-27 08:00 – 2026-03-27 09:00", "2026-04-03 07:00 – 2026-04-03 08:00"],
    ),
    "a rule until a time in UTC": (
        calendar(
            event(
                "DTSTART;TZID=Europe/Berlin:20260310T110000", "DURATION:PT1H",
                "RRULE:FREQ=DAILY;UNTIL=20260311T100000Z",
            )
        ),
        [TEN, "2026-03-11 10:00 – 2026-03-11 11:00"],
    ),
    "a rule until a day": (
        calendar(event(*TEN_TO_ELEVEN, "RRULE:FREQ=DAILY;UNTIL=20260311")),
        [TEN, "2026-03-11 10:00 – 2026-03-11 11:00"],
    ),
    "a rule until the year 9999": (
        calendar(event("DTSTART:20260310T100000Z", "DURATION:PT1H", "RRULE:FREQ=YEARLY;UNTIL=99991231T235959Z")),
        [TEN, "2027-03-10 10:00 – 2027-03-10 11:00"],
    ),
    "a rule with an exception": (
        calendar(event(*TEN_TO_ELEVEN, "RRULE:FREQ=DAILY;COUNT=2", "EXDATE:20260310T100000Z")),
        ["2026-03-11 10:00 – 2026-03-11 11:00"],
    ),
    "an exception in another zone": (
        calendar(event(*TEN_TO_ELEVEN, "RRULE:FREQ=DAILY;COUNT=2", "EXDATE;TZID=Europe/Berlin:20260311T110000")), [TEN],
    ),
    "an exception by day": (
        calendar(event(*TEN_TO_ELEVEN, "RRULE:FREQ=DAILY;COUNT=2", "EXDATE;VALUE=DATE:20260311")), [TEN],
    ),
    "several exceptions in a line": (
        calendar(event(*TEN_TO_ELEVEN, "RRULE:FREQ=DAILY;COUNT=3", "EXDATE:20260311T100000Z,20260312T100000Z")), [TEN],
    ),
    "more dates": (
        calendar(event(*TEN_TO_ELEVEN, "RDATE:20260312T100000Z,20260314T100000Z")),
        [TEN, "2026-03-12 10:00 – 2026-03-12 11:00", "2026-03-14 10:00 – 2026-03-14 11:00"],
    ),
    "more dates with their own length": (
        calendar(event(*TEN_TO_ELEVEN, "RDATE;VALUE=PERIOD:20260312T100000Z/PT3H,20260314T100000Z/20260314T120000Z")),
        [TEN, "2026-03-12 10:00 – 2026-03-12 13:00", "2026-03-14 10:00 – 2026-03-14 12:00"],
    ),
    "an empty list of more dates": (calendar(event(*TEN_TO_ELEVEN, "COMMENT:", "DESCRIPTION:")), [TEN]),
    "one of a series that was moved": (
        calendar(
            event(*TEN_TO_ELEVEN, "RRULE:FREQ=DAILY;COUNT=2"),
            event("RECURRENCE-ID:20260311T100000Z", "DTSTART:20260311T150000Z", "DURATION:PT1H"),
        ),
        [TEN, "2026-03-11 15:00 – 2026-03-11 16:00"],
    ),
    "one of a series that was cancelled": (
        calendar(
            event(*TEN_TO_ELEVEN, "RRULE:FREQ=DAILY;COUNT=2"),
            event("RECURRENCE-ID:20260311T100000Z", "DTSTART:20260311T100000Z", "STATUS:CANCELLED"),
        ),
        [TEN],
    ),
    "a newer version of the same event": (
        calendar(
            event("DTSTART:20260320T100000Z", "DURATION:PT1H", "SEQUENCE:1"), event(*TEN_TO_ELEVEN, "SEQUENCE:2"),
            event("DTSTART:20260321T100000Z", "DURATION:PT1H"),
        ),
        [TEN],
    ),
    "an alarm inside of an event": (
        calendar(event(*TEN_TO_ELEVEN, "BEGIN:VALARM", "DURATION:PT9H", "TRIGGER:-PT15M", "END:VALARM")), [TEN],
    ),
    "other things than events": (
        calendar("BEGIN:VTODO\r\nDTSTART:20260310T100000Z\r\nDURATION:PT1H\r\nEND:VTODO\r\n", event(*TEN_TO_ELEVEN)),
        [TEN],
    ),
    "two calendars in one file": (
        calendar(event(*TEN_TO_ELEVEN)) + calendar(event("DTSTART:20260320T100000Z", "DURATION:PT1H", uid="2")),
        [TEN, "2026-03-20 10:00 – 2026-03-20 11:00"],
    ),
    "a calendar without events": (calendar(), []),
    "bare line feeds": (calendar(event(*TEN_TO_ELEVEN)).replace(b"\r\n", b"\n"), [TEN]),
    "a byte order mark and blank lines": (b"\xef\xbb\xbf\r\n" + calendar(event(*TEN_TO_ELEVEN)) + b"\r\n\r\n", [TEN]),
    "folded lines": (calendar(event(*TEN_TO_ELEVEN)).replace(b"DTSTART:2026", b"DTST\r\n ART:20\r\n\t26"), [TEN]),
    "small letters": (
        calendar(event(*TEN_TO_ELEVEN)).replace(b"DTSTART", b"dtstart").replace(b"VEVENT", b"vevent"), [TEN],
    ),
    "a latin-1 file": (calendar(event(*TEN_TO_ELEVEN, "SUMMARY:Müller")).decode().encode("latin-1"), [TEN]),
    "NUL in a summary": (calendar(event(*TEN_TO_ELEVEN, "SUMMARY:a\0b")), [TEN]),
    "a property that nobody knows": (calendar(event(*TEN_TO_ELEVEN, "X-;;;", "???", "X-A;B=:C")), [TEN]),
    "a time that the clocks jump over": (
        calendar(event("DTSTART;TZID=Europe/Berlin:20260329T023000", "DURATION:PT1H")),
        ["2026-03-29 01:00 – 2026-03-29 02:00"],
    ),
    "the 29th of February": (
        calendar(event("DTSTART;VALUE=DATE:20240229", "RRULE:FREQ=YEARLY")), ["2028-02-28 23:00 – 2028-02-29 23:00"],
    ),
}  # fmt: skip

# Each says what is wrong in these words. Where one event is wrong and another is not, the other one is kept.
BAD_EVENTS: dict[str, tuple[tuple[str, ...], str]] = {
    "no start": (("DTEND:20260310T110000Z",), "has no start"),
    "an end before the start": (("DTSTART:20260310T100000Z", "DTEND:20260310T090000Z"), "ends before it begins"),
    "a negative duration": (("DTSTART:20260310T100000Z", "DURATION:-PT1H"), "ends before it begins"),
    "a duration that is none": (("DTSTART:20260310T100000Z", "DURATION:soon"), "has a time that is not valid"),
    "a duration of a time": (("DTSTART:20260310T100000Z", "DURATION:20260311"), "has a duration that is not valid"),
    "a duration of ages": (("DTSTART:20260310", "DURATION:P999999999D"), "lasts longer than five years"),
    "a duration without bounds": (("DTSTART:20260310", "DURATION:P99999999999D"), "has a time that is not valid"),
    "an end in the year 9999": (("DTSTART:20260310", "DTEND:99991231"), "in a year that is not valid"),
    "six years": (("DTSTART:20260310", "DTEND:20320310"), "lasts longer than five years"),
    "a start in the year 1": (("DTSTART:00010101", "RRULE:FREQ=DAILY"), "in a year that is not valid"),
    "the 30th of February": (("DTSTART:20260230",), "has a time that is not valid"),
    "25 o'clock": (("DTSTART:20260310T250000Z",), "has a time that is not valid"),
    "a start that is text": (("DTSTART:next monday",), "has a time that is not valid"),
    "a start that is a duration": (("DTSTART:PT1H",), "has a time that is not valid"),
    "an empty start": (("DTSTART:",), "has a time that is not valid"),
    "two starts in a line": (("DTSTART:20260310,20260311",), "has a time that is not valid"),
    "a line that is none": (("DTSTART;VALUE",), "has a line that cannot be read"),
    "a rule that is none": ((*TEN_TO_ELEVEN, "RRULE:every day"), "has a rule that is not valid"),
    "a rule of seconds": ((*TEN_TO_ELEVEN, "RRULE:FREQ=SECONDLY"), "repeats more often than daily"),
    "a rule of hours": ((*TEN_TO_ELEVEN, "RRULE:FREQ=HOURLY;INTERVAL=5"), "repeats more often than daily"),
    "a rule by week numbers": ((*TEN_TO_ELEVEN, "RRULE:FREQ=YEARLY;BYWEEKNO=20"), "repeats by BYWEEKNO"),
    "a rule that ends at no time": ((*TEN_TO_ELEVEN, "RRULE:FREQ=DAILY;UNTIL=NEVER"), "has a time that is not valid"),
    "an exception that is none": ((*TEN_TO_ELEVEN, "EXDATE:yesterday"), "has a time that is not valid"),
    "a moved one of no time": ((*TEN_TO_ELEVEN, "RECURRENCE-ID:PT1H"), "has a time that is not valid"),
    "a period that runs backwards": (
        (*TEN_TO_ELEVEN, "RDATE;VALUE=PERIOD:20260312T100000Z/-PT3H"), "ends before it begins",
    ),
}  # fmt: skip

BAD_FILES: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "This is not a calendar"),
    "a web page": (b"<!DOCTYPE html><html><body>Sign in</body></html>", "This is a web page"),
    "JSON": (b'{"events": []}', "This is not a calendar"),
    "an address book": (b"BEGIN:VCARD\r\nEND:VCARD\r\n", "This is not a calendar"),
    "bytes of anything": (bytes(range(256)) * 8, "This is not a calendar"),
    "UTF-16": (calendar(event(*TEN_TO_ELEVEN)).decode().encode("utf-16"), "This is not a calendar"),
    "half a calendar": (calendar(event(*TEN_TO_ELEVEN)).removesuffix(b"END:VCALENDAR\r\n"), "cut off"),
    "half an event": (calendar(event(*TEN_TO_ELEVEN))[:-40], "cut off"),
    "an END too many": (calendar("END:VEVENT\r\n"), "do not fit together"),
    "ends the wrong way round": (calendar("BEGIN:VEVENT\r\nBEGIN:VALARM\r\nEND:VEVENT\r\n"), "do not fit together"),
    "parts in parts in parts": (b"BEGIN:VCALENDAR\r\n" + b"BEGIN:X\r\n" * 100_000, "nested too deep"),
    "more than 1 MiB": (calendar() + b" " * MAX_BYTES, "larger than 1 MiB"),
    "more than 2,000 absences": (
        calendar(*(event(*TEN_TO_ELEVEN, "RRULE:FREQ=DAILY", uid=str(n)) for n in range(3))), "more than 2,000",
    ),
    "a thousand rules that never come true": (
        calendar(*(event(f"DTSTART:20200101\r\n{NEVER}", uid=str(n)) for n in range(999))),
        "repeats too much",
    ),
    "a rule that counts from the year 1000": (
        calendar(event("DTSTART:10000101", f"{NEVER};COUNT=9")), "repeats too much",
    ),
    "a hundred thousand exceptions": (
        calendar(event(*TEN_TO_ELEVEN, "EXDATE:" + ",".join(["20260311T100000Z"] * 60_000))), "repeats too much",
    ),
    "time zones that change for ever": (
        calendar(
            *(
                zone(f"Z{n}", "DTSTART:16010101T000000", "TZOFFSETFROM:+0100", "TZOFFSETTO:+0200", "RRULE:FREQ=DAILY")
                + event(f"DTSTART;TZID=Z{n}:20260310T100000", "DURATION:PT1H", uid=str(n))
                for n in range(200)
            )
        ),
        "repeats too much",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("body", "expected"), GOOD.values(), ids=GOOD)
def test_what_programs_write_is_understood(body: bytes, expected: list[str]) -> None:
    assert windows(body) == expected
    assert read(body).faults == ()


@pytest.mark.parametrize(("lines", "words"), BAD_EVENTS.values(), ids=BAD_EVENTS)
def test_an_event_that_cannot_be_read_is_left_out_and_said(lines: tuple[str, ...], words: str) -> None:
    bad = event(*lines, "SUMMARY:Offsite", uid="bad")
    reading = read(calendar(bad, event(*TEN_TO_ELEVEN)))
    assert [each.uid for each in reading.absences] == ["1@example.com"]
    assert len(reading.faults) == 1
    assert reading.faults[0].startswith("«Offsite» ")
    assert words in reading.faults[0]
    with pytest.raises(CalendarUnreadable, match=words):
        read(calendar(bad))


@pytest.mark.parametrize(("body", "words"), BAD_FILES.values(), ids=BAD_FILES)
def test_what_is_no_calendar_or_would_take_for_ever_is_refused(body: bytes, words: str) -> None:
    with pytest.raises(CalendarUnreadable, match=words) as refused:
        read(body)
    assert refused.value.status == 422


@pytest.mark.parametrize(
    "written",
    [
        "",
        OUTLOOK_ZONE.replace("Customized Time Zone", "Mars/Olympus").replace("+0100", "one hour"),
        OUTLOOK_ZONE.replace("Customized Time Zone", "Mars/Olympus").replace("16010101", "long ago"),
        OUTLOOK_ZONE.replace("Customized Time Zone", "Mars/Olympus").replace("YEARLY", "HOURLY"),
        "BEGIN:VTIMEZONE\r\nTZID:Mars/Olympus\r\nEND:VTIMEZONE\r\n",
    ],
    ids=["nowhere", "offsets that are none", "dates that are none", "rules of hours", "no parts"],
)
def test_a_zone_that_nobody_knows_is_taken_as_the_persons_own_and_said(written: str) -> None:
    reading = read(calendar(written, event("DTSTART;TZID=Mars/Olympus:20260310T110000", "DURATION:PT1H")))
    assert [each.start_time for each in reading.absences] == [datetime(2026, 3, 10, 10, tzinfo=UTC)]
    assert reading.faults == ("«Mars/Olympus» is no known time zone: its events are taken as in Europe/Berlin.",)


def test_what_a_calendar_writes_out_counts_for_it_alone() -> None:
    lines = ("DTSTART;TZID=Mine:20260310T100000", "DURATION:PT1H")
    offset = "DTSTART:19700101T000000", "TZOFFSETFROM:+0000"
    hours = [
        read(calendar(zone("Mine", *offset, f"TZOFFSETTO:+0{n}00"), event(*lines))).absences[0].start_time.hour
        for n in range(4)
    ]
    assert hours == [10, 9, 8, 7]
    assert read(calendar(event(*lines))).faults


def test_the_name_of_the_calendar_and_of_events_are_one_clean_line() -> None:
    body = calendar(event(*TEN_TO_ELEVEN, "SUMMARY:Off\\nto\\, \u202eItaly\x07 " + "x" * 300), name="Ada\\, away")
    reading = read(body)
    assert reading.name == "Ada, away"
    assert reading.absences[0].summary.startswith("Off to, Italy x")
    assert len(reading.absences[0].summary) == 200


@pytest.mark.parametrize("kind", ["PRIVATE", "confidential"])
def test_a_private_event_says_only_that_somebody_is_away(kind: str) -> None:
    assert read(calendar(event(*TEN_TO_ELEVEN, f"CLASS:{kind}", "SUMMARY:Doctor"))).absences[0].summary == "Away"
    with pytest.raises(CalendarUnreadable) as refused:
        read(calendar(event("DTSTART:soon", f"CLASS:{kind}", "SUMMARY:Doctor")))
    assert "Doctor" not in refused.value.message


def test_whole_days_are_where_the_person_is() -> None:
    auckland = ZoneInfo("Pacific/Auckland")
    assert windows(days_off("20260310"), zone=auckland) == ["2026-03-09 11:00 – 2026-03-10 11:00"]


def test_an_event_without_an_identity_has_the_same_one_next_time() -> None:
    body = calendar(event(*TEN_TO_ELEVEN)).replace(b"UID:1@example.com\r\n", b"")
    assert read(body).absences == read(body, now=NOW + timedelta(hours=1)).absences
    assert len(read(body).absences[0].uid) == 64
    long = read(calendar(event(*TEN_TO_ELEVEN, uid="x" * 5000))).absences[0].uid
    assert len(long) == 64


def test_many_faults_are_cut_short() -> None:
    bad = [event("DTSTART:soon", uid=str(n)) for n in range(50)]
    assert len(read(calendar(*bad, event(*TEN_TO_ELEVEN))).faults) == 21


def test_reading_again_later_finds_the_same_absences() -> None:
    day = event("DTSTART;VALUE=DATE:20260501", uid="2")
    body = calendar(event(*TEN_TO_ELEVEN, "RRULE:FREQ=MONTHLY"), day)
    later = NOW + timedelta(days=40)
    before, after = read(body).absences, read(body, now=later).absences
    assert {each for each in before if each.end_time > later} == {
        each for each in after if each.start_time < NOW + AHEAD
    }


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_damaged_calendar_is_read_or_refused_and_nothing_else(data: st.DataObject) -> None:
    body = bytearray(data.draw(st.sampled_from([body for body, _ in GOOD.values()])))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(body) - 1))
        piece = data.draw(
            st.sampled_from([b"", b"\r\n", b"9", b":", b";", b",", b"-", b"\x00", b"\xff", b'"', b"Z", b"T"])
        )
        body[at : at + data.draw(st.integers(0, 9))] = piece
        if not body:
            break
    try:
        reading = read(bytes(body))
    except CalendarUnreadable:
        return
    assert all(each.end_time > NOW and each.start_time < each.end_time for each in reading.absences)
