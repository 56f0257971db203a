"""The production readiness checklist (B48) as live checks: settings, then what only the database can tell."""

import stat
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.engine import make_url

from app.accounts import queries as people
from app.accounts.types import Urgency
from app.alerts import queries as alerts
from app.alerts.sources import CHECKS_SOURCE
from app.escalation import queries as policies
from app.incidents import oversight as incidents
from app.notify import circuits, oversight as outbox
from app.notify.kinds import provider_name
from app.oncall import queries as oncall
from app.platform import pulse
from app.platform.db import Tx
from app.platform.migrate import MIGRATE_COMMAND, SchemaState, schema_of
from app.platform.runtime import Runtime
from app.platform.settings import Settings
from app.platform.types import MAX_PAGE_SIZE, PageQuery
from app.usecases import paging
from app.usecases.watch.coverage import Finding, FindingKind, by_kind, coverage, schedules_paged_by
from app.usecases.watch.notices import LATE_SECONDS, are_left_undone
from app.usecases.watch.settings_checks import settings_checks
from app.usecases.watch.types import CheckStatus, ReadinessItem, fail, ok, warn

Check = Callable[[Tx, Settings, datetime], ReadinessItem]
Findings = Mapping[FindingKind, Sequence[Finding]]
# A rota with a gap each night has fourteen, which nobody reads.
SHOWN = 5
EVERYTHING = PageQuery(page_size=MAX_PAGE_SIZE)
READABLE_BY_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def readiness(rt: Runtime, now: datetime) -> list[ReadinessItem]:
    """Every check of the list with how it came out. Raises Unavailable when the database cannot be read."""
    migrations = _migrations(rt.settings.database_url)
    items = [*settings_checks(rt.settings), migrations]
    if migrations.status is not CheckStatus.OK:
        return items

    def look(tx: Tx) -> list[ReadinessItem]:
        seen = [_with_channels(tx, item) for item in items]
        kinds = by_kind(_findings(tx, now))
        return [
            *seen,
            *(check(tx, rt.settings, now) for check in BEFORE_DUTY),
            _coverage(tx, kinds),
            _rota(kinds),
            *(check(tx, rt.settings, now) for check in AFTER_DUTY),
        ]

    return rt.db.read(look)


def _with_channels(tx: Tx, item: ReadinessItem) -> ReadinessItem:
    if item.check == "providers" and item.status is CheckStatus.FAIL and outbox.has_active_channel(tx):
        return warn("providers", "Only the channels under /channels can send; set SMTP_HOST and SMTP_FROM for email.")
    return item


def _migrations(url: str) -> ReadinessItem:
    schema = schema_of(url)
    if schema.state is SchemaState.CURRENT:
        return ok("migrations", f"The database is at {schema.head}, as this version needs.")
    return fail("migrations", f"The database is {schema.state.value}; run: {MIGRATE_COMMAND}")


def _admin(tx: Tx, _settings: Settings, _now: datetime) -> ReadinessItem:
    if any(admin.login_enabled for admin in people.active_admins(tx)):
        return ok("admin", "There is an admin who can sign in.")
    return fail("admin", "Make the first admin at /login, or with: python -m app create-admin --email …")


def _fallback(tx: Tx, _settings: Settings, _now: datetime) -> ReadinessItem:
    admins = people.active_admins(tx)
    ways = people.reach_of(tx, [admin.id for admin in admins], urgency=Urgency.HIGH)
    reached = [admin.name for admin in admins if ways[admin.id]]
    if reached:
        return ok("fallback", f"When nobody else can be paged: {', '.join(reached)}.")
    return fail("fallback", "No admin has a verified contact method: when nobody else can be paged, nobody is.")


def _workers(tx: Tx, settings: Settings, now: datetime) -> ReadinessItem:
    off = [
        name.upper()
        for name in ("escalation_worker_enabled", "notification_retry_worker_enabled", "pipeline_worker_enabled",
                     "oncall_watch_worker_enabled")
        if not getattr(settings, name)
    ]  # fmt: skip
    if off:
        return fail("workers", f"Switched off: {', '.join(off)}.")
    last = pulse.last_beat(tx)
    if pulse.leader_of(tx, now=now) is None or last is None:
        return fail("workers", "No process does what time causes; start one with: python -m app serve")
    silent = int((now - last).total_seconds())
    if silent > LATE_SECONDS:
        return fail("workers", f"The leader has been silent for {silent} s.")
    if are_left_undone(tx, settings, now):
        return warn("workers", "Celery's workers leave pipeline stages undone; they run in the server instead.")
    return ok("workers", "Exactly one process leads and is alive.")


def _provider_health(tx: Tx, _settings: Settings, _now: datetime) -> ReadinessItem:
    broken = circuits.not_closed(tx)
    if broken:
        said = "; ".join(f"{provider_name(tx, each)} does not work: {each.last_error}" for each in broken[:SHOWN])
        return fail("provider_health", f"{said}. What goes by it waits, and is tried again by itself.")
    return ok("provider_health", "No provider is failing.")


def _test_alert(tx: Tx, _settings: Settings, _now: datetime) -> ReadinessItem:
    answered = incidents.answered_and_resolved(tx)
    if answered and outbox.was_sent_for(tx, answered):
        return ok("test_alert", "An alert was paged, acknowledged and resolved.")
    return warn(
        "test_alert", "Send a test alert from /alert-sources, acknowledge it and resolve it, before relying on it."
    )


