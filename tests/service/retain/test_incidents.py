"""What has long been over goes whole, what is open stays whole, and nothing in between is lost."""

import pytest

from app.alarms.models import AlarmEventRow, AlarmRow
from app.alerts.models import AlertHistoryRow, AlertRow, IncidentAlertRow
from app.alerts.service import lock_intake
from app.alerts.types import AlertStatus
from app.incidents.models import IncidentRow
from app.incidents.types import SYSTEM
from app.notify.models import AttemptRow, InboundMessageRow, NotificationRow
from app.notify.types import NotificationStatus
from app.platform import failpoints
from app.platform.bus import Bus
from app.platform.db import Db, Tx
from app.platform.failpoints import FailpointRaised
from app.platform.tables import Base
from app.usecases import answer
from app.usecases.retain.sweep import ROWS_AT_ONCE
from tests.service.retain.conftest import Appliance

# Who names an incident is removed with it, or names it no more: a new table has to be thought of in `retain`.
NAMING = {
    "alarm_events", "alerts", "analysis_runs", "channel_threads", "check_runs", "escalations", "inbound_messages",
    "incident_alerts", "incident_responders", "incident_timeline", "notifications", "pipeline_runs",
}  # fmt: skip


def test_every_table_that_names_an_incident_is_thought_of() -> None:
    naming = {
        table.name
        for table in Base.metadata.sorted_tables
        if any(key.column.table.name == "incidents" for key in table.foreign_keys)
    }
    assert naming == NAMING


def test_an_old_incident_goes_with_all_that_hangs_on_it_and_an_open_one_of_the_same_age_stays(
    appliance: Appliance,
) -> None:
    over, still_open = appliance.incident("Disk full", "Disk slow", group="a"), appliance.incident("Queue full")
    for incident_id in (over, still_open):
        appliance.hang_everything_on(incident_id)
    appliance.resolve(over)
    before, others = appliance.hanging_on(over), appliance.hanging_on(still_open)
    assert [name for name in NAMING - {"alarm_events", "incident_responders"} if not before[name]] == []

    appliance.clock.advance(days=399)
    appliance.sweep()
    assert appliance.hanging_on(over) == before

    appliance.clock.advance(days=2)
    appliance.incident("Another")
    assert appliance.sweep() is None
    assert {name: rows for name, rows in appliance.hanging_on(over).items() if rows} == {}
    assert appliance.hanging_on(still_open) == others
    assert [row["name"] for row in appliance.rows(AlertRow)] == ["Queue full", "Another"]
    ids = {row["id"] for row in before["alerts"]}
    assert [row for row in appliance.rows(AlertHistoryRow) if row["alert_id"] in ids] == []
    tries = {row["notification_id"] for row in appliance.rows(AttemptRow)}
    assert tries <= {row["id"] for row in others["notifications"]}


def test_an_incident_that_was_reopened_or_closed_counts_anew(appliance: Appliance) -> None:
    reopened, closed = appliance.incident("Disk full"), appliance.incident("Queue full")
    appliance.incident("Another")
    appliance.resolve(reopened)
    appliance.resolve(closed)
    appliance.clock.advance(days=300)
    appliance.reopen(reopened)
    appliance.clock.advance(days=1)
    appliance.resolve(reopened)
    answer.close(appliance.rt, incident_id=closed, actor=SYSTEM, now=appliance.now)

    appliance.clock.advance(days=399)
    appliance.sweep()
    assert (appliance.count(IncidentRow, id=reopened), appliance.count(IncidentRow, id=closed)) == (1, 1)
    appliance.clock.advance(days=2)
    appliance.sweep()
    assert (appliance.count(IncidentRow, id=reopened), appliance.count(IncidentRow, id=closed)) == (0, 0)


def test_what_somebody_works_on_today_stays(appliance: Appliance) -> None:
    looked_at, left = appliance.incident("Disk full"), appliance.incident("Queue full")
    appliance.incident("Another")
    appliance.resolve(looked_at)
    appliance.resolve(left)
    appliance.clock.advance(days=401)
    appliance.check(incident_id=looked_at)
    appliance.sweep()
    assert (appliance.count(IncidentRow, id=looked_at), appliance.count(IncidentRow, id=left)) == (1, 0)
    appliance.clock.advance(days=2)
    appliance.check()
    appliance.sweep()
    assert appliance.count(IncidentRow, id=looked_at) == 0


