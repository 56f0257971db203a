"""Calendars of absences: read once or every hour, honoured by rotations that say so, and never changing the past."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from ipaddress import ip_network
from typing import Any

import pytest

from app.accounts.queries import list_audit
from app.jobs import absence_calendars
from app.jobs.desk import Desk
from app.oncall import queries
from app.oncall.errors import AbsenceCalendarMissing, CalendarUnreadable, TooManyCalendars
from app.oncall.types import AbsenceCalendar
from app.platform import lease
from app.platform.addresses import AddressFilter
from app.platform.errors import Invalid, NotFound
from app.platform.http import OutboundHttp
from app.platform.ports import HttpAnswer, HttpFailed
from app.platform.secrets import SecretBox
from app.platform.types import PageQuery
from app.usecases import people, rota
from tests.service.rota.conftest import DAY, MONDAY, WEEK, Duty, weekly
from tests.support.calendars import calendar, days_off, event
from tests.support.clock import FrozenClock
from tests.support.http_server import Answer, HttpServer
from tests.support.world import RecordingHttp, World

URL = "https://calendar.example.com/private-4f2a/away.ics"
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def answers(world: World) -> Callable[..., None]:
    """What the linked calendar's server answers next: bodies, whole answers, or failures."""

    def answer(*outcomes: bytes | HttpAnswer | HttpFailed) -> None:
        world.http.next.extend(HttpAnswer(200, {}, each) if isinstance(each, bytes) else each for each in outcomes)

    return answer


Answers = Callable[..., None]


async def paste(duty: Duty, body: bytes) -> AbsenceCalendar:
    """Ravi pastes a calendar."""
    return await rota.paste_absence_calendar(duty.rt, user_id=duty.ravi.id, body=body, actor=duty.ravi, now=duty.now)


async def link(duty: Duty, url: str = URL) -> AbsenceCalendar:
    """Ravi links a calendar."""
    return await rota.link_absence_calendar(duty.rt, user_id=duty.ravi.id, url=url, actor=duty.ravi, now=duty.now)


def remove(duty: Duty, made: AbsenceCalendar) -> None:
    """Ravi takes a calendar away."""
    rota.remove_absence_calendar(duty.rt, user_id=duty.ravi.id, calendar_id=made.id, actor=duty.ravi, now=duty.now)


def shown(duty: Duty) -> AbsenceCalendar:
    """Ravi's one calendar as it stands."""
    [found] = duty.rt.db.read(lambda tx: queries.absence_calendars_of(tx, duty.ravi.id))
    return found


def away(duty: Duty) -> list[str]:
    """The days on which Ravi's calendars say that he is away, each by its first."""
    found = duty.rt.db.read(
        lambda tx: queries.absences_by_calendar(tx, duty.ravi.id, duty.now, duty.now + timedelta(days=800))
    )
    return sorted(f"{each.start_time:%m-%d}" for several in found.values() for each in several)


