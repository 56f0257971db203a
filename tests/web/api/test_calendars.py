"""Calendar feeds and absences through the API, on each kind of database: addresses, roles, caching, conflicts."""

import io
import logging

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response

from app.accounts.types import TokenScope
from app.platform import logs
from app.platform.ports import HttpAnswer, HttpFailed
from app.platform.runtime import Runtime
from tests.support.calendars import calendar, days_off, event
from tests.support.callers import bearer, browser
from tests.support.feeds import understood
from tests.support.world import World
from tests.web.api.conftest import JSON, Caller

FEED = "text/calendar; charset=utf-8"


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def database_url(request: pytest.FixtureRequest) -> str:
    """Each kind of database."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
def schedule(admin: Caller, responder: Caller) -> JSON:
    """A schedule with a daily rotation of Ravi's."""
    assert responder.user is not None
    rotation = {
        "cadence": "daily", "handoff_time": "09:00", "start_date": "2026-03-02", "member_ids": [responder.user.id]
    }  # fmt: skip
    made: JSON = admin.post("/schedules", {"name": "Platform", "rotation": rotation}, status=201)
    return made


@pytest.fixture
def path(schedule: JSON) -> str:
    """Where the schedule is."""
    return f"/schedules/{schedule['id']}"


def upload(caller: Caller, path: str, body: bytes, content_type: str = "text/calendar") -> Response:
    """Send a calendar file."""
    headers = {"authorization": f"Bearer {caller.token}", "content-type": content_type}
    return caller.client.post(f"/api/v1{path}", content=body, headers=headers)


def test_a_schedule_is_read_by_its_address_alone(
    client: TestClient, admin: Caller, stranger: Caller, path: str
) -> None:
    made = admin.post(f"{path}/calendar-token", status=201)
    assert made.keys() == {"token", "url"}
    assert made["url"].endswith(f"/api/v1{path}/calendar.ics?token={made['token']}")
    answered = stranger.call("GET", f"{path}/calendar.ics", token=made["token"])
    assert (answered.status_code, answered.headers["content-type"]) == (200, FEED)
    heard = understood(answered.content)
    assert {each.summary for each in heard} == {"Ravi on call: Platform"}
    assert len(heard) >= 365
    assert client.get(f"/api/v1{path}/calendar.ics/", params={"token": made["token"]}).status_code == 200


def test_ones_own_duties_are_read_by_their_address_alone(responder: Caller, stranger: Caller, schedule: JSON) -> None:
    made = responder.post("/me/calendar-token", status=201)
    heard = understood(stranger.call("GET", "/me/calendar.ics", token=made["token"]).content)
    assert {each.summary for each in heard} == {f"Ravi on call: {schedule['name']}"}


def test_a_calendar_that_did_not_change_is_not_sent_again(admin: Caller, stranger: Caller, path: str) -> None:
    token = admin.post(f"{path}/calendar-token", status=201)["token"]
    url = f"/api/v1{path}/calendar.ics?token={token}"
    first = stranger.client.get(url)
    tag = first.headers["etag"]
    assert first.headers["cache-control"] == "private, max-age=300"
    for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = stranger.client.get(url, headers={"if-none-match": known})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
        assert again.headers["cache-control"] == "private, max-age=300"
    assert stranger.client.get(url, headers={"if-none-match": '"other"'}).status_code == 200
    admin.patch(path, {"name": "Other"})
    changed = stranger.client.get(url, headers={"if-none-match": tag})
    assert (changed.status_code, changed.headers["etag"] == tag) == (200, False)


def test_a_wrong_missing_or_revoked_token_is_404_whoever_asks(
    admin: Caller, responder: Caller, viewer: Caller, stranger: Caller, path: str
) -> None:
    own = responder.post("/me/calendar-token", status=201)["token"]
    first = admin.post(f"{path}/calendar-token", status=201)["token"]
    second = admin.post(f"{path}/calendar-token", status=201)["token"]
    other = admin.post("/schedules", {"name": "Other"}, status=201)
    elsewhere = admin.post(f"/schedules/{other['id']}/calendar-token", status=201)["token"]
    for caller in (stranger, viewer, responder, admin):
        for token in ("", "wrong", first, own, elsewhere, "é" * 10_000):
            caller.refused(404, "GET", f"{path}/calendar.ics", token=token)
        for token in ("", "wrong", second, elsewhere):
            caller.refused(404, "GET", "/me/calendar.ics", token=token)
        caller.refused(404, "GET", f"{path}/calendar.ics")
        caller.refused(404, "GET", "/me/calendar.ics")
        caller.refused(404, "GET", "/schedules/999/calendar.ics", token=second)
        caller.refused(404, "GET", f"/schedules/{2**40}/calendar.ics", token=second)
    assert stranger.call("GET", f"{path}/calendar.ics", token=second).status_code == 200
    admin.delete(f"{path}/calendar-token")
    stranger.refused(404, "GET", f"{path}/calendar.ics", token=second)
    admin.refused(404, "DELETE", f"{path}/calendar-token")
    responder.delete("/me/calendar-token")
    stranger.refused(404, "GET", "/me/calendar.ics", token=own)


