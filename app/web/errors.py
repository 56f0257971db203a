"""Every error as an answer: problem+json (RFC 9457) at the hook and API doors, a friendly page at the UI door.

Texts are the ones of PagerPalError, written for the operator; anything unexpected is told in general words with the
trace id under which the log has the rest.
"""

from collections.abc import Callable, Mapping, Sequence
from html import escape
from http import HTTPStatus
from typing import Any, TypeAlias, cast
from urllib.parse import quote

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse
from sqlalchemy.exc import IntegrityError
from starlette.exceptions import HTTPException
from starlette.routing import Match, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.platform.errors import Conflict, FieldError, Invalid, Malformed, PagerPalError, Unauthenticated
from app.platform.logs import get_logger
from app.platform.strictjson import MalformedJson

# A page of its own look may be set as `app.state.error_page`: (request, status, title, detail, trace_id) -> Response.
ErrorPage: TypeAlias = Callable[[Request, int, str, str, str], Response]

MACHINE_PREFIXES = (
    "/api/", "/intelligence/", "/notify/", "/alerts/webhook", "/integrations/", "/ping/", "/health", "/metrics",
    "/openapi.json", "/csp-report",
)  # fmt: skip

log = get_logger(__name__)


def install_error_handlers(app: FastAPI) -> None:
    """Have the application answer every error of ours and of the framework in our shape."""
    app.add_exception_handler(PagerPalError, _known)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(HTTPException, _framework)
    app.add_exception_handler(IntegrityError, _collision)


class LastResort:
    """The HTTP edge's one broad except: what nobody expected becomes a plain 500 with a trace id."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; an exception that reaches here is logged in full and told in general words."""
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive, watched)
        except PagerPalError as error:
            if started:
                raise
            await answer_error(scope, receive, send, error)
        except Exception:
            if scope["type"] != "http" or started:
                raise
            log.exception("request failed unexpectedly", method=scope["method"], path=scope["path"])
            await answer_error(scope, receive, send, Unexpected())


class Unexpected(PagerPalError):
    """Something nobody thought of; the log knows more under the trace id."""

    def __init__(self) -> None:
        super().__init__("Something went wrong on our side. The log has the details.", status=500, code="unexpected")


async def answer_error(scope: Scope, receive: Receive, send: Send, error: PagerPalError) -> None:
    """Answer a request with this error from within a layer, where no handler has been reached."""
    response = respond(Request(scope, receive), error)
    if error.status in (413, 415):
        # The rest of the body is not read, so this connection cannot carry another request.
        response.headers["connection"] = "close"
    await response(scope, receive, send)


def respond(request: Request, error: PagerPalError) -> Response:
    """The answer for this error in the shape that the caller's door expects."""
    headers = _headers(error)
    if is_machine(request):
        return JSONResponse(problem(request, error), error.status, headers, media_type="application/problem+json")
    if isinstance(error, Unauthenticated):
        return _to_login(request)
    return _page(request, error, headers)


def is_machine(request: Request) -> bool:
    """Whether the caller wants problem+json rather than a page: by its path, or by the Accept header elsewhere."""
    path: str = request.scope["path"]
    return path.startswith(MACHINE_PREFIXES) or request.headers.get("accept", "").startswith("application/json")


def problem(request: Request, error: PagerPalError) -> dict[str, Any]:
    """The problem document (RFC 9457) of this error."""
    document: dict[str, Any] = {
        "type": f"urn:pagerpal:error:{error.code}",
        "title": HTTPStatus(error.status).phrase,
        "status": error.status,
        "detail": error.message,
        "code": error.code,
        "trace_id": _trace_id(request),
    }
    document |= error.extra
    if fields := _fields(error):
        document["errors"] = [{"path": each.path, "message": each.message} for each in fields]
    return document


def _headers(error: PagerPalError) -> dict[str, str]:
    headers: dict[str, str] = {}
    retry_after: float | None = getattr(error, "retry_after_seconds", None)
    if retry_after is not None:
        headers["retry-after"] = str(max(1, round(retry_after)))
    if error.status == HTTPStatus.UNAUTHORIZED:
        # Never «Basic»: a browser would ask with its own window and then send the password to every page (F-95).
        headers["www-authenticate"] = 'Bearer realm="pagerpal"'
    return headers