def counted(duty: Duty, start: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
    """When Ravi counts as away."""
    found = duty.rt.db.read(lambda tx: queries.absences_between(tx, [duty.ravi.id], start, end))
    return [(each.start_time, each.end_time) for each in found]


async def tick(duty: Duty) -> datetime | None:
    """The job runs."""
    return await absence_calendars.tick(Desk(duty.rt), duty.now)


async def test_a_pasted_calendar_says_when_its_owner_is_away(duty: Duty) -> None:
    made = await paste(duty, days_off("20260310", "20260401-20260411", "20260220"))
    assert (made.name, made.url, made.due_at, made.last_error) == ("Pasted calendar", "", None, "")
    assert made.read_at == duty.now
    assert away(duty) == ["03-10", "04-01"]


async def test_pasting_the_same_again_changes_nothing(duty: Duty, clock: FrozenClock) -> None:
    body = days_off("20260310", "20260401")
    first = await paste(duty, body)
    clock.advance(days=1)
    again = await paste(duty, body.replace(b"VERSION:2.0", b"VERSION:2.0\r\nX-MADE:later"))
    assert again == first
    assert away(duty) == ["03-10", "04-01"]
    assert (await paste(duty, days_off("20260310"))).id != first.id


async def test_a_rotation_that_skips_the_absent_gives_the_turn_to_the_next(duty: Duty) -> None:
    duty.make(weekly(duty.ravi, duty.noor, duty.kim, skips_absent=True))
    duty.make(weekly(duty.ravi, duty.noor, duty.kim))
    await paste(duty, days_off("20260304-20260306"))
    at = MONDAY + 2 * DAY
    for schedule, who in zip(tuple(duty.schedules), ("Noor", "Ravi"), strict=True):
        duty.schedules.append(schedule)
        assert duty.who(at) == who
        assert duty.who(at - DAY) == duty.who(at + 2 * DAY) == "Ravi"


async def test_slots_of_people_who_are_away_are_conflicts(duty: Duty) -> None:
    schedule = duty.make(weekly(duty.noor, duty.ravi))
    await paste(duty, calendar(event("DTSTART:20260311T080000Z", "DTEND:20260311T180000Z", "SUMMARY:Dentist")))
    await paste(duty, days_off("20260304"))
    found = duty.rt.db.read(lambda tx: queries.conflicts_of(tx, schedule.id, duty.now, duty.now + 4 * WEEK))
    assert [(slot.start_time, absence.summary) for slot, absence in found] == [(MONDAY + WEEK, "Dentist")]


async def test_an_absence_changes_nothing_of_the_past(duty: Duty, clock: FrozenClock) -> None:
    duty.make(weekly(duty.ravi, duty.noor, skips_absent=True))
    clock.set(MONDAY + 2 * DAY)
    made = await paste(duty, days_off("20260301-20260307"))
    assert duty.who(MONDAY + DAY) == "Ravi"
    assert duty.who(MONDAY + 2 * DAY) == "Noor"
    assert duty.who(MONDAY + 3 * DAY, as_of=MONDAY + DAY) == "Ravi"

    clock.set(MONDAY + 3 * DAY)
    remove(duty, made)
    assert [duty.who(MONDAY + days * DAY) for days in (1, 2, 3, 4)] == ["Ravi", "Noor", "Ravi", "Ravi"]
    assert duty.who(MONDAY + 2.5 * DAY) == "Noor"
    assert duty.who(MONDAY + 4 * DAY, as_of=MONDAY + 2.5 * DAY) == "Noor"
    assert counted(duty, MONDAY, MONDAY + WEEK) == [(MONDAY + 2 * DAY, MONDAY + 3 * DAY)]


async def test_a_linked_calendar_is_read_again_every_hour(
    duty: Duty, clock: FrozenClock, answers: Answers, world: World
) -> None:
    answers(days_off("20260310", "20260401"))
    made = await link(duty)
    assert (made.name, made.due_at) == ("calendar.example.com", duty.now + HOUR)
    call = world.http.calls[0]
    assert (call.method, call.url, call.headers) == ("GET", URL, {"accept": "text/calendar"})
    assert await tick(duty) == duty.now + HOUR
    assert len(world.http.calls) == 1

    clock.advance(hours=1)
    answers(days_off("20260310", "20260501", summary="Moved"))
    assert await tick(duty) == duty.now + HOUR
    assert away(duty) == ["03-10", "05-01"]
    assert (shown(duty).read_at, shown(duty).last_error) == (duty.now, "")


async def test_what_a_newer_reading_no_longer_has_counts_until_then(
    duty: Duty, clock: FrozenClock, answers: Answers
) -> None:
    duty.make(weekly(duty.ravi, duty.noor, skips_absent=True))
    answers(days_off("20260303-20260306", "20260320"))
    await link(duty)
    clock.set(MONDAY + 1.5 * DAY)
    answers(days_off("20260303-20260308"))
    await tick(duty)
    assert away(duty) == ["03-03"]
    assert counted(duty, MONDAY, MONDAY + WEEK) == [
        (MONDAY + 15 * HOUR, MONDAY + 1.5 * DAY), (MONDAY + 1.5 * DAY, MONDAY + 5 * DAY + 15 * HOUR),
    ]  # fmt: skip
    assert [duty.who(MONDAY + days * DAY) for days in (0, 1, 4, 6)] == ["Ravi", "Noor", "Noor", "Ravi"]


async def test_failures_are_shown_and_retried_ever_more_rarely_and_the_last_absences_stay(
    duty: Duty, clock: FrozenClock, answers: Answers
) -> None:
    answers(days_off("20260310"))
    await link(duty)
    waits = []
    for outcome in [
        HttpFailed("no answer within 10 s"), HttpAnswer(500, {}, b""), HttpAnswer(302, {}, b""), b"",
        b"<html>Sign in</html>", days_off("20260501")[:-20], *[HttpFailed("could not connect")] * 6,
    ]:  # fmt: skip
        due_at = shown(duty).due_at
        assert due_at is not None
        clock.set(due_at)
        answers(outcome)
        await tick(duty)
        assert away(duty) == ["03-10"]
        assert shown(duty).last_error.startswith(("The calendar", "This is"))
        again_at = shown(duty).due_at
        assert again_at is not None
        waits.append((again_at - due_at) // MINUTE)
    assert waits == [5, 5, 10, 20, 40, 80, 160, 320, 360, 360, 360, 360]
    assert shown(duty).last_error == "The calendar cannot be fetched: could not connect."

    clock.advance(hours=6)
    answers(days_off("20260501"))
    await tick(duty)
    assert (away(duty), shown(duty).last_error) == (["05-01"], "")


async def test_what_was_left_out_is_said_and_the_rest_counts(duty: Duty) -> None:
    made = await paste(duty, calendar(event("DTSTART:20260310"), event("DTSTART:soon", "SUMMARY:Trip", uid="2")))
    assert made.last_error == "«Trip» has a time that is not valid."
    assert away(duty) == ["03-10"]


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        (HttpFailed("10.0.0.1 is not a public address"), "cannot be fetched: 10.0.0.1 is not a public address"),
        (HttpAnswer(404, {}, b"secret words"), "its server answers 404"),
        (HttpAnswer(301, {"location": "https://elsewhere.example.com"}, b""), "has moved"),
        (HttpAnswer(200, {}, b"<html>secret words"), "This is a web page"),
        (HttpAnswer(200, {}, days_off("20260310") + b" " * 1024 * 1024), "larger than 1 MiB"),
    ],
)
async def test_a_link_that_cannot_be_read_is_refused_and_not_kept(
    duty: Duty, answers: Answers, outcome: HttpAnswer | HttpFailed, words: str
) -> None:
    answers(outcome)
    with pytest.raises(CalendarUnreadable, match=words) as refused:
        await link(duty)
    assert "secret words" not in refused.value.message
    assert duty.rt.db.read(lambda tx: queries.absence_calendars_of(tx, duty.ravi.id)) == []


