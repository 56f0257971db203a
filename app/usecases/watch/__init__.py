"""PagerPal watches itself: readiness, banners, the auditor, blackouts, the outbound heartbeat, health."""

from app.usecases.watch.auditor import audit_unpaged
from app.usecases.watch.blackouts import BEAT_SECONDS, beat
from app.usecases.watch.checklist import readiness
from app.usecases.watch.coverage import Finding, FindingKind, coverage
from app.usecases.watch.duty import DutyOutcome, watch_duty
from app.usecases.watch.heartbeat import HEARTBEAT_SECONDS, heartbeat_out
from app.usecases.watch.integrations import integrations
from app.usecases.watch.notices import banners, first_run_banners
from app.usecases.watch.tallies import TALLY_SECONDS, counted_until, settle_tallies, totals
from app.usecases.watch.types import Banner, BannerLevel, CheckStatus, ReadinessItem
from app.usecases.watch.vitals import Vitals, VitalSigns

__all__ = [
    "BEAT_SECONDS",
    "HEARTBEAT_SECONDS",
    "TALLY_SECONDS",
    "Banner",
    "BannerLevel",
    "CheckStatus",
    "DutyOutcome",
    "Finding",
    "FindingKind",
    "ReadinessItem",
    "VitalSigns",
    "Vitals",
    "audit_unpaged",
    "banners",
    "beat",
    "counted_until",
    "coverage",
    "first_run_banners",
    "heartbeat_out",
    "integrations",
    "readiness",
    "settle_tallies",
    "totals",
    "watch_duty",
]
