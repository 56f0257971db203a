"""`/csp-report`: what a browser refused to load on our pages. A page of ours that is broken, or somebody's injection.

Anybody may report, so that pages before the sign-in are heard too: each complaint is said once in the log, and a
process hears only so many different ones.
"""

from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from app.platform import strictjson
from app.platform.errors import FieldError, Invalid
from app.platform.logs import SECRET_PATHS, get_logger
from app.platform.types import JsonValue
from app.web.hooks.bodies import body_of

MAX_BYTES = 16 * 1024
COMPLAINTS_AT_MOST = 200
CLIPPED = 200

log = get_logger(__name__)


class Complaints:
    """The complaints that this process has heard, as (page, directive, what was refused)."""

    def __init__(self) -> None:
        self._heard: set[tuple[str, str, str]] = set()

    def is_news(self, complaint: tuple[str, str, str]) -> bool:
        """Whether it is to be said: it was not heard before, and there is still room."""
        if complaint in self._heard or len(self._heard) >= COMPLAINTS_AT_MOST:
            return False
        self._heard.add(complaint)
        return True


async def receive(request: Request) -> Response:
    """Take one report."""
    page, directive, refused = complaint = _read(strictjson.loads(await body_of(request, at_most=MAX_BYTES)))
    complaints: Complaints = request.app.state.complaints
    if complaints.is_news(complaint):
        log.warning("a browser refused part of a page", page=page, directive=directive, refused=refused)
    return Response(status_code=204)


def _read(body: JsonValue) -> tuple[str, str, str]:
    report = body.get("csp-report") if isinstance(body, dict) else None
    if not isinstance(report, dict):
        message = "must be an object, as browsers send it"
        raise Invalid("This is no report of a browser.", [FieldError("csp-report", message)])
    directive = report.get("effective-directive") or report.get("violated-directive")
    return _place(report.get("document-uri")), _text(directive), _place(report.get("blocked-uri"))


def _place(address: JsonValue) -> str:
    """Where an address leads, without what lets a reader in: signed links and the like, and all queries."""
    text = _text(address)
    try:
        parts = urlsplit(text)
    except ValueError:
        return "?"
    return SECRET_PATHS.sub(r"\g<head>***", f"{parts.netloc.rpartition('@')[2]}{parts.path}")


def _text(value: JsonValue) -> str:
    return value[:CLIPPED] if isinstance(value, str) else ""
