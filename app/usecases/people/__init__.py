"""People: signing in, accounts, teams, contact methods, tokens; each function is one business step with its audit."""

from app.usecases.people.accounts import (
    activate_user,
    change_password,
    create_user,
    deactivate_user,
    set_password,
    update_own_account,
    update_user,
)
from app.usecases.people.first_run import create_admin, create_first_admin, prepare_setup_code
from app.usecases.people.push import add_device, push_public_key, remove_device
from app.usecases.people.reach import (
    add_contact_method,
    add_rule,
    remove_contact_method,
    remove_rule,
    send_code,
    verify_contact_method,
)
from app.usecases.people.signin import (
    acting_as,
    identify_basic,
    identify_session,
    identify_token,
    login,
    logout,
    open_session,
)
from app.usecases.people.teams import add_member, create_team, delete_team, remove_member, update_team
from app.usecases.people.tokens import create_token, end_session, revoke_token

__all__ = [
    "acting_as",
    "activate_user",
    "add_contact_method",
    "add_device",
    "add_member",
    "add_rule",
    "change_password",
    "create_admin",
    "create_first_admin",
    "create_team",
    "create_token",
    "create_user",
    "deactivate_user",
    "delete_team",
    "end_session",
    "identify_basic",
    "identify_session",
    "identify_token",
    "login",
    "logout",
    "open_session",
    "prepare_setup_code",
    "push_public_key",
    "remove_contact_method",
    "remove_device",
    "remove_member",
    "remove_rule",
    "revoke_token",
    "send_code",
    "set_password",
    "update_own_account",
    "update_team",
    "update_user",
    "verify_contact_method",
]
