"""The bridge: runs and the alerts that come of them are written in one transaction, so neither contradicts the other.

It goes by what stands, not by what changed: each run says again what its targets are. So a process that dies between
measuring and the commit leaves nothing half done, and the next run says what it would have said. A value that is still
bad is said again each time, as monitoring tools do; intake sees to it that this pages nobody twice.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from app.alerts import queries as alerts, sources
from app.alerts.types import Alert, AlertSource
from app.checks import kinds, queries, rules as judgement, service as checks
from app.checks.types import CheckRun, CheckStatus, Finding, NewCheckRun, Watch
from app.platform.db import Tx
from app.platform.failpoints import fp
from app.platform.logs import get_logger
from app.platform.runtime import Runtime
from app.platform.types import JsonObject
from app.usecases import intake, run_checks
from app.usecases.watch_host.rules import FLAPS_FOR, SAID, Sight, Verdict, decide, severity_of

PIPELINE = "local-monitor"
# The target that stands for the measuring itself; no path, host or program begins with a blank.
MEASURING = " measuring"

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Told:
    """What is said of one target of a run."""

    run: CheckRun
    finding: Finding
    verdict: Verdict
    entry: JsonObject


def record(
    tx: Tx, rt: Runtime, found: Sequence[NewCheckRun], *, trace_id: str, is_asked: bool, now: datetime
) -> list[CheckRun]:
    """Write down what was measured on this host with the alerts that come of it; `is_asked`: somebody ordered it."""
    runs = run_checks.record(tx, found, trace_id=trace_id)
    # Rows are locked in one order, whatever the order of the checks.
    before = {run.id: checks.note_run(tx, run, now=now) for run in sorted(runs, key=lambda run: run.checker_name)}
    source = sources.internal_source(tx, name=sources.CHECKS_SOURCE, pipeline=PIPELINE, now=now)
    if not source.is_active:
        return runs
    meant = {name for name, config in queries.configs(tx).items() if kinds.may_run(config)}
    if not (is_asked or source.leads_somewhere):
        # A new installation looks, and wakes nobody before somebody has said whom, or what for.
        meant &= queries.set_up(tx)
    standing = _Standing(tx, source, now)
    told = [each for run in runs for each in _told(rt, run, before[run.id], standing, meant, is_asked)]
    _post(tx, rt, source, [each.entry for each in told], trace_id=trace_id, now=now)
    _link(tx, source, runs, told)
    fp("checks.before_commit")
    return [queries.get_run(tx, run.id) for run in runs]


def retire(tx: Tx, rt: Runtime, hostname: str, *, trace_id: str, now: datetime) -> None:
    """End the alerts of what this host is not measured for any more."""
    source = sources.internal_source(tx, name=sources.CHECKS_SOURCE, pipeline=PIPELINE, now=now)
    entries = [_over(alert, now) for alert in retired(tx, source, hostname)]
    _post(tx, rt, source, entries, trace_id=trace_id, now=now)


def retired(tx: Tx, source: AlertSource | None, hostname: str) -> list[Alert]:
    """What fires on this host though its checker was switched off since, or has nothing left to look at."""
    if source is None or not source.is_active:
        return []
    gone = {name for name, config in queries.configs(tx).items() if not kinds.may_run(config)}
    firing = alerts.firing_of_source(tx, source.id) if gone else []
    return [each for each in firing if each.labels.get("hostname") == hostname and each.labels.get("checker") in gone]


class _Standing:
    """The alerts of the source that fire, and which of them came back a short time ago."""

    def __init__(self, tx: Tx, source: AlertSource, now: datetime) -> None:
        self.firing = {_key(alert): alert for alert in alerts.firing_of_source(tx, source.id)}
        self.returned = alerts.refired_since(tx, [alert.id for alert in self.firing.values()], now - FLAPS_FOR)

    def of(self, run: CheckRun) -> dict[str, Alert]:
        """Those of one checker on one host, by target."""
        mine = (run.hostname, run.checker_name)
        return {target: alert for (*whose, target), alert in self.firing.items() if tuple(whose) == mine}


def _told(
    rt: Runtime, run: CheckRun, before: Watch, standing: _Standing, meant: set[str], is_asked: bool
) -> Iterator[_Told]:
    checker = kinds.get_checker(run.checker_name)
    past = [CheckStatus(status) for status in before.recent]
    firing = standing.of(run)
    findings = kinds.findings_of(run)
    for finding in [*findings, *_measuring(run, past, before)]:
        stored = firing.pop(finding.target, None)
        # Whoever asks wants to know now; by cadence there is another look soon.
        runs = 1 if is_asked or finding.target == MEASURING else checker.confirm_runs
        sight = Sight(finding.status, judgement.lasting(finding.status, past, runs=runs))
        verdict = decide(
            sight, stored,
            has_returned=stored is not None and stored.id in standing.returned,
            is_meant=run.checker_name in meant, at=run.executed_at,
        )  # fmt: skip
        if verdict is not Verdict.WELL:
            log.info("check.verdict", checker=run.checker_name, target=finding.target, verdict=verdict.value)
        if verdict in SAID:
            yield _Told(run, finding, verdict, _entry(rt, run, finding, sight, stored, verdict))
    # What is left was a target before somebody changed what is looked at.
    firing.pop(MEASURING, None)
    for target, alert in firing.items() if run.metrics else ():
        gone = Finding(target, CheckStatus.OK, "", None)
        yield _Told(run, gone, Verdict.NOT_WATCHED, _over(alert, run.executed_at))


def _measuring(run: CheckRun, past: Sequence[CheckStatus], before: Watch) -> list[Finding]:
    """Not to see any more what turns bad is a problem of its own, where it could be measured before."""
    if run.status is not CheckStatus.UNKNOWN:
        return [Finding(MEASURING, CheckStatus.OK, "It can be measured again", None)]
    if before.known_at is None or not judgement.is_blind([*past, run.status]):
        return []
    message = f"Could not be measured {judgement.BLIND_RUNS} times in a row: {run.error or run.message}"
    return [Finding(MEASURING, CheckStatus.WARNING, message, None)]


def _entry(
    rt: Runtime, run: CheckRun, finding: Finding, sight: Sight, stored: Alert | None, verdict: Verdict
) -> JsonObject:
    label = kinds.get_checker(run.checker_name).label
    name = f"{label} on {run.hostname}"
    if finding.target == MEASURING:
        name = f"{label} cannot be measured on {run.hostname}"
    elif finding.target != run.checker_name:
        name = f"{name}: {finding.target}"
    at = run.executed_at.isoformat()
    state: JsonObject = {"status": "resolved", "ended_at": at}
    if verdict is Verdict.FIRES:
        state = {"status": "firing", "started_at": at, "severity": severity_of(sight, stored).value}
    return {
        "name": name,
        **state,
        "fingerprint": _identity(run.hostname, run.checker_name, finding.target),
        "description": finding.message,
        "labels": _labels(run, finding),
        "annotations": {
            "summary": finding.message,
            "dashboard_url": f"{rt.settings.pagerpal_base_url}/checks/{run.checker_name}",
        },
    }


def _labels(run: CheckRun, finding: Finding) -> JsonObject:
    value = run.value if finding.value is None else finding.value
    figures = {"value": value, "warning": run.warning_threshold, "critical": run.critical_threshold}
    shown = (
        {} if finding.target == MEASURING else {name: f"{each:g}" for name, each in figures.items() if each is not None}
    )
    return {"hostname": run.hostname, "checker": run.checker_name, "target": finding.target, **shown}


def _over(alert: Alert, at: datetime) -> JsonObject:
    hostname, checker, target = _key(alert)
    return {
        "name": alert.name,
        "status": "resolved",
        "ended_at": at.isoformat(),
        "fingerprint": _identity(hostname, checker, target),
        "description": "Not watched any more",
    }


def _identity(hostname: str, checker: str, target: str) -> str:
    return json.dumps([hostname, checker, target])


def _key(alert: Alert) -> tuple[str, str, str]:
    labels = alert.labels
    return labels.get("hostname", ""), labels.get("checker", ""), labels.get("target", "")


def _post(
    tx: Tx, rt: Runtime, source: AlertSource, entries: Sequence[JsonObject], *, trace_id: str, now: datetime
) -> None:
    if entries:
        intake.apply(tx, [intake.own_submission(rt, source, entries, by="checks", trace_id=trace_id, now=now)])


def _link(tx: Tx, source: AlertSource, runs: Sequence[CheckRun], told: Sequence[_Told]) -> None:
    """Each run that found something bad names the worst alert that came of it."""
    fired = [each for each in told if each.verdict is Verdict.FIRES]
    firing = {_key(alert): alert for alert in alerts.firing_of_source(tx, source.id)} if fired else {}
    for run in runs:
        mine = [firing.get((run.hostname, run.checker_name, each.finding.target)) for each in fired if each.run is run]
        worst = min((each for each in mine if each is not None), key=lambda alert: alert.severity.rank, default=None)
        if worst is not None:
            checks.link_alert(tx, run_id=run.id, alert_id=worst.id)
