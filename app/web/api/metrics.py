"""`/metrics` in Prometheus' text format: read off the database when asked, so that every process tells the same.

Format: Prometheus «Exposition formats», text version 0.0.4.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime

from fastapi import Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from app import __version__
from app.alerts import oversight as alerts
from app.escalation import running
from app.escalation.types import EscalationStatus
from app.incidents import queries as incidents
from app.jobs.health import jobs_health
from app.notify import oversight as outbox, queries as notify
from app.platform import pulse
from app.platform.db import Tx
from app.platform.runtime import Runtime
from app.web.deps import NowDep, RuntimeDep


class _Reading(Collector):
    """Hands metrics that are already read to the text writer."""

    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._metrics = list(metrics)

    def collect(self) -> Iterator[Metric]:
        yield from self._metrics


def show(rt: RuntimeDep, now: NowDep) -> Response:
    """Incidents, the outbox, lateness and the jobs, as of now."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(
        _Reading(rt.db.read(lambda tx: [*_of_process(tx, rt, now), *_of_paging(tx, now), *_of_jobs(tx, rt, now)]))
    )
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)


def _of_process(tx: Tx, rt: Runtime, now: datetime) -> Iterator[Metric]:
    build = GaugeMetricFamily("pagerpal_build_info", "The running version.", labels=["version"])
    build.add_metric([__version__], 1)
    yield build
    yield _gauge(
        "pagerpal_leader", "1 in the process that does the singleton work.", pulse.leader_of(tx, now=now) == rt.owner
    )
    yield _gauge("pagerpal_sending", "0 in safe mode.", rt.settings.notification_sending_enabled)
    yield _gauge("pagerpal_writer_queue", "Deliveries and changes that wait to be committed.", rt.writer.depth)
    last = pulse.last_beat(tx)
    if last is not None:
        yield _gauge("pagerpal_last_beat_age_seconds", "Since whoever pages said so.", (now - last).total_seconds())


def _of_paging(tx: Tx, now: datetime) -> Iterator[Metric]:
    received = CounterMetricFamily("pagerpal_deliveries", "Webhook requests stored.")
    received.add_metric([], alerts.deliveries_received(tx))
    yield received
    yield _labelled("pagerpal_incidents", "Open incidents.", "status", incidents.count_by_status(tx).items())
    yield _labelled("pagerpal_notifications", "Messages kept.", "status", outbox.count_by_status(tx).items())
    unreached = len(running.in_status(tx, EscalationStatus.UNREACHED))
    yield _gauge("pagerpal_incidents_unreached", "Open incidents for which nobody could be paged.", unreached)
    yield _gauge(
        "pagerpal_outbox_late_seconds", "How long the longest due message waits.", _late(notify.next_due_at(tx), now)
    )
    yield _gauge(
        "pagerpal_escalation_late_seconds",
        "How long the longest due escalation waits.",
        _late(running.next_due_at(tx), now),
    )


def _of_jobs(tx: Tx, rt: Runtime, now: datetime) -> Iterator[Metric]:
    jobs = jobs_health(tx, rt.settings, now=now)
    yield _labelled(
        "pagerpal_job_healthy",
        "1 while the job runs, or is switched off.",
        "job",
        ((job.name, job.healthy) for job in jobs),
    )
    yield _labelled(
        "pagerpal_job_lag_ms", "How late its last run began.", "job", ((job.name, job.lag_ms) for job in jobs)
    )


def _late(due_at: datetime | None, now: datetime) -> float:
    return 0.0 if due_at is None else max(0.0, (now - due_at).total_seconds())


def _gauge(name: str, help_text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, help_text, value=float(value))


def _labelled(name: str, help_text: str, label: str, values: Iterable[tuple[str, float]]) -> Metric:
    family = GaugeMetricFamily(name, help_text, labels=[label])
    for key, value in values:
        family.add_metric([str(key)], float(value))
    return family
