"""The guard at the API and UI doors: who calls, may they, and does the request come from our own pages.

API: `Authorization` Basic or Bearer, else the session cookie. UI: the session cookie only. A request that changes
something is refused when a browser says that another site sent it; with a session, and where one is needed, it must
also carry the session's CSRF token, as header `X-CSRF-Token`, form field or JSON key `csrf_token`.
"""

import base64
import binascii
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from fastapi import Request
from starlette.datastructures import FormData

from app.accounts.permissions import Permission, allows
from app.accounts.types import Identity
from app.platform import strictjson
from app.platform.errors import FieldError, Forbidden, Invalid, Unauthenticated
from app.platform.logs import get_logger
from app.platform.runtime import Runtime
from app.platform.secrets import same
from app.platform.settings import Settings
from app.usecases import people
from app.web.cookies import session_token

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
CSRF_HEADER = "x-csrf-token"
CSRF_FIELD = "csrf_token"
FORM_TYPES = ("application/x-www-form-urlencoded", "multipart/form-data")
MAX_FORM_FIELDS = 1000

log = get_logger(__name__)


class StrictRequest(Request):
    """A request whose JSON goes through the one strict parser."""

    async def json(self) -> Any:
        """The parsed body. Raises MalformedJson."""
        if not hasattr(self, "_strict_json"):
            self._strict_json = strictjson.loads(await self.body())
        return self._strict_json


async def admit(request: Request, required: Permission | None, *, is_api: bool, proves_itself: bool) -> None:
    """Let the request through or raise; leaves the caller in `request.state.identity`.

    `required` None is open to anybody; `proves_itself` leaves the proof to the handler (key, signature, signed link).
    Raises Unauthenticated, Forbidden, TooMany (too many failed sign-ins), Malformed or TooLarge (body).
    """
    request.state.identity = None
    if proves_itself:
        await _read_body(request)
        return
    rt: Runtime = request.app.state.runtime
    if required is not None or not is_api:
        request.state.identity = await _identify(request, rt, rt.clock.now(), is_api=is_api)
    identity: Identity | None = request.state.identity
    if required is not None and identity is None:
        raise Unauthenticated("Sign in first.")
    if required is not None and identity is not None and not allows(identity, required):
        log.warning("a request was refused", user_id=identity.user.id, permission=required.value)
        raise Forbidden("This account may not do that.")
    if request.method in SAFE_METHODS:
        return
    refuse_other_sites(request, rt.settings)
    await _read_body(request)
    if required is not None and identity is not None and identity.via == "session":
        await _check_csrf(request, rt, identity)


def shows_token(request: Request, setting: str) -> bool:
    """Whether the request shows the value of this setting as its bearer token; never while the setting is empty."""
    rt: Runtime = request.app.state.runtime
    wanted = str(getattr(rt.settings, setting))
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return bool(wanted) and scheme.lower() == "bearer" and same(token.strip(), wanted)


def csrf_token(rt: Runtime, identity: Identity) -> str:
    """The token that belongs to this session: it needs no storage and dies with the session."""
    return rt.secrets.sign("csrf", str(identity.session_id).encode())


def refuse_other_sites(request: Request, settings: Settings) -> None:
    """Raise Forbidden when a browser says that the request was sent by a page of another site.

    `Sec-Fetch-Site` cannot be forged by a page; `Origin` is the older word for the same. A caller that sends neither
    is no browser of today and is left to its credentials.
    """
    origin = request.headers.get("origin")
    if origin in own_origins(request, settings):
        return
    site = request.headers.get("sec-fetch-site")
    if site in ("same-origin", "none") or (site is None and origin is None):
        return
    raise Forbidden("This request was sent by a page of another site.")


def own_origins(request: Request, settings: Settings) -> frozenset[str]:
    """Where our own pages may be: the address that was called, the configured one, and the allowed origins."""
    base = urlsplit(settings.pagerpal_base_url)
    called = f"{request.scope['scheme']}://{request.headers.get('host', '')}"
    return frozenset({called, f"{base.scheme}://{base.netloc}", *settings.allowed_origins})


async def _identify(request: Request, rt: Runtime, now: datetime, *, is_api: bool) -> Identity | None:
    authorization = request.headers.get("authorization")
    if is_api and authorization is not None:
        scheme, _, value = authorization.partition(" ")
        if scheme.lower() == "bearer":
            return await rt.db.aside(partial(people.identify_token, rt, value.strip(), now=now))
        if scheme.lower() == "basic":
            email, password = _basic(value)
            identify = partial(
                people.identify_basic,
                rt,
                email=email,
                password=password,
                address=client_address(request),
                now=now,
                cache=request.app.state.credentials,
            )
            return await rt.db.aside(identify)
        raise Unauthenticated("Use Basic with email and password, or Bearer with a personal token.")
    token = session_token(request)
    return None if token is None else await rt.db.aside(partial(people.identify_session, rt, token, now=now))


def client_address(request: Request) -> str:
    """The caller's address, behind trusted proxies the one that they report."""
    return request.client.host if request.client else "unknown"


def _basic(value: str) -> tuple[str, str]:
    try:
        decoded = base64.b64decode(value.strip(), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        raise Unauthenticated("The Basic credentials cannot be read.") from None
    email, colon, password = decoded.partition(":")
    if not colon:
        raise Unauthenticated("The Basic credentials cannot be read.")
    return email, password


async def _read_body(request: Request) -> None:
    # Read here, outside the framework's own parsing, so that a body over the limit is told as what it is.
    content_type = request.headers.get("content-type", "")
    if content_type.startswith(FORM_TYPES):
        form = await request.form(max_fields=MAX_FORM_FIELDS, max_files=10)
        _refuse_unstorable(form)
    elif await request.body() and is_json(content_type):
        await request.json()


def is_json(content_type: str) -> bool:
    """Whether this media type is JSON: `application/json` or `application/…+json`."""
    essence = content_type.partition(";")[0].strip().lower()
    return essence.startswith("application/") and essence.endswith(("/json", "+json"))


def _refuse_unstorable(form: FormData) -> None:
    for name, value in form.multi_items():
        if isinstance(value, str) and "\x00" in value:
            raise Invalid("The input is not valid.", [FieldError(name, "holds a character that cannot be stored")])


async def _check_csrf(request: Request, rt: Runtime, identity: Identity) -> None:
    shown = request.headers.get(CSRF_HEADER) or await _token_in_body(request)
    if shown is None or not same(shown, csrf_token(rt, identity)):
        raise Forbidden("The form is out of date or the CSRF token is missing: reload the page and try again.")


async def _token_in_body(request: Request) -> str | None:
    content_type = request.headers.get("content-type", "")
    if content_type.startswith(FORM_TYPES):
        value = (await request.form()).get(CSRF_FIELD)
        return value if isinstance(value, str) else None
    if is_json(content_type):
        body = await request.json() if await request.body() else None
        value = body.get(CSRF_FIELD) if isinstance(body, dict) else None
        return value if isinstance(value, str) else None
    return None