def test_a_deactivated_persons_feed_is_404(admin: Caller, responder: Caller, stranger: Caller) -> None:
    assert responder.user is not None
    token = responder.post("/me/calendar-token", status=201)["token"]
    assert stranger.call("GET", "/me/calendar.ics", token=token).status_code == 200
    admin.post(f"/users/{responder.user.id}/deactivate")
    stranger.refused(404, "GET", "/me/calendar.ics", token=token)


def test_addresses_are_made_by_those_who_may(
    admin: Caller, responder: Caller, viewer: Caller, stranger: Caller, path: str, rt: Runtime
) -> None:
    for method in ("POST", "DELETE"):
        for caller in (responder, viewer):
            caller.refused(403, method, f"{path}/calendar-token")
        stranger.refused(401, method, f"{path}/calendar-token")
        stranger.refused(401, method, "/me/calendar-token")
    viewer.post("/me/calendar-token", status=201)
    assert viewer.user is not None
    narrow = Caller(viewer.client, viewer.user, bearer(rt, viewer.user, TokenScope.READ)["authorization"][7:])
    narrow.refused(403, "POST", "/me/calendar-token")
    admin.refused(404, "POST", "/schedules/999/calendar-token")


def test_the_token_is_masked_in_the_log(admin: Caller, path: str, rt: Runtime) -> None:
    token = admin.post(f"{path}/calendar-token", status=201)["token"]
    stream = io.StringIO()
    before = logging.getLogger().handlers[:]
    try:
        logs.configure(rt.settings, stream)
        line = f"GET /api/v1{path}/calendar.ics?token={token} HTTP/1.1"
        logging.getLogger("uvicorn.access").warning('%s - "%s" %d', "127.0.0.1", line, 200)
    finally:
        logging.getLogger().handlers[:] = before
    assert f"{path}/calendar.ics?token=***" in stream.getvalue()
    assert token not in stream.getvalue()


def test_a_calendar_of_absences_is_uploaded_shown_and_removed(responder: Caller, viewer: Caller) -> None:
    answered = upload(responder, "/me/unavailability", days_off("20260310-20260313", "20270401", summary="Leave"))
    assert answered.status_code == 201, answered.text
    made = answered.json()
    assert made["absences"] == [
        {"summary": "Leave", "start_time": "2026-03-10T00:00:00Z", "end_time": "2026-03-13T00:00:00Z"}
    ]
    assert (made["is_linked"], made["last_error"], made["next_read_at"]) == (False, None, None)
    assert responder.get("/me/unavailability") == [made]
    assert viewer.get("/me/unavailability") == []
    again = upload(responder, "/me/unavailability", days_off("20260310-20260313", "20270401", summary="Leave"))
    assert again.json() == made
    responder.delete(f"/me/unavailability/{made['id']}")
    assert responder.get("/me/unavailability") == []
    responder.refused(404, "DELETE", f"/me/unavailability/{made['id']}")


def test_a_calendar_of_absences_is_linked_and_its_address_is_shown_to_nobody(
    admin: Caller, responder: Caller, world: World
) -> None:
    world.http.next.append(HttpAnswer(200, {}, days_off("20260310")))
    made = responder.post("/me/unavailability", {"url": "webcal://calendar.example.com/s3cret/away.ics"}, status=201)
    assert (made["name"], made["is_linked"], made["next_read_at"]) == (
        "calendar.example.com", True, "2026-03-02T10:00:00Z"
    )  # fmt: skip
    assert world.http.calls[0].url == "https://calendar.example.com/s3cret/away.ics"
    assert responder.user is not None
    shown = admin.get(f"/users/{responder.user.id}/unavailability")
    assert shown == [made]
    assert "s3cret" not in str(shown) + str(admin.get("/audit"))


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({}, "url"),
        ({"url": 7}, "url"),
        ({"url": "x" * 3000}, "url"),
        ({"url": "file:///etc/passwd"}, "url"),
        ({"url": "https://example.com/a.ics", "more": 1}, "more"),
    ],
)
def test_a_link_that_is_none_is_422_and_says_where(responder: Caller, body: JSON, path: str) -> None:
    problem = responder.refused(422, "POST", "/me/unavailability", body)
    assert [each["path"] for each in problem["errors"]] == [path]


