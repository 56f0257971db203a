"""The first admin: by the one-time set-up code that the process prints, or from the command line (B2)."""

from datetime import datetime

from app.accounts import passwords, queries, rules, service
from app.accounts.errors import SetupCodeWrong
from app.accounts.types import Role, User
from app.platform.db import Tx
from app.platform.runtime import Runtime
from app.platform.secrets import hash_token
from app.usecases import paging
from app.usecases.people.accounts import sms_channel
from app.usecases.people.signin import open_session

# Without letters that are read as digits.
ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
CODE_LENGTH = 12
GROUP = 4
# Tries of the code are slowed down like sign-ins to an account of this name, which no email address can have.
BACKOFF_NAME = "first-run set-up"


def prepare_setup_code(rt: Runtime, *, now: datetime) -> str | None:
    """The code that the first-run screen asks for, or None once an admin exists; called when a process starts.

    It follows from SECRET_KEY and the time in its row, so that every process, and every restart, prints the same one
    and the database holds only its hash.
    """

    def write(tx: Tx) -> str | None:
        if queries.has_admin(tx):
            return None
        stored = service.setup_code(tx)
        if stored is not None and hash_token(_code_of(rt, stored[0])) == stored[1]:
            return _code_of(rt, stored[0])
        code = _code_of(rt, now)
        service.set_setup_code(tx, code_hash=hash_token(code), now=now)
        return code

    code = rt.db.write(write)
    return None if code is None else "-".join(code[at : at + GROUP] for at in range(0, CODE_LENGTH, GROUP))


def create_first_admin(
    rt: Runtime,
    *,
    code: str,
    email: str,
    name: str,
    password: str,
    address: str,
    agent: str,
    now: datetime,
    timezone: str = "UTC",
) -> str:
    """Make the first admin, page what is open, close this door for good, and return a session token for the cookie.

    Raises Invalid, SetupCodeWrong, SetupClosed (also for the slower of two racing posts), SlowDown.
    """
    code_hash = hash_token(_normal(code))
    _require_code(rt, code_hash=code_hash, address=address, now=now)
    rules.check_password(password, email=rules.normal_email(email), name=rules.normal_name(name))
    password_hash = passwords.hash_password(password)

    def write(tx: Tx) -> User:
        service.require_setup_code(tx, code_hash=code_hash)
        user = _add_admin(
            tx,
            rt,
            email=email,
            name=name,
            password_hash=password_hash,
            timezone=timezone,
            action="first_admin",
            now=now,
        )
        service.forget_setup_code(tx)
        return user

    user = rt.db.write(write)
    return open_session(rt, user, account=user.email, address=address, agent=agent, now=now)


def create_admin(rt: Runtime, *, email: str, name: str, password: str, now: datetime, timezone: str = "UTC") -> User:
    """Make an admin from the command line, the first one or a further one; pages what is open.

    Raises Invalid, EmailTaken.
    """
    rules.check_password(password, email=rules.normal_email(email), name=rules.normal_name(name))
    password_hash = passwords.hash_password(password)

    def write(tx: Tx) -> User:
        user = _add_admin(
            tx, rt, email=email, name=name, password_hash=password_hash, timezone=timezone, action="created", now=now
        )
        service.forget_setup_code(tx)
        return user

    return rt.db.write(write)


def _add_admin(
    tx: Tx, rt: Runtime, *, email: str, name: str, password_hash: str, timezone: str, action: str, now: datetime
) -> User:
    user = service.create_user(
        tx,
        email=email,
        name=name,
        role=Role.ADMIN,
        timezone=timezone,
        login_enabled=True,
        password_hash=password_hash,
        sms_channel=sms_channel(rt.settings),
        now=now,
    )
    paging.page_unreached(tx, now)
    service.record_audit(
        tx,
        actor=None,
        action=action,
        object_type="user",
        object_id=user.id,
        before=None,
        after=service.audit_view(user),
        now=now,
    )
    return user


def _require_code(rt: Runtime, *, code_hash: str, address: str, now: datetime) -> None:
    with passwords.turn(BACKOFF_NAME):
        try:
            rt.db.read(lambda tx: _check(tx, code_hash=code_hash, address=address, now=now))
        except SetupCodeWrong:
            rt.db.write(
                lambda tx: service.add_attempt(tx, account_name=BACKOFF_NAME, address=address, succeeded=False, now=now)
            )
            raise


def _check(tx: Tx, *, code_hash: str, address: str, now: datetime) -> None:
    service.require_no_backoff(tx, account_name=BACKOFF_NAME, address=address, now=now)
    service.require_setup_code(tx, code_hash=code_hash)


def _code_of(rt: Runtime, made_at: datetime) -> str:
    number = int(rt.secrets.sign("setup-code", made_at.isoformat().encode()), 16)
    digits = []
    for _ in range(CODE_LENGTH):
        number, digit = divmod(number, len(ALPHABET))
        digits.append(ALPHABET[digit])
    return "".join(digits)


def _normal(typed: str) -> str:
    return "".join(character for character in typed.upper() if character in ALPHABET)
