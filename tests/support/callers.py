"""Ways to call the application as somebody: a personal token, or a browser in which they have signed in."""

from dataclasses import dataclass

from app.accounts.types import TokenScope, User
from app.platform.runtime import Runtime
from app.usecases import people
from app.web.cookies import session_cookie_name
from app.web.guard import csrf_token


@dataclass(frozen=True)
class Browser:
    """A signed-in browser: its cookie header and the token of its forms."""

    cookie: str
    csrf: str

    def headers(self, **more: str) -> dict[str, str]:
        """What it sends with a request of our own pages."""
        return {"cookie": self.cookie, "x-csrf-token": self.csrf, "sec-fetch-site": "same-origin", **more}


def bearer(rt: Runtime, user: User, scope: TokenScope = TokenScope.ADMIN) -> dict[str, str]:
    """The header of a new personal token."""
    _, text = people.create_token(rt, user=user, name="test", scope=scope, now=rt.clock.now())
    return {"authorization": f"Bearer {text}"}


def browser(rt: Runtime, user: User) -> Browser:
    """A browser in which this person has just signed in."""
    token = people.open_session(rt, user, account=user.email, address="", agent="", now=rt.clock.now())
    identity = people.identify_session(rt, token, now=rt.clock.now())
    assert identity is not None
    return Browser(f"{session_cookie_name(rt.settings)}={token}", csrf_token(rt, identity))
