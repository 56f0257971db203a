"""Who is calling: sessions, Basic auth and tokens; signing in and out; and whom somebody acts as (B3, B4).

Passwords are verified between two transactions, never inside one: a hash takes tens of milliseconds.
"""

from collections.abc import Callable
from datetime import datetime

from app.accounts import passwords, queries, service, sessions
from app.accounts.errors import WrongCredentials, invalid
from app.accounts.passwords import CredentialCache
from app.accounts.permissions import may_be_acted_as
from app.accounts.types import Identity, User
from app.incidents.types import Actor
from app.platform.db import Tx
from app.platform.errors import Unauthenticated, Unavailable
from app.platform.logs import get_logger
from app.platform.runtime import Runtime
from app.platform.secrets import hash_token

MAX_ACCOUNT_LENGTH = 254

log = get_logger(__name__)


def login(
    rt: Runtime,
    *,
    email: str,
    password: str,
    address: str,
    agent: str,
    now: datetime,
    old_token: str | None = None,
) -> str:
    """Sign in and return the new session's token for the cookie; the browser's old session ends (`old_token`).

    Raises WrongCredentials (one answer for every reason), SlowDown.
    """
    account = account_name(email)
    user = _verify(rt, account=account, password=password, address=address, now=now)
    return open_session(rt, user, account=account, address=address, agent=agent, now=now, old_token=old_token)


def open_session(
    rt: Runtime, user: User, *, account: str, address: str, agent: str, now: datetime, old_token: str | None = None
) -> str:
    """A fresh session for somebody who has just proved who they are; its token is returned and nowhere stored."""
    token = rt.ids.token()

    def write(tx: Tx) -> None:
        _end_by_token(tx, old_token, now)
        service.add_attempt(tx, account_name=account, address=address, succeeded=True, now=now)
        sessions.start_session(tx, user_id=user.id, token_hash=hash_token(token), address=address, agent=agent, now=now)
        service.record_audit(
            tx,
            actor=user,
            action="signed_in",
            object_type="user",
            object_id=user.id,
            before=None,
            after={"address": address},
            now=now,
        )

    rt.db.write(write)
    return token


def logout(rt: Runtime, *, token: str, now: datetime) -> None:
    """End the session of this cookie; one that has ended already is fine."""

    def write(tx: Tx) -> None:
        user = _end_by_token(tx, token, now)
        if user is not None:
            service.record_audit(
                tx,
                actor=user,
                action="signed_out",
                object_type="user",
                object_id=user.id,
                before=None,
                after=None,
                now=now,
            )

    rt.db.write(write)


def identify_session(rt: Runtime, token: str, *, now: datetime) -> Identity | None:
    """Who the cookie belongs to, or None when its session has ended."""
    token_hash = hash_token(token)
    found = rt.db.read(lambda tx: sessions.find_session(tx, token_hash=token_hash, now=now))
    if found is None:
        return None
    identity, noteworthy = found
    session_id = identity.session_id
    if noteworthy and session_id is not None:
        _note(rt, lambda tx: sessions.touch_session(tx, session_id, now))
    return identity


def identify_token(rt: Runtime, token: str, *, now: datetime) -> Identity:
    """Who the personal API token belongs to. Raises Unauthenticated."""
    token_hash = hash_token(token)
    found = rt.db.read(lambda tx: sessions.find_token(tx, token_hash=token_hash, now=now))
    if found is None:
        raise Unauthenticated("The API token is wrong or was revoked.")
    identity, token_id = found
    if token_id is not None:
        _note(rt, lambda tx: sessions.touch_token(tx, token_id, now))
    return identity


def identify_basic(
    rt: Runtime, *, email: str, password: str, address: str, now: datetime, cache: CredentialCache
) -> Identity:
    """Whose email and password these are; right ones are remembered for seconds. Raises WrongCredentials, SlowDown."""
    account = account_name(email)
    key = rt.secrets.sign("basic-credentials", f"{account}\0{password}".encode("utf-8", "surrogatepass"))
    user = _remembered(rt, cache, key)
    if user is None:
        with passwords.turn(account):
            user = _remembered(rt, cache, key)
            if user is None:
                user = _verify_in_turn(rt, account=account, password=password, address=address, now=now)
                cache.remember(
                    key,
                    user_id=user.id,
                    credential_version=user.credential_version,
                    monotonic=rt.clock.monotonic(),
                )
                _note_success(rt, account, address, now)
    return Identity(user=user, via="basic")


