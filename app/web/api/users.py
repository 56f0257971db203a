"""`/api/v1/users`: everybody, with or without a sign-in; writing is for admins."""

from typing import Annotated

from fastapi import Query

from app.accounts import queries
from app.accounts.types import Role
from app.usecases import people
from app.web.api.accounts_schemas import SessionOut, UserChange, UserNew, UserOut
from app.web.api.pages import PageOut, page_out
from app.web.deps import Id, IdentityDep, NowDep, PageDep, RuntimeDep


def list_users(
    rt: RuntimeDep,
    page: PageDep,
    q: Annotated[str, Query(max_length=200)] = "",
    role: Role | None = None,
    is_active: bool | None = None,
) -> PageOut[UserOut]:
    """One page of people; `q` looks into name and email."""
    found = rt.db.read(lambda tx: queries.list_users(tx, page, q=q, role=role, is_active=is_active))
    return page_out(found, UserOut.model_validate)


def show(user_id: Id, rt: RuntimeDep) -> UserOut:
    """One person."""
    return UserOut.model_validate(rt.db.read(lambda tx: queries.get_user(tx, user_id)))


def create(body: UserNew, rt: RuntimeDep, identity: IdentityDep, now: NowDep) -> UserOut:
    """Add a person; one with a password can sign in unless told otherwise."""
    fields = body.model_dump()
    if body.login_enabled is None:
        fields["login_enabled"] = body.password is not None
    return UserOut.model_validate(people.create_user(rt, **fields, actor=identity.user, now=now))


def change(user_id: Id, body: UserChange, rt: RuntimeDep, identity: IdentityDep, now: NowDep) -> UserOut:
    """Change the fields that are sent."""
    changes = body.model_dump(exclude_unset=True)
    password = changes.pop("password", None)
    user = people.update_user(rt, user_id=user_id, changes=changes, password=password, actor=identity.user, now=now)
    return UserOut.model_validate(user)


def deactivate(user_id: Id, rt: RuntimeDep, identity: IdentityDep, now: NowDep) -> UserOut:
    """Take a person off duty; history stays."""
    return UserOut.model_validate(people.deactivate_user(rt, user_id=user_id, actor=identity.user, now=now))


def activate(user_id: Id, rt: RuntimeDep, identity: IdentityDep, now: NowDep) -> UserOut:
    """Let a person be on duty again."""
    return UserOut.model_validate(people.activate_user(rt, user_id=user_id, actor=identity.user, now=now))


def list_sessions(user_id: Id, rt: RuntimeDep, now: NowDep) -> list[SessionOut]:
    """A person's signed-in browsers."""
    found = rt.db.read(lambda tx: queries.sessions_of(tx, user_id, now=now))
    return [SessionOut.model_validate(each) for each in found]


def end_session(user_id: Id, session_id: Id, rt: RuntimeDep, identity: IdentityDep, now: NowDep) -> None:
    """Sign one of a person's browsers out."""
    people.end_session(rt, user_id=user_id, session_id=session_id, actor=identity.user, now=now)
