"""`/api/v1/users/{id}/contact-methods` and `/notification-rules`: for admins, and for the person themselves."""

from app.accounts import queries
from app.accounts.permissions import Permission, allows
from app.accounts.types import Identity
from app.platform.errors import Forbidden
from app.usecases import people
from app.web.api.accounts_schemas import Code, ContactMethodNew, ContactMethodOut, RuleNew, RuleOut
from app.web.deps import Id, IdentityDep, NowDep, RuntimeDep


def list_contact_methods(user_id: Id, rt: RuntimeDep, identity: IdentityDep) -> list[ContactMethodOut]:
    """A person's contact methods."""
    require_self_or_admin(identity, user_id)
    found = rt.db.read(lambda tx: queries.contact_methods_of(tx, queries.get_user(tx, user_id).id))
    return [ContactMethodOut.of(each) for each in found]


def add_contact_method(
    user_id: Id, body: ContactMethodNew, rt: RuntimeDep, identity: IdentityDep, now: NowDep
) -> ContactMethodOut:
    """Add an address; only an admin may say that it needs no code."""
    require_self_or_admin(identity, user_id)
    if body.verified and not allows(identity, Permission.MANAGE_PEOPLE):
        raise Forbidden("Only an admin may add an address as verified: have a code sent.")
    method = people.add_contact_method(
        rt,
        user_id=user_id,
        channel=body.channel,
        address=body.address,
        verified=body.verified,
        actor=identity.user,
        now=now,
    )
    return ContactMethodOut.of(method)


def remove_contact_method(
    user_id: Id, contact_method_id: Id, rt: RuntimeDep, identity: IdentityDep, now: NowDep
) -> None:
    """Take an address away, with the rules that use it."""
    require_self_or_admin(identity, user_id)
    people.remove_contact_method(rt, user_id=user_id, contact_method_id=contact_method_id, actor=identity.user, now=now)


def send_code(
    user_id: Id, contact_method_id: Id, rt: RuntimeDep, identity: IdentityDep, now: NowDep
) -> ContactMethodOut:
    """Send a verification code to the address."""
    require_self_or_admin(identity, user_id)
    return ContactMethodOut.of(people.send_code(rt, user_id=user_id, contact_method_id=contact_method_id, now=now))


def verify(
    user_id: Id, contact_method_id: Id, body: Code, rt: RuntimeDep, identity: IdentityDep, now: NowDep
) -> ContactMethodOut:
    """Verify the address by the code that was sent to it."""
    require_self_or_admin(identity, user_id)
    return ContactMethodOut.of(
        people.verify_contact_method(
            rt, user_id=user_id, contact_method_id=contact_method_id, code=body.code, actor=identity.user, now=now
        )
    )


def list_rules(user_id: Id, rt: RuntimeDep, identity: IdentityDep) -> list[RuleOut]:
    """A person's notification rules."""
    require_self_or_admin(identity, user_id)
    found = rt.db.read(lambda tx: queries.rules_of(tx, queries.get_user(tx, user_id).id))
    return [RuleOut.of(each) for each in found]


def add_rule(user_id: Id, body: RuleNew, rt: RuntimeDep, identity: IdentityDep, now: NowDep) -> RuleOut:
    """Add a notification rule."""
    require_self_or_admin(identity, user_id)
    rule = people.add_rule(
        rt,
        user_id=user_id,
        urgency=body.urgency,
        delay_minutes=body.delay_minutes,
        contact_method_id=body.contact_method_id,
        actor=identity.user,
        now=now,
    )
    return RuleOut.of(rule)


def remove_rule(user_id: Id, rule_id: Id, rt: RuntimeDep, identity: IdentityDep, now: NowDep) -> None:
    """Take a notification rule away."""
    require_self_or_admin(identity, user_id)
    people.remove_rule(rt, user_id=user_id, rule_id=rule_id, actor=identity.user, now=now)


def require_self_or_admin(identity: Identity, user_id: int) -> None:
    """Raise Forbidden for anybody but the person themselves and who may manage people."""
    if identity.user.id != user_id and not allows(identity, Permission.MANAGE_PEOPLE):
        raise Forbidden("Only an admin may see and change how somebody else is reached.")
