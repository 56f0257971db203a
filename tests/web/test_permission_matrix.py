"""Every route for every kind of caller: who is let in is what the permission table says (B1, S-36).

Callers: anonymous, an alert source's key, viewer, responder, admin. A cell holds when the answer is one that this
caller must get from this route; what happens behind the guard is tested elsewhere.
"""

import asyncio
import itertools
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass

import pytest

from app.accounts import service, sessions
from app.accounts.passwords import NOBODYS_HASH
from app.accounts.permissions import Permission, may
from app.accounts.types import Identity, Role, TokenScope
from app.main import create_app
from app.platform.db import Tx
from app.platform.runtime import Runtime
from app.platform.secrets import hash_token
from app.usecases import catalogue
from app.web.cookies import session_cookie_name
from app.web.guard import SAFE_METHODS, csrf_token
from app.web.routes import KEYED, PUBLIC, ROUTES, Door, Route
from tests.security.asgi import App, Direct, Headers, Message, Reply, Scope, running
from tests.support.people import add_admin

Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

ANSWER_SECONDS = 20

# Changing something without a permission of its own: what the product promises to everybody who is signed in, or
# what proves itself otherwise. Each new line here is a decision.
OPEN_TO_EVERY_ACCOUNT = {
    ("POST", "/api/v1/simulate/page"),
    ("POST", "/simulate"),
    ("POST", "/logout"),
}
OPEN_TO_ANYBODY = {
    ("POST", "/login"),
    ("POST", "/setup"),
    ("POST", "/theme"),
    ("POST", "/csp-report"),
}
FOR_EVERY_ACCOUNT = {Permission.VIEW, Permission.SIMULATE, Permission.EDIT_OWN_ACCOUNT}


_numbers = itertools.count(1)


@dataclass(frozen=True)
class Caller:
    """Somebody who calls, with what they show."""

    name: str
    role: Role | None
    user_id: int
    headers: Headers


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """One kind of database is enough: the guard stands before it."""
    return sqlite_url


@pytest.fixture
async def app(rt: Runtime) -> AsyncIterator[Direct]:
    """The real application, with nothing that happens by itself."""
    async with running(leaving_at_a_stream(create_app(rt=rt, with_clock=False))) as direct:
        yield direct


def leaving_at_a_stream(app: App) -> App:
    """The application for callers who leave when a stream of live events begins: being let in is all they wanted."""

    async def call(scope: Scope, receive: Receive, send: Send) -> None:
        async def impatient(message: Message) -> None:
            await send(message)
            if (b"content-type", b"text/event-stream") in _plain(message.get("headers", ())):
                raise OSError("the caller has left")

        await app(scope, receive, impatient)

    return call


def _plain(headers: Iterable[tuple[bytes, bytes]]) -> set[tuple[bytes, bytes]]:
    return {(name.lower(), value.partition(b";")[0]) for name, value in headers}


def new_caller(rt: Runtime, role: Role, door: Door) -> Caller:
    """Somebody new of this role, with a session for the pages and a personal token for the API."""
    token = f"{role.value}-{next(_numbers)}"
    now = rt.clock.now()

    def write(tx: Tx) -> Identity:
        user = service.create_user(
            tx,
            email=f"{token}@example.com",
            name=token,
            role=role,
            login_enabled=True,
            password_hash=NOBODYS_HASH,
            now=now,
        )
        session_id = sessions.start_session(
            tx, user_id=user.id, token_hash=hash_token(token), address="", agent="", now=now
        )
        sessions.add_token(
            tx,
            user_id=user.id,
            name="t",
            scope=TokenScope.ADMIN,
            token=token,
            token_hash=hash_token(token),
            now=now,
        )
        return Identity(user=user, via="session", session_id=session_id)

    identity = rt.db.write(write)
    if door is Door.API:
        headers = [(b"authorization", f"Bearer {token}".encode())]
    else:
        cookie = f"{session_cookie_name(rt.settings)}={token}"
        headers = [(b"cookie", cookie.encode()), (b"x-csrf-token", csrf_token(rt, identity).encode())]
    return Caller(role.value, role, identity.user.id, headers)


@pytest.fixture
def key(rt: Runtime) -> str:
    """The key of a real alert source."""
    admin = add_admin(rt)
    return catalogue.create_source(rt, name="matrix", actor=admin, now=rt.clock.now())[1]


def callers_for(rt: Runtime, route: Route, key: str) -> Sequence[Caller]:
    """One of each kind."""
    return [
        Caller("anonymous", None, 1, []),
        Caller("alert source key", None, 1, [(b"x-api-key", key.encode())]),
        Caller("alert source key as a token", None, 1, [(b"authorization", b"Bearer " + key.encode())]),
        *(new_caller(rt, role, route.door) for role in (Role.VIEWER, Role.RESPONDER, Role.ADMIN)),
    ]


class Callers:
    """One of each kind for each door; new ones after every change, because some end a session or an account."""

    def __init__(self, rt: Runtime, key: str) -> None:
        self._rt = rt
        self._key = key
        self._known: dict[Door, Sequence[Caller]] = {}

    def of(self, route: Route) -> Sequence[Caller]:
        """Who calls this route."""
        if route.door not in self._known:
            self._known[route.door] = callers_for(self._rt, route, self._key)
        return self._known[route.door]

    def retire(self) -> None:
        """They may have changed something. Hundreds who are still active would be looked through for every page."""
        ids = [caller.user_id for callers in self._known.values() for caller in callers if caller.role is not None]
        self._known.clear()
        now = self._rt.clock.now()
        self._rt.db.write(lambda tx: [service.deactivate(tx, user_id=each, now=now) for each in ids])


