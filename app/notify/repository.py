"""Statements over the outbox. A row changes only by compare-and-set on its status, and on its fence while sent."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import and_, bindparam, case, exists, false, or_, select, true, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import aliased
from sqlalchemy.sql import Select

from app.notify.circuits import provider_of
from app.notify.models import DUE, IN_FLIGHT, AttemptRow, ContactWindowRow, NotificationRow
from app.notify.rules import Window
from app.notify.types import (
    WAITING,
    Attempt,
    NewNotification,
    Notification,
    NotificationKind,
    NotificationStatus,
    Outcome,
)
from app.platform.db import Tx
from app.platform.tables import fields_of, table_of

LEASE = timedelta(seconds=10)
PAGES_AT_MOST = 1000
OTHERS_AT_MOST = 20
FIRST_SENDS = (NotificationStatus.PENDING, NotificationStatus.HELD)
GOT_OUT = (NotificationStatus.SENT, NotificationStatus.DELIVERED, NotificationStatus.SUPPRESSED)
NEVER = datetime(2000, 1, 1, tzinfo=UTC)
IS_PAGE = NotificationRow.kind == NotificationKind.PAGE
# What goes to a person in turns, one message at a time.
_TAKES_TURNS = NotificationRow.kind.in_((NotificationKind.PAGE, NotificationKind.DIGEST))
# What the same reader was told of the incident before has come to an end: news never overtakes.
_EARLIER = aliased(NotificationRow)
IS_NEXT = or_(
    NotificationRow.kind != NotificationKind.TEAM,
    NotificationRow.incident_id.is_(None),
    ~exists().where(
        _EARLIER.incident_id == NotificationRow.incident_id,
        _EARLIER.id < NotificationRow.id,
        _EARLIER.status.in_((*WAITING, NotificationStatus.IN_FLIGHT)),
        or_(
            _EARLIER.channel_id == NotificationRow.channel_id,
            _EARLIER.contact_method_id == NotificationRow.contact_method_id,
        ),
    ),
)


_NOTIFICATIONS = select(*fields_of(NotificationRow, Notification))
# The statements of every send, built once: building one costs more than running it.
_BY_ID = _NOTIFICATIONS.where(NotificationRow.id.in_(bindparam("ids", expanding=True))).order_by(NotificationRow.id)
_IN_BUNDLES = _NOTIFICATIONS.where(
    NotificationRow.bundle_id.in_(bindparam("ids", expanding=True)),
    NotificationRow.status == NotificationStatus.BUNDLED,
).order_by(NotificationRow.id)
_WINDOWS = (
    select(ContactWindowRow.contact_key, ContactWindowRow.opens_until, ContactWindowRow.holder_id)
    .where(ContactWindowRow.contact_key.in_(bindparam("keys", expanding=True)))
    .order_by(ContactWindowRow.contact_key)
    .with_for_update()
)
_UNDER_FENCE = (
    NotificationRow.id == bindparam("row_id"),
    NotificationRow.fence == bindparam("row_fence"),
    NotificationRow.status == NotificationStatus.IN_FLIGHT,
)
_RENEW = update(NotificationRow).where(*_UNDER_FENCE).values(lease_until=bindparam("until"))
_END_SEND = (
    update(table_of(NotificationRow))
    .where(*_UNDER_FENCE)
    .values(
        owner=None,
        lease_until=None,
        **{
            name: bindparam(f"new_{name}")
            for name in ("status", "due_at", "subject", "body", "last_error", "provider_message_id", "sent_at")
        },
    )
)
_END_ATTEMPT = (
    update(AttemptRow)
    .where(AttemptRow.notification_id == bindparam("row_id"), AttemptRow.fence == bindparam("row_fence"))
    .values(ended_at=bindparam("now"), outcome=bindparam("how"), error=bindparam("why"))
)


@dataclass(frozen=True, slots=True)
class DueRow:
    """What has to be known of a row to decide whose turn it is."""

    id: int
    kind: NotificationKind
    provider: str
    contact_method_id: int | None
    status: NotificationStatus
    waits_for_bundle: bool
    attempts: int
    due_at: datetime
    created_at: datetime
    rule_delay_minutes: int
    held_until: datetime | None


_CANDIDATES = (
    select(*fields_of(NotificationRow, DueRow))
    .where(NotificationRow.provider.not_in(bindparam("full", expanding=True)))
    .order_by(NotificationRow.due_at, NotificationRow.id)
    .with_for_update(skip_locked=True)
)
_DUE_ROWS = _CANDIDATES.where(
    DUE, NotificationRow.due_at <= bindparam("now"), NotificationRow.status.in_(bindparam("statuses", expanding=True))
)
_DUE_PAGES = _DUE_ROWS.where(_TAKES_TURNS).limit(PAGES_AT_MOST)
_DUE_OTHERS = _DUE_ROWS.where(~_TAKES_TURNS, IS_NEXT).limit(OTHERS_AT_MOST)
_LOST_INCIDENTS = (
    select(NotificationRow.incident_id)
    .where(IN_FLIGHT, NotificationRow.lease_until < bindparam("now"), NotificationRow.incident_id.is_not(None))
    .distinct()
)
_LOST = _CANDIDATES.where(IN_FLIGHT, NotificationRow.lease_until < bindparam("now")).limit(PAGES_AT_MOST)


def insert_ignoring_known(tx: Tx, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows; one whose page key or idempotency key is there already is left out."""
    statement = (sqlite_insert if tx.dialect == "sqlite" else postgresql_insert)(NotificationRow)
    tx.execute(statement.on_conflict_do_nothing(), rows)


