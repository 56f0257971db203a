"""`/api/v1/schedules` and `/oncall`: windows in, slots out, and one answer to who is on call."""

from collections.abc import Callable

import pytest

from tests.support.clock import FrozenClock
from tests.web.api.conftest import JSON, Caller

Hour = Callable[[float], str]


@pytest.fixture
def schedule(admin: Caller) -> JSON:
    """An empty schedule."""
    made: JSON = admin.post("/schedules", {"name": "Duty"}, status=201)
    return made


@pytest.fixture
def path(schedule: JSON) -> str:
    """Where the schedule is."""
    return f"/schedules/{schedule['id']}"


@pytest.fixture
def window(hour: Hour) -> Callable[[Caller, float, float], JSON]:
    """The body of an entry or override, in hours from the test's start."""

    def make(who: Caller, begin: float, end: float) -> JSON:
        assert who.user is not None
        return {"user_id": who.user.id, "start_time": hour(begin), "end_time": hour(end)}

    return make


Window = Callable[[Caller, float, float], JSON]


def test_a_schedule_has_the_documented_defaults(admin: Caller, schedule: JSON, path: str) -> None:
    assert schedule["timezone"] == "UTC"
    assert (schedule["is_active"], schedule["escalation_delay_minutes"], schedule["escalation_to_user_id"]) == (
        True, 15, None
    )  # fmt: skip
    changed = admin.patch(path, {"timezone": "Europe/Vienna", "escalation_delay_minutes": 5})
    assert (changed["name"], changed["timezone"], changed["escalation_delay_minutes"]) == ("Duty", "Europe/Vienna", 5)
    assert admin.get("/schedules")["items"] == [changed]


def test_an_entry_that_overlaps_is_409_and_an_override_wins(
    admin: Caller, responder: Caller, path: str, window: Window
) -> None:
    made = admin.post(f"{path}/entries", window(responder, 0, 8), status=201)
    assert made.keys() >= {"id", "user_id", "user_name", "start_time", "end_time", "is_override"}
    assert (made["user_name"], made["is_override"]) == ("Ravi", False)
    admin.refused(409, "POST", f"{path}/entries", window(admin, 7, 9))
    admin.post(f"{path}/entries", window(admin, 8, 9), status=201)
    override = admin.post(f"{path}/overrides", window(admin, 2, 3), status=201)
    assert override["is_override"] is True
    assert admin.get(f"{path}/entries")["total"] == 2
    assert admin.get(f"{path}/overrides")["items"] == [override]


def test_slots_say_who_covers_what(admin: Caller, responder: Caller, path: str, window: Window, hour: Hour) -> None:
    admin.post(f"{path}/entries", window(responder, 0, 8), status=201)
    admin.post(f"{path}/overrides", window(admin, 2, 3), status=201)
    slots = admin.get(f"{path}/slots", from_=hour(0), to=hour(12))
    assert [(slot["user_name"], slot["source"], slot["is_override"]) for slot in slots] == [
        ("Ravi", "entry", False), ("Ada", "override", True), ("Ravi", "entry", False)
    ]  # fmt: skip
    assert [slot["start_time"] for slot in slots] == [hour(0), hour(2), hour(3)]
    assert slots[0].keys() >= {"id", "user_id", "user_name", "start_time", "end_time", "is_override", "source"}
    assert slots == admin.get(f"{path}/slots")
    for query in ({"from_": hour(2), "to": hour(1)}, {"from_": hour(0), "to": hour(24 * 500)}, {"from_": "monday"}):
        admin.refused(422, "GET", f"{path}/slots", **query)


def test_the_one_on_call_is_told_with_their_slot_and_the_next(
    viewer: Caller, admin: Caller, responder: Caller, path: str, window: Window, hour: Hour
) -> None:
    admin.post(f"{path}/entries", window(responder, 0, 8), status=201)
    admin.post(f"{path}/entries", window(admin, 10, 12), status=201)
    assert responder.user is not None

    now = viewer.get(f"{path}/oncall")
    assert now["user"] == {"id": responder.user.id, "name": "Ravi", "email": "ravi@example.com"}
    assert now["slot"]["end_time"] == hour(8)
    assert now["next"]["user_name"] == "Ada"
    gap = viewer.get(f"{path}/oncall", at=hour(9))
    assert (gap["user"], gap["slot"], gap["next"]["start_time"]) == (None, None, hour(10))
    assert viewer.get(f"{path}/oncall", at=hour(1), as_of=hour(-1))["user"] is None


def test_who_is_up_everywhere_leaves_out_what_is_switched_off(
    viewer: Caller, admin: Caller, responder: Caller, path: str, window: Window
) -> None:
    admin.post(f"{path}/entries", window(responder, 0, 8), status=201)
    page = viewer.get("/oncall/current")
    assert [(each["schedule_name"], each["user"]["name"]) for each in page["items"]] == [("Duty", "Ravi")]
    admin.patch(path, {"is_active": False})
    assert viewer.get("/oncall/current")["items"] == []
    assert viewer.get(f"{path}/oncall")["user"] is None


