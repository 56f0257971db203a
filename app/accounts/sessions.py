"""Sessions and personal API tokens as rows: only hashes are kept, and revoking is one update (B3)."""

from datetime import datetime

from sqlalchemy import delete, select, update

from app.accounts import repository, rules
from app.accounts.models import ApiTokenRow, SessionRow
from app.accounts.types import ApiToken, Identity, TokenScope
from app.platform.db import Tx, fields_of
from app.platform.errors import NotFound

AGENT_LENGTH = 300
TOKEN_PREFIX = "pp_"  # noqa: S105  the visible beginning of every token, so that scanners for leaks know it
SHOWN_LENGTH = 8


class TokenMissing(NotFound):
    """There is no such API token, or it was revoked."""

    default_code = "token_missing"


class SessionMissing(NotFound):
    """There is no such session, or it has ended."""

    default_code = "session_missing"


def start_session(tx: Tx, *, user_id: int, token_hash: str, address: str, agent: str, now: datetime) -> int:
    """Add a session of at most 7 days and return its id; sessions of this person that ended are forgotten."""
    tx.execute(delete(SessionRow).where(SessionRow.user_id == user_id, SessionRow.expires_at <= now))
    return tx.insert(
        SessionRow,
        token_hash=token_hash,
        user_id=user_id,
        created_at=now,
        last_seen_at=now,
        expires_at=now + rules.SESSION_ABSOLUTE,
        address=address,
        agent=agent[:AGENT_LENGTH],
    )


def find_session(tx: Tx, *, token_hash: str, now: datetime) -> tuple[Identity, bool] | None:
    """Who the session belongs to, and whether its use is worth noting; None when it has ended."""
    session = repository.session_by_hash(tx, token_hash)
    if session is None or not rules.session_is_alive(
        last_seen_at=session.last_seen_at, expires_at=session.expires_at, now=now
    ):
        return None
    user = repository.account(tx, session.user_id)
    if user is None:
        return None
    identity = Identity(user=user, via="session", session_id=session.id)
    return identity, now - session.last_seen_at >= rules.TOUCH_EVERY


def touch_session(tx: Tx, session_id: int, now: datetime) -> None:
    """Note that the session is in use; its idle time begins anew."""
    repository.touch_session(tx, session_id, now)


def touch_token(tx: Tx, token_id: int, now: datetime) -> None:
    """Note that the token is in use."""
    repository.touch_token(tx, token_id, now)


def end_session(tx: Tx, *, session_id: int, now: datetime) -> None:
    """Revoke one session; the next request with its cookie is a stranger's."""
    tx.execute(update(SessionRow).where(SessionRow.id == session_id).values(revoked_at=now))


def end_own_session(tx: Tx, *, user_id: int, session_id: int, now: datetime) -> None:
    """Revoke a session that belongs to this person. Raises SessionMissing."""
    owned = update(SessionRow).where(
        SessionRow.id == session_id, SessionRow.user_id == user_id, SessionRow.revoked_at.is_(None)
    )
    if tx.execute(owned.values(revoked_at=now)).rowcount != 1:
        raise SessionMissing("There is no such session.")


def end_sessions(tx: Tx, *, user_id: int, now: datetime, keep: int | None = None) -> None:
    """Revoke every session of a person, but not the one to `keep`."""
    living = update(SessionRow).where(SessionRow.user_id == user_id, SessionRow.revoked_at.is_(None))
    if keep is not None:
        living = living.where(SessionRow.id != keep)
    tx.execute(living.values(revoked_at=now))


def add_token(tx: Tx, *, user_id: int, name: str, scope: TokenScope, token: str, token_hash: str, now: datetime) -> int:
    """Add a personal API token by its hash, keep its first characters to tell it by, and return its id."""
    return tx.insert(
        ApiTokenRow,
        token_hash=token_hash,
        prefix=token[: len(TOKEN_PREFIX) + SHOWN_LENGTH],
        user_id=user_id,
        name=rules.normal_name(name),
        scope=scope,
        created_at=now,
    )


def find_token(tx: Tx, *, token_hash: str, now: datetime) -> tuple[Identity, int | None] | None:
    """Whose token this is and how far it goes; with the token's id where its use is worth noting."""
    token = repository.token_by_hash(tx, token_hash)
    user = repository.account(tx, token.user_id) if token else None
    if token is None or user is None:
        return None
    noteworthy = token.last_used_at is None or now - token.last_used_at >= rules.TOUCH_EVERY
    return Identity(user=user, via="token", scope=token.scope), token.id if noteworthy else None


def revoke_token(tx: Tx, *, user_id: int, token_id: int, now: datetime) -> ApiToken:
    """Revoke a person's token and return it. Raises TokenMissing."""
    living = (ApiTokenRow.id == token_id, ApiTokenRow.user_id == user_id, ApiTokenRow.revoked_at.is_(None))
    token = tx.first(ApiToken, select(*fields_of(ApiTokenRow, ApiToken)).where(*living))
    if token is None:
        raise TokenMissing("There is no such token.")
    tx.execute(update(ApiTokenRow).where(*living).values(revoked_at=now))
    return token


def revoke_tokens(tx: Tx, *, user_id: int, now: datetime) -> None:
    """Revoke every token of a person."""
    tx.execute(
        update(ApiTokenRow)
        .where(ApiTokenRow.user_id == user_id, ApiTokenRow.revoked_at.is_(None))
        .values(revoked_at=now)
    )
