"""Heartbeats: jobs elsewhere that call an address when they begin, end or fail; silence is what is noticed.

The addresses are those that users of healthchecks know. A heartbeat pages nobody by itself: the alarm module
`heartbeat_missed` looks at them.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError

from app.checks.errors import HeartbeatInvalid, HeartbeatMissing, HeartbeatNameTaken
from app.checks.models import HeartbeatPingRow, HeartbeatRow
from app.checks.types import Heartbeat, HeartbeatPing, HeartbeatState, NewPing, Signal
from app.platform.db import Tx, paged
from app.platform.errors import FieldError
from app.platform.tables import fields_of
from app.platform.types import Page, PageQuery

NAME_LENGTH = 100
PERIOD_SECONDS = (60, 366 * 86400)
GRACE_SECONDS = (30, 366 * 86400)
PINGS_KEPT = 100
BODY_LENGTH = 10_000
FIELDS = ("name", "period_seconds", "grace_seconds")


def state_of(beat: Heartbeat, now: datetime) -> HeartbeatState:
    """How a heartbeat is at this time, by its last signals."""
    grace = timedelta(seconds=beat.grace_seconds)
    if beat.last_signal is None:
        return HeartbeatState.NEW
    if beat.last_signal is Signal.FAIL:
        return HeartbeatState.FAILED
    if beat.last_signal is Signal.START and beat.last_start_at is not None:
        return HeartbeatState.OVERDUE if now - beat.last_start_at > grace else HeartbeatState.STARTED
    if beat.last_ok_at is None:
        return HeartbeatState.NEW
    silent = now - beat.last_ok_at - timedelta(seconds=beat.period_seconds)
    if silent <= timedelta(0):
        return HeartbeatState.UP
    return HeartbeatState.LATE if silent <= grace else HeartbeatState.DOWN


def get_heartbeat(tx: Tx, heartbeat_id: int) -> Heartbeat:
    """The heartbeat. Raises HeartbeatMissing."""
    return _get(tx, HeartbeatRow.id == heartbeat_id)


def list_heartbeats(tx: Tx, page: PageQuery) -> Page[Heartbeat]:
    """One page of heartbeats, by name."""
    return paged(tx, Heartbeat, _heartbeats().order_by(HeartbeatRow.name), page)


def all_heartbeats(tx: Tx) -> list[Heartbeat]:
    """Every heartbeat, by name."""
    return tx.all(Heartbeat, _heartbeats().order_by(HeartbeatRow.name))


def pings_of(tx: Tx, heartbeat_id: int, *, limit: int = PINGS_KEPT) -> list[HeartbeatPing]:
    """The pings of a heartbeat that are kept, the newest first."""
    statement = select(*fields_of(HeartbeatPingRow, HeartbeatPing)).where(HeartbeatPingRow.heartbeat_id == heartbeat_id)
    return tx.all(HeartbeatPing, statement.order_by(HeartbeatPingRow.id.desc()).limit(limit))


def require_address(tx: Tx, uuid: str) -> None:
    """See that some heartbeat is pinged by this. Raises HeartbeatMissing."""
    _get(tx, HeartbeatRow.uuid == uuid)


def create_heartbeat(tx: Tx, *, values: Mapping[str, Any], uuid: str, now: datetime) -> Heartbeat:
    """Add a heartbeat. Raises HeartbeatInvalid, HeartbeatNameTaken."""
    _check(values)
    try:
        with tx.connection.begin_nested():
            heartbeat_id = tx.insert(HeartbeatRow, **values, uuid=uuid, created_at=now, updated_at=now)
    except IntegrityError:
        raise HeartbeatNameTaken(values["name"]) from None
    return get_heartbeat(tx, heartbeat_id)


def change_heartbeat(tx: Tx, heartbeat_id: int, *, changes: Mapping[str, Any], now: datetime) -> Heartbeat:
    """Change the named fields. Raises HeartbeatMissing, HeartbeatInvalid, HeartbeatNameTaken."""
    stored = get_heartbeat(tx, heartbeat_id)
    values = {name: getattr(stored, name) for name in FIELDS} | dict(changes)
    _check(values)
    try:
        with tx.connection.begin_nested():
            tx.execute(update(HeartbeatRow).where(HeartbeatRow.id == heartbeat_id).values(**values, updated_at=now))
    except IntegrityError:
        raise HeartbeatNameTaken(values["name"]) from None
    return get_heartbeat(tx, heartbeat_id)


def delete_heartbeat(tx: Tx, heartbeat_id: int) -> None:
    """Remove a heartbeat with its pings. Raises HeartbeatMissing."""
    get_heartbeat(tx, heartbeat_id)
    tx.execute(delete(HeartbeatPingRow).where(HeartbeatPingRow.heartbeat_id == heartbeat_id))
    tx.execute(delete(HeartbeatRow).where(HeartbeatRow.id == heartbeat_id))


def take_ping(tx: Tx, uuid: str, ping: NewPing, *, now: datetime) -> Heartbeat:
    """Keep a ping and what it says. Raises HeartbeatMissing."""
    beat = _get(tx, HeartbeatRow.uuid == uuid, locks=True)
    values: dict[str, Any] = {"last_ping_at": now}
    if ping.signal is not Signal.LOG:
        values["last_signal"] = ping.signal
    if ping.signal is Signal.START:
        values["last_start_at"] = now
    if ping.signal in (Signal.SUCCESS, Signal.FAIL):
        values |= {"last_exit_code": ping.exit_code, "last_start_at": None}
    if ping.signal is Signal.SUCCESS:
        values["last_ok_at"] = now
    tx.execute(update(HeartbeatRow).where(HeartbeatRow.id == beat.id).values(**values))
    body = ping.body[:BODY_LENGTH]
    tx.insert(
        HeartbeatPingRow,
        heartbeat_id=beat.id,
        signal=ping.signal,
        exit_code=ping.exit_code,
        method=ping.method,
        address=ping.address,
        body=body,
        received_at=now,
    )
    row = HeartbeatPingRow
    kept = select(row.id).where(row.heartbeat_id == beat.id).order_by(row.id.desc()).offset(PINGS_KEPT).limit(1)
    oldest = tx.scalar(kept)
    if oldest is not None:
        tx.execute(delete(row).where(row.heartbeat_id == beat.id, row.id <= oldest))
    tx.publish("heartbeats", id=beat.id)
    return beat


def _check(values: Mapping[str, Any]) -> None:
    errors = []
    if not 1 <= len(values["name"].strip()) <= NAME_LENGTH:
        errors.append(FieldError("name", f"must have 1 to {NAME_LENGTH} characters"))
    for name, (least, most) in (("period_seconds", PERIOD_SECONDS), ("grace_seconds", GRACE_SECONDS)):
        if not least <= values[name] <= most:
            errors.append(FieldError(name, f"must be {least} to {most}"))
    if errors:
        raise HeartbeatInvalid(errors)


def _get(tx: Tx, condition: Any, *, locks: bool = False) -> Heartbeat:
    statement = _heartbeats().where(condition)
    found = tx.first(Heartbeat, statement.with_for_update() if locks else statement)
    if found is None:
        raise HeartbeatMissing
    return found


def _heartbeats() -> Any:
    return select(*fields_of(HeartbeatRow, Heartbeat))