def _to_login(request: Request) -> Response:
    target = request.scope["path"]
    login = "/login" if target == "/" or request.method != "GET" else f"/login?next={quote(target)}"
    if "hx-request" in request.headers:
        return Response(status_code=401, headers={"hx-redirect": login})
    return RedirectResponse(login, status_code=303)


def _page(request: Request, error: PagerPalError, headers: Mapping[str, str]) -> Response:
    title = HTTPStatus(error.status).phrase
    page: ErrorPage | None = getattr(request.app.state, "error_page", None)
    detail = " ".join([error.message, *(f"{each.path}: {each.message}." for each in _fields(error))])
    if page is not None and error.status < 500:
        response = page(request, error.status, title, detail, _trace_id(request))
    else:
        response = _plain_page(error.status, title, detail, _trace_id(request))
    response.headers.update(headers)
    return response


def _fields(error: PagerPalError) -> Sequence[FieldError]:
    return error.errors if isinstance(error, Invalid | MalformedJson) else ()


def _plain_page(status: int, title: str, detail: str, trace_id: str) -> Response:
    # Needs neither a template nor the database: it is also shown when those are what failed.
    return HTMLResponse(
        "<!doctype html><html lang=en><head><meta charset=utf-8><title>"
        f"{status} {escape(title)} · PagerPal</title><meta name=viewport content='width=device-width'>"
        "<link rel=stylesheet href=/static/css/tokens.css><link rel=stylesheet href=/static/css/app.css></head>"
        f"<body><main class=error-page><h1>{escape(title)}</h1><p>{escape(detail)}</p>"
        f"<p><a href=/dashboard>Back to the dashboard</a></p><p><small>Trace {escape(trace_id)}</small></p>"
        "</main></body></html>",
        status_code=status,
    )


def _trace_id(request: Request) -> str:
    return str(request.scope.get("state", {}).get("trace_id", ""))


async def _known(request: Request, error: Exception) -> Response:
    known = cast(PagerPalError, error)
    response = respond(request, known)
    if known.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        response.headers["connection"] = "close"
    return response


async def _validation(request: Request, error: Exception) -> Response:
    found = cast(RequestValidationError, error).errors()
    if any(each["type"] == "json_invalid" for each in found):
        return respond(request, Malformed("The body is no valid JSON."))
    fields = [FieldError(path=_field_path(each["loc"]), message=str(each["msg"])) for each in found]
    return respond(request, Invalid("The input is not valid.", fields))


def _field_path(location: Sequence[str | int]) -> str:
    """`("body", "levels", 0, "delay_minutes")` is `levels[0].delay_minutes`."""
    steps = location[1:] if location and location[0] in ("body", "query", "path", "header") else location
    path = ""
    for step in steps:
        path += f"[{step}]" if isinstance(step, int) else f".{step}" if path else str(step)
    return path


async def _collision(request: Request, error: Exception) -> Response:
    # Use cases look first; only two callers at the same instant get as far as the database's own refusal.
    log.warning("a constraint of the database refused a change", error=type(cast(IntegrityError, error).orig).__name__)
    return respond(request, Conflict("Somebody changed the same thing at this very moment: look again and repeat."))


async def _framework(request: Request, error: Exception) -> Response:
    status = cast(HTTPException, error).status_code
    sentence = {
        404: "There is nothing at this address.",
        405: "This address does not take that method.",
        400: "The body cannot be read.",
    }.get(status, HTTPStatus(status).phrase)
    code = HTTPStatus(status).phrase.lower().replace(" ", "_")
    response = respond(request, PagerPalError(sentence, status=status, code=code))
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        response.headers["allow"] = ", ".join(_methods_at(request))
    return response


def _methods_at(request: Request) -> list[str]:
    # The framework only knows the methods of the first row with this path; a path may stand in several rows.
    methods: set[str] = set()
    for route in request.app.router.routes:
        if isinstance(route, Route) and route.matches(request.scope)[0] is not Match.NONE:
            methods |= route.methods or set()
    return sorted(methods)
