"""`/api/v1/me`: one's own account, password, tokens, sessions, contact methods, notification rules and absences."""

from fastapi import Request

from app.accounts import queries
from app.platform.db import Tx
from app.usecases import people
from app.web.api import absences, reach
from app.web.api.accounts_schemas import (
    Code,
    ContactMethodNew,
    ContactMethodOut,
    MeOut,
    OwnChange,
    PasswordChange,
    RuleNew,
    RuleOut,
    SessionOut,
    TokenMade,
    TokenNew,
    TokenOut,
    UserOut,
)
from app.web.api.calendar_schemas import AbsenceCalendarOut
from app.web.deps import AddressDep, Id, IdentityDep, NowDep, RuntimeDep


def show(rt: RuntimeDep, identity: IdentityDep) -> MeOut:
    """One's own account and how it is reached."""
    user_id = identity.user.id

    def read(tx: Tx) -> MeOut:
        user = queries.get_user(tx, user_id)
        return MeOut(
            **UserOut.model_validate(user).model_dump(),
            contact_methods=[ContactMethodOut.of(each) for each in queries.contact_methods_of(tx, user_id)],
            notification_rules=[RuleOut.of(each) for each in queries.rules_of(tx, user_id)],
            teams=[team.name for team in queries.teams_of(tx, user_id)],
        )

    return rt.db.read(read)


def change(body: OwnChange, rt: RuntimeDep, identity: IdentityDep, now: NowDep) -> UserOut:
    """Change one's own name, time zone, phone, or quiet hours with the time of their digest."""
    changes = body.model_dump(exclude_unset=True)
    return UserOut.model_validate(people.update_own_account(rt, identity=identity, changes=changes, now=now))


def change_password(
    body: PasswordChange, rt: RuntimeDep, identity: IdentityDep, address: AddressDep, now: NowDep
) -> None:
    """Change one's own password; every other session ends."""
    people.change_password(
        rt,
        identity=identity,
        old_password=body.old_password,
        new_password=body.new_password,
        address=address,
        now=now,
    )


def list_tokens(rt: RuntimeDep, identity: IdentityDep) -> list[TokenOut]:
    """One's own API tokens, without their text."""
    return [TokenOut.of(each) for each in rt.db.read(lambda tx: queries.tokens_of(tx, identity.user.id))]


def create_token(body: TokenNew, rt: RuntimeDep, identity: IdentityDep, now: NowDep) -> TokenMade:
    """Make an API token; its text is in this answer and never again."""
    token, text = people.create_token(rt, user=identity.user, name=body.name, scope=body.scope, now=now)
    return TokenMade(**TokenOut.of(token).model_dump(), token=text)


def revoke_token(token_id: Id, rt: RuntimeDep, identity: IdentityDep, now: NowDep) -> None:
    """End an API token at once."""
    people.revoke_token(rt, user=identity.user, token_id=token_id, now=now)


def list_sessions(rt: RuntimeDep, identity: IdentityDep, now: NowDep) -> list[SessionOut]:
    """One's own signed-in browsers."""
    found = rt.db.read(lambda tx: queries.sessions_of(tx, identity.user.id, now=now))
    return [SessionOut.model_validate(each) for each in found]


def end_session(session_id: Id, rt: RuntimeDep, identity: IdentityDep, now: NowDep) -> None:
    """Sign one of one's own browsers out."""
    people.end_session(rt, user_id=identity.user.id, session_id=session_id, actor=identity.user, now=now)


def list_contact_methods(rt: RuntimeDep, identity: IdentityDep) -> list[ContactMethodOut]:
    """One's own contact methods."""
    return reach.list_contact_methods(identity.user.id, rt, identity)


def add_contact_method(body: ContactMethodNew, rt: RuntimeDep, identity: IdentityDep, now: NowDep) -> ContactMethodOut:
    """Add an address to oneself."""
    return reach.add_contact_method(identity.user.id, body, rt, identity, now)


def remove_contact_method(contact_method_id: Id, rt: RuntimeDep, identity: IdentityDep, now: NowDep) -> None:
    """Take one's own address away."""
    reach.remove_contact_method(identity.user.id, contact_method_id, rt, identity, now)


def send_code(contact_method_id: Id, rt: RuntimeDep, identity: IdentityDep, now: NowDep) -> ContactMethodOut:
    """Send a verification code to one's own address."""
    return reach.send_code(identity.user.id, contact_method_id, rt, identity, now)


def verify(contact_method_id: Id, body: Code, rt: RuntimeDep, identity: IdentityDep, now: NowDep) -> ContactMethodOut:
    """Verify one's own address by the code."""
    return reach.verify(identity.user.id, contact_method_id, body, rt, identity, now)


def list_rules(rt: RuntimeDep, identity: IdentityDep) -> list[RuleOut]:
    """One's own notification rules."""
    return reach.list_rules(identity.user.id, rt, identity)


def add_rule(body: RuleNew, rt: RuntimeDep, identity: IdentityDep, now: NowDep) -> RuleOut:
    """Add a notification rule for oneself."""
    return reach.add_rule(identity.user.id, body, rt, identity, now)


def remove_rule(rule_id: Id, rt: RuntimeDep, identity: IdentityDep, now: NowDep) -> None:
    """Take one's own notification rule away."""
    reach.remove_rule(identity.user.id, rule_id, rt, identity, now)


def list_absences(rt: RuntimeDep, identity: IdentityDep, now: NowDep) -> list[AbsenceCalendarOut]:
    """One's own calendars of absences, each with those of the next twelve months."""
    return absences.list_calendars(identity.user.id, rt, identity, now)


async def add_absences(request: Request, rt: RuntimeDep, identity: IdentityDep, now: NowDep) -> AbsenceCalendarOut:
    """Add a calendar of one's own absences: its content as `text/calendar`, or JSON with its `url`."""
    return await absences.add_calendar(identity.user.id, request, rt, identity, now)


def remove_absences(calendar_id: Id, rt: RuntimeDep, identity: IdentityDep, now: NowDep) -> None:
    """Take one's own calendar away with the absences ahead."""
    absences.remove_calendar(identity.user.id, calendar_id, rt, identity, now)
