"""Reading people: users, teams, how to reach them, sessions, tokens and the audit. Nothing here writes."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, and_, bindparam, func, or_, select

from app.accounts import rules
from app.accounts.errors import ContactMethodMissing, TeamMissing, UserMissing
from app.accounts.models import (
    ApiTokenRow,
    AuditEntryRow,
    ContactMethodRow,
    NotificationRuleRow,
    SessionRow,
    TeamEmailRow,
    TeamMembershipRow,
    TeamRow,
    UserActivityRow,
    UserRow,
)
from app.accounts.types import (
    ApiToken,
    AuditEntry,
    ContactMethod,
    NotificationRule,
    Reach,
    Role,
    Session,
    Team,
    Urgency,
    User,
)
from app.platform.db import Tx, fields_of, paged
from app.platform.types import Page, PageQuery

# The statements of every page and every screen, built once: building one costs more than running it.
_IDS: BindParameter[Any] = bindparam("ids", expanding=True)
_USERS = select(*fields_of(UserRow, User))
_USER = _USERS.where(UserRow.id == bindparam("user_id"))
_USERS_BY_ID = _USERS.where(UserRow.id.in_(_IDS))
_USER_AT = _USERS.where(UserRow.email == bindparam("email"))
_ACTIVE_ADMINS = _USERS.where(UserRow.role == Role.ADMIN, UserRow.is_active).order_by(UserRow.id)
_ACTIVE_AMONG = select(UserRow.id).where(UserRow.id.in_(_IDS), UserRow.is_active)
_ACTIVITY = (
    select(UserActivityRow.user_id, UserActivityRow.started_at, UserActivityRow.ended_at)
    .where(UserActivityRow.user_id.in_(_IDS))
    .order_by(UserActivityRow.started_at, UserActivityRow.id)
)
_CONTACT_METHODS = (
    select(*fields_of(ContactMethodRow, ContactMethod))
    .where(ContactMethodRow.user_id.in_(_IDS), ContactMethodRow.removed_at.is_(None))
    .order_by(ContactMethodRow.id)
)
_RULES = (
    select(*fields_of(NotificationRuleRow, NotificationRule))
    .where(
        NotificationRuleRow.user_id.in_(_IDS),
        NotificationRuleRow.urgency.in_(bindparam("urgencies", expanding=True)),
    )
    .order_by(NotificationRuleRow.id)
)


def _contains(column: Any, text: str) -> ColumnElement[bool]:
    escaped = text.casefold().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return func.lower(column).like(f"%{escaped}%", escape="\\")


def get_user(tx: Tx, user_id: int) -> User:
    """The user. Raises UserMissing."""
    user = find_user(tx, user_id)
    if user is None:
        raise UserMissing("There is no such user.")
    return user


def find_user(tx: Tx, user_id: int) -> User | None:
    """The user, or None."""
    return tx.first(User, _USER, user_id=user_id)


def find_user_by_email(tx: Tx, email: str) -> User | None:
    """The user with this address, whatever its capitals, or None."""
    return tx.first(User, _USER_AT, email=email.strip().casefold())


def list_users(
    tx: Tx, page: PageQuery, *, q: str = "", role: Role | None = None, is_active: bool | None = None
) -> Page[User]:
    """One page of users, active ones first, by name; `q` looks into name and email."""
    query = _USERS
    if q:
        query = query.where(or_(_contains(UserRow.name, q), _contains(UserRow.email, q)))
    if role is not None:
        query = query.where(UserRow.role == role)
    if is_active is not None:
        query = query.where(UserRow.is_active == is_active)
    return paged(tx, User, query.order_by(UserRow.is_active.desc(), UserRow.name, UserRow.id), page)


def users_by_id(tx: Tx, user_ids: Iterable[int]) -> dict[int, User]:
    """The users among these ids that exist, by id."""
    wanted = sorted(set(user_ids))
    if not wanted:
        return {}
    return {user.id: user for user in tx.all(User, _USERS_BY_ID, ids=wanted)}


def active_admins(tx: Tx) -> list[User]:
    """Everybody who is paged when nobody else can be: the fallback."""
    return tx.all(User, _ACTIVE_ADMINS)


def active_responders(tx: Tx) -> list[User]:
    """Everybody who may be named as the one who acted on an incident, by name."""
    query = _USERS.where(UserRow.is_active, UserRow.role.in_((Role.ADMIN, Role.RESPONDER)))
    return tx.all(User, query.order_by(UserRow.name, UserRow.id))


def has_admin(tx: Tx) -> bool:
    """Whether the first admin was made; the first-run door is then closed."""
    return tx.scalar(select(UserRow.id).where(UserRow.role == Role.ADMIN).limit(1)) is not None


def activity_of(tx: Tx, user_ids: Iterable[int]) -> dict[int, list[tuple[datetime, datetime | None]]]:
    """The intervals in which each of these users was active, oldest first; the end of a running one is None."""
    wanted = sorted(set(user_ids))
    intervals: dict[int, list[tuple[datetime, datetime | None]]] = {user_id: [] for user_id in wanted}
    if wanted:
        for user_id, started_at, ended_at in tx.execute(_ACTIVITY, {"ids": wanted}):
            intervals[user_id].append((started_at, ended_at))
    return intervals


def get_team(tx: Tx, team_id: int) -> Team:
    """The team. Raises TeamMissing."""
    team = find_team(tx, team_id)
    if team is None:
        raise TeamMissing("There is no such team.")
    return team


def find_team(tx: Tx, team_id: int) -> Team | None:
    """The team, or None."""
    return tx.first(Team, select(*fields_of(TeamRow, Team)).where(TeamRow.id == team_id))


def find_team_named(tx: Tx, name: str) -> Team | None:
    """The team of that name, whatever its capitals, or None."""
    query = select(*fields_of(TeamRow, Team)).where(func.lower(TeamRow.name) == name.strip().lower())
    return tx.first(Team, query.order_by(TeamRow.id))


def list_teams(tx: Tx, page: PageQuery, *, q: str = "") -> Page[Team]:
    """One page of teams, by name."""
    query = select(*fields_of(TeamRow, Team))
    if q:
        query = query.where(_contains(TeamRow.name, q))
    return paged(tx, Team, query.order_by(TeamRow.name, TeamRow.id), page)


def team_members(tx: Tx, team_id: int) -> list[User]:
    """The active members of a team, in the order in which they joined."""
    return [user for user in all_team_members(tx, team_id) if user.is_active]


def all_team_members(tx: Tx, team_id: int) -> list[User]:
    """Every member of a team, the inactive ones too: they stay visible where they already are (B5)."""
    joined = and_(TeamMembershipRow.user_id == UserRow.id, TeamMembershipRow.team_id == team_id)
    return tx.all(User, _USERS.join(TeamMembershipRow, joined).order_by(TeamMembershipRow.id))


def members_by_team(tx: Tx, team_ids: Iterable[int]) -> dict[int, list[User]]:
    """Every member of each of these teams."""
    wanted = sorted(set(team_ids))
    if not wanted:
        return {}
    pairs = tx.execute(
        select(TeamMembershipRow.team_id, TeamMembershipRow.user_id)
        .where(TeamMembershipRow.team_id.in_(wanted))
        .order_by(TeamMembershipRow.id)
    ).all()
    users = users_by_id(tx, (user_id for _, user_id in pairs))
    members: dict[int, list[User]] = {team_id: [] for team_id in wanted}
    for team_id, user_id in pairs:
        members[team_id].append(users[user_id])
    return members


def teams_of(tx: Tx, user_id: int) -> list[Team]:
    """The teams that a user is a member of, by name."""
    joined = and_(TeamMembershipRow.team_id == TeamRow.id, TeamMembershipRow.user_id == user_id)
    return tx.all(Team, select(*fields_of(TeamRow, Team)).join(TeamMembershipRow, joined).order_by(TeamRow.name))


def emails_by_team(tx: Tx, team_ids: Iterable[int]) -> dict[int, list[str]]:
    """The addresses of each of these teams that belong to no person."""
    wanted = sorted(set(team_ids))
    emails: dict[int, list[str]] = {team_id: [] for team_id in wanted}
    if wanted:
        query = select(TeamEmailRow.team_id, TeamEmailRow.email).where(TeamEmailRow.team_id.in_(wanted))
        for team_id, email in tx.execute(query.order_by(TeamEmailRow.id)):
            emails[team_id].append(email)
    return emails


def contact_methods_of(tx: Tx, user_id: int) -> list[ContactMethod]:
    """A person's contact methods, in the order in which they were added."""
    return _contact_methods(tx, [user_id])


