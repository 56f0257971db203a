"""What a send says of its provider, and what the admins are told of it: that it broke, and that it is well again."""

import hashlib
from collections.abc import Collection
from datetime import datetime

from app.accounts import queries as people
from app.accounts.rules import is_usable
from app.accounts.types import ContactMethod, User
from app.notify import circuits, service as notify
from app.notify.circuits import provider_of
from app.notify.kinds import provider_name
from app.notify.types import Circuit, NewNotification, Notification, NotificationKind, Outcome, Report
from app.platform.db import Tx
from app.platform.logs import get_logger

FAILED = (Outcome.FAILED, Outcome.UNKNOWN)
# The quieter ways first: nobody needs to get up for it, but somebody should know.
QUIET_FIRST = ("slack", "email", "mattermost", "webpush")

log = get_logger(__name__)


def note(tx: Tx, head: Notification, report: Report, *, was_failing: bool, now: datetime) -> None:
    """Write down how the provider did; call it last, since the circuit's row is locked after all others."""
    if report.outcome is Outcome.SENT and was_failing:
        was_open = circuits.note_success(tx, head.provider, now=now)
        if was_open is not None:
            _tell_well(tx, was_open, now)
            tx.publish("providers")
    # A receiver that names a time is there, and only wants to be asked less often.
    elif report.unauthorized or (report.outcome in FAILED and report.retry_after_seconds is None):
        before, after = circuits.note_failure(
            tx,
            head.provider,
            channel=head.channel,
            channel_id=head.channel_id,
            notification_id=head.id,
            error=report.error,
            is_certain=report.unauthorized,
            now=now,
        )
        if after.is_open and not before.is_open:
            log.error("a provider does not work", provider=head.provider, failures=after.failures, error=report.error)
            _tell_broken(tx, after, now)
            tx.publish("providers")


def _tell_broken(tx: Tx, circuit: Circuit, now: datetime) -> None:
    name = provider_name(tx, circuit)
    count = circuit.failures
    text = (
        f"{'A message' if count == 1 else f'The last {count} messages'} by it failed, the latest with: "
        f"{circuit.last_error}. "
        "Its messages wait and none is lost; whoever has another contact method is paged by that at once. "
        "It is tried again by itself, at least every 5 minutes."
    )
    _tell_admins(tx, circuit, "broken", f"{name} does not work", text, now)


def _tell_well(tx: Tx, circuit: Circuit, now: datetime) -> None:
    name = provider_name(tx, circuit)
    text = (
        f"It had not since {circuit.opened_at or now:%Y-%m-%d %H:%M} UTC. What waited goes out now, the oldest first."
    )
    _tell_admins(tx, circuit, "well", f"{name} works again", text, now)


def _tell_admins(tx: Tx, circuit: Circuit, what: str, subject: str, text: str, now: datetime) -> None:
    """Tell each admin once, by a way that is not this one and works; who has none sees it on every page."""
    broken = {each.provider for each in circuits.not_closed(tx)} | {circuit.provider}
    admins = people.active_admins(tx)
    methods = people.contact_methods_by_user(tx, [admin.id for admin in admins])
    new = [
        _notice(admin, method, circuit, what, subject, text, now)
        for admin in admins
        if (method := _other_way(methods[admin.id], broken)) is not None
    ]
    notify.insert_many(tx, new, now=now)


def _notice(
    admin: User, method: ContactMethod, circuit: Circuit, what: str, subject: str, text: str, now: datetime
) -> NewNotification:
    opened_at = circuit.opened_at.isoformat() if circuit.opened_at else ""
    key = f"provider:{circuit.provider}:{opened_at}:{what}:{admin.id}"
    return NewNotification(
        kind=NotificationKind.NOTICE,
        channel=method.channel,
        address=method.address,
        due_at=now,
        urgency="low",
        facts={"title": subject, "text": text, "link": "/settings#providers", "user_name": admin.name},
        user_id=admin.id,
        contact_method_id=method.id,
        idempotency_key=hashlib.sha256(key.encode()).hexdigest()[:32],
    )


def _other_way(methods: Collection[ContactMethod], broken: Collection[str]) -> ContactMethod | None:
    usable = [
        method
        for method in methods
        if is_usable(method) and provider_of(method.channel, None, method.address) not in broken
    ]
    ranked = sorted(usable, key=lambda each: QUIET_FIRST.index(each.channel) if each.channel in QUIET_FIRST else 9)
    return ranked[0] if ranked else None
