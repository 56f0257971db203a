"""`/api/v1/stats`: what there was, whom it woke, and how quickly it was answered."""

from collections.abc import Callable

import pytest

from tests.support.clock import FrozenClock
from tests.web.api.conftest import JSON, Caller

Send = Callable[..., JSON]


def test_a_time_is_counted_by_severity_source_person_and_hour(
    admin: Caller, responder: Caller, viewer: Caller, source: JSON, send: Send, clock: FrozenClock
) -> None:
    assert admin.user is not None
    before = viewer.get("/stats")
    assert (before["incidents"], before["mtta_seconds"], before["pages_per_hour"]) == (0, None, [])

    first, second = send("Disk")["incident_ids"][0], send("Memory")["incident_ids"][0]
    send("Certificate", severity="info")
    clock.advance(seconds=60)
    responder.post(f"/incidents/{first}/ack", {})
    clock.advance(seconds=60)
    responder.post(f"/incidents/{second}/ack", {})
    responder.post(f"/incidents/{second}/resolve", {})
    clock.advance(seconds=1)

    told = viewer.get("/stats")
    assert (told["incidents"], told["mtta_seconds"], told["mttr_seconds"]) == (3, 90.0, 120.0)
    assert told["by_severity"] == {"critical": 2, "warning": 0, "info": 1}
    assert told["by_source"] == [{"source_id": source["id"], "name": "prod", "incidents": 3}]
    assert told["by_person"] == [{"user_id": admin.user.id, "name": admin.user.name, "pages": 3, "incidents": 3}]
    assert (told["pages"], told["pages_per_hour"]) == (3, [{"hour": "2026-03-02T09:00:00Z", "pages": 3}])


def test_only_what_began_in_the_time_is_counted(viewer: Caller, send: Send, hour: Callable[[float], str]) -> None:
    send("Disk")
    assert viewer.get("/stats", from_=hour(-1), to=hour(0))["incidents"] == 0
    assert viewer.get("/stats", from_=hour(0), to=hour(1))["incidents"] == 1


@pytest.mark.parametrize(("start", "end"), [(1, 0), (0, 0), (-24 * 93, 0)], ids=["backwards", "empty", "too-long"])
def test_a_time_that_cannot_be_counted_is_refused(
    viewer: Caller, hour: Callable[[float], str], start: float, end: float
) -> None:
    [error] = viewer.refused(422, "GET", "/stats", from_=hour(start), to=hour(end))["errors"]
    assert error["path"] == "from"


def test_a_stranger_sees_no_figures(stranger: Caller) -> None:
    stranger.refused(401, "GET", "/stats")
