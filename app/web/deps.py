"""What handlers ask for, as annotated aliases: the runtime, the caller, the time, a page of a list, an id."""

from datetime import datetime
from typing import Annotated

from fastapi import Depends, Path, Query, Request
from pydantic import AfterValidator, BeforeValidator

from app.accounts.types import Identity
from app.incidents.types import Actor
from app.platform.errors import NotFound, Unauthenticated
from app.platform.runtime import Runtime
from app.platform.types import MAX_PAGE_SIZE, PageQuery
from app.web.guard import client_address

# The largest number that an id column holds; PostgreSQL refuses to even look for a larger one.
MAX_ID = 2**31 - 1


async def _runtime(request: Request) -> Runtime:
    runtime: Runtime = request.app.state.runtime
    return runtime


async def _identity(request: Request) -> Identity:
    identity: Identity | None = request.state.identity
    if identity is None:
        raise Unauthenticated("Sign in first.")
    return identity


async def _maybe_identity(request: Request) -> Identity | None:
    identity: Identity | None = request.state.identity
    return identity


async def _now(request: Request) -> datetime:
    now: datetime = request.app.state.runtime.clock.now()
    return now


async def _page(
    page: Annotated[int, Query(ge=1, le=1_000_000)] = 1,
    page_size: Annotated[int, Query(ge=1, le=MAX_PAGE_SIZE)] = 50,
) -> PageQuery:
    return PageQuery(page=page, page_size=page_size)


async def _address(request: Request) -> str:
    return client_address(request)


RuntimeDep = Annotated[Runtime, Depends(_runtime)]
IdentityDep = Annotated[Identity, Depends(_identity)]
MaybeIdentityDep = Annotated[Identity | None, Depends(_maybe_identity)]
NowDep = Annotated[datetime, Depends(_now)]
PageDep = Annotated[PageQuery, Depends(_page)]
AddressDep = Annotated[str, Depends(_address)]


def _possible(value: int) -> int:
    if value > MAX_ID:
        raise NotFound("There is nothing of this number.")
    return value


def _digits(value: object) -> object:
    # The framework would take blanks, line ends, signs and underscores around and between them, too.
    if isinstance(value, str) and not (value.isascii() and value.isdecimal()):
        raise ValueError("must be a number")
    return value


Id = Annotated[int, Path(ge=1), BeforeValidator(_digits), AfterValidator(_possible)]


async def _api_actor(identity: IdentityDep) -> Actor:
    return actor_of(identity, source="api")


async def _ui_actor(identity: IdentityDep) -> Actor:
    return actor_of(identity, source="ui")


ActorDep = Annotated[Actor, Depends(_api_actor)]
UiActorDep = Annotated[Actor, Depends(_ui_actor)]


def actor_of(identity: Identity, *, source: str) -> Actor:
    """The caller acting as themselves; `people.acting_as` makes the actor where somebody else is named (B4)."""
    user = identity.user
    return Actor(user_id=user.id, name=user.name, authenticated_as_id=user.id, source=source)
