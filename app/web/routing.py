"""What a row of the route table is, and how the table becomes an application: who is let in is decided here, once."""

from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from http import HTTPStatus
from typing import Any, Final, Literal, TypeAlias, cast

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.datastructures import Default
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute, Route as PlainRoute

from app.accounts.passwords import CredentialCache
from app.accounts.permissions import Permission
from app.platform.crews import begin_visit
from app.web.guard import StrictRequest, admit, shows_token


class Door(StrEnum):
    """Through which door a request comes: it decides the credentials taken and the shape of errors."""

    HOOK = "hook"
    API = "api"
    UI = "ui"


PUBLIC: Final = "public"
KEYED: Final = "keyed"

# PUBLIC: anybody. KEYED: the handler itself checks a source key, a vendor's signature or a signed link.
Access: TypeAlias = Permission | Literal["public", "keyed"]


@dataclass(frozen=True, slots=True)
class Route:
    """One URL: `methods` are words with blanks between, `path` has no trailing slash, `status` is that of success.

    `token_setting` names a setting whose value, shown as a bearer token, lets a machine in without an account.
    """

    methods: str
    path: str
    handler: Callable[..., Any]
    permission: Access
    door: Door
    status: int = 200
    token_setting: str = ""


class GuardedRoute(APIRoute):
    """A route that asks for its permission before anything of the body is parsed."""

    entry: Route

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The framework's handler behind the guard."""
        inner = super().get_route_handler()

        async def guarded(plain: Request) -> Response:
            await begin_visit()
            request = StrictRequest(plain.scope, plain.receive)
            if self.entry.token_setting and shows_token(request, self.entry.token_setting):
                return await inner(request)
            required = self.entry.permission if isinstance(self.entry.permission, Permission) else None
            await admit(
                request, required, is_api=self.entry.door is Door.API, proves_itself=self.entry.permission == KEYED
            )
            return await inner(request)

        return guarded


def mount_routes(app: FastAPI, routes: Iterable[Route]) -> None:
    """Add every row in the order of the table; hook rows become plain routes without dependency injection.

    A path is mounted once: `security.TrailingSlash` makes the other spelling the same path, without a redirect.
    """
    app.state.credentials = CredentialCache()
    app.router.routes.extend(_mounted(route) for route in routes)


@cache
def _mounted(route: Route) -> BaseRoute:
    # Kept: it knows nothing of the application, and looking through a handler's types takes a millisecond.
    methods = route.methods.split()
    if route.door is Door.HOOK:
        return PlainRoute(route.path, route.handler, methods=methods)
    router = APIRouter()
    router.add_api_route(
        route.path,
        route.handler,
        methods=methods,
        status_code=route.status,
        # A JSON answer without a body would be no JSON.
        response_class=Response if route.status == HTTPStatus.NO_CONTENT else Default(JSONResponse),
        include_in_schema=route.door is Door.API,
        route_class_override=GuardedRoute,
    )
    guarded = cast(GuardedRoute, router.routes[-1])
    guarded.entry = route
    return guarded
