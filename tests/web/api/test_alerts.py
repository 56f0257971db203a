"""`/api/v1/alerts`: what the tools have said, and every change of it."""

from collections.abc import Callable

from tests.web.api.conftest import JSON, Caller

FIELDS = {
    "id", "source_id", "driver", "fingerprint", "name", "status", "severity", "description", "labels", "annotations",
    "started_at", "ended_at", "received_at", "updated_at", "incident_id", "occurrences", "acknowledged_upstream",
}  # fmt: skip


def names(page: JSON) -> list[str]:
    """The names on a page."""
    return [alert["name"] for alert in page["items"]]


def test_an_alert_has_its_fields_and_times_in_utc(viewer: Caller, send: Callable[..., JSON], source: JSON) -> None:
    incident_id = send("Disk")["incident_ids"][0]
    [alert] = viewer.get("/alerts")["items"]
    assert alert.keys() >= FIELDS
    assert alert == viewer.get(f"/alerts/{alert['id']}")
    assert (alert["source_id"], alert["incident_id"], alert["occurrences"]) == (source["id"], incident_id, 1)
    assert alert["received_at"] == "2026-03-02T09:00:00Z"
    assert alert["ended_at"] is None


def test_the_list_is_narrowed_by_each_filter(viewer: Caller, send: Callable[..., JSON], source: JSON) -> None:
    send("Disk full", severity="critical")
    send("Slow checkout", severity="warning")
    send("Disk full", status="resolved")

    assert sorted(names(viewer.get("/alerts"))) == ["Disk full", "Slow checkout"]
    assert names(viewer.get("/alerts", status="resolved")) == ["Disk full"]
    assert names(viewer.get("/alerts", severity="warning")) == ["Slow checkout"]
    assert names(viewer.get("/alerts", q="disk")) == ["Disk full"]
    assert names(viewer.get("/alerts", q="100%")) == []
    assert names(viewer.get("/alerts", source_id=99)) == []
    assert len(names(viewer.get("/alerts", source_id=source["id"]))) == 2
    for query in ({"status": "sleeping"}, {"severity": "awful"}, {"source_id": "x"}, {"source_id": 2**70}):
        assert viewer.refused(422, "GET", "/alerts", **query)["errors"][0]["path"] == next(iter(query))


def test_a_list_says_how_many_pages_there_are(viewer: Caller, send: Callable[..., JSON]) -> None:
    for number in range(5):
        send(f"alert {number}")
    page = viewer.get("/alerts", page=2, page_size=2)
    assert (page["total"], page["page"], page["page_size"], page["total_pages"]) == (5, 2, 2, 3)
    assert len(page["items"]) == 2
    assert viewer.get("/alerts", page=9)["items"] == []
    for query in ({"page": 0}, {"page_size": 0}, {"page_size": 201}, {"page": "x"}):
        viewer.refused(422, "GET", "/alerts", **query)


def test_every_change_is_in_the_history_newest_first(viewer: Caller, send: Callable[..., JSON]) -> None:
    send("Disk")
    send("Disk")
    send("Disk", status="resolved")
    [alert] = viewer.get("/alerts")["items"]
    page = viewer.get(f"/alerts/{alert['id']}/history")
    assert [each["event"] for each in page["items"]] == ["resolved", "created"]
    assert page["items"][0]["old_status"] == "firing"
    assert page["items"][0]["new_status"] == "resolved"


def test_what_is_not_there_is_404_and_a_stranger_gets_401(viewer: Caller, stranger: Caller) -> None:
    viewer.refused(404, "GET", "/alerts/99")
    viewer.refused(404, "GET", "/alerts/99/history")
    viewer.refused(422, "GET", "/alerts/zero")
    stranger.refused(401, "GET", "/alerts")
