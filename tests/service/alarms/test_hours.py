"""Events by the hour, for the charts: every alarm in one look, on both databases."""

from datetime import timedelta

from app.alarms import queries
from tests.service.alarms.conftest import Watch


def test_events_are_counted_in_the_hour_in_which_they_fired(watch: Watch) -> None:
    probe = watch.alarm
    watch.ticks("a", "b")
    watch.ticks("c", minutes=60)
    watch.makes("other")
    watch.ticks("a", minutes=0)

    counted = watch.rt.db.read(lambda tx: queries.events_per_hour(tx, days=1, now=watch.now))
    hour = watch.now.replace(minute=0, second=0, microsecond=0)
    assert set(counted) == {probe.id, watch.alarm.id}
    assert [counted[probe.id][0][0], len(counted[probe.id])] == [hour - timedelta(hours=23), 24]
    assert [count for _, count in counted[probe.id][-3:]] == [0, 2, 1]
    assert [count for _, count in counted[watch.alarm.id] if count] == [1]
