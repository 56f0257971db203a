"""People in values: roles, users, teams, how to reach them, and who is calling."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from app.platform.types import JsonObject


class Role(StrEnum):
    """What an account may do; compared nowhere but in `permissions`."""

    ADMIN = "admin"
    RESPONDER = "responder"
    VIEWER = "viewer"


class Urgency(StrEnum):
    """How loud a page is (B6)."""

    HIGH = "high"
    LOW = "low"


class TokenScope(StrEnum):
    """What a personal API token may do at most; never more than its owner's role."""

    READ = "read"
    ACT = "act"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class User:
    """A person; one with `login_enabled` is also a user account. Times are UTC.

    Quiet hours and the time of the digest are times of day (`22:00`) in the person's own time zone.
    """

    id: int
    email: str
    name: str
    role: Role
    is_active: bool
    login_enabled: bool
    timezone: str
    phone: str | None
    slack_user_id: str | None
    credential_version: int
    created_at: datetime
    updated_at: datetime
    quiet_from: str | None = None
    quiet_to: str | None = None
    digest_at: str | None = None


@dataclass(frozen=True, slots=True)
class ContactMethod:
    """An address of a person on one channel; usable for pages once verified and while not opted out.

    `note` says why a provider takes nothing for it any more.
    """

    id: int
    user_id: int
    channel: str
    address: str
    verified_at: datetime | None
    opted_out_at: datetime | None
    created_at: datetime
    note: str = ""


@dataclass(frozen=True, slots=True)
class PushDevice:
    """A browser that gets pushes, by its name."""

    id: int
    user_id: int
    contact_method_id: int
    name: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class NotificationRule:
    """After `delay_minutes` at this urgency, use this contact method."""

    id: int
    user_id: int
    urgency: Urgency
    delay_minutes: int
    contact_method_id: int


@dataclass(frozen=True, slots=True)
class Reach:
    """One way a page gets to a person: which address, by which channel, how many minutes after the level begins."""

    user_id: int
    contact_method_id: int
    channel: str
    address: str
    delay_minutes: int


@dataclass(frozen=True, slots=True)
class Team:
    """A named group of users; `@name` in recipient lists."""

    id: int
    name: str
    description: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Session:
    """A signed-in browser; the token itself is only in its cookie."""

    id: int
    user_id: int
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    address: str
    agent: str


@dataclass(frozen=True, slots=True)
class ApiToken:
    """A personal API token; shown once, stored as its hash."""

    id: int
    user_id: int
    name: str
    prefix: str
    scope: TokenScope
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class Identity:
    """Who is calling and by which credential."""

    user: User
    via: str
    scope: TokenScope = TokenScope.ADMIN
    session_id: int | None = None


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Who did what to which object; before and after are redacted. `hash` chains each entry to the one before."""

    id: int
    at: datetime
    user_id: int | None
    user_name: str
    action: str
    object_type: str
    object_id: str
    before: JsonObject | None
    after: JsonObject | None
    previous_hash: str
    hash: str
