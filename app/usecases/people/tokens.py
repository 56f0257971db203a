"""Personal API tokens, shown once, and ending sessions; with the audit."""

from datetime import datetime

from app.accounts import queries, service, sessions
from app.accounts.types import ApiToken, TokenScope, User
from app.platform.db import Tx
from app.platform.runtime import Runtime
from app.platform.secrets import hash_token
from app.platform.types import JsonObject


def create_token(rt: Runtime, *, user: User, name: str, scope: TokenScope, now: datetime) -> tuple[ApiToken, str]:
    """A new personal API token and its text, which is shown this once. Raises Invalid."""
    text = sessions.TOKEN_PREFIX + rt.ids.token()

    def write(tx: Tx) -> ApiToken:
        token_id = sessions.add_token(
            tx, user_id=user.id, name=name, scope=scope, token=text, token_hash=hash_token(text), now=now
        )
        token = next(each for each in queries.tokens_of(tx, user.id) if each.id == token_id)
        _audit(tx, "token_created", user, None, {"name": token.name, "scope": scope.value, "prefix": token.prefix}, now)
        return token

    return rt.db.write(write), text


def revoke_token(rt: Runtime, *, user: User, token_id: int, now: datetime) -> None:
    """End one of a person's own tokens at once. Raises TokenMissing."""

    def write(tx: Tx) -> None:
        token = sessions.revoke_token(tx, user_id=user.id, token_id=token_id, now=now)
        _audit(tx, "token_revoked", user, {"name": token.name, "prefix": token.prefix}, None, now)

    rt.db.write(write)


def end_session(rt: Runtime, *, user_id: int, session_id: int, actor: User, now: datetime) -> None:
    """End one session of a person: their own, or anybody's by an admin. Raises SessionMissing."""

    def write(tx: Tx) -> None:
        sessions.end_own_session(tx, user_id=user_id, session_id=session_id, now=now)
        service.record_audit(
            tx,
            actor=actor,
            action="session_ended",
            object_type="user",
            object_id=user_id,
            before={"session": session_id},
            after=None,
            now=now,
        )

    rt.db.write(write)


def _audit(tx: Tx, action: str, user: User, before: JsonObject | None, after: JsonObject | None, now: datetime) -> None:
    service.record_audit(
        tx, actor=user, action=action, object_type="user", object_id=user.id, before=before, after=after, now=now
    )