@pytest.mark.parametrize(
    "url",
    [
        "", "calendar.ics", "ftp://example.com/a.ics", "file:///etc/passwd", "https://", "javascript:alert(1)",
        "https://exa mple.com/", "https://[::1/x", "https://example.com/\n/", "https://example.com/" + "a" * 2000,
    ],
)  # fmt: skip
async def test_an_address_that_is_none_is_refused(duty: Duty, world: World, url: str) -> None:
    with pytest.raises(Invalid):
        await link(duty, url)
    assert world.http.calls == []


async def test_a_calendar_programs_own_scheme_means_https(duty: Duty, answers: Answers, world: World) -> None:
    answers(days_off("20260310"), days_off("20260310", "20260311"))
    first = await link(duty, " webcal://Calendar.example.com/a.ics ")
    again = await link(duty, "https://Calendar.example.com/a.ics")
    assert [call.url for call in world.http.calls] == ["https://Calendar.example.com/a.ics"] * 2
    assert first.id == again.id
    assert away(duty) == ["03-10", "03-11"]


async def test_the_address_is_kept_encrypted_and_one_that_cannot_be_read_is_said(
    duty: Duty, clock: FrozenClock, answers: Answers
) -> None:
    answers(days_off("20260310"))
    made = await link(duty)
    assert "private" not in repr(made)
    entries = duty.rt.db.read(lambda tx: list_audit(tx, PageQuery())).items
    assert entries[0].action == "absence_calendar_added"
    assert "private" not in repr(entries)
    clock.advance(hours=1)
    duty.rt = replace(duty.rt, secrets=SecretBox("another-key-that-is-long-enough-to-be-one"))
    await tick(duty)
    assert "SECRET_KEY" in shown(duty).last_error
    assert away(duty) == ["03-10"]


async def test_calendars_of_the_deactivated_are_not_fetched(
    duty: Duty, clock: FrozenClock, answers: Answers, world: World
) -> None:
    answers(days_off("20260310"))
    await link(duty)
    people.deactivate_user(duty.rt, user_id=duty.ravi.id, actor=duty.admin, now=duty.now)
    clock.advance(hours=2)
    assert await tick(duty) == duty.now + DAY
    assert len(world.http.calls) == 1


async def test_a_removed_calendar_is_never_read_again(
    duty: Duty, clock: FrozenClock, answers: Answers, world: World
) -> None:
    answers(days_off("20260310"))
    made = await link(duty)
    remove(duty, made)
    assert away(duty) == []
    clock.advance(hours=2)
    assert await tick(duty) is None
    assert len(world.http.calls) == 1
    with pytest.raises(AbsenceCalendarMissing):
        remove(duty, made)


