"""`/a/{token}`: the page behind the links in messages. Looking (GET) changes nothing, a button (POST) does it.

No login and no script: the token is the proof, and this page is opened half asleep on somebody's phone.
"""

from pathlib import Path
from urllib.parse import parse_qs

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from app.notify.action_links import LinkAction
from app.notify.errors import ActionLinkUsed
from app.platform.crews import begin_visit
from app.platform.errors import FieldError, Invalid, TooLarge
from app.platform.runtime import Runtime
from app.usecases.answer import links
from app.usecases.answer.links import LinkView

TEMPLATES = Path(__file__).resolve().parents[3] / "templates" / "links"
BODY_LIMIT = 4096
SHAPES = {"critical": "●", "warning": "▲", "info": "■"}
HEADERS = {"cache-control": "no-store", "referrer-policy": "no-referrer", "x-robots-tag": "noindex"}


async def look(request: Request) -> HTMLResponse:
    """What the link is about and one button per action; a used link says what happened, as 409."""
    await begin_visit()
    rt: Runtime = request.app.state.runtime
    now = rt.clock.now()
    view = await rt.db.aside(lambda: links.read_link(rt, request.path_params["token"], now=now))
    return _page(request, view, said=view.used or "", status=409 if view.used else 200)


async def act(request: Request) -> HTMLResponse:
    """Do what the link, or the button that was pressed, is for; a used link says what happened, as 409."""
    await begin_visit()
    rt: Runtime = request.app.state.runtime
    token, now, action = request.path_params["token"], rt.clock.now(), await _chosen(request)
    try:
        view = await rt.db.aside(lambda: links.use_link(rt, token, action=action, now=now))
    except ActionLinkUsed as used:
        view = await rt.db.aside(lambda: links.read_link(rt, token, now=now))
        return _page(request, view, said=used.message, status=409)
    done = links.DONE[view.action].capitalize()
    return _page(request, view, said=f"{done}, {view.reader.name}.", status=200, is_done=True)


async def _chosen(request: Request) -> LinkAction | None:
    """The button that was pressed; None when the link was posted without one. Raises Invalid, TooLarge."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_LIMIT:
            raise TooLarge(f"The form may have {BODY_LIMIT} bytes.")
    fields = parse_qs(body.decode("utf-8", "replace"), max_num_fields=10)
    value = fields.get("action", [""])[-1]
    if not value:
        return None
    if value not in set(LinkAction):
        raise Invalid("There is no such action.", [FieldError("action", f"must be one of {', '.join(LinkAction)}")])
    return LinkAction(value)


def _page(request: Request, view: LinkView, *, said: str, status: int, is_done: bool = False) -> HTMLResponse:
    content = _ENVIRONMENT.get_template("link.html").render(
        view=view,
        incident=view.incident,
        shape=SHAPES.get(view.incident.severity.value, "■"),
        token=request.path_params["token"],
        said=said,
        is_done=is_done,
    )
    return HTMLResponse(content, status, HEADERS)


_ENVIRONMENT = Environment(
    loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)
