"""Changing the outbox inside the caller's transaction: writing messages, claiming them, recording their outcome."""

import hashlib
import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from app.notify import circuits, hurry, repository, threads
from app.notify.errors import NotificationMissing, NotRetriable
from app.notify.models import ActionUseRow, NotificationRow
from app.notify.repository import DueRow
from app.notify.rules import ContactPlan, DuePage, Turn, Verdict, Window, after_try, late_by_seconds, plan_contact
from app.notify.types import (
    WAITING,
    Claim,
    NewNotification,
    Notification,
    NotificationKind,
    NotificationStatus,
    Outcome,
    Report,
)
from app.platform.db import Tx

LEASE_SECONDS = repository.LEASE.total_seconds()
SENDS_PER_CHANNEL = 10
ERROR_LIMIT = 1000
# An answer that was lost may have been a yes: a receipt says so before it is sent once more.
MAY_HAVE_LEFT = (NotificationStatus.SENT, NotificationStatus.UNKNOWN)
BODY_LIMIT = 20_000


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of a claim: the verdict, and the pages that thereby will not reach anybody any more."""

    notification: Notification
    verdict: Verdict
    given_up: tuple[Notification, ...] = ()


def insert_many(tx: Tx, new: Sequence[NewNotification], *, now: datetime) -> None:
    """Write messages to the outbox; a page whose key is there already is left out.

    The digests that held pages wait for are written before them, each once.
    """
    if new:
        rows = [
            repository.new_row(each, idempotency_key=each.idempotency_key or _key(each, index, now), now=now)
            for index, each in enumerate([*digests_for(new), *new])
        ]
        repository.insert_ignoring_known(tx, rows)
        tx.wake("deliver")


def digests_for(new: Sequence[NewNotification]) -> list[NewNotification]:
    """The digests that these pages wait for, one for each contact method and time (B6)."""
    found = {}
    for page in new:
        if page.is_held and page.held_until is not None:
            key = f"digest:{page.contact_method_id}:{page.held_until.isoformat()}"
            found[key] = NewNotification(
                kind=NotificationKind.DIGEST,
                channel=page.channel,
                address=page.address,
                due_at=page.due_at,
                held_until=page.held_until,
                facts={"user_name": page.facts.get("user_name", "")},
                urgency=page.urgency,
                user_id=page.user_id,
                contact_method_id=page.contact_method_id,
                idempotency_key=hashlib.sha256(key.encode()).hexdigest()[:32],
            )
    return list(found.values())


def insert_one(tx: Tx, new: NewNotification, *, now: datetime) -> int:
    """Write one message that is no page to the outbox and return its id."""
    row = repository.new_row(new, idempotency_key=new.idempotency_key or _key(new, 0, now), now=now)
    tx.wake("deliver")
    return tx.insert(NotificationRow, **row)


def claim(tx: Tx, *, now: datetime, owner: str, busy: Mapping[str, int], repeats: bool = True) -> list[Claim]:
    """Take due messages for sending, bundling what goes to one contact method (B29).

    `busy` counts this process's sends by provider, of which each takes SENDS_PER_CHANNEL at a time, and one whose
    circuit is open takes one when it is time to see whether it is well again. Without `repeats` only first sends are
    taken. Each claimed row is in flight under a new fence when this transaction commits, for LEASE_SECONDS.
    """
    broken = circuits.not_closed(tx)
    if broken:
        hurry.past_broken(tx, {each.provider for each in broken}, now=now)
    shut = [each.provider for each in broken if each.probe_at is None or each.probe_at > now]
    full = [provider for provider, sends in busy.items() if sends >= SENDS_PER_CHANNEL]
    rows = repository.lock_due(tx, now=now, repeats=repeats, full=[*full, *shut])
    if repeats:
        rows += repository.lock_lost(tx, now=now, full=[*full, *shut])
    chosen = _choose(tx, rows, busy, {each.provider for each in broken}, now)
    repository.begin_sends(tx, {row.id: _lateness(row, now) for row in chosen}, owner=owner, now=now)
    ids = [row.id for row in chosen]
    sends = {each.id: each for each in repository.notifications_in(tx, ids)}
    repository.begin_attempts(tx, list(sends.values()), owner=owner, now=now)
    bundles = repository.bundles_of(tx, ids)
    return [Claim(sends[row_id], tuple(bundles.get(row_id, ()))) for row_id in ids]


def renew(tx: Tx, notification_id: int, *, fence: int, now: datetime) -> bool:
    """Keep a claim for another LEASE_SECONDS; False when it is no longer ours."""
    return repository.renew_lease(tx, notification_id, fence=fence, now=now)


def record(
    tx: Tx, claim: Claim, report: Report, *, answered: Collection[int] = (), now: datetime, roll: float
) -> Recorded | None:
    """Write down what became of a claim; None when its lease was lost: then nothing changes.

    `answered` are incidents that need no page any more, `roll` in [0, 1) is the jitter of the next try. Lock the
    incidents of a failed page first.
    """
    head = claim.notification
    first_due = head.held_until or head.created_at + timedelta(minutes=head.rule_delay_minutes)
    verdict = after_try(
        report.outcome,
        is_provider_down=report.outcome is not Outcome.SENT and circuits.is_open(tx, head.provider),
        attempts=head.attempts,
        is_repeat=head.possible_repeat,
        is_answered=head.kind is NotificationKind.PAGE and head.incident_id in answered,
        waits_since=first_due,
        now=now,
        roll=roll,
        retry_after_seconds=report.retry_after_seconds,
    )
    ended = replace(
        head,
        status=verdict.status,
        due_at=verdict.due_at or head.due_at,
        lease_until=None,
        subject=report.subject,
        body=report.body[:BODY_LIMIT],
        last_error=report.error[:ERROR_LIMIT],
        provider_message_id=report.provider_message_id or head.provider_message_id,
        sent_at=now if verdict.status is NotificationStatus.SENT else head.sent_at,
    )
    if not repository.end_send(tx, ended):
        return None
    error = ended.last_error
    repository.end_attempt(tx, head.id, fence=head.fence, outcome=report.outcome, error=error, now=now)
    given_up = _settle_bundle(tx, claim, verdict, error, now)
    hurry.past_lost(tx, given_up, now=now)
    if report.thread_ref and verdict.status is NotificationStatus.SENT:
        threads.keep(tx, claim, report.thread_ref)
    _publish(tx, head)
    return Recorded(ended, verdict, given_up)


def retry(tx: Tx, notification_id: int, *, saying: Collection[int] = (), now: datetime) -> Notification:
    """Send a failed or exhausted message again now, with these pages that were lost with it.

    Raises NotificationMissing, NotRetriable.
    """
    found = repository.notifications_in(tx, [notification_id])
    if not found:
        raise NotificationMissing(notification_id)
    changed = repository.change(
        tx,
        [notification_id],
        expected=(NotificationStatus.FAILED, NotificationStatus.EXHAUSTED),
        status=NotificationStatus.PENDING,
        due_at=now,
        bundle_id=None,
        waits_for_bundle=False,
    )
    if not changed:
        raise NotRetriable(found[0].status.value)
    lost = (NotificationStatus.FAILED,)
    repository.change(tx, saying, expected=lost, status=NotificationStatus.BUNDLED, bundle_id=notification_id)
    tx.wake("deliver")
    _publish(tx, found[0])
    return repository.notifications_in(tx, [notification_id])[0]


def cancel_for_incident(tx: Tx, incident_id: int, *, now: datetime) -> None:
    """Answered: pages that have not begun to leave will not leave; what they carried for others goes on alone."""
    _hand_over(tx, repository.call_off(tx, NotificationRow.incident_id == incident_id), now=now)
    tx.publish("notifications", incident_id=incident_id)


def cancel_for_user(tx: Tx, user_id: int, *, now: datetime) -> None:
    """This person is paged no more: their pages that have not begun to leave will not leave."""
    _hand_over(tx, repository.call_off(tx, NotificationRow.user_id == user_id), now=now)


def cancel_for_reader(tx: Tx, incident_id: int, user_id: int, *, now: datetime) -> None:
    """This person has passed the incident on: their pages about it that have not begun to leave will not leave."""
    mine = (NotificationRow.incident_id == incident_id, NotificationRow.user_id == user_id)
    _hand_over(tx, repository.call_off(tx, *mine), now=now)


def cancel_for_contact_methods(tx: Tx, contact_method_ids: Collection[int], *, now: datetime) -> None:
    """Nothing more goes to these addresses: their pages that have not begun to leave will not leave."""
    gone = repository.call_off(tx, NotificationRow.contact_method_id.in_(sorted(contact_method_ids)))
    _hand_over(tx, gone, now=now)


def deliver_by_receipt(tx: Tx, notification_id: int, *, at: datetime) -> bool:
    """It has arrived; whether that was news. What it carried has arrived with it."""
    arrived = repository.change(
        tx, [notification_id], expected=MAY_HAVE_LEFT, status=NotificationStatus.DELIVERED, delivered_at=at
    )
    if arrived:
        carried = [each.id for each in repository.bundles_of(tx, [notification_id]).get(notification_id, [])]
        repository.change(tx, carried, expected=(NotificationStatus.BUNDLED,), delivered_at=at)
    return bool(arrived)


def fail_by_receipt(tx: Tx, notification_id: int, *, error: str) -> list[Notification]:
    """It was sent and did not arrive; the messages that are thereby lost, those that it carried included.

    Only what counts as sent can fail so: what has arrived, was given up or is sent again stays as it is.
    """
    failed = {"status": NotificationStatus.FAILED, "last_error": error[:ERROR_LIMIT]}
    if not repository.change(tx, [notification_id], expected=(NotificationStatus.SENT,), **failed):
        return []
    carried = [each.id for each in repository.bundles_of(tx, [notification_id]).get(notification_id, [])]
    repository.change(tx, carried, expected=(NotificationStatus.BUNDLED,), **failed)
    return repository.notifications_in(tx, [notification_id, *carried])


def bring_forward(tx: Tx, lost: Notification, *, now: datetime) -> Notification | None:
    """Send the next page that waits for the same reader on the same level now, because this one did not arrive."""
    following = repository.next_of_reader(tx, lost)
    if following is None:
        return None
    repository.change(tx, [following.id], expected=(NotificationStatus.PENDING,), due_at=now)
    tx.wake("deliver")
    return following


def cancel_lost(tx: Tx, incident_ids: Collection[int], *, now: datetime) -> None:
    """Pages whose sender died and whose incident has been answered since are not sent again."""
    _hand_over(tx, repository.call_off_lost(tx, incident_ids, now=now), now=now)


def record_action_use(tx: Tx, *, notification_id: int, action: str, used_by: int | None, now: datetime) -> None:
    """Write down that an action link was used; the table refuses a second use of the same one."""
    tx.insert(ActionUseRow, notification_id=notification_id, action=action, used_at=now, used_by=used_by)


def _choose(
    tx: Tx, rows: Sequence[DueRow], busy: Mapping[str, int], to_probe: Collection[str], now: datetime
) -> list[DueRow]:
    """Which of the due rows go out now; the others are told to wait, or put into a bundle."""
    units = _units(tx, rows)
    windows = repository.lock_windows(tx, [number for kind, number in units if kind == "contact"])
    left = Counter({row.provider: 1 if row.provider in to_probe else SENDS_PER_CHANNEL for row in rows})
    left.subtract(busy)
    chosen: list[DueRow] = []
    opened: dict[int, Window] = {}
    for (kind, number), members in units.items():
        provider = members[0].provider
        if left[provider] <= 0:
            continue
        send = members[0]
        if kind == "contact":
            plan = plan_contact(windows[number], [_due_page(row) for row in members], now)
            _carry_out(tx, plan, {row.id for row in members if row.kind is NotificationKind.DIGEST})
            if plan.send_id is None:
                continue
            send = next(row for row in members if row.id == plan.send_id)
        if provider in to_probe and not circuits.begin_probe(tx, provider, now=now):
            continue
        if kind == "contact":
            opened[number] = plan.window
        left[provider] -= 1
        chosen.append(send)
    repository.open_windows(tx, opened)
    return chosen


def _units(tx: Tx, rows: Sequence[DueRow]) -> dict[tuple[str, int], list[DueRow]]:
    """The due rows by what goes out in turns: all to one contact method together, anything else by itself."""
    units: dict[tuple[str, int], list[DueRow]] = {}
    for row in sorted(rows, key=lambda row: (not _takes_turns(row), row.due_at, not _is_digest(row), row.id)):
        unit = ("contact", row.contact_method_id or 0) if _takes_turns(row) else ("row", row.id)
        units.setdefault(unit, []).append(row)
    for unit, members in list(units.items()):
        if any(map(_is_digest, members)) and not any(row.status is NotificationStatus.HELD for row in members):
            units[unit] = _without_empty_digests(tx, members)
    return {unit: members for unit, members in units.items() if members}


def _takes_turns(row: DueRow) -> bool:
    return row.kind in (NotificationKind.PAGE, NotificationKind.DIGEST) and row.contact_method_id is not None


def _is_digest(row: DueRow) -> bool:
    return row.kind is NotificationKind.DIGEST


def _without_empty_digests(tx: Tx, members: Sequence[DueRow]) -> list[DueRow]:
    """All that it would have said was answered, or went out with another message: it says nothing."""
    digests = [row.id for row in members if _is_digest(row)]
    empty = set(digests) - repository.bundles_of(tx, digests).keys()
    states = (*WAITING, NotificationStatus.IN_FLIGHT)
    repository.change(tx, empty, expected=states, status=NotificationStatus.CANCELLED, lease_until=None)
    return [row for row in members if row.id not in empty]


def _carry_out(tx: Tx, plan: ContactPlan, digests: Collection[int]) -> None:
    repository.make_wait(tx, plan.ids(Turn.WINDOW_OPEN), until=plan.window.opens_until)
    if plan.send_id is not None:
        repository.put_in_bundle(tx, plan.ids(Turn.IN_BUNDLE), head_id=plan.send_id)
        # A digest that another message carries is not said itself: what it would have said is.
        carried = [each for each in plan.ids(Turn.IN_BUNDLE) if each in digests]
        bundled = (NotificationStatus.BUNDLED,)
        repository.change(tx, carried, expected=bundled, status=NotificationStatus.CANCELLED, bundle_id=None)


def _due_page(row: DueRow) -> DuePage:
    is_held = row.status is NotificationStatus.HELD or _is_digest(row)
    return DuePage(row.id, waited=row.waits_for_bundle, is_held=is_held)


def _lateness(row: DueRow, now: datetime) -> int:
    first_due = row.held_until or row.created_at + timedelta(minutes=row.rule_delay_minutes)
    return late_by_seconds(now, row.due_at if row.attempts == 0 else first_due)


def _settle_bundle(tx: Tx, claim: Claim, verdict: Verdict, error: str, now: datetime) -> tuple[Notification, ...]:
    """What the head's outcome means for what it carried; the pages that were given up, the head's own included."""
    head = claim.notification
    in_bundle = (NotificationStatus.BUNDLED,)
    # What was answered since the claim has dropped out: only what is still in the bundle is touched.
    carried = repository.bundles_of(tx, [head.id]).get(head.id, []) if claim.bundled else []
    ids = [each.id for each in carried]
    match verdict.status:
        case NotificationStatus.SENT:
            repository.change(tx, ids, expected=in_bundle, sent_at=now)
            return ()
        case NotificationStatus.UNKNOWN:
            repository.change(tx, ids, expected=in_bundle, possible_repeat=True)
            return ()
        case NotificationStatus.FAILED:
            repository.close_windows(tx, [head.id], now=now)
            repository.change(tx, ids, expected=in_bundle, status=NotificationStatus.FAILED, last_error=error)
            return (head, *carried)
        case NotificationStatus.EXHAUSTED | NotificationStatus.CANCELLED:
            _hand_over(tx, [head.id], now=now)
            return (head,) if verdict.status is NotificationStatus.EXHAUSTED else ()
        case _:
            return ()


def _hand_over(tx: Tx, gone: Sequence[int], *, now: datetime) -> None:
    """These will not be sent: the oldest page that each carried takes its place, and windows they held are freed."""
    heirs: dict[int, int] = {}
    for head_id, carried in repository.bundles_of(tx, gone).items():
        heir, *others = (each.id for each in carried)
        heirs[head_id] = heir
        in_bundle = (NotificationStatus.BUNDLED,)
        repository.change(tx, [heir], expected=in_bundle, status=NotificationStatus.PENDING, bundle_id=None, due_at=now)
        repository.change(tx, others, expected=in_bundle, bundle_id=heir)
        tx.wake("deliver")
    repository.pass_windows_on(tx, heirs)
    repository.close_windows(tx, [each for each in gone if each not in heirs], now=now)


def _publish(tx: Tx, notification: Notification) -> None:
    if notification.run_id is not None:
        tx.wake("pipeline")
    tx.publish("notifications", id=notification.id, incident_id=notification.incident_id)


def _key(new: NewNotification, index: int, now: datetime) -> str:
    # From what the row says and when, so that running the same transaction again makes the same key.
    facts: Mapping[str, object] = new.facts
    parts = [
        now.isoformat(), index, new.kind, new.page_key, new.channel, new.channel_id, new.address, new.user_id,
        new.contact_method_id, new.incident_id, new.episode, new.level, new.run_id,
        json.dumps(facts, sort_keys=True, default=str),
    ]  # fmt: skip
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]
