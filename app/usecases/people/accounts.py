"""Making, changing and deactivating people, with what follows for sessions, open incidents and the audit (B2, B5)."""

from datetime import datetime
from typing import Any

from app.accounts import passwords, queries, quiet, rules, service
from app.accounts.errors import WrongCredentials, invalid
from app.accounts.types import Identity, Role, User
from app.incidents import queries as incident_queries, service as incidents
from app.incidents.types import NewTimelineEntry, TimelineKind
from app.oncall import queries as schedule_queries, service as schedules
from app.platform.db import Tx
from app.platform.runtime import Runtime
from app.platform.settings import Settings
from app.platform.types import JsonObject
from app.usecases import paging
from app.usecases.people.signin import account_name

OWN_FIELDS = frozenset({"name", "timezone", "phone", *quiet.FIELDS})


def create_user(
    rt: Runtime,
    *,
    email: str,
    name: str,
    role: Role,
    actor: User,
    now: datetime,
    timezone: str = "UTC",
    phone: str | None = None,
    slack_user_id: str | None = None,
    login_enabled: bool = False,
    is_active: bool = True,
    password: str | None = None,
    quiet_from: str | None = None,
    quiet_to: str | None = None,
    digest_at: str | None = None,
) -> User:
    """Add a person, with or without a sign-in, and the default contact methods and rules (B6).

    Raises Invalid, EmailTaken. A new admin is paged for what is open and had reached nobody.
    """
    if login_enabled and password is None:
        raise invalid("password", "is needed for an account that signs in")
    password_hash = _new_hash(password, email=email, name=name) if password is not None else None

    def write(tx: Tx) -> User:
        user = service.create_user(
            tx,
            email=email,
            name=name,
            role=role,
            timezone=timezone,
            phone=phone,
            slack_user_id=slack_user_id,
            login_enabled=login_enabled,
            password_hash=password_hash,
            is_active=is_active,
            sms_channel=sms_channel(rt.settings),
            quiet_hours={"quiet_from": quiet_from, "quiet_to": quiet_to, "digest_at": digest_at},
            now=now,
        )
        paging.page_unreached(tx, now)
        _audit(tx, "created", user.id, actor=actor, before=None, after=service.audit_view(user), now=now)
        return user

    return rt.db.write(write)


def update_user(
    rt: Runtime, *, user_id: int, changes: dict[str, Any], actor: User, now: datetime, password: str | None = None
) -> User:
    """Change the named fields of a person; see `service.CHANGEABLE`, and `is_active`.

    `password` is set too where given. Raises UserMissing, Invalid, EmailTaken, LastAdmin.
    """
    known = rt.db.read(lambda tx: queries.get_user(tx, user_id))
    email, name = str(changes.get("email", known.email)), str(changes.get("name", known.name))
    password_hash = _new_hash(password, email=email, name=name) if password is not None else None
    fields = {field: value for field, value in changes.items() if field != "is_active"}

    def write(tx: Tx) -> User:
        before = service.audit_view(queries.get_user(tx, user_id))
        if changes.get("is_active") is False:
            _deactivate(tx, user_id, now)
        if password_hash is not None:
            service.set_password(tx, user_id=user_id, password_hash=password_hash, now=now)
        service.update_user(tx, user_id=user_id, changes=fields, sms_channel=sms_channel(rt.settings), now=now)
        if changes.get("is_active") is True:
            service.activate(tx, user_id=user_id, now=now)
            schedules.look_again(tx, schedule_queries.active_schedules(tx), now=now)
        paging.page_unreached(tx, now)
        user = queries.get_user(tx, user_id)
        after = service.audit_view(user) | ({"password": "changed"} if password_hash is not None else {})
        _audit(tx, "changed", user_id, actor=actor, before=before, after=after, now=now)
        return user

    return rt.db.write(write)


def update_own_account(rt: Runtime, *, identity: Identity, changes: dict[str, Any], now: datetime) -> User:
    """Change one's own name, time zone, phone or quiet hours. Raises Invalid for anything else."""
    beyond = set(changes) - OWN_FIELDS
    if beyond:
        raise invalid(min(beyond), "can only be changed by an admin")
    return update_user(rt, user_id=identity.user.id, changes=changes, actor=identity.user, now=now)


