"""Traces of sign-ins whose time is up; people, their history and the audit stay."""

from datetime import datetime

from app.accounts.models import LoginAttemptRow, SessionRow
from app.platform.db import Tx
from app.platform.removal import among_oldest, delete_some


def delete_sessions_before(tx: Tx, before: datetime, *, limit: int) -> int:
    """Delete sessions that ran out before then: at most `limit` rows."""
    row = SessionRow
    return delete_some(tx, row, row.expires_at < before, limit=limit, oldest=row.expires_at)


def delete_attempts_before(tx: Tx, before: datetime, *, limit: int) -> int:
    """Delete tries to sign in from before then: at most `limit` rows."""
    row = LoginAttemptRow
    return delete_some(tx, row, among_oldest(row, limit), row.at < before, limit=limit)
