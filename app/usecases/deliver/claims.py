"""Claiming: which messages this process sends now, and all that their text is made of, in one transaction."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from app.accounts import push, queries as people
from app.incidents import queries as incidents, service as locks
from app.incidents.types import Incident, IncidentStatus
from app.notify import circuits, queries as outbox, service as notify
from app.notify.findings import NOTHING_FOUND, Findings
from app.notify.push_key import find_push_key
from app.notify.rendering import About
from app.notify.types import Claim, Notification, NotificationChannel, NotificationKind, Thread
from app.platform.db import Tx
from app.platform.runtime import Runtime
from app.usecases.deliver.found import NOTHING_KNOWN_BEFORE, findings_of


@dataclass(frozen=True, slots=True)
class Batch:
    """Claimed messages, and what is known of their incidents, readers and channels at that moment.

    `devices` are the encrypted subscriptions of contact methods that are pushed to with `push_key`.
    """

    claims: list[Claim]
    incidents: Mapping[int, About]
    zones: Mapping[int, str]
    channels: Mapping[int, NotificationChannel]
    threads: Mapping[int, Thread]
    failing: Collection[str]
    devices: Mapping[int, str]
    push_key: str
    claimed_at: float


def claim_batch(tx: Tx, *, rt: Runtime, now: datetime, busy: Mapping[str, int]) -> Batch:
    """Take what is due; when this commits the sends have begun."""
    started = rt.clock.monotonic()
    _call_off_lost(tx, now)
    repeats = rt.settings.notification_retry_worker_enabled
    claims = notify.claim(tx, now=now, owner=rt.owner, busy=busy, repeats=repeats)
    rows = [row for claim in claims for row in claim.all]
    found = incidents.incidents_by_id(tx, {row.incident_id for row in rows if row.incident_id})
    known = findings_of(tx, [each.id for each in found.values() if each.created_at <= now - NOTHING_KNOWN_BEFORE])
    users = people.users_by_id(tx, {row.user_id for row in rows if row.user_id})
    pushed = {claim.notification.contact_method_id for claim in claims if claim.notification.channel == push.WEBPUSH}
    devices = push.sealed_of(tx, {each for each in pushed if each is not None})
    return Batch(
        claims=claims,
        incidents={each.id: _about(each, known.get(each.id, NOTHING_FOUND)) for each in found.values()},
        zones={user_id: user.timezone for user_id, user in users.items()},
        channels=outbox.channels_by_id(tx, {row.channel_id for row in rows if row.channel_id}),
        threads=_threads(tx, [claim.notification for claim in claims]),
        failing=circuits.failing(tx, [claim.notification.provider for claim in claims]),
        devices=devices,
        push_key=(find_push_key(tx, rt.settings, rt.secrets) or "") if devices else "",
        claimed_at=started,
    )


def answered_among(locked: Collection[Incident], now: datetime) -> list[int]:
    """Incidents that need no page any more: acknowledged, resolved, closed or snoozed."""
    return [
        incident.id
        for incident in locked
        if incident.status is not IncidentStatus.TRIGGERED
        or (incident.snoozed_until is not None and incident.snoozed_until > now)
    ]


def _call_off_lost(tx: Tx, now: datetime) -> None:
    # An answer cannot cancel what is in flight; when the sender then dies, nobody must send it again.
    lost = outbox.lost_incidents(tx, now=now)
    if lost:
        answered = answered_among(locks.lock_many(tx, lost).values(), now)
        notify.cancel_lost(tx, answered, now=now)


def _threads(tx: Tx, heads: Collection[Notification]) -> dict[int, Thread]:
    """Where the incident of each of these messages was told first to the same reader, by message; pages stand alone."""
    news = [head for head in heads if head.kind is NotificationKind.TEAM and head.incident_id is not None]
    found = outbox.threads_of(tx, {head.incident_id for head in news if head.incident_id is not None})
    known = {(each.incident_id, each.channel_id, each.contact_method_id): each for each in found}
    places = {head.id: (head.incident_id or 0, head.channel_id, head.contact_method_id) for head in news}
    return {row_id: known[place] for row_id, place in places.items() if place in known}


def _about(incident: Incident, findings: Findings) -> About:
    return About(
        incident_id=incident.id,
        title=incident.title,
        severity=incident.severity.value,
        status=incident.status.value,
        description=incident.description,
        summary=incident.summary,
        created_at=incident.created_at,
        alert_count=incident.alert_count,
        firing_alert_count=incident.firing_alert_count,
        findings=findings,
    )
