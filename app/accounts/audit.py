"""The audit: append-only entries, each with a hash over itself and the one before, so that a gap or a change shows."""

import hashlib
import json
from collections.abc import Callable
from datetime import datetime
from typing import cast

from sqlalchemy import select, text

from app.accounts.models import AuditEntryRow
from app.accounts.types import AuditEntry, User
from app.platform.db import Tx, fields_of
from app.platform.redact import redact
from app.platform.types import JsonObject

FIRST_HASH = "0" * 64
# Any number that nothing else locks on: entries of one database are written one after the other.
LOCK_NUMBER = 7_243_001
_LOCK = text("SELECT pg_advisory_xact_lock(:number)")
_LAST_HASH = select(AuditEntryRow.hash).order_by(AuditEntryRow.id.desc()).limit(1)


def record_audit(
    tx: Tx,
    *,
    actor: User | None,
    action: str,
    object_type: str,
    object_id: int | str,
    before: JsonObject | None,
    after: JsonObject | None,
    now: datetime,
) -> None:
    """Add who did what to which object; `actor` None is the system or the command line. Secrets are taken out.

    Call it last in a transaction: on PostgreSQL it waits for other transactions that have written an entry.
    """
    if tx.dialect == "postgresql":
        tx.execute(_LOCK, {"number": LOCK_NUMBER})
    last = tx.scalar(_LAST_HASH)
    entry = {
        "at": now,
        "user_id": actor.id if actor else None,
        "user_name": actor.name if actor else "PagerPal",
        "action": action,
        "object_type": object_type,
        "object_id": str(object_id),
        "before": _clean(before),
        "after": _clean(after),
        "previous_hash": last or FIRST_HASH,
    }
    tx.insert(AuditEntryRow, **entry, hash=_hash_of(entry))


# The action, whose it was, what it changed from what to what, and when.
Audit = Callable[[Tx, str, int | str, User | None, JsonObject | None, JsonObject | None, datetime], None]


def auditor(object_type: str) -> Audit:
    """`record_audit` for this kind of object: what its catalogue calls at the end of each change."""

    def audit(
        tx: Tx,
        action: str,
        object_id: int | str,
        actor: User | None,
        before: JsonObject | None,
        after: JsonObject | None,
        now: datetime,
    ) -> None:
        record_audit(
            tx,
            actor=actor,
            action=action,
            object_type=object_type,
            object_id=object_id,
            before=before,
            after=after,
            now=now,
        )

    return audit


def first_broken_entry(tx: Tx) -> int | None:
    """The id of the first entry that was changed, or before which one is missing; None when the chain is whole."""
    expected = FIRST_HASH
    for entry in tx.all(AuditEntry, select(*fields_of(AuditEntryRow, AuditEntry)).order_by(AuditEntryRow.id)):
        content = {name: getattr(entry, name) for name in AuditEntry.__slots__ if name not in ("id", "hash")}
        if entry.previous_hash != expected or entry.hash != _hash_of(content):
            return entry.id
        expected = entry.hash
    return None


def _clean(values: JsonObject | None) -> JsonObject | None:
    return None if values is None else cast(JsonObject, redact(values))


def _hash_of(entry: dict[str, object]) -> str:
    canonical = json.dumps({**entry, "at": cast(datetime, entry["at"]).isoformat()}, sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()