def test_an_alert_of_a_younger_incident_stays_with_that_part_of_its_history(appliance: Appliance) -> None:
    first = appliance.incident("Disk full")
    appliance.deliver("Disk full", group="Disk full", status="resolved")
    appliance.clock.advance(days=300)
    second = appliance.incident("Disk full")
    appliance.incident("Another")
    assert second != first
    appliance.deliver("Disk full", group="Disk full", status="resolved")
    [alert] = appliance.rows(AlertRow, name="Disk full")
    counts = appliance.rows(IncidentRow, id=second)

    appliance.clock.advance(days=101)
    appliance.sweep()
    assert appliance.count(IncidentRow, id=first) == 0
    assert appliance.rows(AlertRow, name="Disk full") == [alert]
    assert [row["event"] for row in appliance.rows(AlertHistoryRow, alert_id=alert["id"])] == ["refired", "resolved"]
    assert [row["incident_id"] for row in appliance.rows(IncidentAlertRow, alert_id=alert["id"])] == [second]
    assert appliance.rows(IncidentRow, id=second) == counts

    appliance.clock.advance(days=300)
    appliance.sweep()
    assert appliance.count(AlertRow, name="Disk full") == 0


def test_a_recovery_of_today_is_kept_so_that_a_late_copy_of_the_firing_pages_nobody(appliance: Appliance) -> None:
    began = appliance.now
    over = appliance.incident("Disk full")
    appliance.resolve(over)
    appliance.incident("Another")
    appliance.clock.advance(days=401)
    appliance.deliver("Disk full", group="Disk full", status="resolved")
    appliance.sweep()
    incidents = appliance.count(IncidentRow)
    appliance.deliver("Disk full", group="Disk full", started_at=began)
    assert appliance.count(IncidentRow) == incidents


def test_an_alert_that_is_still_heard_of_stays_without_its_incident_and_pages_anew(appliance: Appliance) -> None:
    over = appliance.incident("Disk full")
    appliance.deliver("Disk full", group="Disk full", status="resolved")
    appliance.incident("Another")
    appliance.clock.advance(days=401)
    appliance.deliver("Disk full", group="Disk full", status="resolved")
    appliance.sweep()
    assert appliance.count(IncidentRow, id=over) == 0
    [alert] = appliance.rows(AlertRow, name="Disk full")
    assert (alert["status"], alert["incident_id"]) == (AlertStatus.RESOLVED, None)
    assert appliance.deliver("Disk full", group="Disk full") > over


def test_a_message_that_also_speaks_of_a_younger_incident_stays_as_long_as_that(appliance: Appliance) -> None:
    over, younger = appliance.incident("Disk full"), appliance.incident("Queue full")
    appliance.incident("Another")
    said_in = appliance.message(incident_id=over)
    said = appliance.message(incident_id=younger, status=NotificationStatus.BUNDLED, bundle_id=said_in)
    appliance.resolve(over)
    appliance.clock.advance(days=401)
    appliance.resolve(younger)
    appliance.message(incident_id=younger)
    appliance.sweep()
    assert appliance.count(IncidentRow, id=over) == 0
    [kept] = appliance.rows(NotificationRow, id=said_in)
    assert kept["incident_id"] is None

    appliance.clock.advance(days=401)
    appliance.message()
    appliance.sweep()
    appliance.sweep()
    assert (appliance.count(NotificationRow, id=said), appliance.count(NotificationRow, id=said_in)) == (0, 0)


def test_what_a_vendor_delivered_is_known_again_though_its_incident_has_gone(appliance: Appliance) -> None:
    over = appliance.incident("Disk full")
    appliance.incident("Another")
    appliance.resolve(over)
    appliance.clock.advance(days=400)
    appliance.add(
        InboundMessageRow, vendor="twilio", vendor_id="SM1", kind="sms", incident_id=over, received_at=appliance.now
    )
    appliance.clock.advance(days=1)
    appliance.sweep()
    assert appliance.count(IncidentRow, id=over) == 0
    assert [row["incident_id"] for row in appliance.rows(InboundMessageRow)] == [None]


def test_an_alarm_that_lasts_outlives_the_incident_it_opened(appliance: Appliance) -> None:
    over = appliance.incident("Disk full")
    appliance.incident("Another")
    appliance.resolve(over)
    alarm_id = appliance.rows(AlarmRow)[0]["id"]
    event = {
        "alarm_id": alarm_id, "subject": "s", "content": "c", "severity": "warning", "fire_time": appliance.now,
        "last_seen": appliance.now,
    }  # fmt: skip
    appliance.add_event(**event, id="1", dedupe_key="lasts", incident_id=over)
    appliance.add_event(**event, id="2", dedupe_key="cleared", incident_id=over, clear_time=appliance.now)
    appliance.clock.advance(days=401)
    appliance.sweep()
    appliance.sweep()
    assert appliance.count(IncidentRow, id=over) == 0
    assert [(row["dedupe_key"], row["incident_id"]) for row in appliance.rows(AlarmEventRow)] == [("lasts", None)]