def new_row(new: NewNotification, *, idempotency_key: str, now: datetime) -> dict[str, Any]:
    """A notification as its first row."""
    return {
        "kind": new.kind,
        "incident_id": new.incident_id,
        "episode": new.episode,
        "level": new.level,
        "round": new.round,
        "user_id": new.user_id,
        "contact_method_id": new.contact_method_id,
        "channel_id": new.channel_id,
        "channel": new.channel,
        "address": new.address,
        "provider": provider_of(new.channel, new.channel_id, new.address),
        "rule_delay_minutes": new.rule_delay_minutes,
        "page_key": new.page_key,
        "urgency": new.urgency,
        "facts": new.facts,
        "status": NotificationStatus.HELD if new.is_held else NotificationStatus.PENDING,
        "due_at": new.due_at,
        "held_until": new.held_until,
        "idempotency_key": idempotency_key,
        "run_id": new.run_id,
        "waits_for_bundle": new.waits_for_bundle,
        "created_at": now,
    }


def select_notifications() -> "Select[Any]":
    """A select of whole notifications, to be narrowed."""
    return _NOTIFICATIONS


def select_attempts(notification_id: int) -> "Select[Any]":
    """The tries of one notification, in order."""
    return select(*fields_of(AttemptRow, Attempt)).where(AttemptRow.notification_id == notification_id).order_by("id")


def lock_due(tx: Tx, *, now: datetime, repeats: bool, full: Collection[str]) -> list[DueRow]:
    """Rows whose time has come, pages first, then the longest overdue; those another process looks at are skipped.

    `full` are providers that take nothing more just now; without `repeats` only first sends are given.
    """
    statuses = WAITING if repeats else FIRST_SENDS
    values = {"now": now, "statuses": [status.value for status in statuses], "full": sorted(full)}
    # All pages to one contact method must be seen together; of the rest only what can be sent is taken from others.
    return [DueRow(**row) for each in (_DUE_PAGES, _DUE_OTHERS) for row in tx.execute(each, values).mappings()]


def lock_lost(tx: Tx, *, now: datetime, full: Collection[str]) -> list[DueRow]:
    """Rows that were being sent when their sender died: the lease has run out."""
    return [DueRow(**row) for row in tx.execute(_LOST, {"now": now, "full": sorted(full)}).mappings()]


def lost_incidents(tx: Tx, *, now: datetime) -> list[int]:
    """Incidents of the pages whose sender died."""
    return list(tx.execute(_LOST_INCIDENTS, {"now": now}).scalars())


def lock_windows(tx: Tx, contact_method_ids: Collection[int]) -> dict[int, Window]:
    """The windows of these contact methods, locked; one that was never opened is there, closed since ever."""
    if not contact_method_ids:
        return {}
    found = _windows(tx, contact_method_ids)
    missing = sorted(set(contact_method_ids) - found.keys())
    if missing:
        statement = (sqlite_insert if tx.dialect == "sqlite" else postgresql_insert)(ContactWindowRow)
        rows = [{"contact_key": contact_key(each), "opens_until": NEVER, "holder_id": None} for each in missing]
        tx.execute(statement.on_conflict_do_nothing(), rows)
        found |= _windows(tx, missing)
    return found


def windows_open(tx: Tx, at: datetime) -> dict[int, Window]:
    """The windows that are open at an instant, by contact method; read without a lock."""
    statement = select(ContactWindowRow.contact_key, ContactWindowRow.opens_until, ContactWindowRow.holder_id)
    rows = tx.execute(statement.where(ContactWindowRow.opens_until > at))
    return {contact_method_of(key): Window(opens_until, holder_id) for key, opens_until, holder_id in rows}


def open_windows(tx: Tx, windows: Mapping[int, Window]) -> None:
    """Write down which windows are open now."""
    if windows:
        table = table_of(ContactWindowRow)
        tx.execute(
            update(table)
            .where(table.c.contact_key == bindparam("key"))
            .values(opens_until=bindparam("until"), holder_id=bindparam("holder")),
            [
                {"key": contact_key(each), "until": window.opens_until, "holder": window.holder_id}
                for each, window in windows.items()
            ],
        )


