"""The settings page as values: the checklist, the workers, a few facts, the addresses for vendors."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from app.jobs.health import jobs_health
from app.notify import circuits
from app.notify.kinds import provider_name
from app.notify.types import Circuit
from app.platform import pulse
from app.platform.db import Tx
from app.platform.runtime import Runtime
from app.platform.types import JsonValue
from app.usecases.watch import CheckStatus, ReadinessItem

OBJECT_TYPES = (
    "user", "team", "alert_source", "escalation_policy", "schedule", "schedule_entry", "override", "channel",
    "notification", "quarantine", "alarm",
)  # fmt: skip
# Where the work of a job is to be seen.
JOB_PLACES = {
    "alarm_tick": "/alarms",
    "local_checks": "/checks",
    "notification_retry": "/notifications",
    "pipeline_sweep": "/pipeline-runs",
}
VENDORS = {"twilio": "Twilio", "infobip": "Infobip", "slack": "Slack"}
ORDER = (CheckStatus.FAIL, CheckStatus.WARN, CheckStatus.OK)


@dataclass(frozen=True, slots=True)
class Integration:
    """The addresses that a vendor has to be given, and what it sent last; `error` is the last refusal."""

    key: str
    title: str
    addresses: list[tuple[str, str]]
    last_at: datetime | None
    outcome: str
    error: str
    counted: str


@dataclass(frozen=True, slots=True)
class ProviderView:
    """A provider that has failed before, and how it is."""

    name: str
    circuit: Circuit


def settings_page(
    tx: Tx,
    rt: Runtime,
    items: Sequence[ReadinessItem],
    integrations: Mapping[str, JsonValue],
    *,
    now: datetime,
    version: str,
) -> dict[str, object]:
    """Everything on the page."""
    leader = pulse.leader_of(tx, now=now)
    return {
        "readiness": sorted(items, key=lambda item: ORDER.index(item.status)),
        "readiness_said": readiness_said(items),
        "job_places": JOB_PLACES,
        "jobs": jobs_health(tx, rt.settings, now=now),
        "leader_said": _leader_said(leader, rt.owner),
        "providers": [ProviderView(provider_name(tx, each), each) for each in circuits.list_circuits(tx)],
        "facts": [
            ("Version", version),
            ("Database", "SQLite" if tx.dialect == "sqlite" else "PostgreSQL"),
            ("Sending", "on" if rt.settings.notification_sending_enabled else "off (safe mode)"),
            ("Address", rt.settings.pagerpal_base_url),
            ("Environment", rt.settings.pagerpal_env),
        ],
        "integrations": [_integration(key, value) for key, value in integrations.items() if isinstance(value, dict)],
    }


def readiness_said(items: Sequence[ReadinessItem]) -> str:
    """The checklist in one line."""
    counts = Counter(item.status for item in items)
    if not counts[CheckStatus.FAIL] and not counts[CheckStatus.WARN]:
        return f"all {len(items)} checks pass"
    parts = ((counts[CheckStatus.FAIL], "to mend"), (counts[CheckStatus.WARN], "to look at"))
    return ", ".join(f"{count} {words}" for count, words in parts if count)


def _leader_said(leader: str | None, owner: str) -> str:
    if leader is None:
        return "no process leads"
    return "this process leads" if leader == owner else "another process leads"


def _integration(key: str, value: Mapping[str, JsonValue]) -> Integration:
    addresses = [
        (name.removesuffix("_url").replace("_", " "), str(address))
        for name, address in value.items()
        if name.endswith("_url")
    ]
    last_at = value["last_inbound_at"]
    return Integration(
        key=key,
        title=VENDORS.get(key, key),
        addresses=addresses,
        last_at=datetime.fromisoformat(last_at) if isinstance(last_at, str) else None,
        outcome=str(value["last_outcome"] or "").replace("_", " "),
        error=str(value["last_error"] or ""),
        counted=f"{value['accepted']} taken, {value['refused']} refused",
    )
