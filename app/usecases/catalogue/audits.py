"""What somebody changed in the catalogue, as it stands in the audit."""

from collections.abc import Callable
from datetime import datetime

from app.accounts.service import record_audit
from app.accounts.types import User
from app.platform.db import Tx
from app.platform.types import JsonObject

# The action, whose it was, what it changed from what to what, and when.
Audit = Callable[[Tx, str, int | str, User | None, JsonObject | None, JsonObject | None, datetime], None]


def auditor(object_type: str) -> Audit:
    """Writes down changes of this kind of object."""

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