def pass_windows_on(tx: Tx, heirs: Mapping[int, int]) -> None:
    """A page that held a window gave its bundle to another: that one may use the window."""
    for former, heir in heirs.items():
        tx.execute(update(ContactWindowRow).where(ContactWindowRow.holder_id == former).values(holder_id=heir))


def close_windows(tx: Tx, holder_ids: Collection[int], *, now: datetime) -> None:
    """Pages that opened a window never went out: whoever waits for it to close need not wait any longer."""
    if not holder_ids:
        return
    closed = tx.execute(
        update(ContactWindowRow)
        .where(ContactWindowRow.holder_id.in_(holder_ids), ContactWindowRow.opens_until > now)
        .values(opens_until=now, holder_id=None)
        .returning(ContactWindowRow.contact_key)
    )
    contact_method_ids = [contact_method_of(key) for key in closed.scalars()]
    if contact_method_ids:
        tx.execute(
            update(NotificationRow)
            .where(
                NotificationRow.contact_method_id.in_(contact_method_ids),
                NotificationRow.status.in_(WAITING),
                NotificationRow.waits_for_bundle,
            )
            .values(due_at=now)
        )


def make_wait(tx: Tx, ids: Collection[int], *, until: datetime) -> None:
    """Hold pages until their contact method's window closes; a lost one is a possible repeat from now on."""
    if ids:
        was_lost = NotificationRow.status == NotificationStatus.IN_FLIGHT
        tx.execute(
            update(NotificationRow)
            .where(NotificationRow.id.in_(ids))
            .values(
                due_at=until,
                waits_for_bundle=true(),
                status=case((was_lost, NotificationStatus.UNKNOWN.value), else_=NotificationRow.status),
                possible_repeat=or_(NotificationRow.possible_repeat, was_lost),
                lease_until=None,
            )
        )


def put_in_bundle(tx: Tx, ids: Collection[int], *, head_id: int) -> None:
    """Let `head_id` say these; what they carried themselves goes along."""
    if not ids:
        return
    uncertain = NotificationRow.status.in_((NotificationStatus.IN_FLIGHT, NotificationStatus.UNKNOWN))
    tx.execute(
        update(NotificationRow)
        .where(
            or_(
                NotificationRow.id.in_(ids),
                and_(NotificationRow.bundle_id.in_(ids), NotificationRow.status == NotificationStatus.BUNDLED),
            )
        )
        .values(
            status=NotificationStatus.BUNDLED,
            bundle_id=head_id,
            waits_for_bundle=false(),
            possible_repeat=or_(NotificationRow.possible_repeat, uncertain),
            lease_until=None,
        )
    )


def begin_sends(tx: Tx, late: Mapping[int, int], *, owner: str, now: datetime) -> None:
    """Take rows for sending: this commit is the moment the send begins. `late` gives each row's lateness in seconds."""
    if not late:
        return
    table = table_of(NotificationRow)
    # No IN here: its parameters cannot be expanded when the statement runs for many rows.
    uncertain = or_(table.c.status == NotificationStatus.IN_FLIGHT, table.c.status == NotificationStatus.UNKNOWN)
    tx.execute(
        update(table)
        .where(table.c.id == bindparam("row_id"))
        .values(
            status=NotificationStatus.IN_FLIGHT,
            owner=owner,
            fence=table.c.fence + 1,
            attempts=table.c.attempts + 1,
            lease_until=now + LEASE,
            waits_for_bundle=false(),
            bundle_id=None,
            possible_repeat=or_(table.c.possible_repeat, uncertain),
            late_by_seconds=bindparam("late"),
        ),
        [{"row_id": row_id, "late": seconds} for row_id, seconds in late.items()],
    )


def begin_attempts(tx: Tx, sends: Sequence[Notification], *, owner: str, now: datetime) -> None:
    """Write the tries down before any socket opens; the tries that died with their sender are closed."""
    if not sends:
        return
    attempts = table_of(AttemptRow)
    repeats = [each.id for each in sends if each.possible_repeat]
    if repeats:
        tx.execute(
            update(attempts)
            .where(attempts.c.notification_id.in_(repeats), attempts.c.ended_at.is_(None))
            .values(ended_at=now, outcome=Outcome.LOST.value)
        )
    tx.execute(
        attempts.insert(),
        [
            {
                "notification_id": each.id,
                "attempt": each.attempts,
                "owner": owner,
                "fence": each.fence,
                "started_at": now,
                "outcome": "",
                "error": "",
            }
            for each in sends
        ],
    )


