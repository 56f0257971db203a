"""The pages of checks as values: each checker on one host with its last run, its day as a line, and its history."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.alerts import queries as alerts
from app.alerts.sources import CHECKS_SOURCE
from app.checks import kinds, queries
from app.checks.checkers._base import Checker
from app.checks.queries import CheckRunFilter
from app.checks.types import Bucket, CheckConfig, CheckRun, CheckStatus, Finding
from app.platform.db import Tx
from app.platform.host import hostname
from app.platform.types import PageQuery
from app.web.ui.forms import Form
from app.web.ui.views.check_forms import fields_of, form_of
from app.web.ui.views.choices import Option
from app.web.ui.words import duration

DAY = timedelta(days=1)
BUCKET_SECONDS = 600
# A host of which nothing was heard for so long is left out.
HOSTS_FOR = timedelta(days=7)
SYSTEMS = {"darwin": "macOS", "linux": "Linux"}
HISTORY = 20
WIDTH, HEIGHT = 288, 40
HEADROOM = 1.1
STATUSES: list[Option] = [("", "Any status"), *((each.value, each.value) for each in CheckStatus)]


@dataclass(frozen=True, slots=True)
class Line:
    """A day drawn by the server: the line and its last point as SVG paths, the thresholds, and the same in words."""

    path: str
    last: str
    warning_y: float | None
    critical_y: float | None
    said: str


@dataclass(frozen=True, slots=True)
class CheckView:
    """One checker on one host."""

    name: str
    checker: Checker
    config: CheckConfig
    run: CheckRun | None
    value: str
    limits: str
    cadence: str
    line: Line | None


def check_list(tx: Tx, query: Form, now: datetime) -> dict[str, object]:
    """Every checker on the host that is asked for, first those that mean anything here."""
    hosts = _hosts(tx, now)
    host = query.value("host") if query.value("host") in hosts else hosts[0]
    runs, days = queries.last_runs(tx, host), _days(tx, host, now)
    views = [_view(config, runs.get(name), days.get(name, []), now) for name, config in queries.configs(tx).items()]
    source = alerts.find_internal_source(tx, CHECKS_SOURCE)
    return {
        "checks": sorted(views, key=lambda view: not kinds.applies_here(view.checker)),
        "host": host,
        "hosts": [(each, each) for each in hosts],
        "source": source,
        "is_quiet": source is not None and (not source.leads_somewhere or not source.is_active),
    }


def check_page(tx: Tx, name: str, query: Form, page: PageQuery, form: Form | None, now: datetime) -> dict[str, object]:
    """One checker: its last run on each host, its set-up, its history. Raises CheckerMissing."""
    checker, config = kinds.get_checker(name), queries.get_config(tx, name)
    hosts = _hosts(tx, now)
    host = query.value("host")
    status = query.value("status")
    filters = CheckRunFilter(
        checker_name=name, hostname=host or None, status=CheckStatus(status) if status in list(CheckStatus) else None
    )
    views = [_view(config, queries.last_runs(tx, each).get(name), _days(tx, each, now, name).get(name, []), now)
             for each in hosts]  # fmt: skip
    return {
        "name": name,
        "checker": checker,
        "config": config,
        "applies_here": kinds.applies_here(checker),
        "own": kinds.defaults_of(name),
        "fields": fields_of(checker),
        "form": form or form_of(checker, config),
        "views": list(zip(hosts, views, strict=True)),
        "findings": {each: _findings(view.run) for each, view in zip(hosts, views, strict=True)},
        "page": queries.list_runs(tx, filters, PageQuery(page.page, HISTORY)),
        "filter": query,
        "hosts": [("", "Every host"), *((each, each) for each in hosts)],
        "statuses": STATUSES,
        "is_filtered": bool(filters.hostname or filters.status),
        "value_of": lambda run: figure(checker, run.value),
    }


def figure(checker: Checker, value: float | None) -> str:
    """A value with its unit."""
    return "" if value is None else f"{value:g} {checker.unit}"


def _hosts(tx: Tx, now: datetime) -> list[str]:
    here = hostname()
    return [here, *(each for each in queries.hosts_since(tx, now - HOSTS_FOR) if each != here)]


def _days(tx: Tx, host: str, now: datetime, checker: str | None = None) -> dict[str, list[Bucket]]:
    return queries.buckets_of(tx, host, since=now - DAY, seconds=BUCKET_SECONDS, checker=checker)


def _view(config: CheckConfig, run: CheckRun | None, day: Sequence[Bucket], now: datetime) -> CheckView:
    checker = kinds.get_checker(config.checker)
    side = "below" if checker.is_inverted else "from"
    limits = (
        f"warning {side} {config.warning_threshold:g}, critical {side} {config.critical_threshold:g} {checker.unit}"
    )
    return CheckView(
        name=config.checker,
        checker=checker,
        config=config,
        run=run,
        value=figure(checker, run.value) if run else "",
        limits=limits,
        cadence=_cadence(config, checker),
        line=_line(config, checker, day, now),
    )


def _cadence(config: CheckConfig, checker: Checker) -> str:
    if not kinds.applies_here(checker):
        return f"only on {', '.join(SYSTEMS.get(each, each) for each in checker.platforms)}"
    if not config.enabled:
        return "switched off"
    if not kinds.may_run(config):
        return "nothing named yet"
    if not config.cadence_seconds:
        return "only when asked"
    return f"every {duration(config.cadence_seconds)}"


def _findings(run: CheckRun | None) -> list[Finding]:
    found = kinds.findings_of(run) if run else []
    return [each for each in found if run is not None and each.target != run.checker_name]


def _line(config: CheckConfig, checker: Checker, day: Sequence[Bucket], now: datetime) -> Line | None:
    points = [
        (bucket.began_at, value)
        for bucket in day
        if (value := bucket.lowest if checker.is_inverted else bucket.highest) is not None
    ]
    if not points:
        return None
    values = [value for _, value in points]
    top = 100.0 if checker.unit == "%" else HEADROOM * max(*values, config.warning_threshold, 1.0)
    longest = max(2 * BUCKET_SECONDS, 2 * (config.cadence_seconds or 0))
    said = (
        f"{checker.label} in the last 24 hours: lowest {min(values):g}, highest {max(values):g}, "
        f"last {values[-1]:g} {checker.unit}"
    )
    return Line(
        path=_path(points, top, now - DAY, longest),
        last=f"M{_place(*points[-1], top, now - DAY)}h0",
        warning_y=_height(config.warning_threshold, top),
        critical_y=_height(config.critical_threshold, top),
        said=said,
    )


def _path(points: Sequence[tuple[datetime, float]], top: float, begin: datetime, longest: float) -> str:
    """The points joined where they are close in time; one that stands alone is a short stroke."""
    drawn: list[str] = []
    before: datetime | None = None
    for at, value in points:
        place = _place(at, value, top, begin)
        joined = before is not None and (at - before).total_seconds() <= longest
        drawn.append(f"L{place}" if joined else f"M{place}h1")
        before = at
    return "".join(drawn)


def _place(at: datetime, value: float, top: float, begin: datetime) -> str:
    x = round(max(0.0, (at - begin) / DAY) * WIDTH, 1)
    y = round(HEIGHT - HEIGHT * min(value, top) / top, 1)
    return f"{x} {y}"


def _height(limit: float, top: float) -> float | None:
    return round(HEIGHT - HEIGHT * limit / top, 1) if limit <= top else None