def test_a_large_incident_goes_in_bounded_transactions_over_several_passes(appliance: Appliance) -> None:
    names = [f"disk {number}" for number in range(2 * ROWS_AT_ONCE)]
    over = appliance.incident(*names, group="storm")
    appliance.incident("Another")
    appliance.resolve(over)
    appliance.clock.advance(days=401)
    with appliance.counted_per_transaction() as sizes:
        appliance.sweep()
    assert appliance.count(IncidentRow, id=over) == 0
    assert max(sizes) <= ROWS_AT_ONCE
    assert sum(sizes) > 6 * ROWS_AT_ONCE
    assert [row["name"] for row in appliance.rows(AlertRow)] == ["Another"]


def test_an_incident_that_is_reopened_half_way_has_right_counters(appliance: Appliance) -> None:
    names = [f"disk {number}" for number in range(2 * ROWS_AT_ONCE)]
    over = appliance.incident(*names, group="storm")
    appliance.incident("Another")
    appliance.resolve(over)
    appliance.clock.advance(days=401)
    appliance.settle()
    appliance.batches("incidents", until=lambda: appliance.count(AlertRow) < len(names))
    appliance.reopen(over)
    appliance.batches("incidents")
    [incident] = appliance.rows(IncidentRow, id=over)
    left = appliance.count(AlertRow, incident_id=over)
    assert 0 < left < len(names)
    assert (incident["alert_count"], incident["firing_alert_count"]) == (left, left)


def test_retention_does_not_wait_for_intake_while_it_holds_an_incident(appliance: Appliance) -> None:
    over = appliance.incident("Disk full")
    appliance.hang_everything_on(over)
    appliance.resolve(over)
    appliance.incident("Another")
    appliance.clock.advance(days=401)
    appliance.settle()

    def while_intake_goes_on(tx: Tx) -> None:
        lock_intake(tx)
        appliance.batches("incidents", until=lambda: not appliance.hanging_on(over)["notifications"])

    if appliance.rt.db.dialect == "postgresql":
        other = Db(appliance.rt.settings.database_url, bus=Bus(), inline=True)
        other.write(while_intake_goes_on)
        other.dispose()
        assert appliance.hanging_on(over)["alerts"]
    appliance.batches("incidents")
    assert appliance.count(IncidentRow, id=over) == 0


@pytest.mark.parametrize("place", ["retention.before_commit", "retention.after_batch"])
def test_a_crash_in_between_loses_nothing_and_the_next_pass_goes_on(appliance: Appliance, place: str) -> None:
    over, still_open = appliance.incident("Disk full"), appliance.incident("Queue full")
    for incident_id in (over, still_open):
        appliance.hang_everything_on(incident_id)
    appliance.resolve(over)
    others = appliance.hanging_on(still_open)
    appliance.clock.advance(days=401)
    appliance.incident("Another")
    failpoints.arm(appliance.rt.settings.model_copy(update={"pagerpal_failpoints": f"{place}=raise"}))
    try:
        with pytest.raises(FailpointRaised):
            appliance.sweep()
    finally:
        failpoints.disarm()
    assert appliance.hanging_on(still_open) == others
    appliance.sweep()
    assert {name: rows for name, rows in appliance.hanging_on(over).items() if rows} == {}
    assert appliance.hanging_on(still_open) == others


def test_a_number_is_never_given_again(appliance: Appliance) -> None:
    over = appliance.incident("Disk full")
    appliance.hang_everything_on(over)
    appliance.resolve(over)
    highest = {
        model: max(row["id"] for row in appliance.rows(model)) for model in (IncidentRow, AlertRow, NotificationRow)
    }
    appliance.clock.advance(days=401)
    appliance.sweep()
    appliance.incident("Another")
    for model, number in highest.items():
        assert max(row["id"] for row in appliance.rows(model)) > number


def test_the_newest_message_lets_its_incident_go(appliance: Appliance) -> None:
    over = appliance.incident("Disk full")
    younger = appliance.incident("Queue full")
    appliance.message(incident_id=over)
    appliance.resolve(over)
    appliance.resolve(younger)
    appliance.clock.advance(days=401)
    appliance.sweep()
    assert [row["id"] for row in appliance.rows(IncidentRow)] == [younger]