def contact_methods_by_user(tx: Tx, user_ids: Iterable[int]) -> dict[int, list[ContactMethod]]:
    """The contact methods of each of these people, in the order in which they were added."""
    wanted = sorted(set(user_ids))
    methods: dict[int, list[ContactMethod]] = {user_id: [] for user_id in wanted}
    for method in _contact_methods(tx, wanted) if wanted else []:
        methods[method.user_id].append(method)
    return methods


def _contact_methods(tx: Tx, user_ids: Sequence[int]) -> list[ContactMethod]:
    return tx.all(ContactMethod, _CONTACT_METHODS, ids=user_ids)


def contact_methods_at(tx: Tx, address: str, channels: Iterable[str]) -> list[ContactMethod]:
    """Everybody's contact methods with this address on one of these channels, verified or not."""
    query = select(*fields_of(ContactMethodRow, ContactMethod)).where(
        ContactMethodRow.address == address,
        ContactMethodRow.channel.in_(sorted(channels)),
        ContactMethodRow.removed_at.is_(None),
    )
    return tx.all(ContactMethod, query.order_by(ContactMethodRow.id))


def people_of_slack_user(tx: Tx, slack_user_id: str) -> list[User]:
    """Whoever this Slack account belongs to, active or not: by their profile, or by a verified contact method."""
    methods = contact_methods_at(tx, slack_user_id, ["slack"])
    named = [method.user_id for method in methods if method.verified_at is not None]
    query = _USERS.where(or_(UserRow.slack_user_id == slack_user_id, UserRow.id.in_(named)))
    return tx.all(User, query.order_by(UserRow.id))


