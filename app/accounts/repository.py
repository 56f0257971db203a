"""What of the tables of people never leaves the context: password hashes, session and token look-ups, attempts."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import bindparam, delete, select, update

from app.accounts.models import ApiTokenRow, LoginAttemptRow, SessionRow, UserRow
from app.accounts.rules import BACKOFF_WINDOW
from app.accounts.types import Role, TokenScope, User
from app.platform.db import Tx, fields_of

KNOWN_ADDRESS_FOR = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class LiveSession:
    """A session as its token finds it."""

    id: int
    user_id: int
    last_seen_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class LiveToken:
    """A personal API token as its text finds it."""

    id: int
    user_id: int
    scope: TokenScope
    last_used_at: datetime | None


# The statements of every request, built once: building one costs more than running it.
_ACCOUNT = select(*fields_of(UserRow, User)).where(
    UserRow.id == bindparam("user_id"), UserRow.is_active, UserRow.login_enabled
)
_SESSION = select(*fields_of(SessionRow, LiveSession)).where(
    SessionRow.token_hash == bindparam("token_hash"), SessionRow.revoked_at.is_(None)
)
_TOKEN = select(*fields_of(ApiTokenRow, LiveToken)).where(
    ApiTokenRow.token_hash == bindparam("token_hash"), ApiTokenRow.revoked_at.is_(None)
)


def password_hash_of(tx: Tx, user_id: int) -> str | None:
    """The stored hash, or None for a person without a password."""
    found: str | None = tx.scalar(select(UserRow.password_hash).where(UserRow.id == user_id))
    return found


def lock_admins(tx: Tx) -> list[int]:
    """The ids of the admins who can sign in, locked so that two transactions cannot each take the other's away."""
    query = select(UserRow.id).where(UserRow.role == Role.ADMIN, UserRow.is_active, UserRow.login_enabled)
    return list(tx.execute(query.order_by(UserRow.id).with_for_update()).scalars())


def account(tx: Tx, user_id: int) -> User | None:
    """The user, if they may sign in just now."""
    return tx.first(User, _ACCOUNT, user_id=user_id)


def session_by_hash(tx: Tx, token_hash: str) -> LiveSession | None:
    """The session that was not revoked; whether it has expired is a rule."""
    return tx.first(LiveSession, _SESSION, token_hash=token_hash)


def token_by_hash(tx: Tx, token_hash: str) -> LiveToken | None:
    """The personal API token that was not revoked."""
    return tx.first(LiveToken, _TOKEN, token_hash=token_hash)


def touch_session(tx: Tx, session_id: int, now: datetime) -> None:
    """Note that the session is in use."""
    tx.execute(update(SessionRow).where(SessionRow.id == session_id).values(last_seen_at=now))


def touch_token(tx: Tx, token_id: int, now: datetime) -> None:
    """Note that the token is in use."""
    tx.execute(update(ApiTokenRow).where(ApiTokenRow.id == token_id).values(last_used_at=now))


def account_failures(tx: Tx, account_name: str, address: str, now: datetime) -> list[datetime]:
    """When sign-ins to this account failed within the window and since its last success.

    From an address where its owner has signed in before, only that address's failures count: a stranger who keeps
    guessing from elsewhere cannot keep them out.
    """
    row = LoginAttemptRow
    is_known = tx.scalar(
        select(row.id)
        .where(row.account == account_name, row.address == address, row.succeeded, row.at > now - KNOWN_ADDRESS_FOR)
        .limit(1)
    )
    last_success = tx.scalar(
        select(row.at).where(row.account == account_name, row.succeeded).order_by(row.at.desc()).limit(1)
    )
    since = now - BACKOFF_WINDOW
    if last_success is not None and last_success > since:
        since = last_success
    failed = select(row.at).where(row.account == account_name, ~row.succeeded, row.at > since)
    if is_known:
        failed = failed.where(row.address == address)
    return list(tx.execute(failed).scalars())


def address_failures(tx: Tx, address: str, now: datetime) -> list[datetime]:
    """When sign-ins from this address failed within the window, to whatever account."""
    row = LoginAttemptRow
    failed = select(row.at).where(row.address == address, ~row.succeeded, row.at > now - BACKOFF_WINDOW)
    return list(tx.execute(failed).scalars())


def is_in_good_standing(tx: Tx, account_name: str, address: str, now: datetime) -> bool:
    """Whether the last try of this account was a success from this address within the hour."""
    row = LoginAttemptRow
    last = tx.execute(
        select(row.succeeded, row.address, row.at).where(row.account == account_name).order_by(row.id.desc()).limit(1)
    ).first()
    return last is not None and last.succeeded and last.address == address and last.at > now - timedelta(hours=1)


def add_attempt(tx: Tx, *, account_name: str, address: str, succeeded: bool, now: datetime) -> None:
    """Note a try to sign in, and forget this account's old ones."""
    row = LoginAttemptRow
    tx.execute(delete(row).where(row.account == account_name, row.at < now - KNOWN_ADDRESS_FOR))
    tx.insert(row, account=account_name, address=address, succeeded=succeeded, at=now)
