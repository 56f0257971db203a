"""The health of providers: a circuit each, in the database, so that every process sees it.

A circuit opens when a provider fails again and again, whatever the messages are about. While it is open its messages
wait where they are and none is dropped; one at a time is let through to see whether it is well again.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from sqlalchemy import bindparam, select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from app.notify.models import CircuitRow
from app.notify.types import Circuit, CircuitStatus
from app.platform.db import Tx
from app.platform.tables import fields_of

OPENS_AFTER = 5
# A single message may fail for a reason of its own, such as a mailbox that is full.
OPENS_AFTER_ALONE = 10
FIRST_PROBE = timedelta(seconds=30)
LAST_PROBE = timedelta(minutes=5)
# A probe that is not recorded by then was lost with its process.
PROBE_TAKES = timedelta(seconds=60)
# Each of these addresses is a provider of its own.
BY_HOST = frozenset({"webhook", "mattermost"})
# The statements of every send, built once: building one costs more than running it.
_CIRCUITS = select(*fields_of(CircuitRow, Circuit))
_LOCKED = _CIRCUITS.where(CircuitRow.provider == bindparam("provider")).with_for_update()
_IS_OPEN = CircuitRow.status != CircuitStatus.CLOSED
_NOT_CLOSED = _CIRCUITS.where(_IS_OPEN).order_by(CircuitRow.opened_at, CircuitRow.provider)
_OPEN = select(CircuitRow.provider).where(CircuitRow.provider == bindparam("provider"), _IS_OPEN)
_FAILING = select(CircuitRow.provider).where(
    CircuitRow.failures > 0, CircuitRow.provider.in_(bindparam("providers", expanding=True))
)


def provider_of(channel: str, channel_id: int | None, address: str) -> str:
    """The name of the provider that a message goes through: a team's channel, or a kind for people."""
    if channel_id is not None:
        return f"channel:{channel_id}"
    if channel in BY_HOST:
        return f"people:{channel}:{_host_of(address)}"
    return f"people:{channel}"


def after_failure(
    circuit: Circuit, *, notification_id: int, error: str, is_certain: bool = False, now: datetime
) -> Circuit:
    """The circuit after one more failure; one that `is_certain` to befall every message opens it at once."""
    failures = circuit.failures + 1
    first = circuit.first_failed_id if circuit.failures else notification_id
    failed = replace(
        circuit,
        failures=failures,
        first_failed_id=first,
        is_shared=bool(circuit.failures) and (circuit.is_shared or first != notification_id),
        last_error=error,
        updated_at=now,
    )
    if circuit.is_open:
        probes = circuit.probes + 1
        return replace(failed, status=CircuitStatus.OPEN, probes=probes, probe_at=now + probe_pause(probes))
    if is_certain or failures >= (OPENS_AFTER if failed.is_shared else OPENS_AFTER_ALONE):
        return replace(failed, status=CircuitStatus.OPEN, opened_at=now, probes=0, probe_at=now + probe_pause(0))
    return failed


def probe_pause(probes: int) -> timedelta:
    """How long an open circuit waits until it is tried again, after so many tries."""
    return min(LAST_PROBE, FIRST_PROBE * (1 << min(probes, 10)))


def note_failure(
    tx: Tx,
    provider: str,
    *,
    channel: str,
    channel_id: int | None,
    notification_id: int,
    error: str,
    is_certain: bool = False,
    now: datetime,
) -> tuple[Circuit, Circuit]:
    """Write down a failure that is the provider's; the circuit before and after it."""
    statement = (sqlite_insert if tx.dialect == "sqlite" else postgresql_insert)(CircuitRow)
    unknown = {
        "provider": provider, "channel": channel, "channel_id": channel_id, "status": CircuitStatus.CLOSED,
        "failures": 0, "first_failed_id": 0, "is_shared": False, "last_error": "", "probes": 0, "updated_at": now,
    }  # fmt: skip
    tx.execute(statement.on_conflict_do_nothing(), [unknown])
    before = tx.all(Circuit, _LOCKED, provider=provider)[0]
    after = after_failure(before, notification_id=notification_id, error=error, is_certain=is_certain, now=now)
    _save(tx, after)
    return before, after


def note_success(tx: Tx, provider: str, *, now: datetime) -> Circuit | None:
    """Forget the failures of a provider that has taken a message; gives the circuit that was open until now."""
    found = tx.first(Circuit, _LOCKED, provider=provider)
    if found is None or not (found.failures or found.is_open):
        return None
    closed = replace(
        found, status=CircuitStatus.CLOSED, failures=0, is_shared=False, opened_at=None, probe_at=None, probes=0,
        updated_at=now,
    )  # fmt: skip
    _save(tx, closed)
    return found if found.is_open else None


def begin_probe(tx: Tx, provider: str, *, now: datetime) -> bool:
    """Take the turn to see whether an open circuit is well again; False when another process has it."""
    row = CircuitRow
    taken = tx.execute(
        update(row)
        .where(row.provider == provider, row.status != CircuitStatus.CLOSED, row.probe_at <= now)
        .values(status=CircuitStatus.HALF_OPEN, probe_at=now + PROBE_TAKES)
    )
    return taken.rowcount == 1


def try_now(tx: Tx, channel_id: int, *, now: datetime) -> None:
    """A team's channel was changed: what was wrong with it may be mended."""
    row = CircuitRow
    is_open = (row.channel_id == channel_id, row.status != CircuitStatus.CLOSED)
    tx.execute(update(row).where(*is_open).values(probe_at=now, probes=0))


def not_closed(tx: Tx) -> list[Circuit]:
    """The circuits that are open, longest first."""
    return tx.all(Circuit, _NOT_CLOSED)


def failing(tx: Tx, providers: Sequence[str]) -> frozenset[str]:
    """Which of these have failed since they last took a message."""
    if not providers:
        return frozenset()
    return frozenset(tx.execute(_FAILING, {"providers": sorted(providers)}).scalars())


def is_open(tx: Tx, provider: str) -> bool:
    """Whether the provider's circuit is open."""
    return tx.scalar(_OPEN, provider=provider) is not None


def list_circuits(tx: Tx) -> list[Circuit]:
    """Everything that is known of providers that ever failed, the open ones first."""
    found = tx.all(Circuit, _CIRCUITS.order_by(CircuitRow.provider))
    return sorted(found, key=lambda circuit: not circuit.is_open)


def _host_of(address: str) -> str:
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""


def _save(tx: Tx, circuit: Circuit) -> None:
    values = {name: getattr(circuit, name) for name in Circuit.__slots__ if name != "provider"}
    tx.execute(update(CircuitRow).where(CircuitRow.provider == circuit.provider).values(**values))
