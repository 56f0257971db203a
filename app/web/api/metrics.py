"""`/metrics` in Prometheus' text format: read off the database when asked, so that every process tells the same.

Format: Prometheus «Exposition formats», text version 0.0.4. What a process can only say of itself says so in its help.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime

from fastapi import Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from app import __version__
from app.checks import oversight as checks
from app.checks.rules import EXIT_STATUS
from app.escalation import running
from app.escalation.types import EscalationStatus
from app.incidents import queries as incidents
from app.jobs.health import counts_of, jobs_health
from app.notify import circuits, oversight as outbox, queries as notify
from app.pipeline import oversight as pipeline, queries as runs
from app.platform import pulse
from app.platform.db import Tx
from app.platform.lease import LEASE_SECONDS
from app.platform.runtime import Runtime
from app.platform.tally import Fact, Totals
from app.usecases import watch
from app.web.deps import NowDep, RuntimeDep

Samples = Iterable[tuple[tuple[str, ...], float]]


class _Reading(Collector):
    """Hands metrics that are already read to the text writer."""

    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._metrics = list(metrics)

    def collect(self) -> Iterator[Metric]:
        yield from self._metrics


def show(rt: RuntimeDep, now: NowDep, request: Request) -> Response:
    """How alerts come in and pages go out, what waits, and how the jobs, checks and pipelines are doing."""
    refused: Counter[int] = request.app.state.refused
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Reading([*_of_process(rt, refused), *rt.db.read(lambda tx: list(_stored(tx, rt, now)))]))
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)


def _of_process(rt: Runtime, refused: Counter[int]) -> Iterator[Metric]:
    yield _gauge("pagerpal_build_info", "The running version.", {("version",): [((__version__,), 1)]})
    yield _gauge("pagerpal_sending", "0 in safe mode.", rt.settings.notification_sending_enabled)
    yield _gauge("pagerpal_standby", "1 in a process that waits for another to let go of the database.", rt.db.standby)
    yield _counter(
        "pagerpal_deliveries_refused",
        "Webhook requests that this process answered with an error, by its status.",
        {("status",): [((str(status),), count) for status, count in sorted(refused.items())]},
    )
    yield _gauge(
        "pagerpal_writer_queue", "Deliveries and changes that wait to be committed in this process.", rt.writer.depth
    )
    yield _counter("pagerpal_writer_batches", "Transactions of this process' writer.", rt.writer.batches)
    yield _counter("pagerpal_writer_items", "Deliveries and changes in those transactions.", rt.writer.committed)


def _stored(tx: Tx, rt: Runtime, now: datetime) -> Iterator[Metric]:
    yield from _of_leases(tx, rt, now)
    yield from _of_paging(tx, now)
    yield from _of_pipelines(tx, now)
    yield from _of_jobs(tx, rt, now)
    yield from _of_checks(tx, now)
    for fact, totals in watch.totals(tx, now=now):
        yield _histogram(fact, totals) if fact.buckets else _counted(fact, totals)


def _of_leases(tx: Tx, rt: Runtime, now: datetime) -> Iterator[Metric]:
    lead = pulse.leadership(tx)
    held = lead is not None and lead.expires_at > now
    yield _gauge(
        "pagerpal_leader",
        "1 in the process that does the singleton work.",
        lead is not None and held and lead.owner == rt.owner,
    )
    yield _gauge("pagerpal_leader_present", "1 while any process does the singleton work.", held)
    if lead is not None:
        age = LEASE_SECONDS - (lead.expires_at - now).total_seconds()
        yield _gauge("pagerpal_leader_lease_age_seconds", "Since the leader renewed its lease.", max(0.0, age))
        yield _counter("pagerpal_leader_changes", "How often the lead has passed to another process.", lead.changes)
    last = pulse.last_beat(tx)
    if last is not None:
        yield _gauge("pagerpal_last_beat_age_seconds", "Since whoever pages said so.", (now - last).total_seconds())


def _of_paging(tx: Tx, now: datetime) -> Iterator[Metric]:
    yield _gauge("pagerpal_incidents", "Open incidents.", _by("status", incidents.count_by_status(tx).items()))
    yield _gauge(
        "pagerpal_notifications", "Messages that have yet to leave.", _by("status", outbox.count_unfinished(tx).items())
    )
    yield _gauge("pagerpal_outbox_due", "Messages that should have begun to leave.", outbox.count_due(tx, now=now))
    yield _gauge(
        "pagerpal_outbox_late_seconds", "How long the longest due message waits.", _late(notify.next_due_at(tx), now)
    )
    unreached = len(running.in_status(tx, EscalationStatus.UNREACHED))
    yield _gauge("pagerpal_incidents_unreached", "Open incidents for which nobody could be paged.", unreached)
    yield _gauge(
        "pagerpal_escalation_late_seconds",
        "How long the longest due escalation waits.",
        _late(running.next_due_at(tx), now),
    )
    broken = Counter(circuit.channel for circuit in circuits.not_closed(tx))
    yield _gauge(
        "pagerpal_providers_broken",
        "Providers that are left alone because they failed again and again.",
        _by("channel", broken.items()),
    )


def _of_pipelines(tx: Tx, now: datetime) -> Iterator[Metric]:
    yield _gauge(
        "pagerpal_pipeline_runs_open",
        "Pipeline runs that have not ended.",
        _by("status", pipeline.count_open(tx).items()),
    )
    yield _gauge(
        "pagerpal_pipeline_late_seconds",
        "How long the pipeline run waits that may go on and was due first.",
        _late(runs.next_due_at(tx), now),
    )


def _of_jobs(tx: Tx, rt: Runtime, now: datetime) -> Iterator[Metric]:
    jobs = jobs_health(tx, rt.settings, now=now)
    healthy = ((job.name, job.healthy) for job in jobs)
    yield _gauge("pagerpal_job_healthy", "1 while the job runs, or is switched off.", _by("name", healthy))
    lag = ((job.name, job.lag_ms / 1000) for job in jobs)
    yield _gauge("pagerpal_job_lag_seconds", "How late its last run began.", _by("name", lag))
    mine = counts_of(tx, rt.owner)
    runs_of_job = ((count.name, count.runs) for count in mine)
    yield _counter("pagerpal_job_runs", "How often it ran in this process.", _by("name", runs_of_job))
    errors = ((count.name, count.errors) for count in mine)
    yield _counter("pagerpal_job_errors", "How often it broke off in this process.", _by("name", errors))


def _of_checks(tx: Tx, now: datetime) -> Iterator[Metric]:
    last = checks.last_of_hosts(tx, now=now)
    status = [((run.checker_name, run.hostname), EXIT_STATUS[run.status]) for run in last]
    yield _gauge(
        "pagerpal_check_status",
        "What the last check found: 0 ok, 1 warning, 2 critical, 3 unknown.",
        {("checker", "host"): status},
    )
    age = [((run.checker_name, run.hostname), (now - run.executed_at).total_seconds()) for run in last]
    yield _gauge("pagerpal_check_age_seconds", "Since that check was made.", {("checker", "host"): age})
    values = [
        ((run.checker_name, run.hostname, name), float(value))
        for run in last
        for name, value in run.metrics.items()
        if isinstance(value, int | float)
    ]
    yield _gauge("pagerpal_check_value", "What it measured.", {("checker", "host", "metric"): values})


def _counted(fact: Fact, totals: Totals) -> Metric:
    return _counter(fact.name, fact.help, {tuple(fact.labels): [(key, total.amount) for key, total in totals.items()]})


def _histogram(fact: Fact, totals: Totals) -> Metric:
    family = HistogramMetricFamily(fact.name, fact.help, labels=list(fact.labels))
    for key, total in sorted(totals.items()):
        buckets = [(str(bound), float(count)) for bound, count in zip(fact.buckets, total.buckets, strict=True)]
        family.add_metric(key, [*buckets, ("+Inf", float(total.count))], sum_value=total.amount)
    return family


def _late(due_at: datetime | None, now: datetime) -> float:
    return 0.0 if due_at is None else max(0.0, (now - due_at).total_seconds())


def _by(label: str, values: Iterable[tuple[str, float]]) -> dict[tuple[str, ...], Samples]:
    return {(label,): [((str(key),), value) for key, value in values]}


def _gauge(name: str, help_text: str, value: float | dict[tuple[str, ...], Samples]) -> Metric:
    return _filled(GaugeMetricFamily, name, help_text, value)


def _counter(name: str, help_text: str, value: float | dict[tuple[str, ...], Samples]) -> Metric:
    """`name` without the `_total` that the text adds."""
    return _filled(CounterMetricFamily, name, help_text, value)


def _filled(
    kind: type[GaugeMetricFamily] | type[CounterMetricFamily],
    name: str,
    help_text: str,
    value: float | dict[tuple[str, ...], Samples],
) -> Metric:
    [(labels, samples)] = value.items() if isinstance(value, dict) else [((), [((), value)])]
    family = kind(name, help_text, labels=labels)
    for key, amount in samples:
        family.add_metric(key, float(amount))
    return family