def acting_as(rt: Runtime, identity: Identity, user_id: int | None, *, source: str) -> Actor:
    """The actor of an incident action: the caller, or the active responder whom they name (B4).

    `source` is the door: ui, api. Raises Invalid for somebody who is inactive or may not act on incidents.
    """
    signed_in = identity.user
    if user_id is None or user_id == signed_in.id:
        return Actor(signed_in.id, signed_in.name, authenticated_as_id=signed_in.id, source=source)
    person = rt.db.read(lambda tx: queries.find_user(tx, user_id))
    if person is None or not person.is_active or not may_be_acted_as(person.role):
        raise invalid("acting_as_user_id", "must name an active responder")
    return Actor(person.id, person.name, authenticated_as_id=signed_in.id, source=source)


def account_name(email: str) -> str:
    """What a typed address counts as for the back-off, whether or not there is such an account."""
    return email.replace("\0", "").strip().casefold()[:MAX_ACCOUNT_LENGTH]


def _verify(rt: Runtime, *, account: str, password: str, address: str, now: datetime) -> User:
    with passwords.turn(account):
        return _verify_in_turn(rt, account=account, password=password, address=address, now=now)


def _verify_in_turn(rt: Runtime, *, account: str, password: str, address: str, now: datetime) -> User:
    def look_up(tx: Tx) -> tuple[User, str] | None:
        service.require_no_backoff(tx, account_name=account, address=address, now=now)
        return service.find_credentials(tx, account)

    found = rt.db.read(look_up)
    stored_hash = found[1] if found else None
    if not passwords.verify_password(password, stored_hash) or found is None:
        rt.db.write(lambda tx: _note_failure(tx, account, address, now))
        log.warning("a sign-in failed", address=address)
        raise WrongCredentials
    user, known_hash = found
    if passwords.is_outdated(known_hash):
        new_hash = passwords.hash_password(password)
        rt.db.write(lambda tx: service.upgrade_hash(tx, user_id=user.id, old_hash=known_hash, new_hash=new_hash))
    return user


def _note_failure(tx: Tx, account: str, address: str, now: datetime) -> None:
    # The same work for accounts that exist and for those that do not.
    service.add_attempt(tx, account_name=account, address=address, succeeded=False, now=now)
    known = queries.find_user_by_email(tx, account)
    service.record_audit(
        tx,
        actor=None,
        action="sign_in_failed",
        object_type="user",
        object_id=known.id if known else "unknown",
        before=None,
        after={"address": address},
        now=now,
    )


def _remembered(rt: Runtime, cache: CredentialCache, key: str) -> User | None:
    entry = cache.find(key, rt.clock.monotonic())
    if entry is None:
        return None
    user = rt.db.read(lambda tx: service.find_account(tx, entry.user_id))
    return user if user is not None and user.credential_version == entry.credential_version else None


def _note_success(rt: Runtime, account: str, address: str, now: datetime) -> None:
    # A script that calls every minute would otherwise write a row each time.
    if rt.db.read(lambda tx: service.has_recent_success(tx, account_name=account, address=address, now=now)):
        return
    _note(rt, lambda tx: service.add_attempt(tx, account_name=account, address=address, succeeded=True, now=now))


def _end_by_token(tx: Tx, token: str | None, now: datetime) -> User | None:
    found = sessions.find_session(tx, token_hash=hash_token(token), now=now) if token else None
    if found is None or found[0].session_id is None:
        return None
    sessions.end_session(tx, session_id=found[0].session_id, now=now)
    return found[0].user


def _note(rt: Runtime, write: Callable[[Tx], None]) -> None:
    try:
        rt.db.write(write)
    except Unavailable:
        # Looking something up must still work while nothing can be written.
        return
