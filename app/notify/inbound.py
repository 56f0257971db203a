"""What vendors deliver: each message once by its vendor's id, and how each vendor's door is doing.

A message is claimed in the transaction of its effect, so that a retry, even one at the same moment, finds the first
answer and has no effect of its own.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from app.notify.models import InboundMessageRow, IntegrationRow
from app.notify.types import DeliveryReceipt, ReceiptState
from app.platform.db import Tx
from app.platform.tables import fields_of

VENDORS = ("twilio", "infobip", "slack")
ID_LIMIT = 200
ERROR_LIMIT = 500


@dataclass(frozen=True, slots=True)
class Inbound:
    """A message as a vendor delivered it; `vendor_id` is the vendor's name for it, `sender` a number or an account."""

    vendor: str
    vendor_id: str
    kind: str
    sender: str = ""


@dataclass(frozen=True, slots=True)
class Answered:
    """What a message led to: a word for the operator, what its sender is told, and whom and what it was about."""

    outcome: str
    text: str = ""
    user_id: int | None = None
    incident_id: int | None = None


@dataclass(frozen=True, slots=True)
class IntegrationState:
    """How a vendor's door is doing; times are UTC, `last_error` holds no secret."""

    vendor: str
    accepted: int
    refused: int
    last_inbound_at: datetime | None
    last_outcome: str | None
    last_error: str | None


def claim(tx: Tx, inbound: Inbound, *, now: datetime) -> bool:
    """Whether this message is new; it is then ours until the transaction ends, and `settle` must be called."""
    statement = (sqlite_insert if tx.dialect == "sqlite" else postgresql_insert)(InboundMessageRow)
    values = {
        "vendor": inbound.vendor,
        "vendor_id": _short(inbound.vendor_id),
        "kind": inbound.kind,
        "sender": inbound.sender[:ID_LIMIT],
        "outcome": "",
        "text": "",
        "received_at": now,
    }
    made = tx.execute(statement.values(values).on_conflict_do_nothing().returning(InboundMessageRow.id))
    return made.scalar() is not None


def settle(tx: Tx, inbound: Inbound, answered: Answered, *, now: datetime) -> None:
    """Write down what a claimed message led to."""
    row = InboundMessageRow
    tx.execute(
        update(row)
        .where(row.vendor == inbound.vendor, row.vendor_id == _short(inbound.vendor_id))
        .values(
            outcome=answered.outcome,
            text=answered.text,
            user_id=answered.user_id,
            incident_id=answered.incident_id,
        )
    )
    note(tx, inbound.vendor, answered.outcome, now=now)


def answer_to(tx: Tx, inbound: Inbound) -> Answered:
    """What a message that was claimed before led to. Raises LookupError for one that never was."""
    row = InboundMessageRow
    statement = select(*fields_of(row, Answered)).where(
        row.vendor == inbound.vendor, row.vendor_id == _short(inbound.vendor_id)
    )
    found = tx.first(Answered, statement)
    if found is None:
        raise LookupError(f"{inbound.vendor} message {inbound.vendor_id} was never claimed")
    return found


def keep_early_receipt(tx: Tx, vendor: str, receipt: DeliveryReceipt, *, now: datetime) -> None:
    """Keep a receipt until the send that it is about has been written down; the first one counts."""
    early = Inbound(vendor, f"receipt:{receipt.provider_message_id}", receipt.state.value)
    if claim(tx, early, now=receipt.at):
        settle(tx, early, Answered("early_receipt", receipt.error), now=now)


def find_early_receipt(tx: Tx, vendor: str, provider_message_id: str) -> DeliveryReceipt | None:
    """The receipt that came before its message's send was written down, or None."""
    row = InboundMessageRow
    statement = select(row.kind, row.received_at, row.text).where(
        row.vendor == vendor, row.vendor_id == _short(f"receipt:{provider_message_id}")
    )
    found = tx.execute(statement).first()
    if found is None:
        return None
    return DeliveryReceipt(provider_message_id, ReceiptState(found.kind), found.received_at, found.text)


def count_from(tx: Tx, inbound: Inbound, *, since: datetime) -> int:
    """How many messages this sender has sent since then."""
    row = InboundMessageRow
    return int(
        tx.scalar(
            select(func.count()).where(
                row.vendor == inbound.vendor, row.sender == inbound.sender[:ID_LIMIT], row.received_at > since
            )
        )
    )


def note(
    tx: Tx, vendor: str, outcome: str, *, now: datetime, error: str | None = None, accepted: int = 1, refused: int = 0
) -> None:
    """Write down what came in at a vendor's door last; an accepted one leaves the last error where it was."""
    row = IntegrationRow
    values: dict[str, Any] = {"last_inbound_at": now, "last_outcome": outcome}
    if error is not None:
        values["last_error"] = error[:ERROR_LIMIT]
    counted = tx.execute(
        update(row)
        .where(row.vendor == vendor)
        .values(accepted=row.accepted + accepted, refused=row.refused + refused, **values)
    )
    if counted.rowcount == 0:
        statement = (sqlite_insert if tx.dialect == "sqlite" else postgresql_insert)(row)
        first = statement.values(vendor=vendor, accepted=accepted, refused=refused, **values)
        tx.execute(first.on_conflict_do_nothing())


def states(tx: Tx) -> dict[str, IntegrationState]:
    """How each vendor's door is doing; vendors that never came in included."""
    statement = select(*fields_of(IntegrationRow, IntegrationState))
    found = {each.vendor: each for each in tx.all(IntegrationState, statement)}
    return {vendor: found.get(vendor, IntegrationState(vendor, 0, 0, None, None, None)) for vendor in VENDORS}


def _short(vendor_id: str) -> str:
    """A vendor's id as it is kept; one of unusual length by its hash."""
    return vendor_id if len(vendor_id) <= ID_LIMIT else hashlib.sha256(vendor_id.encode()).hexdigest()