def _coverage(tx: Tx, kinds: Findings) -> ReadinessItem:
    dangers = [finding for finding in kinds[FindingKind.GAP_NOW] if finding.is_danger]
    if dangers:
        return fail("coverage", f"{_sentences(dangers)} Something pages by it.")
    gaps = [*kinds[FindingKind.GAP_NOW], *kinds[FindingKind.GAP_AHEAD]]
    if gaps:
        return warn("coverage", _sentences(gaps))
    names = sorted(each.name for each in oncall.schedules_by_id(tx, oncall.active_schedules(tx)).values())
    text = f"Somebody is on call for the next 14 days: {', '.join(names)}." if names else "No schedules."
    return ok("coverage", text)


def _rota(kinds: Findings) -> ReadinessItem:
    unreachable = [*kinds[FindingKind.UNREACHABLE], *kinds[FindingKind.BACKUP]]
    if any(finding.is_danger for finding in unreachable):
        return fail("rota", _sentences(unreachable))
    if unreachable:
        return warn("rota", _sentences(unreachable))
    return ok("rota", "Everybody who is on call within 14 days can be paged.")


def _findings(tx: Tx, now: datetime) -> list[Finding]:
    found = coverage(tx, {*oncall.active_schedules(tx), *schedules_paged_by(tx)}, now)
    return [finding for findings in found.values() for finding in findings]


def _sentences(findings: Sequence[Finding]) -> str:
    shown = " ".join(f"{finding.text}." for finding in findings[:SHOWN])
    return f"{shown} And {len(findings) - SHOWN} more." if len(findings) > SHOWN else shown


def _levels(tx: Tx, _settings: Settings, now: datetime) -> ReadinessItem:
    known = policies.list_policies(tx, EVERYTHING).items
    empty = paging.levels_reaching_nobody(tx, {policy.name: policy.levels for policy in known}, now=now)
    if empty:
        names = "; ".join(f"{name}, level {level}" for name, level in empty)
        return warn("levels", f"Reaches nobody now: {names}.")
    return ok("levels", "Every level of every policy reaches somebody." if known else "No policies.")


def _routing(tx: Tx, _settings: Settings, _now: datetime) -> ReadinessItem:
    active = [source for source in alerts.list_sources(tx, EVERYTHING).items if source.is_active]
    sources = [source for source in active if not source.is_internal]
    loose = [source.name for source in sources if not source.leads_somewhere]
    if not sources:
        return warn("routing", "No alert source yet: nothing can come in.")
    if loose:
        return warn("routing", f"Without policy, schedule and team, so only the fallback is paged: {', '.join(loose)}.")
    return ok("routing", "Every alert source leads to somebody.")


def _local_checks(tx: Tx, settings: Settings, _now: datetime) -> ReadinessItem:
    source = alerts.find_internal_source(tx, CHECKS_SOURCE)
    if source is not None and not source.is_active:
        return warn("local_checks", f"The source «{source.name}» is switched off: checks of the hosts page nobody.")
    if source is not None and not source.leads_somewhere:
        text = (
            f"Choose whom «{source.name}» pages at /alert-sources/{source.id}; until then this host is only looked at."
        )
        return warn("local_checks", text)
    if not settings.checks_worker_enabled:
        return ok("local_checks", "CHECKS_WORKER_ENABLED is off: the hosts are measured by cron, or not at all.")
    return ok("local_checks", "Each host watches itself.")


def _retention(_tx: Tx, settings: Settings, _now: datetime) -> ReadinessItem:
    if not settings.retention_worker_enabled:
        return warn("retention", "RETENTION_WORKER_ENABLED is off: nothing old is ever removed, and the disk fills up.")
    return ok("retention", f"History goes {settings.retention_days} days after it ended.")


def _backup(_tx: Tx, _settings: Settings, _now: datetime) -> ReadinessItem:
    return warn("backup", "PagerPal has made no backup. Back the database up, and try out that it can be restored.")


def _durability(tx: Tx, settings: Settings, _now: datetime) -> ReadinessItem:
    if tx.dialect == "sqlite":
        return _sqlite_durability(tx, settings)
    for name in ("fsync", "synchronous_commit", "full_page_writes"):
        if tx.scalar(text(f"SHOW {name}")) == "off":
            return fail("durability", f"PostgreSQL runs with {name}=off: an accepted alert can be lost in a power cut.")
    return ok("durability", "PostgreSQL keeps what it has committed.")


def _sqlite_durability(tx: Tx, settings: Settings) -> ReadinessItem:
    synchronous, journal = tx.scalar(text("PRAGMA synchronous")), tx.scalar(text("PRAGMA journal_mode"))
    if int(synchronous) < 2 or journal != "wal":
        return fail("durability", f"SQLite runs with journal_mode={journal}, synchronous={synchronous}.")
    database = Path(make_url(settings.database_url).database or "")
    if database.exists() and database.stat().st_mode & READABLE_BY_OTHERS:
        return warn(
            "durability", f"SQLite keeps what it has committed, but others can read {database.name}: chmod 600."
        )
    return ok("durability", "SQLite keeps what it has committed (WAL, synchronous=FULL).")


BEFORE_DUTY: tuple[Check, ...] = (_admin, _fallback, _workers, _provider_health, _test_alert)
AFTER_DUTY: tuple[Check, ...] = (_levels, _routing, _local_checks, _retention, _backup, _durability)