def test_gaps_of_the_coming_days_are_named(
    admin: Caller, responder: Caller, path: str, window: Window, hour: Hour
) -> None:
    admin.post(f"{path}/entries", window(responder, 0, 8), status=201)
    admin.post(f"{path}/entries", window(responder, 9, 24 * 30), status=201)
    [gap] = admin.get(f"{path}/gaps", days=7)
    assert (gap["start_time"], gap["end_time"]) == (hour(8), hour(9))
    assert gap["reason"]
    admin.refused(422, "GET", f"{path}/gaps", days=0)


def test_deleting_a_window_voids_it_and_one_that_has_ended_is_409(
    admin: Caller, responder: Caller, path: str, window: Window, clock: FrozenClock
) -> None:
    entry = admin.post(f"{path}/entries", window(responder, 0, 1), status=201)
    later = admin.post(f"{path}/entries", window(responder, 2, 4), status=201)
    override = admin.post(f"{path}/overrides", window(responder, 0, 1), status=201)
    admin.delete(f"{path}/entries/{later['id']}")
    admin.refused(404, "DELETE", f"{path}/entries/{later['id']}")
    assert [each["id"] for each in admin.get(f"{path}/entries")["items"]] == [entry["id"]]
    clock.advance(hours=1)
    admin.refused(409, "DELETE", f"{path}/entries/{entry['id']}")
    admin.refused(409, "DELETE", f"{path}/overrides/{override['id']}")


def test_a_member_gives_away_only_their_own_window(
    admin: Caller, responder: Caller, viewer: Caller, path: str, window: Window
) -> None:
    admin.post(f"{path}/entries", window(responder, 0, 4), status=201)
    admin.post(f"{path}/entries", window(admin, 4, 8), status=201)
    responder.post(f"{path}/overrides", window(admin, 1, 2), status=201)
    responder.refused(403, "POST", f"{path}/overrides", window(responder, 5, 6))
    responder.refused(403, "POST", f"{path}/entries", window(responder, 9, 10))
    viewer.refused(403, "POST", f"{path}/overrides", window(viewer, 1, 2))


def test_wrong_windows_are_422_and_named(admin: Caller, path: str, hour: Hour) -> None:
    assert admin.user is not None
    good = {"user_id": admin.user.id, "start_time": hour(0), "end_time": hour(1)}
    for change, where in (
        ({"user_id": 99}, "user_id"), ({"end_time": hour(0)}, "end_time"), ({"start_time": "now"}, "start_time"),
        ({"start_time": "2026-03-02T09:00:00"}, "start_time"), ({"end_time": "9999-12-31T23:59:59Z"}, "end_time"),
    ):  # fmt: skip
        for kind in ("entries", "overrides"):
            problem = admin.refused(422, "POST", f"{path}/{kind}", {**good, **change})
            assert problem["errors"][0]["path"] == where


def test_a_schedule_in_use_cannot_be_deleted(admin: Caller, schedule: JSON, path: str) -> None:
    source = admin.post("/alert-sources", {"name": "prod", "schedule_id": schedule["id"]}, status=201)
    assert "prod" in admin.refused(409, "DELETE", path)["detail"]
    admin.patch(f"/alert-sources/{source['id']}", {"schedule_id": None})
    admin.delete(path)
    admin.refused(404, "GET", path)


def test_wrong_schedules_are_refused(admin: Caller, schedule: JSON) -> None:
    admin.refused(409, "POST", "/schedules", {"name": "Duty"})
    for change, where in (({"timezone": "Mars/Olympus"}, "timezone"), ({"name": ""}, "name"), ({"x": 1}, "x")):
        problem = admin.refused(422, "POST", "/schedules", {"name": "Other", **change})
        assert problem["errors"][0]["path"] == where


def test_what_is_missing_is_404_and_only_admins_write(
    admin: Caller, stranger: Caller, viewer: Caller, responder: Caller, path: str
) -> None:
    for missing in ("", "/slots", "/gaps", "/entries", "/overrides", "/oncall"):
        admin.refused(404, "GET", f"/schedules/99{missing}")
        stranger.refused(401, "GET", f"{path}{missing}")
    for caller in (viewer, responder):
        caller.refused(403, "POST", "/schedules", {"name": "x"})
        caller.refused(403, "PATCH", path, {"name": "x"})
        caller.refused(403, "DELETE", path)


def rotation(*members: Caller, **changes: object) -> JSON:
    """A weekly rotation from the test's Monday on."""
    ids = [member.user.id for member in members if member.user]
    return {"cadence": "weekly", "handoff_time": "09:00", "start_date": "2026-03-02", "member_ids": ids, **changes}


