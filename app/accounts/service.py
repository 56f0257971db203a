"""Writing people inside the caller's transaction: users, their credentials, the first-run door, sign-in attempts."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError

from app.accounts import contacts, queries, quiet, repository, rules, sessions
from app.accounts.audit import auditor as auditor, record_audit as record_audit
from app.accounts.errors import EmailTaken, LastAdmin, SetupClosed, SetupCodeWrong, SlowDown, invalid
from app.accounts.models import SetupCodeRow, UserActivityRow, UserRow
from app.accounts.permissions import is_drop
from app.accounts.types import Role, User
from app.platform.db import Tx
from app.platform.secrets import same
from app.platform.types import JsonObject

CHANGEABLE = frozenset({"email", "name", "role", "timezone", "phone", "login_enabled", "slack_user_id", *quiet.FIELDS})


def create_user(
    tx: Tx,
    *,
    email: str,
    name: str,
    role: Role,
    timezone: str = "UTC",
    phone: str | None = None,
    slack_user_id: str | None = None,
    login_enabled: bool = False,
    password_hash: str | None = None,
    is_active: bool = True,
    sms_channel: str | None = None,
    quiet_hours: Mapping[str, str | None] | None = None,
    now: datetime,
) -> User:
    """Add a person with the default contact methods and rules (B6). Raises Invalid, EmailTaken."""
    email = rules.normal_email(email)
    _require_free_email(tx, email, except_id=None)
    normal_phone = rules.normal_phone(phone) if phone else None
    user_id = _insert(
        tx,
        email=email,
        name=rules.normal_name(name),
        role=role,
        is_active=is_active,
        login_enabled=login_enabled,
        password_hash=password_hash,
        timezone=rules.known_zone(timezone),
        phone=normal_phone,
        slack_user_id=slack_user_id or None,
        **quiet.check(quiet_hours or {}),
        credential_version=1,
        created_at=now,
        updated_at=now,
    )
    if is_active:
        tx.insert(UserActivityRow, user_id=user_id, started_at=now)
    contacts.add_defaults(tx, user_id=user_id, email=email, phone=normal_phone, sms_channel=sms_channel, now=now)
    return queries.get_user(tx, user_id)


def update_user(
    tx: Tx, *, user_id: int, changes: dict[str, Any], sms_channel: str | None = None, now: datetime
) -> User:
    """Change the named fields of a person; sessions end where the role drops or the sign-in is taken away (B3).

    Raises UserMissing, Invalid, EmailTaken, LastAdmin.
    """
    admins = repository.lock_admins(tx)
    before = queries.get_user(tx, user_id)
    values = _checked(tx, before, changes)
    tx.execute(update(UserRow).where(UserRow.id == user_id).values(**values, updated_at=now))
    after = queries.get_user(tx, user_id)
    if is_drop(before.role, after.role) or (before.login_enabled and not after.login_enabled):
        _require_an_admin(tx, admins)
        _end_credentials(tx, user_id, now)
    elif before.role is not after.role:
        sessions.end_sessions(tx, user_id=user_id, now=now)
    if after.email != before.email:
        contacts.replace_address(
            tx, user_id=user_id, channel=contacts.EMAIL, old=before.email, new=after.email, now=now
        )
    if sms_channel and after.phone and after.phone != before.phone:
        if before.phone:
            contacts.replace_address(
                tx, user_id=user_id, channel=sms_channel, old=before.phone, new=after.phone, now=now
            )
        else:
            contacts.add_sms(tx, user_id=user_id, phone=after.phone, sms_channel=sms_channel, now=now)
    return queries.get_user(tx, user_id)


def deactivate(tx: Tx, *, user_id: int, now: datetime) -> User:
    """Make a person inactive: their history stays, their sessions and tokens end. Raises UserMissing, LastAdmin."""
    admins = repository.lock_admins(tx)
    queries.get_user(tx, user_id)
    tx.execute(update(UserRow).where(UserRow.id == user_id).values(is_active=False, updated_at=now))
    _require_an_admin(tx, admins)
    running = (UserActivityRow.user_id == user_id, UserActivityRow.ended_at.is_(None))
    tx.execute(update(UserActivityRow).where(*running).values(ended_at=now))
    _end_credentials(tx, user_id, now)
    sessions.revoke_tokens(tx, user_id=user_id, now=now)
    return queries.get_user(tx, user_id)


def activate(tx: Tx, *, user_id: int, now: datetime) -> User:
    """Make a person active again; old sessions and tokens stay dead. Raises UserMissing."""
    user = queries.get_user(tx, user_id)
    if not user.is_active:
        tx.execute(update(UserRow).where(UserRow.id == user_id).values(is_active=True, updated_at=now))
        tx.insert(UserActivityRow, user_id=user_id, started_at=now)
    return queries.get_user(tx, user_id)


def set_password(tx: Tx, *, user_id: int, password_hash: str, keep_session: int | None = None, now: datetime) -> User:
    """Store a new password and allow the sign-in; every session but the one to keep ends. Raises UserMissing."""
    queries.get_user(tx, user_id)
    tx.execute(
        update(UserRow)
        .where(UserRow.id == user_id)
        .values(password_hash=password_hash, login_enabled=True, updated_at=now)
    )
    _end_credentials(tx, user_id, now, keep_session=keep_session)
    return queries.get_user(tx, user_id)


def upgrade_hash(tx: Tx, *, user_id: int, old_hash: str, new_hash: str) -> None:
    """Keep the same password under stronger parameters, unless it was changed meanwhile."""
    unchanged = (UserRow.id == user_id, UserRow.password_hash == old_hash)
    tx.execute(update(UserRow).where(*unchanged).values(password_hash=new_hash))


def find_account(tx: Tx, user_id: int) -> User | None:
    """The user, if they may sign in just now."""
    return repository.account(tx, user_id)


def find_credentials(tx: Tx, email: str) -> tuple[User, str] | None:
    """The account with this address and its password hash, if it may sign in with a password just now."""
    found = queries.find_user_by_email(tx, email)
    user = repository.account(tx, found.id) if found else None
    stored_hash = repository.password_hash_of(tx, user.id) if user else None
    return (user, stored_hash) if user and stored_hash else None


def add_attempt(tx: Tx, *, account_name: str, address: str, succeeded: bool, now: datetime) -> None:
    """Note a try to sign in, for the back-off."""
    repository.add_attempt(tx, account_name=account_name, address=address, succeeded=succeeded, now=now)


def has_recent_success(tx: Tx, *, account_name: str, address: str, now: datetime) -> bool:
    """Whether this account signed in from this address within the hour, and nothing failed since."""
    return repository.is_in_good_standing(tx, account_name, address, now)


def require_no_backoff(tx: Tx, *, account_name: str, address: str, now: datetime) -> None:
    """Raise SlowDown while failed tries to this account or from this address make the next one wait."""
    wait = max(
        rules.backoff_seconds(
            repository.account_failures(tx, account_name, address, now),
            free_tries=rules.FREE_TRIES_PER_ACCOUNT,
            now=now,
        ),
        rules.backoff_seconds(
            repository.address_failures(tx, address, now), free_tries=rules.FREE_TRIES_PER_ADDRESS, now=now
        ),
    )
    if wait:
        raise SlowDown(f"Too many failed tries: wait {wait} s and try again.", retry_after_seconds=wait)


def setup_code(tx: Tx) -> tuple[datetime, str] | None:
    """When the set-up code was made, and its hash."""
    found = tx.execute(select(SetupCodeRow.created_at, SetupCodeRow.code_hash)).first()
    return None if found is None else (found.created_at, found.code_hash)


def set_setup_code(tx: Tx, *, code_hash: str, now: datetime) -> None:
    """Make this the one set-up code."""
    tx.execute(delete(SetupCodeRow))
    tx.insert(SetupCodeRow, code_hash=code_hash, created_at=now)


def require_setup_code(tx: Tx, *, code_hash: str) -> None:
    """Let one caller with the right code through; others wait and then find the door closed.

    Raises SetupClosed once an admin exists, SetupCodeWrong for another code.
    """
    if queries.has_admin(tx):
        raise SetupClosed("The first admin was already made: sign in.")
    expected = tx.scalar(select(SetupCodeRow.code_hash).with_for_update())
    if queries.has_admin(tx):
        raise SetupClosed("The first admin was already made: sign in.")
    if expected is None or not same(expected, code_hash):
        raise SetupCodeWrong("This is not the set-up code that the process printed at its start.")


def forget_setup_code(tx: Tx) -> None:
    """Close the first-run door for good."""
    tx.execute(delete(SetupCodeRow))


def audit_view(user: User) -> JsonObject:
    """What the audit keeps of a user."""
    return {
        "email": user.email,
        "name": user.name,
        "role": user.role.value,
        "timezone": user.timezone,
        "phone": user.phone,
        "is_active": user.is_active,
        "login_enabled": user.login_enabled,
        "slack_user_id": user.slack_user_id,
        **{name: getattr(user, name) for name in quiet.FIELDS},
    }


def _insert(tx: Tx, **values: Any) -> int:
    try:
        return tx.insert(UserRow, **values)
    except IntegrityError:
        raise EmailTaken("Somebody else has this email address.") from None


def _checked(tx: Tx, before: User, changes: dict[str, Any]) -> dict[str, Any]:
    unknown = set(changes) - CHANGEABLE
    if unknown:
        raise invalid(min(unknown), "cannot be changed here")
    values = dict(changes)
    if "email" in values:
        values["email"] = rules.normal_email(values["email"])
        _require_free_email(tx, values["email"], except_id=before.id)
    if "name" in values:
        values["name"] = rules.normal_name(values["name"])
    if "timezone" in values:
        values["timezone"] = rules.known_zone(values["timezone"])
    if "phone" in values:
        values["phone"] = rules.normal_phone(values["phone"]) if values["phone"] else None
    if any(name in values for name in quiet.FIELDS):
        known = {name: getattr(before, name) for name in quiet.FIELDS}
        values |= quiet.check({**known, **{name: values[name] for name in quiet.FIELDS if name in values}})
    if values.get("login_enabled") and repository.password_hash_of(tx, before.id) is None:
        raise invalid("login_enabled", "needs a password first")
    return values


def _require_free_email(tx: Tx, email: str, *, except_id: int | None) -> None:
    taken_by = queries.find_user_by_email(tx, email)
    if taken_by is not None and taken_by.id != except_id:
        raise EmailTaken("Somebody else has this email address.")


def _require_an_admin(tx: Tx, admins_before: list[int]) -> None:
    if admins_before and not repository.lock_admins(tx):
        raise LastAdmin("This is the last admin who can sign in: make another one first.")


def _end_credentials(tx: Tx, user_id: int, now: datetime, *, keep_session: int | None = None) -> None:
    # The version makes credentials that a process remembers worthless at once.
    tx.execute(update(UserRow).where(UserRow.id == user_id).values(credential_version=UserRow.credential_version + 1))
    sessions.end_sessions(tx, user_id=user_id, now=now, keep=keep_session)