@pytest.mark.parametrize("body", [[], "text", 7, None])
def test_json_that_is_no_object_is_422(responder: Caller, body: object) -> None:
    responder.refused(422, "POST", "/me/unavailability", body)


def test_what_cannot_be_read_is_422_with_the_reason(responder: Caller, world: World) -> None:
    for body, words in (
        (b"", "not a calendar"),
        (b"<html>", "web page"),
        (b"\x00\xff", "not a calendar"),
        (calendar(event("DTSTART:20260310", "RRULE:FREQ=SECONDLY")), "more often than daily"),
        (calendar(event("DTSTART:20260310", "RRULE:FREQ=DAILY", uid="1")) * 3, ""),
    ):
        answered = upload(responder, "/me/unavailability", body)
        assert answered.status_code == (422 if words else 201), answered.text
        assert words in answered.text
    assert upload(responder, "/me/unavailability", b"a=b", "application/x-www-form-urlencoded").status_code == 422
    assert upload(responder, "/me/unavailability", b"{", "application/json").status_code == 400
    assert upload(responder, "/me/unavailability", calendar() + b" " * 1024 * 1024).status_code == 413
    world.http.next.append(HttpFailed("10.0.0.1 is not a public address"))
    problem = responder.refused(422, "POST", "/me/unavailability", {"url": "https://intranet.example.com/a.ics"})
    assert "10.0.0.1 is not a public address" in problem["detail"]


def test_absences_of_others_are_for_admins(admin: Caller, responder: Caller, viewer: Caller, stranger: Caller) -> None:
    assert responder.user is not None
    place = f"/users/{responder.user.id}/unavailability"
    made = upload(admin, place, days_off("20260310")).json()
    assert responder.get("/me/unavailability") == responder.get(place) == admin.get(place) == [made]
    viewer.refused(403, "GET", place)
    assert upload(viewer, place, days_off("20260310")).status_code == 403
    viewer.refused(403, "DELETE", f"{place}/{made['id']}")
    stranger.refused(401, "GET", place)
    assert upload(stranger, place, days_off("20260310")).status_code == 401
    admin.refused(404, "GET", "/users/999/unavailability")
    assert upload(admin, "/users/999/unavailability", days_off("20260310")).status_code == 404
    admin.refused(404, "DELETE", f"/users/{admin.user.id if admin.user else 0}/unavailability/{made['id']}")
    admin.delete(f"{place}/{made['id']}")


def test_a_browsers_session_needs_the_csrf_token(client: TestClient, responder: Caller, rt: Runtime) -> None:
    assert responder.user is not None
    signed_in = browser(rt, responder.user)
    headers = signed_in.headers(**{"content-type": "text/calendar"})
    place = "/api/v1/me/unavailability"
    assert client.post(place, content=days_off("20260310"), headers=headers).status_code == 201
    headers.pop("x-csrf-token")
    assert client.post(place, content=days_off("20260311"), headers=headers).status_code == 403


def test_slots_of_people_who_are_away_are_listed(
    viewer: Caller, responder: Caller, stranger: Caller, path: str
) -> None:
    away = event("DTSTART:20260304T120000Z", "DTEND:20260304T180000Z", "SUMMARY:Dentist")
    assert upload(responder, "/me/unavailability", calendar(away)).status_code == 201
    [conflict] = viewer.get(f"{path}/conflicts", days=7)
    assert conflict.keys() == {"slot", "summary", "start_time", "end_time"}
    assert (conflict["slot"]["user_name"], conflict["slot"]["start_time"]) == ("Ravi", "2026-03-04T09:00:00Z")
    assert (conflict["summary"], conflict["start_time"]) == ("Dentist", "2026-03-04T12:00:00Z")
    assert viewer.get(f"{path}/conflicts", days=1) == []
    viewer.refused(422, "GET", f"{path}/conflicts", days=0)
    viewer.refused(404, "GET", "/schedules/999/conflicts")
    stranger.refused(401, "GET", f"{path}/conflicts")


def test_a_rotation_that_skips_the_absent_has_no_conflicts(
    admin: Caller, responder: Caller, viewer: Caller, schedule: JSON, path: str
) -> None:
    assert admin.user is not None
    assert responder.user is not None
    turns = {"member_ids": [responder.user.id, admin.user.id], "skips_absent": True}
    same = {name: schedule["rotation"][name] for name in ("cadence", "handoff_time", "start_date")}
    admin.patch(path, {"rotation": {**same, **turns}})
    assert upload(responder, "/me/unavailability", days_off("20260303-20260309")).status_code == 201
    assert viewer.get(f"{path}/conflicts", days=14) == []
    assert viewer.get(f"{path}/oncall", at="2026-03-04T12:00:00Z")["user"]["name"] == "Ada"