def renew_lease(tx: Tx, notification_id: int, *, fence: int, now: datetime) -> bool:
    """Keep a row that is being sent under this fence; False when another process has taken it over."""
    values = {"row_id": notification_id, "row_fence": fence, "until": now + LEASE}
    return tx.execute(_RENEW, values).rowcount == 1


def end_send(tx: Tx, ended: Notification) -> bool:
    """Write a row that was being sent as `ended` says; False when another process has taken it over."""
    values: dict[str, Any] = {"row_id": ended.id, "row_fence": ended.fence}
    for name in ("status", "due_at", "subject", "body", "last_error", "provider_message_id", "sent_at"):
        values[f"new_{name}"] = getattr(ended, name)
    return tx.execute(_END_SEND, values).rowcount == 1


def end_attempt(tx: Tx, notification_id: int, *, fence: int, outcome: Outcome, error: str, now: datetime) -> None:
    """Write down how the try under this fence ended."""
    values = {"row_id": notification_id, "row_fence": fence, "now": now, "how": outcome.value, "why": error}
    tx.execute(_END_ATTEMPT, values)


def change(tx: Tx, ids: Collection[int], *, expected: Iterable[NotificationStatus], **values: Any) -> int:
    """Change rows that are in one of the expected states; how many were."""
    if not ids:
        return 0
    statement = update(NotificationRow).where(NotificationRow.id.in_(ids), NotificationRow.status.in_(list(expected)))
    return tx.execute(statement.values(**values)).rowcount


def call_off(tx: Tx, *narrowed: Any) -> list[int]:
    """Cancel pages that wait, alone or in a message that has not gone out; the ids of those that waited alone."""
    alone = tx.execute(
        update(NotificationRow)
        .where(IS_PAGE, NotificationRow.status.in_(WAITING), *narrowed)
        .values(status=NotificationStatus.CANCELLED, waits_for_bundle=false())
        .returning(NotificationRow.id)
    )
    ids = list(alone.scalars())
    head = NotificationRow.__table__.alias("head")
    unsent = select(head.c.id).where(head.c.status.not_in(GOT_OUT))
    tx.execute(
        update(NotificationRow)
        .where(
            IS_PAGE,
            NotificationRow.status == NotificationStatus.BUNDLED,
            NotificationRow.bundle_id.in_(unsent),
            *narrowed,
        )
        .values(status=NotificationStatus.CANCELLED)
    )
    return ids


def call_off_lost(tx: Tx, incident_ids: Collection[int], *, now: datetime) -> list[int]:
    """Cancel pages whose sender died and whose incident has been answered since; their ids."""
    if not incident_ids:
        return []
    done = tx.execute(
        update(NotificationRow)
        .where(
            IN_FLIGHT, IS_PAGE, NotificationRow.lease_until < now, NotificationRow.incident_id.in_(list(incident_ids))
        )
        .values(status=NotificationStatus.CANCELLED, lease_until=None)
        .returning(NotificationRow.id)
    )
    return list(done.scalars())


def bundles_of(tx: Tx, head_ids: Collection[int]) -> dict[int, list[Notification]]:
    """What each of these messages carries besides itself, oldest first."""
    bundles: dict[int, list[Notification]] = {}
    for each in _fetch(tx, _IN_BUNDLES, head_ids):
        bundles.setdefault(each.bundle_id or 0, []).append(each)
    return bundles


def notifications_in(tx: Tx, ids: Collection[int]) -> list[Notification]:
    """These notifications, oldest first."""
    return _fetch(tx, _BY_ID, ids)


def next_of_reader(tx: Tx, page: Notification) -> Notification | None:
    """The page that waits for its time and is the next one to the same reader on the same level, or None."""
    row = NotificationRow
    statement = _NOTIFICATIONS.where(
        IS_PAGE,
        row.incident_id == page.incident_id,
        row.episode == page.episode,
        row.level == page.level,
        row.user_id == page.user_id,
        row.status == NotificationStatus.PENDING,
        row.rule_delay_minutes > page.rule_delay_minutes,
    )
    return tx.first(Notification, statement.order_by(row.due_at, row.id).limit(1))


def contact_key(contact_method_id: int) -> str:
    """The name of a contact method's window."""
    return f"method:{contact_method_id}"


def contact_method_of(key: str) -> int:
    """Whose window has this name."""
    return int(key.removeprefix("method:"))


def _fetch(tx: Tx, statement: "Select[Any]", ids: Collection[int]) -> list[Notification]:
    if not ids:
        return []
    return [Notification(**row) for row in tx.execute(statement, {"ids": sorted(ids)}).mappings()]


def _windows(tx: Tx, contact_method_ids: Collection[int]) -> dict[int, Window]:
    keys = {contact_key(each): each for each in contact_method_ids}
    rows = tx.execute(_WINDOWS, {"keys": sorted(keys)})
    return {keys[key]: Window(opens_until, holder_id) for key, opens_until, holder_id in rows}