def deactivate_user(rt: Runtime, *, user_id: int, actor: User, now: datetime) -> User:
    """Take a person off duty at once; history stays where it is (B5).

    Their sessions and tokens end, each open incident of theirs gets a warning, and a level that thereby reaches
    nobody is passed at once. Raises UserMissing, LastAdmin.
    """

    def write(tx: Tx) -> User:
        before = service.audit_view(queries.get_user(tx, user_id))
        if _deactivate(tx, user_id, now):
            after = service.audit_view(queries.get_user(tx, user_id))
            _audit(tx, "deactivated", user_id, actor=actor, before=before, after=after, now=now)
        return queries.get_user(tx, user_id)

    return rt.db.write(write)


def activate_user(rt: Runtime, *, user_id: int, actor: User, now: datetime) -> User:
    """Let a person be on duty again; they sign in anew. Raises UserMissing."""

    def write(tx: Tx) -> User:
        before = service.audit_view(queries.get_user(tx, user_id))
        user = service.activate(tx, user_id=user_id, now=now)
        if not before["is_active"]:
            schedules.look_again(tx, schedule_queries.active_schedules(tx), now=now)
            paging.page_unreached(tx, now)
            _audit(tx, "activated", user_id, actor=actor, before=before, after=service.audit_view(user), now=now)
        return user

    return rt.db.write(write)


def set_password(rt: Runtime, *, user_id: int, password: str, actor: User, now: datetime) -> User:
    """Give a person a new password, as an admin; all their sessions end. Raises UserMissing, Invalid."""
    user = rt.db.read(lambda tx: queries.get_user(tx, user_id))
    password_hash = _new_hash(password, email=user.email, name=user.name)

    def write(tx: Tx) -> User:
        changed = service.set_password(tx, user_id=user_id, password_hash=password_hash, now=now)
        _audit(tx, "password_set", user_id, actor=actor, before=None, after=None, now=now)
        return changed

    return rt.db.write(write)


def change_password(
    rt: Runtime, *, identity: Identity, old_password: str, new_password: str, address: str, now: datetime
) -> User:
    """Change one's own password; every other session ends. Raises Invalid, SlowDown."""
    user = identity.user
    stored_hash = rt.db.read(lambda tx: _hash_unless_slowed(tx, user, address, now))
    if not passwords.verify_password(old_password, stored_hash):
        rt.db.write(
            lambda tx: service.add_attempt(
                tx, account_name=account_name(user.email), address=address, succeeded=False, now=now
            )
        )
        raise invalid("old_password", "is wrong")
    password_hash = _new_hash(new_password, email=user.email, name=user.name)

    def write(tx: Tx) -> User:
        changed = service.set_password(
            tx, user_id=user.id, password_hash=password_hash, keep_session=identity.session_id, now=now
        )
        _audit(tx, "password_changed", user.id, actor=user, before=None, after=None, now=now)
        return changed

    return rt.db.write(write)


def _deactivate(tx: Tx, user_id: int, now: datetime) -> bool:
    if not queries.get_user(tx, user_id).is_active:
        return False
    # Incidents are locked before anything else is, in every transaction.
    theirs = incident_queries.open_incidents_assigned_to(tx, user_id)
    incidents.lock_many(tx, {*(incident.id for incident in theirs), *paging.waits_for(tx, user_id)})
    user = service.deactivate(tx, user_id=user_id, now=now)
    schedules.look_again(tx, schedule_queries.active_schedules(tx), now=now)
    warning = f"{user.name} was deactivated and still has this incident: assign it to somebody else."
    incidents.add_timeline(
        tx, [NewTimelineEntry(incident.id, TimelineKind.WARNING, warning) for incident in theirs], now=now
    )
    paging.page_on_without(tx, user_id, now, f"{user.name} was deactivated")
    return True


def sms_channel(settings: Settings) -> str | None:
    """The SMS channel that is configured, if any: a new person's phone number is paged over it."""
    if settings.infobip_api_key:
        return "infobip_sms"
    return "twilio_sms" if settings.twilio_account_sid else None


def _hash_unless_slowed(tx: Tx, user: User, address: str, now: datetime) -> str:
    service.require_no_backoff(tx, account_name=account_name(user.email), address=address, now=now)
    found = service.find_credentials(tx, user.email)
    if found is None:
        raise WrongCredentials
    return found[1]


def _new_hash(password: str, *, email: str, name: str) -> str:
    rules.check_password(password, email=rules.normal_email(email), name=name)
    return passwords.hash_password(password)


def _audit(
    tx: Tx,
    action: str,
    user_id: int,
    *,
    actor: User | None,
    before: JsonObject | None,
    after: JsonObject | None,
    now: datetime,
) -> None:
    service.record_audit(
        tx, actor=actor, action=action, object_type="user", object_id=user_id, before=before, after=after, now=now
    )
