"""What every page handler works with: who looks, what the frame shows, how a page is rendered and left again."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import quote, urlencode, urlsplit
from zoneinfo import ZoneInfo

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from markupsafe import Markup, escape

from app.accounts.permissions import Permission, allows
from app.accounts.types import Identity, User
from app.incidents.types import Actor
from app.platform.db import Tx
from app.platform.errors import Unauthenticated
from app.platform.runtime import Runtime
from app.web.guard import csrf_token
from app.web.ui import flash
from app.web.ui.templating import render
from app.web.ui.views.shell import shell_of
from app.web.ui.words import zone_of

LIVE_HEADER = "x-pagerpal-live"
THEME_COOKIE = "pagerpal_theme"
THEMES = ("auto", "light", "dark")
# Pages that stand under another page's entry of the rail.
PLACES = {"alerts": "incidents", "runs": "pipelines", "setup": "settings", "simulate": "sources", "teams": "people"}

Build = Callable[[Tx], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Ui:
    """One request at the pages' door."""

    request: Request
    rt: Runtime
    identity: Identity | None
    now: datetime

    @property
    def signed_in(self) -> Identity:
        """Who calls. Raises Unauthenticated where nobody is signed in."""
        if self.identity is None:
            raise Unauthenticated("Sign in first.")
        return self.identity

    @property
    def viewer(self) -> User:
        """The account that looks. Raises Unauthenticated where nobody is signed in."""
        return self.signed_in.user

    @property
    def actor(self) -> Actor:
        """The viewer acting as themselves."""
        user = self.viewer
        return Actor(user_id=user.id, name=user.name, authenticated_as_id=user.id, source="ui")

    @property
    def zone(self) -> ZoneInfo:
        """The zone in which times are shown and typed."""
        return zone_of(self.identity.user.timezone if self.identity else "UTC")

    def may(self, permission: str) -> bool:
        """Whether the viewer may do this; buttons they may not use are not shown."""
        return self.identity is not None and allows(self.identity, Permission(permission))

    def page(self, template: str, title: str, build: Build | None = None, *, status: int = 200) -> HTMLResponse:
        """A page in the frame: `build` reads what it shows in the same snapshot as the frame itself."""

        def read(tx: Tx) -> dict[str, Any]:
            shell = shell_of(tx, self.rt, now=self.now, zone=self.zone)
            return {"shell": shell, **(build(tx) if build else {})}

        folder = template.split("/", 1)[0]
        context = {"here": PLACES.get(folder, folder), **self._context(title), **self.rt.db.read(read)}
        return self._answer(template, context, status)

    def outside(self, template: str, title: str, status: int = 200, **context: Any) -> HTMLResponse:
        """A page for somebody who is not signed in."""
        return self._answer(template, {**self._context(title), **context}, status)

    def go(
        self, path: str, text: str = "", *, kind: str = "good", secrets: Mapping[str, str] | None = None
    ) -> RedirectResponse:
        """To the next page after a change, which says `text` (and shows `secrets`) once."""
        response = RedirectResponse(path, status_code=303)
        if text or secrets:
            flash.say(response, self.rt, flash.Said(text, kind, dict(secrets or {})))
        return response

    def secret(self, name: str) -> str | None:
        """A secret that the action before this page made, to be shown this once."""
        said = flash.heard(self.request, self.rt)
        return said.secrets.get(name) if said else None

    def url_with(self, **changes: object) -> str:
        """This page's address with some of its query changed; empty values are dropped."""
        query = {**self.request.query_params, **{name: str(value) for name, value in changes.items()}}
        return f"{self.request.url.path}?{urlencode({name: value for name, value in query.items() if value})}"

    def csrf_field(self) -> Markup:
        """The hidden field that proves a form to be ours; empty where nobody is signed in."""
        if self.identity is None:
            return Markup("")
        return Markup('<input type="hidden" name="csrf_token" value="{}">').format(
            escape(csrf_token(self.rt, self.identity))
        )

    def _context(self, title: str) -> dict[str, Any]:
        said = None if LIVE_HEADER in self.request.headers else flash.heard(self.request, self.rt)
        theme = self.request.cookies.get(THEME_COOKIE, "auto")
        url = self.request.url
        return {
            "title": title,
            "viewer": self.identity.user if self.identity else None,
            "may": self.may,
            "now": self.now,
            "zone": self.zone,
            "zone_name": self.zone.key,
            "theme": theme if theme in THEMES else "auto",
            "url_now": url.path + (f"?{url.query}" if url.query else ""),
            "flashes": [said] if said and said.text else [],
            "csrf_field": self.csrf_field,
        }

    def _answer(self, template: str, context: Mapping[str, Any], status: int) -> HTMLResponse:
        response = HTMLResponse(render(template, context), status_code=status)
        if flash.COOKIE in self.request.cookies and LIVE_HEADER not in self.request.headers:
            flash.forget(response)
        return response


async def _ui(request: Request) -> Ui:
    rt: Runtime = request.app.state.runtime
    return Ui(request, rt, getattr(request.state, "identity", None), rt.clock.now())


UiDep = Annotated[Ui, Depends(_ui)]


def local_path(target: str) -> str:
    """`target` if it is a path on this very site, else the dashboard: a link must not lead a signed-in person away."""
    parts = urlsplit(target)
    if parts.scheme or parts.netloc or not target.startswith("/") or target.startswith(("//", "/\\")):
        return "/dashboard"
    return quote(target, safe="/?&=%#:+,.-_~")