async def test_one_removed_while_it_is_read_stays_removed(duty: Duty, clock: FrozenClock, answers: Answers) -> None:
    answers(days_off("20260310"))
    made = await link(duty)
    clock.advance(hours=1)

    class Slow(RecordingHttp):
        async def request(self, *_args: Any, **_more: Any) -> HttpAnswer:
            remove(duty, made)
            return HttpAnswer(200, {}, days_off("20260311"))

    duty.rt = replace(duty.rt, outside=replace(duty.rt.outside, http=Slow()))
    assert await tick(duty) is None
    assert away(duty) == []


async def test_somebody_elses_calendar_is_not_found(duty: Duty) -> None:
    made = await paste(duty, days_off("20260310"))
    with pytest.raises(AbsenceCalendarMissing):
        rota.remove_absence_calendar(duty.rt, user_id=duty.noor.id, calendar_id=made.id, actor=duty.noor, now=duty.now)
    with pytest.raises(NotFound):
        await rota.paste_absence_calendar(
            duty.rt, user_id=999, body=days_off("20260310"), actor=duty.admin, now=duty.now
        )


async def test_nobody_has_more_than_twenty_calendars(duty: Duty) -> None:
    for number in range(20):
        await paste(duty, days_off("20260310", uid=str(number)))
    with pytest.raises(TooManyCalendars):
        await paste(duty, days_off("20260310", uid="more"))


async def test_a_process_that_lost_the_lead_reads_nothing(
    duty: Duty, clock: FrozenClock, answers: Answers, world: World
) -> None:
    answers(days_off("20260310"))
    await link(duty)
    clock.advance(hours=1)
    held = await duty.rt.db.run(lambda tx: lease.take(tx, lease.LEADER, owner="a", now=duty.now))
    await duty.rt.db.run(lambda tx: lease.take(tx, lease.LEADER, owner="b", now=duty.now, force=True))
    assert await absence_calendars.tick(Desk(duty.rt, held=held), duty.now) == shown(duty).due_at
    assert len(world.http.calls) == 1


async def test_many_calendars_are_read_in_one_run(
    duty: Duty, clock: FrozenClock, answers: Answers, world: World
) -> None:
    for number in range(19):
        answers(days_off("20260310", uid=str(number)))
        await link(duty, f"{URL}?{number}")
    clock.advance(hours=1)
    answers(*[HttpFailed("could not connect")] * 19)
    assert await tick(duty) == duty.now + 5 * MINUTE
    assert len(world.http.calls) == 38


async def test_who_is_on_the_rota_with_them_is_looked_at_again(duty: Duty) -> None:
    duty.make(weekly(duty.ravi, duty.noor), timezone="Europe/Vienna")
    duty.make(weekly(duty.kim))
    wakes: list[str] = []
    duty.rt.bus.on_wake(wakes.extend)
    await paste(duty, days_off("20260310"))
    assert wakes == ["duty"]
    await paste(duty, days_off("20260310"))
    await rota.paste_absence_calendar(
        duty.rt, user_id=duty.admin.id, body=days_off("20260310"), actor=duty.admin, now=duty.now
    )
    assert wakes == ["duty"]


async def test_a_real_server_is_asked_through_the_address_filter(
    duty: Duty, http_server: HttpServer, clock: FrozenClock
) -> None:
    def out(*allowed: str) -> None:
        http = OutboundHttp(AddressFilter([ip_network(each) for each in allowed]))
        duty.rt = replace(duty.rt, outside=replace(duty.rt.outside, http=http))

    out()
    with pytest.raises(CalendarUnreadable, match="OUTBOUND_ALLOWED_NETWORKS"):
        await link(duty, f"{http_server.url}/away.ics")
    assert http_server.requests == []
    out("127.0.0.0/8")
    http_server.answer(Answer(body=days_off("20260310"), headers={"content-type": "text/calendar"}))
    made = await link(duty, f"{http_server.url}/away.ics")
    assert (made.name, away(duty)) == ("127.0.0.1", ["03-10"])
    clock.advance(hours=1)
    http_server.answer(Answer(body=b"BEGIN:VCALENDAR\r\n" + b"X" * 3_000_000))
    await tick(duty)
    assert shown(duty).last_error == "The calendar is larger than 1 MiB."
