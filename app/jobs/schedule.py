"""The table of jobs: everything that happens by itself, on one page."""

from app.jobs import (
    absence_calendars,
    alarm_tick,
    duty_watch,
    escalation,
    heartbeat_out,
    lead,
    local_checks,
    notification_retry,
    oncall_watch,
    pipeline_sweep,
    retention,
    subscriptions,
    tally,
)
from app.jobs._guard import Job
from app.platform.lease import RENEW_SECONDS
from app.usecases.watch import TALLY_SECONDS

JOBS: tuple[Job, ...] = (
    Job("lead", lead.tick, RENEW_SECONDS, leader_only=False),
    # First sends go even with the retry worker off (B46), so the switch is looked at inside.
    Job("notification_retry", notification_retry.tick, 1.0, wakes=frozenset({"deliver"}), leader_only=False),
    Job("escalation", escalation.tick, 1.0, "escalation_worker_enabled", frozenset({"climb"})),
    Job("pipeline_sweep", pipeline_sweep.tick, 1.0, "pipeline_worker_enabled", frozenset({"pipeline"}), False),
    # In every process: each host is measured, once.
    Job("local_checks", local_checks.tick, 15.0, "checks_worker_enabled", frozenset({"checks"}), leader_only=False),
    # Its own boundaries wake it; the commits that change an alarm need not.
    Job("alarm_tick", alarm_tick.tick, 60.0, "alarm_worker_enabled"),
    Job("oncall_watch", oncall_watch.tick, 15.0, "oncall_watch_worker_enabled"),
    Job("duty_watch", duty_watch.tick, 15.0, "oncall_watch_worker_enabled", frozenset({"duty"})),
    Job("absence_calendars", absence_calendars.tick, 60.0),
    Job("subscriptions", subscriptions.tick, 15.0, wakes=frozenset({"subscriptions"})),
    Job("heartbeat_out", heartbeat_out.tick, 60.0),
    Job("tally", tally.tick, TALLY_SECONDS),
    Job("retention", retention.tick, 3600.0, "retention_worker_enabled"),
)
