"""Messages that somebody asks to have sent now, and the wait for what becomes of them (document 001)."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from app.incidents.types import Actor
from app.notify import queries as outbox, service as notify
from app.notify.errors import ChannelInvalid
from app.notify.selector import NotifySelector, Selected
from app.notify.types import (
    NewNotification,
    Notification,
    NotificationKind,
    NotificationMessage,
    NotificationStatus,
    SendResult,
)
from app.platform.bus import Event
from app.platform.db import Tx
from app.platform.runtime import Runtime
from app.platform.types import JsonObject, JsonValue

WELL = (NotificationStatus.SENT, NotificationStatus.DELIVERED, NotificationStatus.SUPPRESSED)
BADLY = (NotificationStatus.FAILED, NotificationStatus.EXHAUSTED, NotificationStatus.CANCELLED)
# Another process may send it, and what it says may be missed.
LOOK_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class SendRequest:
    """One message, and by what it is to go: see `NotifySelector.resolve`."""

    message: NotificationMessage
    provider: str | None = None
    config: Mapping[str, JsonValue] | None = None


async def send_on_request(
    rt: Runtime,
    requests: Sequence[SendRequest],
    *,
    actor: Actor,
    now: datetime,
    timeout_seconds: float,
    is_batch: bool = False,
) -> list[SendResult]:
    """Write the messages to the outbox and wait for what becomes of them, up to the time-out; a result for each.

    A message that no channel can be found for raises ChannelInvalid; in a batch that is its result.
    """
    keys = [rt.ids.hex32() for _ in requests]
    queue = rt.bus.subscribe()
    try:
        written = await rt.db.run(lambda tx: _write(tx, rt, requests, keys, actor, now, is_batch))
        ids = [each for each in written if isinstance(each, int)]
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_seconds):
                await _ended(rt, ids, queue)
        rows = await rt.db.run_read(lambda tx: _rows(tx, ids))
    finally:
        rt.bus.unsubscribe(queue)
    return [_result(rows[each]) if isinstance(each, int) else _refused(each) for each in written]


def _write(
    tx: Tx,
    rt: Runtime,
    requests: Sequence[SendRequest],
    keys: Sequence[str],
    actor: Actor,
    now: datetime,
    is_batch: bool,
) -> list[int | ChannelInvalid]:
    selector = NotifySelector(outbox.active_channels(tx), rt.settings, rt.secrets)
    written: list[int | ChannelInvalid] = []
    for request, key in zip(requests, keys, strict=True):
        try:
            selected = selector.resolve(request.provider, request.config)
        except ChannelInvalid as invalid:
            if not is_batch:
                raise
            written.append(invalid)
            continue
        written.append(notify.insert_one(tx, _row(request.message, selected, actor, key, now), now=now))
    return written


def _row(message: NotificationMessage, selected: Selected, actor: Actor, key: str, now: datetime) -> NewNotification:
    facts: JsonObject = {
        "title": message.title,
        "text": message.message,
        "severity": message.severity,
        "channel": message.channel,
        "labels": dict(message.tags),
        "context": message.context,
        "asked_by": actor.name,
    }
    if selected.config is not None:
        facts["config"] = selected.config
    return NewNotification(
        kind=NotificationKind.TEAM,
        channel=selected.kind,
        channel_id=selected.channel.id if selected.channel is not None else None,
        due_at=now,
        facts=facts,
        idempotency_key=key,
    )


async def _ended(rt: Runtime, ids: Sequence[int], queue: "asyncio.Queue[Event]") -> None:
    """Come back when something has become of all of them."""
    while True:
        rows = await rt.db.run_read(lambda tx: _rows(tx, ids))
        if all(row.status in (*WELL, *BADLY) for row in rows.values()):
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(LOOK_SECONDS):
                while (await queue.get()).data.get("id") not in rows:
                    pass


def _rows(tx: Tx, ids: Sequence[int]) -> dict[int, Notification]:
    return {each: outbox.get_notification(tx, each) for each in ids}


def _result(row: Notification) -> SendResult:
    well = row.status in WELL
    metadata: JsonObject = {
        "notification_id": row.id,
        "status": row.status.value,
        "driver": row.channel,
        "channel_id": row.channel_id,
        "attempts": row.attempts,
    }
    error = row.last_error or ("" if well else row.status.value if row.status in BADLY else "")
    return SendResult(well, row.provider_message_id, "" if well else error, metadata, row.status in (*WELL, *BADLY))


def _refused(invalid: ChannelInvalid) -> SendResult:
    what = "; ".join(f"{each.path}: {each.message}" for each in invalid.errors)
    return SendResult(False, None, what, {})
