"""People in JSON: what the API answers about them and what it takes. Unknown fields are refused."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from app.accounts.types import (
    ApiToken,
    AuditEntry,
    ContactMethod,
    NotificationRule,
    Role,
    Team,
    TokenScope,
    Urgency,
    User,
)

Password = Annotated[str, Field(max_length=1024)]
ShortText = Annotated[str, Field(max_length=500)]


class Out(BaseModel):
    """Something the API answers, read from one of our frozen dataclasses."""

    model_config = ConfigDict(from_attributes=True)


class In(BaseModel):
    """Something the API is sent; a field that is not listed is an error, never ignored."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=False)


class UserOut(Out):
    """A person."""

    id: int
    email: str
    name: str
    role: Role
    timezone: str
    phone: str | None
    slack_user_id: str | None
    quiet_from: str | None
    quiet_to: str | None
    digest_at: str | None
    is_active: bool
    login_enabled: bool
    created_at: datetime
    updated_at: datetime


class UserNew(In):
    """A person to be added; a password is needed where `login_enabled`."""

    email: ShortText
    name: ShortText
    role: Role = Role.RESPONDER
    timezone: ShortText = "UTC"
    phone: ShortText | None = None
    slack_user_id: ShortText | None = None
    quiet_from: ShortText | None = None
    quiet_to: ShortText | None = None
    digest_at: ShortText | None = None
    is_active: bool = True
    login_enabled: bool | None = None
    password: Password | None = None


class UserChange(In):
    """Fields of a person to change; what is left out stays."""

    email: ShortText = ""
    name: ShortText = ""
    role: Role = Role.VIEWER
    timezone: ShortText = ""
    phone: ShortText | None = None
    slack_user_id: ShortText | None = None
    quiet_from: ShortText | None = None
    quiet_to: ShortText | None = None
    digest_at: ShortText | None = None
    is_active: bool = True
    login_enabled: bool = False
    password: Password = ""


class OwnChange(In):
    """Fields of one's own account to change."""

    name: ShortText = ""
    timezone: ShortText = ""
    phone: ShortText | None = None
    quiet_from: ShortText | None = None
    quiet_to: ShortText | None = None
    digest_at: ShortText | None = None


class PasswordChange(In):
    """One's own new password, and the old one as proof."""

    old_password: Password
    new_password: Password


class TeamOut(Out):
    """A team with everybody in it, inactive members too."""

    id: int
    name: str
    description: str
    members: list[UserOut]
    extra_emails: list[str]
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, team: Team, members: list[User], extra_emails: list[str]) -> "TeamOut":
        """The team as the API shows it."""
        return cls(
            id=team.id,
            name=team.name,
            description=team.description,
            members=[UserOut.model_validate(user) for user in members],
            extra_emails=extra_emails,
            created_at=team.created_at,
            updated_at=team.updated_at,
        )


class TeamNew(In):
    """A team to be added."""

    name: ShortText
    description: Annotated[str, Field(max_length=2000)] = ""
    extra_emails: Annotated[list[ShortText], Field(max_length=100)] = []


class TeamChange(In):
    """Fields of a team to change; what is left out stays."""

    name: ShortText | None = None
    description: Annotated[str, Field(max_length=2000)] | None = None
    extra_emails: Annotated[list[ShortText], Field(max_length=100)] | None = None


class MemberNew(In):
    """Who joins a team."""

    user_id: Annotated[int, Field(ge=1, le=2**31 - 1)]


class ContactMethodOut(Out):
    """An address of a person on one channel."""

    id: int
    channel: str
    address: str
    verified: bool
    verified_at: datetime | None
    opted_out: bool

    @classmethod
    def of(cls, method: ContactMethod) -> "ContactMethodOut":
        """The contact method as the API shows it."""
        return cls(
            id=method.id,
            channel=method.channel,
            address=method.address,
            verified=method.verified_at is not None,
            verified_at=method.verified_at,
            opted_out=method.opted_out_at is not None,
        )


class ContactMethodNew(In):
    """An address to be added; `verified` is for admins only."""

    channel: ShortText
    address: ShortText
    verified: bool = False


class Code(In):
    """The code that was sent to an address."""

    code: Annotated[str, Field(max_length=20)]


class RuleOut(Out):
    """A notification rule."""

    id: int
    urgency: Urgency
    delay_minutes: int
    contact_method_id: int

    @classmethod
    def of(cls, rule: NotificationRule) -> "RuleOut":
        """The rule as the API shows it."""
        return cls.model_validate(rule)


class RuleNew(In):
    """A notification rule to be added."""

    urgency: Urgency
    delay_minutes: Annotated[int, Field(ge=0, le=24 * 60)]
    contact_method_id: Annotated[int, Field(ge=1, le=2**31 - 1)]


class TokenOut(Out):
    """A personal API token; its text is shown only when it is made."""

    id: int
    name: str
    prefix: str
    scope: TokenScope
    created_at: datetime
    last_used_at: datetime | None

    @classmethod
    def of(cls, token: ApiToken) -> "TokenOut":
        """The token as the API shows it."""
        return cls.model_validate(token)


class TokenMade(TokenOut):
    """A new token with its text, this once."""

    token: str


class TokenNew(In):
    """A token to be made."""

    name: ShortText
    scope: TokenScope


class SessionOut(Out):
    """A signed-in browser."""

    id: int
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    address: str
    agent: str


class MeOut(UserOut):
    """One's own account with how it is reached."""

    contact_methods: list[ContactMethodOut]
    notification_rules: list[RuleOut]
    teams: list[str]


class AuditOut(Out):
    """An entry of the audit."""

    id: int
    at: datetime
    user_id: int | None
    user_name: str
    action: str
    object_type: str
    object_id: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    hash: str

    @classmethod
    def of(cls, entry: AuditEntry) -> "AuditOut":
        """The entry as the API shows it."""
        return cls.model_validate(entry)