def get_contact_method(tx: Tx, user_id: int, contact_method_id: int) -> ContactMethod:
    """This person's contact method. Raises ContactMethodMissing."""
    for method in contact_methods_of(tx, user_id):
        if method.id == contact_method_id:
            return method
    raise ContactMethodMissing("This person has no such contact method.")


def rules_of(tx: Tx, user_id: int, *, urgency: Urgency | None = None) -> list[NotificationRule]:
    """A person's notification rules, by urgency and delay."""
    found = _rules(tx, [user_id], urgency)
    return sorted(found, key=lambda rule: (list(Urgency).index(rule.urgency), rule.delay_minutes, rule.id))


def _rules(tx: Tx, user_ids: Sequence[int], urgency: Urgency | None) -> list[NotificationRule]:
    return tx.all(NotificationRule, _RULES, ids=user_ids, urgencies=[urgency] if urgency else list(Urgency))


def reach_of(tx: Tx, user_ids: Iterable[int], *, urgency: Urgency) -> dict[int, list[Reach]]:
    """How to page each of these people at this urgency, by the delay of their rules.

    Inactive users, unverified and opted-out contact methods fall out; a person whom nothing reaches has an empty list.
    """
    wanted = sorted(set(user_ids))
    if not wanted:
        return {}
    active = sorted(tx.execute(_ACTIVE_AMONG, {"ids": wanted}).scalars())
    ways: dict[int, list[Reach]] = {user_id: [] for user_id in wanted}
    if active:
        for way in rules.reaches(_rules(tx, active, urgency), _contact_methods(tx, active)):
            ways[way.user_id].append(way)
    return ways


def sessions_of(tx: Tx, user_id: int, *, now: datetime) -> list[Session]:
    """A person's living sessions, newest first."""
    query = (
        select(*fields_of(SessionRow, Session))
        .where(
            SessionRow.user_id == user_id,
            SessionRow.revoked_at.is_(None),
            SessionRow.expires_at > now,
            SessionRow.last_seen_at > now - rules.SESSION_IDLE,
        )
        .order_by(SessionRow.id.desc())
    )
    return tx.all(Session, query)


def tokens_of(tx: Tx, user_id: int) -> list[ApiToken]:
    """A person's API tokens that were not revoked, newest first."""
    query = select(*fields_of(ApiTokenRow, ApiToken)).where(
        ApiTokenRow.user_id == user_id, ApiTokenRow.revoked_at.is_(None)
    )
    return tx.all(ApiToken, query.order_by(ApiTokenRow.id.desc()))


def list_audit(
    tx: Tx, page: PageQuery, *, object_type: str = "", object_id: str = "", action: str = "", user_id: int | None = None
) -> Page[AuditEntry]:
    """One page of the audit, newest first, narrowed where a filter is given."""
    query = select(*fields_of(AuditEntryRow, AuditEntry))
    for column, wanted in (
        (AuditEntryRow.object_type, object_type),
        (AuditEntryRow.object_id, object_id),
        (AuditEntryRow.action, action),
    ):
        if wanted:
            query = query.where(column == wanted)
    if user_id is not None:
        query = query.where(AuditEntryRow.user_id == user_id)
    return paged(tx, AuditEntry, query.order_by(AuditEntryRow.id.desc()), page)
