"""What a send's outcome means: the row, the incident's story, and the next level when nobody is left to be reached."""

import logging
from datetime import datetime

from app.accounts import push
from app.alarms import service as alarms
from app.incidents import service as incidents
from app.incidents.types import NewTimelineEntry, TimelineKind
from app.notify import service as notify
from app.notify.rules import RetryReason
from app.notify.service import Recorded
from app.notify.types import Claim, Notification, NotificationKind, NotificationStatus, Outcome, Report
from app.platform.db import Tx
from app.platform.logs import get_logger
from app.usecases import paging
from app.usecases.deliver import health
from app.usecases.deliver.claims import answered_among
from app.usecases.deliver.receipts import came_early, named, take_early_receipt

SENT = (Outcome.SENT, Outcome.SUPPRESSED)
GOT_OUT = (NotificationStatus.SENT, NotificationStatus.SUPPRESSED)

log = get_logger(__name__)


def record(
    tx: Tx, claim: Claim, report: Report, *, was_failing: bool = False, now: datetime, roll: float
) -> NotificationStatus | None:
    """Write down what became of a claim and do what follows; its status afterwards, None when the claim was lost.

    `was_failing`: its provider had failed before, so that a success is news. `roll` in [0, 1) is the jitter of the
    next try.
    """
    head = claim.notification
    is_overtaken = report.provider_message_id is not None and came_early(tx, head.channel, report.provider_message_id)
    # The usual case, sent at the first try, needs no lock on its incident.
    has_story = report.outcome not in SENT or head.attempts > 1 or any(each.held_until for each in claim.all)
    about = {row.incident_id for row in claim.all if row.incident_id} if has_story or is_overtaken else set()
    locked = incidents.lock_many(tx, about)
    recorded = notify.record(tx, claim, report, answered=answered_among(locked.values(), now), now=now, roll=roll)
    if recorded is None:
        log.warning("a claim was lost before its outcome was recorded", notification_id=head.id, fence=head.fence)
        return None
    status = recorded.notification.status
    if has_story:
        _tell(tx, recorded, claim, now=now)
    if status in GOT_OUT:
        paging.begin_heard(tx, claim.all, now=now)
    if head.kind is NotificationKind.ALARM and status is NotificationStatus.SENT:
        # Nothing but a mail that has left counts as told; one that safe mode keeps back does not (B34).
        alarms.note_sent(tx, head.facts.get("event_ids") or (), now=now)
    if report.address_gone and head.contact_method_id is not None:
        push.lose_address(tx, head.contact_method_id, note=f"{now:%Y-%m-%d %H:%M} UTC: {report.error}")
    for page in recorded.given_up:
        paging.page_on_if_lost(tx, page, now, f"no message of it got through ({report.error})")
    if is_overtaken and status is NotificationStatus.SENT:
        take_early_receipt(tx, recorded.notification, now=now)
    if head.incident_id is not None:
        tx.publish("incident", id=head.incident_id)
    health.note(tx, head, report, was_failing=was_failing, now=now)
    tx.wake("deliver", *(["pipeline"] if head.run_id else []))
    _log(recorded, report)
    return status


def _log(recorded: Recorded, report: Report) -> None:
    head = recorded.notification
    log.log(
        logging.INFO if report.outcome in SENT else logging.WARNING,
        "message",
        notification_id=head.id,
        incident_id=head.incident_id,
        status=head.status,
        reason=recorded.verdict.reason,
        attempt=head.attempts,
        **({"error": report.error} if report.error else {}),
    )


def _tell(tx: Tx, recorded: Recorded, claim: Claim, *, now: datetime) -> None:
    """One line when a message is delayed for the first time, when it goes out after all, and when it is given up."""
    head = recorded.notification
    what = named(tx, head)
    lines: list[tuple[Notification, str]] = []
    match recorded.verdict.reason:
        case RetryReason.DONE if head.attempts > 1:
            told = claim.bundled if head.kind is NotificationKind.DIGEST else (head,)
            lines = [(row, f"{what} sent, at try {head.attempts}") for row in told]
        case RetryReason.AGAIN | RetryReason.AGAIN_UNKNOWN if head.attempts == 1:
            lines = [(row, f"{what} not sent yet: {head.last_error}; it is tried again") for row in claim.all]
        case RetryReason.PERMANENT:
            lines = [(row, f"{what} failed: {head.last_error}") for row in recorded.given_up]
        case RetryReason.HORIZON_OVER | RetryReason.LOST_TWICE:
            why = recorded.verdict.reason.value.replace("_", " ")
            lines = [(row, f"{what} given up, {why}: {head.last_error}") for row in recorded.given_up]
        case _:
            return
    entries = [
        NewTimelineEntry(
            row.incident_id, TimelineKind.DELIVERY, text, data={"notification_id": row.id, "status": head.status.value}
        )
        for row, text in lines
        if row.incident_id is not None
    ]
    incidents.add_timeline(tx, entries, now=now)