async def ask(app: Direct, route: Route, method: str, caller: Caller) -> Reply:
    """One request with the caller's own id where the path wants a person, and an empty object as body."""
    path = route.path.replace("{user_id}", str(caller.user_id))
    path = re.sub(r"\{[^}]+\}", "1", path)
    is_form = route.door is Door.UI
    body = b"" if method in SAFE_METHODS else b"a=b" if is_form else b"{}"
    kind = b"application/x-www-form-urlencoded" if is_form else b"application/json"
    headers = [*caller.headers, *([] if method in SAFE_METHODS else [(b"content-type", kind)])]
    call = app.call(method, path, body, headers=[*headers, (b"accept", b"text/html" if is_form else b"*/*")])
    return await asyncio.wait_for(call, ANSWER_SECONDS)


def is_sent_to_login(reply: Reply) -> bool:
    return reply.status == 401 or (reply.status == 303 and reply.headers.get(b"location", b"").startswith(b"/login"))


def fault(route: Route, caller: Caller, reply: Reply) -> str | None:
    """What is wrong with this answer, if anything."""
    if reply.status >= 500 or reply.status == 0:
        return f"answers {reply.status} {reply.error!r}"
    if route.permission == KEYED:
        return None
    if route.path in ("/login", "/logout"):
        # Their answers look like a refusal: the credentials are wrong, or the way leads back to the sign-in page.
        return None
    if route.permission == PUBLIC:
        return "is closed" if is_sent_to_login(reply) or reply.status == 403 else None
    assert isinstance(route.permission, Permission)
    if caller.role is None:
        return None if is_sent_to_login(reply) else f"is open to a stranger: {reply.status}"
    if may(caller.role, route.permission):
        return f"is refused: {reply.status}" if reply.status in (401, 403) or is_sent_to_login(reply) else None
    return None if reply.status == 403 else f"is not refused: {reply.status}"


@pytest.mark.timeout(240)  # more than a thousand requests, and more with every route
async def test_every_route_lets_in_whom_the_table_names_and_nobody_else(app: Direct, rt: Runtime, key: str) -> None:
    faults, cells = [], 0
    callers = Callers(rt, key)
    for route in ROUTES:
        for method in route.methods.split():
            for caller in callers.of(route):
                cells += 1
                wrong = fault(route, caller, await ask(app, route, method, caller))
                if wrong:
                    faults.append(f"{method} {route.path} for {caller.name} {wrong}")
            if method not in SAFE_METHODS:
                callers.retire()
    figure = f"permission matrix: {cells} cells over {len(ROUTES)} routes, {len(faults)} wrong"
    print(figure)  # noqa: T201  what the security checklist asks to be shown
    assert not faults, "\n".join(faults)


async def test_an_account_opens_no_door_that_takes_a_key(app: Direct, rt: Runtime, key: str) -> None:
    for route in [each for each in ROUTES if each.permission == KEYED]:
        for method in route.methods.split():
            callers = [each for each in callers_for(rt, route, key) if not each.name.startswith("alert source key")]
            answers = {(await ask(app, route, method, caller)).status for caller in callers}
            assert len(answers) == 1, f"{method} {route.path} answers {answers}"


async def test_an_alert_source_key_opens_the_door_for_webhooks_only(app: Direct, rt: Runtime, key: str) -> None:
    route = next(each for each in ROUTES if each.path == "/alerts/webhook" and "POST" in each.methods)
    anonymous, with_key, with_token = callers_for(rt, route, key)[:3]
    assert (await ask(app, route, "POST", anonymous)).status == 401
    assert (await ask(app, route, "POST", with_key)).status != 401
    assert (await ask(app, route, "POST", with_token)).status != 401


def test_nothing_is_changed_without_a_permission_of_its_own() -> None:
    loose = []
    for route in ROUTES:
        for method in set(route.methods.split()) - SAFE_METHODS:
            place = (method, route.path)
            if (route.permission == PUBLIC and place not in OPEN_TO_ANYBODY) or (
                route.permission in (Permission.VIEW, Permission.SIMULATE) and place not in OPEN_TO_EVERY_ACCOUNT
            ):
                loose.append(f"{method} {route.path} asks for {route.permission}")
    assert not loose, "\n".join(loose)


def test_only_the_own_account_is_open_to_every_account_for_writing() -> None:
    places = {route.path for route in ROUTES if route.permission is Permission.EDIT_OWN_ACCOUNT}
    assert all("/me" in path or "{user_id}" in path or path.startswith("/profile") for path in places), places


def test_no_route_stands_in_the_table_twice() -> None:
    places = [(method, route.path) for route in ROUTES for method in route.methods.split()]
    assert len(places) == len(set(places))


def test_no_path_ends_in_a_slash() -> None:
    assert [route.path for route in ROUTES if route.path != "/" and route.path.endswith("/")] == []


def test_viewers_may_only_look_and_responders_may_not_manage() -> None:
    assert {permission for permission in Permission if may(Role.VIEWER, permission)} == FOR_EVERY_ACCOUNT
    managing = {permission for permission in Permission if permission.value.startswith(("manage_", "read_audit"))}
    assert not any(may(Role.RESPONDER, permission) for permission in managing)
    assert all(may(Role.ADMIN, permission) for permission in Permission)
