"""What the last action did, said once on the page after the redirect; also how a secret is shown exactly once.

Both travel in one short-lived cookie that only this process can read (encrypted), so that nothing of it is stored.
"""

import json
from dataclasses import dataclass, field

from fastapi import Request, Response

from app.platform.errors import PagerPalError
from app.platform.runtime import Runtime

COOKIE = "pagerpal_said"
SECONDS = 120


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence for the next page. `kind` is good, warn or bad; `secrets` are shown by the page that knows them."""

    text: str
    kind: str = "good"
    secrets: dict[str, str] = field(default_factory=dict)


def say(response: Response, rt: Runtime, said: Said) -> None:
    """Have the next page say this."""
    content = json.dumps([said.kind, said.text, said.secrets])
    response.set_cookie(
        COOKIE,
        rt.secrets.encrypt(content),
        max_age=SECONDS,
        httponly=True,
        samesite="lax",
        secure=rt.settings.session_cookie_secure,
    )


def heard(request: Request, rt: Runtime) -> Said | None:
    """What the action before this page had to say, if anything."""
    cookie = request.cookies.get(COOKIE)
    if not cookie:
        return None
    try:
        kind, text, secrets = json.loads(rt.secrets.decrypt(cookie))
    except (PagerPalError, ValueError):
        return None
    return Said(text, kind, secrets)


def forget(response: Response) -> None:
    """It has been said; it is not said again."""
    response.delete_cookie(COOKIE, httponly=True, samesite="lax")
