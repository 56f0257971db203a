"""The one table of who may do what; the only place where roles and token scopes are compared (B1)."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from app.accounts.types import Identity, Role, TokenScope


class Permission(StrEnum):
    """What a route may ask of the account that calls it."""

    VIEW = "view"
    EDIT_OWN_ACCOUNT = "edit_own_account"
    SIMULATE = "simulate"
    ACT_ON_INCIDENTS = "act_on_incidents"
    RETRY_NOTIFICATIONS = "retry_notifications"
    SEND_TEST_ALERTS = "send_test_alerts"
    SEND_NOTIFICATIONS = "send_notifications"
    ANALYZE = "analyze"
    RUN_CHECKS = "run_checks"
    RUN_PIPELINES = "run_pipelines"
    ANSWER_ALARMS = "answer_alarms"
    TAKE_SLOTS = "take_slots"
    MANAGE_PEOPLE = "manage_people"
    MANAGE_TEAMS = "manage_teams"
    MANAGE_SCHEDULES = "manage_schedules"
    MANAGE_POLICIES = "manage_policies"
    MANAGE_SOURCES = "manage_sources"
    MANAGE_CHANNELS = "manage_channels"
    MANAGE_INTELLIGENCE = "manage_intelligence"
    MANAGE_CHECKS = "manage_checks"
    MANAGE_PIPELINES = "manage_pipelines"
    MANAGE_ALARMS = "manage_alarms"
    MANAGE_SYSTEM = "manage_system"
    READ_AUDIT = "read_audit"


_VIEWER = frozenset({Permission.VIEW, Permission.SIMULATE, Permission.EDIT_OWN_ACCOUNT})
_RESPONDER = _VIEWER | {
    Permission.ACT_ON_INCIDENTS,
    Permission.RETRY_NOTIFICATIONS,
    Permission.SEND_TEST_ALERTS,
    Permission.SEND_NOTIFICATIONS,
    Permission.ANALYZE,
    Permission.RUN_CHECKS,
    Permission.RUN_PIPELINES,
    Permission.ANSWER_ALARMS,
    Permission.TAKE_SLOTS,
}
_ADMIN = frozenset(Permission)

ROLE_PERMISSIONS: Mapping[Role, frozenset[Permission]] = MappingProxyType(
    {Role.VIEWER: _VIEWER, Role.RESPONDER: _RESPONDER, Role.ADMIN: _ADMIN}
)

# Only an `admin` token may touch the account itself: a narrower one could otherwise make itself a wider one.
SCOPE_PERMISSIONS: Mapping[TokenScope, frozenset[Permission]] = MappingProxyType(
    {
        TokenScope.READ: frozenset({Permission.VIEW, Permission.SIMULATE}),
        TokenScope.ACT: _RESPONDER - {Permission.EDIT_OWN_ACCOUNT},
        TokenScope.ADMIN: _ADMIN,
    }
)


def may(role: Role, permission: Permission) -> bool:
    """Whether an account of this role may do this."""
    return permission in ROLE_PERMISSIONS[role]


def allows(identity: Identity, permission: Permission) -> bool:
    """Whether this caller may do this: what the role may, cut down to the scope of the token that was shown."""
    return may(identity.user.role, permission) and permission in SCOPE_PERMISSIONS[identity.scope]


def is_drop(before: Role, after: Role) -> bool:
    """Whether changing `before` to `after` takes something away; sessions then end (B3)."""
    return not ROLE_PERMISSIONS[before] <= ROLE_PERMISSIONS[after]


def may_be_acted_as(role: Role) -> bool:
    """Whether a person of this role may be named as the one who acted on an incident (B4)."""
    return may(role, Permission.ACT_ON_INCIDENTS)