def test_a_rotation_is_made_shown_and_changed_from_a_moment_on(
    admin: Caller, responder: Caller, path: str, hour: Hour
) -> None:
    first = admin.patch(path, {"rotation": rotation(responder, admin, handoff_weekday="monday")})["rotation"]
    assert first == {
        **rotation(responder, admin, handoff_weekday=0),
        "version": 1,
        "effective_from": hour(0),
        "timezone": "UTC",
        "shift_length_hours": None,
        "skips_absent": False,
    }
    later = {"rotation": rotation(admin), "effective_from": hour(24)}
    changed = admin.patch(path, later)
    assert changed["rotation"] == first
    assert (changed["planned_rotation"]["version"], changed["planned_rotation"]["effective_from"]) == (2, hour(24))
    assert admin.get(path) == changed
    slots = admin.get(f"{path}/slots", from_=hour(0), to=hour(48))
    assert [(slot["user_name"], slot["source"]) for slot in slots] == [("Ravi", "rotation"), ("Ada", "rotation")]
    assert admin.get(f"{path}/gaps") == []
    assert admin.patch(path, {"rotation": None})["rotation"] is None
    assert admin.get(f"{path}/oncall")["user"] is None


def test_a_schedule_is_made_with_its_rotation_in_one_call(admin: Caller, responder: Caller) -> None:
    body = {"name": "Core", "timezone": "Europe/Berlin", "rotation": rotation(responder, start_date="2025-01-06")}
    made = admin.post("/schedules", body, status=201)
    found = admin.get(f"/schedules/{made['id']}/oncall", at="2026-03-30T06:59:59Z")
    # 09:00 in Berlin is an hour earlier since the clocks went forward the day before.
    assert (found["user"]["name"], found["slot"]["end_time"]) == ("Ravi", "2026-03-30T07:00:00Z")
    assert found["next"]["start_time"] == "2026-03-30T07:00:00Z"


def test_strange_rotations_are_422_with_their_field(admin: Caller, responder: Caller, path: str) -> None:
    for changes, field in (
        ({"cadence": "hourly"}, "rotation.cadence"),
        ({"handoff_time": "25:00"}, "rotation.handoff_time"),
        ({"handoff_time": 9}, "rotation.handoff_time"),
        ({"handoff_weekday": 8}, "rotation.handoff_weekday"),
        ({"handoff_weekday": "Mond"}, "rotation.handoff_weekday"),
        ({"start_date": "2026-02-30"}, "rotation.start_date"),
        ({"start_date": "9999-12-31"}, "rotation.start_date"),
        ({"member_ids": [10**9]}, "rotation.member_ids[0]"),
        ({"member_ids": ["everybody"]}, "rotation.member_ids[0]"),
        ({"cadence": "custom"}, "rotation.shift_length_hours"),
        ({"cadence": "custom", "shift_length_hours": 10**9}, "rotation.shift_length_hours"),
    ):
        refused = admin.refused(422, "PATCH", path, {"rotation": rotation(responder, **changes)})
        assert field in {error["path"] for error in refused["errors"]}, changes
    assert admin.get(path)["rotation"] is None


def test_the_person_on_call_hands_over_and_others_may_not(
    admin: Caller, responder: Caller, viewer: Caller, path: str, hour: Hour
) -> None:
    admin.patch(path, {"rotation": rotation(responder, admin)})
    assert admin.user is not None
    viewer.refused(403, "POST", f"{path}/handoff", {"to_user_id": admin.user.id})
    done = responder.post(f"{path}/handoff", {"to_user_id": admin.user.id, "at": hour(1)})
    assert (done["start_time"], done["end_time"]) == (hour(1), hour(7 * 24))
    assert [override["user_name"] for override in done["overrides"]] == ["Ada"]
    assert admin.get(f"{path}/oncall", at=hour(1))["user"]["name"] == "Ada"
    admin.refused(404, "POST", "/schedules/999/handoff", {"to_user_id": admin.user.id})


def test_a_swap_goes_from_asking_to_an_override(admin: Caller, responder: Caller, path: str, hour: Hour) -> None:
    admin.patch(path, {"rotation": rotation(responder, admin)})
    asked = responder.post(
        f"{path}/swaps", {"start_time": hour(24), "end_time": hour(48), "note": "Dentist"}, status=201
    )
    assert (asked["status"], asked["from_user_name"], asked["to_user_id"]) == ("open", "Ravi", None)
    assert admin.get(f"{path}/swaps", status="open")["items"] == [asked]
    responder.refused(403, "POST", f"{path}/swaps/{asked['id']}/accept")
    taken = admin.post(f"{path}/swaps/{asked['id']}/accept")
    assert taken["status"] == "accepted"
    assert admin.get(f"{path}/oncall", at=hour(24))["slot"]["is_override"] is True
    admin.refused(409, "POST", f"{path}/swaps/{asked['id']}/decline")
    admin.refused(404, "POST", f"{path}/swaps/999/accept")
    responder.refused(422, "POST", f"{path}/swaps", {"start_time": hour(2), "end_time": hour(1)})


def test_an_override_is_changed_in_place(
    admin: Caller, responder: Caller, path: str, window: Window, hour: Hour
) -> None:
    made = admin.post(f"{path}/overrides", window(responder, 0, 8), status=201)
    changed = admin.patch(f"{path}/overrides/{made['id']}", window(responder, 0, 4))
    assert changed["end_time"] == hour(4)
    assert admin.get(f"{path}/overrides")["total"] == 1
    assert admin.get(f"{path}/oncall", at=hour(5))["user"] is None
