"""Quiet hours over the API: one's own, and anybody's for admins."""

import pytest

from tests.web.api.conftest import JSON, Caller

NIGHT = {"quiet_from": "22:00", "quiet_to": "07:00", "digest_at": "08:30"}


def quiet_hours(answered: JSON) -> JSON:
    return {name: answered[name] for name in NIGHT}


def test_own_quiet_hours_are_set_and_taken_away(responder: Caller) -> None:
    assert quiet_hours(responder.get("/me")) == dict.fromkeys(NIGHT)
    assert quiet_hours(responder.patch("/me", NIGHT)) == NIGHT
    assert quiet_hours(responder.patch("/me", {"digest_at": None})) == {**NIGHT, "digest_at": None}
    assert quiet_hours(responder.patch("/me", {"quiet_from": None, "quiet_to": None})) == dict.fromkeys(NIGHT)


def test_admin_sets_those_of_others_and_of_somebody_new(admin: Caller, responder: Caller) -> None:
    assert responder.user is not None
    path = f"/users/{responder.user.id}"
    assert quiet_hours(admin.patch(path, NIGHT)) == NIGHT
    assert quiet_hours(responder.get("/me")) == NIGHT
    made = admin.post("/users", {"email": "lin@example.com", "name": "Lin", **NIGHT}, status=201)
    assert quiet_hours(made) == NIGHT
    responder.refused(403, "PATCH", path, NIGHT)


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"quiet_from": "22:00"}, "quiet_to"),
        ({"quiet_from": "ten", "quiet_to": "07:00"}, "quiet_from"),
        ({**NIGHT, "digest_at": "03:00"}, "digest_at"),
    ],
)
def test_wrong_quiet_hours_are_refused_by_field(responder: Caller, body: JSON, path: str) -> None:
    problem = responder.refused(422, "PATCH", "/me", body)
    assert [each["path"] for each in problem["errors"]] == [path]
